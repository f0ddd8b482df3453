"""The approval of a run of a deployment: it is suspended while it waits, and started anew."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Crashed, Scheduled

from flows.cleanup import cleanup
from tasks.cleanup import delete as module
from tasks.errors import QueryError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backfill.observe import wait_until
from tests.cleanup.observe import (
    CUTOFF,
    FUTURE,
    PLAYERS,
    STALE,
    TODAY,
    audit,
    days_ago,
    days_of,
    everything,
    player,
    put,
    put_some,
)

Deployed = Callable[..., FlowRun]


@pytest.fixture
def deployed() -> Deployed:
    """Create a run of a deployment of the cleanup, one that asks."""

    def _deployed(**parameters: Any) -> FlowRun:
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                client.create_flow(cleanup), "asks", parameters={"approval": True, **parameters}
            )
            return client.create_flow_run_from_deployment(deployment)

    return _deployed


def start(run: FlowRun) -> State[Any]:
    """Start a run, or start it anew, as a worker does; returns its state when it has let go of its process."""
    with get_client(sync_client=True) as client:
        with suppress(Pause):
            run_flow(cleanup, flow_run=client.read_flow_run(run.id), return_type="state")
        state = client.read_flow_run(run.id).state
    assert state is not None
    return state


def retry(run: FlowRun) -> State[Any]:
    """Do what the button Retry does, and start the run."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"))
    return start(run)


def answer(run: FlowRun, count: int, by: str) -> Any:
    """Fill in the form that the run shows now, by the keys that its state says."""
    with get_client(sync_client=True) as client:
        return client.resume_flow_run(run.id, run_input={"rows_to_delete": count, "approved_by": by})


def shown(run: FlowRun) -> str:
    """Return what is written above the form that the run shows now."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run.id).state
        assert state is not None
        assert state.state_details.run_input_keyset is not None
        return client.read_flow_run_input(run.id, state.state_details.run_input_keyset["description"])


def is_asking(state: State[Any]) -> bool:
    return state.is_paused() and state.name == "Suspended"


def test_a_run_of_a_deployment_ends_its_process_while_it_waits_and_deletes_when_it_is_started_anew(
    settings: Settings, deployed: Deployed
) -> None:
    put_some(settings)
    before = everything(settings)
    run = deployed()
    assert is_asking(start(run))
    assert everything(settings) == before
    assert "**5 rows** are stale" in shown(run)
    answer(run, 5, "an engineer")
    assert start(run).is_completed()
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    assert {(row["approved_by"], row["deleted"]) for row in audit(settings)} == {("an engineer", 3), ("an engineer", 2)}


@pytest.mark.duckdb_only
@pytest.mark.parametrize("end", ["fails", "crashes", "is refused", "is suspended", "succeeds"])
def test_an_approval_holds_for_one_attempt_whoever_starts_the_next(
    settings: Settings, deployed: Deployed, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    def stops(*_: object) -> int:
        if end == "crashes":
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(run.id, Crashed(message="its process was killed"), force=True)
        raise Pause if end == "is suspended" else QueryError("the engine refused")

    put_some(settings)
    run = deployed()
    start(run)
    answer(run, 0 if end == "is refused" else 5, "the first")
    with monkeypatch.context() as patched:
        if end not in {"succeeds", "is refused"}:
            patched.setattr(module, "_delete", stops)
        ended = start(run)
    before = everything(settings)
    if end == "succeeds":
        put(settings, [player("another", STALE), player("another", days_ago(20))])
        before = everything(settings)
    assert ended.is_cancelled() if end == "is refused" else ended.is_completed() is (end == "succeeds")
    asked = retry(run)
    assert is_asking(asked), asked
    assert everything(settings) == before
    left = 2 if end == "succeeds" else 5
    assert f"**{left} rows** are stale" in shown(run)
    answer(run, left, "the second")
    assert start(run).is_completed()
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    last = {row["table_name"]: row["approved_by"] for row in audit(settings)}
    assert set(last.values()) == {"the second"}


@pytest.mark.duckdb_only
def test_an_approval_holds_for_one_content_not_for_a_number_of_rows(settings: Settings, deployed: Deployed) -> None:
    put_some(settings)
    run = deployed()
    start(run)
    before = everything(settings)
    answer(run, 5, "the first")
    with_another = [player("another", STALE)]
    put(settings, with_another)
    cleanup_of_one(settings)
    assert sum(rows.total() for rows in everything(settings).values()) == sum(r.total() for r in before.values())
    before = everything(settings)
    assert is_asking(start(run))
    assert everything(settings) == before
    answer(run, 5, "the second")
    assert start(run).is_completed()
    assert {row["approved_by"] for row in audit(settings)} == {"the second"}


def cleanup_of_one(settings: Settings) -> None:
    """Take one stale row away: as many are left as before another one came."""
    table = load_catalogue(settings).table("upcoming_player_game_context")
    with open_warehouse(settings.connection()) as warehouse:
        gone = f"DELETE FROM {PLAYERS} WHERE game_date = DATE '{STALE}' AND player_lookup = 'jamalmurray'"
        assert warehouse.change(table, gone, {}) == 1


@pytest.mark.duckdb_only
def test_nobody_who_answers_too_late_deletes_anything(settings: Settings, deployed: Deployed) -> None:
    put_some(settings)
    before = everything(settings)
    run = deployed(approval_timeout_seconds=1)
    start(run)

    def is_late() -> bool:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run.id).state
            return state is not None and (
                state.is_failed() or state.timestamp < datetime.now(UTC) - timedelta(seconds=1)
            )

    wait_until(is_late)
    assert answer(run, 5, "too late").status in {SetStateStatus.REJECT, SetStateStatus.ABORT}
    with get_client(sync_client=True) as client:
        ended = client.read_flow_run(run.id).state
    assert ended is not None
    assert ended.is_failed()
    assert "never resumed" in str(ended.message)
    assert everything(settings) == before

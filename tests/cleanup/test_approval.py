"""A person is asked in Prefect's UI: the run waits with the preview, and goes on when it is resumed.

A run of a deployment is suspended meanwhile: its process ends, and it is started anew when it is resumed.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Crashed, Scheduled

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
    backups,
    days_ago,
    days_of,
    everything,
    player,
    put,
    put_some,
)
from tests.fixtures.flows import Clean, InThread
from tests.prefect_api import call

Ask = Callable[..., tuple[Any, FlowRun]]
Deployed = Callable[..., FlowRun]


@pytest.fixture
def ask(in_thread: InThread) -> Ask:
    """Start a cleanup that asks, and wait until it does; returns its future and its flow run."""

    def _ask(**parameters: Any) -> tuple[Any, FlowRun]:
        name = f"asks-{time.monotonic_ns()}"
        future = in_thread(cleanup.with_options(flow_run_name=name), approval=True, return_state=True, **parameters)
        found: list[FlowRun] = []

        def is_paused() -> bool:
            assert not future.done(), future.result()
            with get_client(sync_client=True) as client:
                found[:] = client.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))
            return bool(found) and found[0].state is not None and found[0].state.is_paused()

        wait_until(is_paused)
        return future, found[0]

    return _ask


def inputs(run: FlowRun) -> dict[str, Any]:
    """Return what the paused run shows: the schema of its form, and what is written above it."""
    with get_client(sync_client=True) as client:
        found = call(client, "POST", f"/flow_runs/{run.id}/input/filter", json={"prefix": "", "limit": 10}).json()
        return {each["key"].rpartition("-")[2]: each["value"] for each in found}


def resume(run: FlowRun, **typed: Any) -> Any:
    """Resume a paused run as the UI does; returns the server's answer."""
    wait_until(lambda: inputs(run).keys() >= {"schema", "description"})
    with get_client(sync_client=True) as client:
        return client.request(
            "POST", "/flow_runs/{id}/resume", path_params={"id": run.id}, json={"run_input": typed}
        ).json()


def test_the_run_pauses_with_the_preview_and_deletes_after_a_person_typed_the_number(
    settings: Settings, ask: Ask
) -> None:
    put_some(settings)
    before = everything(settings)
    future, run = ask()
    wait_until(lambda: "description" in inputs(run))
    assert everything(settings) == before
    assert backups(settings) == []
    shown = str(inputs(run)["description"])
    assert "**5 rows** are stale" in shown
    assert f"{PLAYERS}: **3 rows** of 2 days, 2023-01-30 to 2023-02-21; cutoff 2023-02-22, 7 days ago" in shown
    assert resume(run, rows_to_delete=5, approved_by="an engineer")["status"] == "ACCEPT"
    state = future.result(timeout=300)
    assert state.is_completed(), state
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    assert {row["approved_by"] for row in audit(settings)} == {"an engineer"}


@pytest.mark.parametrize("typed", [4, 0], ids=["a wrong number", "a refusal"])
def test_another_number_deletes_nothing_and_says_so(settings: Settings, ask: Ask, typed: int) -> None:
    put_some(settings)
    before = everything(settings)
    future, run = ask()
    resume(run, rows_to_delete=typed, approved_by="an engineer")
    state = future.result(timeout=300)
    assert state.is_cancelled(), state
    said = f"an engineer did not approve: typed {typed} instead of 5 rows; nothing was deleted"
    assert said in str(state.message)
    assert everything(settings) == before
    assert backups(settings) == []
    assert [(row["deleted"], row["errors"]) for row in audit(settings)] == [(0, said), (0, said)]


def test_what_is_no_number_is_refused_by_the_form_and_the_run_waits_on(settings: Settings, ask: Ask) -> None:
    put_some(settings)
    future, run = ask(approval_timeout_seconds=30)
    answer = resume(run, rows_to_delete="all of them", approved_by="an engineer")
    assert answer["status"] == "REJECT"
    assert not future.done()
    resume(run, rows_to_delete=5, approved_by="an engineer")
    assert future.result(timeout=300).is_completed()


def test_without_an_answer_in_time_nothing_is_deleted(settings: Settings, ask: Ask) -> None:
    put_some(settings)
    before = everything(settings)
    future, run = ask(approval_timeout_seconds=3)
    state = future.result(timeout=300)
    assert state.is_cancelled(), state
    assert "nobody approved within 3 s; nothing was deleted" in str(state.message)
    assert everything(settings) == before
    assert len(audit(settings, deleted=0)) == 2
    with get_client(sync_client=True) as client:
        ended = client.read_flow_run(run.id).state
    assert ended is not None
    assert ended.is_cancelled(), ended


def test_a_run_that_is_cancelled_while_it_waits_deletes_nothing(settings: Settings, ask: Ask) -> None:
    put_some(settings)
    before = everything(settings)
    future, run = ask(approval_timeout_seconds=4)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelled(), force=True)
    wait_until(future.done)
    assert everything(settings) == before


def test_nobody_is_asked_when_nothing_is_stale(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    clean()
    assert clean(approval=True).summary == "0 of 0 stale rows deleted from 2 tables"


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

"""A person is asked in Prefect's UI: the run waits with the preview, and goes on when it is resumed.

A run of a deployment is suspended meanwhile: its process ends, and it is started anew when it is resumed.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled

from flows.cleanup import cleanup
from tasks.settings import Settings
from tests.backfill.observe import wait_until
from tests.cleanup.observe import (
    CUTOFF,
    FUTURE,
    PLAYERS,
    TODAY,
    audit,
    backups,
    days_of,
    everything,
    put_some,
)
from tests.fixtures.flows import Clean, InThread
from tests.prefect_api import call

Ask = Callable[..., tuple[Any, FlowRun]]


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

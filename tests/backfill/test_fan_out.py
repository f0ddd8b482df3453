import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.backfill import backfill
from tasks.backfill.progress import Progress
from tasks.backfill.report import Report
from tasks.backfill.result import DayResult
from tasks.settings import DuckDBSettings, Settings
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.backdoor import is_untouched, refuse
from tests.backfill.observe import (
    DAY,
    MAIN,
    OPENING,
    built,
    days,
    failures,
    held,
    ledger,
    open_season,
    outcomes,
    published,
    run_artifact,
    task_runs,
    wait_until,
)
from tests.fixtures.flows import InThread
from tests.league import League

RunBackfill = Callable[..., Report]


def test_one_days_failure_stops_no_other_and_is_not_tried_again_if_it_would_fail_again(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run(one)
    refuse(settings, f"nba_precompute.{MAIN}", f"game_date <> '{two}'")
    report = run((one, three), resume=False, max_concurrency=1)
    assert outcomes(report) == {one: "complete", two: "failed", three: "complete"}
    assert not report.is_done
    assert f"1 failed; mean completeness 60.0 %; first: {two} {MAIN}: " in report.summary
    assert set(published(settings)) == {one, three}
    (failure,) = failures(settings)
    assert (failure["outcome"], failure["category"], failure["can_retry"]) == ("failed", "QueryError", False)

    runs = {task["name"]: task for task in task_runs(failure["run_id"], *map(str, days(3)))}
    assert {name for name in runs if str(two) in name} == {
        str(two),
        f"check-coverage {two}",
        f"synthesize {two}",
        f"record {two}",
    }
    assert {runs[str(day)]["state_type"] for day in (one, three)} == {"COMPLETED"}
    assert runs[str(two)]["state_type"] == runs[f"synthesize {two}"]["state_type"] == "FAILED"
    assert runs[f"synthesize {two}"]["run_count"] == 1


def test_after_days_in_a_row_that_fail_of_one_cause_the_rest_is_not_tried_and_the_report_says_so(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(8)
    open_season(league, *some)
    league.write(settings)
    run(some[1])
    refuse(settings, f"nba_precompute.{MAIN}", f"game_date = '{some[1]}'")
    report = run((some[0], some[-1]), resume=False, max_concurrency=1, stop_after_identical_failures=2)
    failed = [some.index(day) for day, outcome in outcomes(report).items() if outcome == "failed"]
    assert failed == [0, 2, 3, 5, 7]  # the last day and one between are probed before the rest is given up
    assert "5 failed, 2 not_tried" in report.summary
    assert not report.is_done


def test_days_that_can_be_done_are_done_after_days_in_a_row_that_fail_of_one_cause(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(5)
    open_season(league, *some)
    league.write(settings)
    run(some[4])
    refuse(settings, f"nba_precompute.{MAIN}", f"game_date >= '{some[2]}'")
    report = run((some[0], some[-1]), max_concurrency=1, stop_after_identical_failures=2)
    assert list(outcomes(report).values()) == ["failed", "failed", "complete", "complete", "complete"]


@pytest.mark.duckdb_only
def test_the_file_is_let_go_of_between_stretches_of_days_and_failures_are_counted_across_them(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(7)
    open_season(league, *some)
    league.write(settings)
    run(some[0])
    connection = settings.connection().model_copy(update={"days_per_hold": 2})
    monkeypatch.setattr(Settings, "connection", lambda _: connection)
    with counted_connections(monkeypatch) as let_go_after:
        report = run((some[1], some[-1]), max_concurrency=3)
    assert set(outcomes(report).values()) == {"complete"}
    assert [ended for ended in let_go_after if ended] == [
        2,
        4,
        6,
        6,
        6,
        6,
    ]  # then the moment is given up; the report and the seasons are last

    refuse(settings, f"nba_precompute.{MAIN}", f"processed_at < '{datetime.now(UTC)}'")
    report = run((some[1], some[-1]), resume=False, max_concurrency=1, stop_after_identical_failures=1)
    assert list(outcomes(report).values()) == ["failed", *["not_tried"] * 4, "failed"]


@contextmanager
def counted_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count a run's connections; yields how many days had ended each time that the last of them was closed."""
    let_go_after: list[int] = []
    lock, count = threading.Lock(), Counter[str]()
    enter, leave, advance = DuckDBWarehouse.__enter__, DuckDBWarehouse.__exit__, Progress.advance

    def counted_enter(warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
        with lock:
            count["open"] += 1
        return enter(warehouse)

    def counted_leave(warehouse: DuckDBWarehouse, *exc_info: object) -> None:
        leave(warehouse, *exc_info)
        with lock:
            count["open"] -= 1
            if not count["open"]:
                let_go_after.append(count["ended"])

    def counted_advance(progress: Progress, result: DayResult) -> None:
        count["ended"] += 1
        advance(progress, result)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "__enter__", counted_enter)
        patch.setattr(DuckDBWarehouse, "__exit__", counted_leave)
        patch.setattr(Progress, "advance", counted_advance)
        yield let_go_after


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_days_are_at_work_at_once_than_asked_for(
    league: League, settings: Settings, run: RunBackfill, most: int
) -> None:
    some = days(2 * most)
    open_season(league, *some)
    league.write(settings)
    report = run((some[0], some[-1]), max_concurrency=most)
    assert set(outcomes(report).values()) == {"complete"}
    names = {str(day) for day in some}
    runs = [task for task in task_runs(ledger(settings)[0]["run_id"], *names) if task["name"] in names]
    assert len(runs) == len(some)
    at_work = [sum(other["start_time"] <= task["start_time"] < other["end_time"] for other in runs) for task in runs]
    assert max(at_work) == most


def test_blocked_days_do_not_count_as_failures_of_one_cause(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(4)
    open_season(league)
    for day in some[:3]:
        league.game(day, "BOS", "NYK", loaded=False)
    league.game(some[3], "LAL", "MIA")
    league.write(settings)
    report = run((some[0], some[3]), max_concurrency=1, stop_after_identical_failures=1)
    assert list(outcomes(report).values()) == ["blocked", "blocked", "blocked", "complete_with_warning"]


@pytest.mark.duckdb_only
def test_a_file_that_is_held_for_a_moment_is_waited_for(
    league: League, settings: Settings, run: RunBackfill, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_season(league, DAY)
    league.write(settings)
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "0")
    monkeypatch.setenv("FULLCOURT_RETRY_DELAY_SECONDS", "1")
    with ExitStack() as stack:
        stack.enter_context(held(settings))
        running = in_thread(run, DAY)
        wait_until(lambda: awaiting_retry("take-moment"))
        assert not running.done()
    assert outcomes(running.result(timeout=300)) == {DAY: "complete"}
    first, *_ = task_runs(ledger(settings)[0]["run_id"], "take-moment")
    assert first["run_count"] > 1


def awaiting_retry(name: str) -> bool:
    """Whether a task run of that name failed for a passing reason, and waits for its next attempt."""
    with get_client(sync_client=True) as client:
        body = {"task_runs": {"name": {"any_": [name]}, "state": {"name": {"any_": ["AwaitingRetry", "Retrying"]}}}}
        return bool(client.request("POST", "/task_runs/filter", json=body).json())


@pytest.mark.duckdb_only
def test_rows_that_another_transaction_holds_for_a_moment_are_tried_again_after_a_pause(
    league: League, settings: Settings, run: RunBackfill, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    monkeypatch.setenv("FULLCOURT_RETRY_DELAY_SECONDS", "1")
    step, other_step = f"synthesize {one}", f"synthesize {two}"
    connection = settings.connection()
    assert isinstance(connection, DuckDBSettings)
    with DuckDBWarehouse(connection) as other:
        other._open.begin()
        other._run(f"DELETE FROM nba_precompute.{MAIN} WHERE game_date = $day", {"day": one})
        running = in_thread(run, (one, two), resume=False)
        wait_until(lambda: awaiting_retry(step))
        other._open.rollback()
        assert outcomes(running.result(timeout=300)) == {one: "complete", two: "complete"}
    assert built(run((one, two))) == set()
    runs = {task["name"]: task for task in task_runs(ledger(settings)[-1]["run_id"], step, other_step)}
    assert runs[step]["run_count"] > 1
    assert runs[other_step]["run_count"] == 1


TOMORROW = date.today() + timedelta(days=2)  # noqa: DTZ011 - two days ahead are tomorrow everywhere


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, ["start_date is missing", "give start_date and end_date, or dates"]),
        ({"start_date": DAY, "end_date": OPENING}, [f"end_date={OPENING}", f"on or after start_date={DAY}"]),
        ({"start_date": TOMORROW}, [f"start_date={TOMORROW}", "must not be after today"]),
        ({"dates": [DAY, TOMORROW]}, [f"dates={TOMORROW}", "must not be after today"]),
        ({"dates": []}, ["dates=[]", "at least one day"]),
        ({"dates": [DAY], "start_date": DAY}, [f"start_date={DAY}", "not together with dates"]),
        ({"start_date": "yesterday"}, ["start_date='yesterday'", "valid date"]),
        ({"start_date": DAY, "tables": []}, ["tables=[]", MAIN]),
        ({"start_date": DAY, "tables": MAIN}, [f"tables='{MAIN}'", "give a list of names"]),
        ({"start_date": DAY, "tables": ["scores"]}, ["tables='scores'", "no such table", MAIN]),
        ({"start_date": DAY, "tables": ["nba_schedule"]}, ["tables='nba_schedule'", "not a derived table", MAIN]),
        ({"start_date": DAY, "force": "perhaps"}, ["force='perhaps'", "valid boolean"]),
        ({"start_date": DAY, "max_concurrency": 0}, ["max_concurrency=0", "greater than or equal to 1"]),
        ({"start_date": DAY, "max_concurrency": 65}, ["max_concurrency=65", "less than or equal to 64"]),
        ({"start_date": DAY, "stop_after_identical_failures": 0}, ["stop_after_identical_failures=0", "equal to 1"]),
        (
            {"start_date": DAY, "context_source": "guess"},
            ["context_source='guess'", "'upcoming' or 'synthetic'"],
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else ", ".join(f"{k}={v}" for k, v in value.items()) or "nothing",
)
def test_an_invalid_parameter_fails_before_anything_starts_and_names_parameter_value_and_what_is_allowed(
    settings: Settings, parameters: dict[str, Any], words: list[str]
) -> None:
    state = backfill(**parameters, return_state=True)
    assert state.is_failed()
    said = f"{state.message} {state.result(raise_on_failure=False)}"
    for word in words:
        assert word in said
    flow_run_id = state.state_details.flow_run_id
    assert task_runs(flow_run_id) == []
    assert run_artifact(flow_run_id, "backfill-plan") is None
    assert is_untouched(settings)


def test_an_invalid_setting_fails_before_anything_starts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULLCOURT_RETRIES", "99")
    state = backfill(start_date=DAY, return_state=True)
    assert state.is_failed()
    assert "FULLCOURT_RETRIES='99': Input should be less than or equal to 10" in str(state.message)
    assert is_untouched(settings)

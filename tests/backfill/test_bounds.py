import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
from prefect import Task, flow
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.plan import DayPlan
from tasks.backfill.progress import Progress
from tasks.backfill.report import Report
from tasks.backfill.result import DayResult
from tasks.backfill.survey import plan_backfill
from tasks.runtime.origin import current_run
from tasks.runtime.run import Run
from tasks.settings import Settings, WarehouseSettings
from tasks.warehouse.base import Origin, Warehouse
from tasks.warehouse.moment import Moment
from tasks.warehouse.open import open_warehouse
from tests.asked import backfill_request
from tests.backfill.observe import DAY, TABLES, built, days, lookups, open_season, outcomes
from tests.league import League

RunBackfill = Callable[..., Report]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the statements that real warehouses run; returns those since it was last asked."""
    opened: list[Warehouse] = []
    counted = 0

    def remember(settings: WarehouseSettings, origin: Origin | None = None, moment: Moment | None = None) -> Warehouse:
        opened.append(open_warehouse(settings, origin, moment))
        return opened[-1]

    for name, module in list(sys.modules.items()):
        if name.startswith("tasks.") and getattr(module, "open_warehouse", None) is open_warehouse:
            monkeypatch.setattr(module, "open_warehouse", remember)

    def since() -> int:
        nonlocal counted
        before, counted = counted, sum(warehouse.statements for warehouse in opened)
        return counted - before

    return since


@contextmanager
def api_calls() -> Iterator[Counter[str]]:
    """Count the requests that are really sent to Prefect's API, by method and path."""
    sent: Counter[str] = Counter()
    real = httpx.Client.send

    def send(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        sent[f"{request.method} {request.url.path}"] += 1
        return real(self, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", send)
        yield sent


def plan(settings: Settings, first: date, last: date) -> tuple[DayPlan, ...]:
    """Plan a range inside a flow, as the backfill does."""

    @flow(name="plan-only", persist_result=False)
    def plan_only() -> tuple[DayPlan, ...]:
        request = backfill_request(settings, as_of=last, start_date=first, end_date=last)
        return plan_backfill(Run.begin(settings), request).days

    return plan_only()


def test_a_day_takes_at_most_six_statements_a_table_beyond_plan_and_report(
    league: League, settings: Settings, run: RunBackfill, statements: Callable[[], int]
) -> None:
    some = days(3)
    open_season(league, *some)
    league.expect_upcoming(some[2], lookups(league, some[2]))
    league.write(settings)
    run((some[0], some[-1]))
    statements()
    assert built(run((some[0], some[-1]))) == set()
    beyond = statements()  # the plan and the report
    for number in (1, 3):
        assert len(built(run((some[0], some[number - 1]), resume=False))) == number
        taken = statements() - beyond
        assert 0 < taken <= 6 * number * len(TABLES)


def test_a_day_of_one_table_takes_at_most_six_statements_too(
    league: League, settings: Settings, run: RunBackfill, statements: Callable[[], int]
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    for table in reversed(TABLES):  # a table that was built again makes those that depend on it stale
        statements()
        assert built(run(DAY, tables=[table])) == set()
        beyond = statements()
        assert built(run(DAY, tables=[table], resume=False)) == {DAY}
        assert 0 < statements() - beyond <= 6, table


def test_planning_700_days_takes_as_many_statements_as_planning_one_and_api_calls_by_pages_of_200(
    league: League, settings: Settings, statements: Callable[[], int]
) -> None:
    first = date(2021, 1, 1)
    every = days(700, first)
    for day in every:  # of three seasons
        league.game(day, "BOS", "NYK", players=5)
    league.write(settings)
    plan(settings, every[400], every[400])
    statements()
    with api_calls() as calls_of_one:
        (day_plan,) = plan(settings, every[400], every[400])
    of_one = statements()
    with api_calls() as calls_of_all:
        plans = plan(settings, every[0], every[-1])
    of_all = statements()

    assert len(plans) == 700
    assert day_plan == plans[400]
    assert of_all == of_one > 0
    open_days = sum(plan.skipped is None for plan in plans)
    assert open_days == 700 - 3 * 14
    pages = "POST /api/artifacts/latest/filter"
    assert calls_of_one[pages] == 2  # without a record, the artifacts that each table of a day had are looked for, too
    assert calls_of_all[pages] == -(-open_days // 200) + -(-open_days * len(TABLES) // 200)
    del calls_of_one[pages], calls_of_all[pages]
    assert calls_of_all.total() <= calls_of_one.total() + 2  # Prefect's own, that may come or not


def test_of_a_day_that_has_ended_a_run_keeps_no_more_than_the_report_needs(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(8)
    open_season(league, *some)
    league.write(settings)
    advance = Progress.advance
    whole: list[int] = []

    def look(progress: Progress, result: DayResult) -> None:
        advance(progress, result)
        gc.collect()
        run_id, _ = current_run()
        alive = [found for found in gc.get_objects() if type(found) is Checkpoint and found.run_id == run_id]
        whole.append(sum(bool(checkpoint.inputs or checkpoint.source_missing) for checkpoint in alive))
        assert len(alive) >= len(TABLES) * len(whole)  # the report's

    monkeypatch.setattr(Progress, "advance", look)
    report = run((some[0], some[-1]), max_concurrency=2)
    assert set(outcomes(report).values()) == {"complete"}
    assert len(whole) == len(some)
    assert max(whole) <= 2 * len(TABLES)  # of the days at work


@pytest.mark.duckdb_only
def test_a_task_is_handed_plain_values_and_opens_the_warehouse_itself() -> None:
    tasks = {
        value
        for name, module in list(sys.modules.items())
        if name.startswith("tasks.")
        for value in vars(module).values()
        if isinstance(value, Task)
    }
    names = {task.name for task in tasks}
    assert {"plan", "backfill-date", "check-coverage", "build-rows", "record-checkpoints", "report"} <= names
    for task in tasks:
        handed = {name: str(kind) for name, kind in get_type_hints(task.fn).items() if name != "return"}
        assert handed, task.name
        assert not any("Warehouse" in kind or "Connection" in kind for kind in handed.values()), (task.name, handed)


def test_nothing_is_left_in_prefects_result_storage(
    league: League, settings: Settings, run: RunBackfill, tmp_path: Path
) -> None:
    storage = tmp_path / "storage"
    open_season(league, *days(2))
    league.write(settings)
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: storage}):
        assert built(run((DAY, days(2)[-1]))) == set(days(2))
    assert not storage.exists() or not any(storage.iterdir())

"""What passes by itself costs a day nothing: each table of it, and its records, have attempts of their own."""

from collections.abc import Callable
from typing import Any

import pytest

from tasks.backfill.build import build_rows
from tasks.backfill.report import Report
from tasks.errors import TransientError
from tasks.settings import Settings
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.backfill.observe import DAY, TABLES, ZONES, failures, ledger, lookups, open_season, outcomes, published
from tests.league import League

RunBackfill = Callable[..., Report]
pytestmark = pytest.mark.duckdb_only


@pytest.fixture
def build_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the build of tables fail so many times for a reason that passes."""

    def _build_fails(**times: int) -> None:
        def build(run: Any, table: str, *args: Any, **how: Any) -> Any:
            if times.get(table, 0):
                times[table] -= 1
                raise TransientError("it passes")
            return build_rows(run, table, *args, **how)

        monkeypatch.setattr("tasks.backfill.one_day.build_rows", build)

    return _build_fails


@pytest.fixture
def append_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let appending to tables fail so many times for a reason that passes."""

    def _append_fails(**times: int) -> None:
        append = DuckDBWarehouse.append

        def fail(self: DuckDBWarehouse, table: Any, rows: Any) -> None:
            if times.get(table.name, 0):
                times[table.name] -= 1
                raise TransientError("it passes")
            append(self, table, rows)

        monkeypatch.setattr(DuckDBWarehouse, "append", fail)

    return _append_fails


def test_a_table_has_all_its_attempts_whatever_those_before_it_needed(
    league: League, settings: Settings, run: RunBackfill, build_fails: Callable[..., None]
) -> None:
    open_season(league, DAY)
    league.write(settings)
    build_fails(**{ZONES[0]: 2, ZONES[1]: settings.retries})
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert sorted(row["table_name"] for row in ledger(settings)) == sorted(TABLES)


def test_the_records_of_a_day_have_all_their_attempts_whatever_its_tables_needed(
    league: League,
    settings: Settings,
    run: RunBackfill,
    build_fails: Callable[..., None],
    append_fails: Callable[..., None],
) -> None:
    open_season(league, DAY)
    league.write(settings)
    build_fails(**{ZONES[0]: settings.retries})
    append_fails(backfill_ledger=settings.retries)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert sorted(row["table_name"] for row in ledger(settings)) == sorted(TABLES)
    assert published(settings) == {DAY: sorted(lookups(league, DAY))}


def test_a_table_that_fails_at_all_its_attempts_costs_no_other_that_does_not_read_it(
    league: League, settings: Settings, run: RunBackfill, build_fails: Callable[..., None]
) -> None:
    open_season(league, DAY)
    league.write(settings)
    build_fails(**{ZONES[0]: 99})
    assert outcomes(run(DAY)) == {DAY: "failed"}
    assert {row["table_name"]: row["outcome"] for row in ledger(settings)} == {
        ZONES[0]: "failed",
        ZONES[1]: "complete",
        TABLES[-1]: "blocked",
    }


def test_a_record_that_is_written_is_not_written_again_because_the_next_one_was_not(
    league: League, settings: Settings, run: RunBackfill, append_fails: Callable[..., None]
) -> None:
    open_season(league)
    league.game(DAY, "BOS", "NYK", loaded=False)
    league.write(settings)
    append_fails(precompute_failures=1)
    assert outcomes(run(DAY)) == {DAY: "blocked"}
    for rows in (ledger(settings), failures(settings)):
        assert sorted(row["table_name"] for row in rows) == sorted(TABLES)

"""Days that follow each other are checked and staged at once, and judged and published each by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.backfill import batch, facts
from tasks.backfill.report import Report
from tasks.errors import AccessError, QueryError, QuotaError, SchemaError, StorageError, TransientError
from tasks.settings import Settings
from tasks.tables.batch_query import identity_changes
from tasks.tables.catalogue import load_catalogue
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Staged
from tasks.warehouse.dry_run import open_for_run
from tasks.warehouse.open import open_warehouse
from tests.backfill.observe import (
    MAIN,
    TABLES,
    ZONES,
    content,
    days,
    ledger,
    lookups,
    open_season,
    outcomes,
    published,
    task_runs,
)
from tests.backfill.test_adopt import forget
from tests.fixtures.warehouses import AddTable, Elsewhere
from tests.league import League, fetch

RunBackfill = Callable[..., Report]


@contextmanager
def refused(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], *, table: str = "", times: int = 1000
) -> Iterator[list[str]]:
    """Let every statement that stages a batch fail, or the first ones of one table; yields what was to be staged."""
    tried: list[str] = []

    def opened(*args: Any, **how: Any) -> Any:
        warehouse = open_for_run(*args, **how)
        keep = warehouse.keep

        def refuse(spec: TableSpec, *args: Any, **how: Any) -> str:
            tried.append(spec.name)
            if table in spec.name and tried.count(spec.name) <= times:
                raise error("the warehouse refuses")
            return keep(spec, *args, **how)

        monkeypatch.setattr(warehouse, "keep", refuse, raising=False)
        return warehouse

    with monkeypatch.context() as patched:
        patched.setattr("tasks.runtime.run.open_for_run", opened)
        yield tried


@contextmanager
def counted_builds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool]]]:
    """Yield the table of every day's rows that are judged, and whether they were staged in a batch."""
    found: list[tuple[str, bool]] = []

    def counting(read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(warehouse: Any, catalogue: Any, rows: Staged, *args: Any) -> Any:
            found.append((rows.table.name, rows.is_kept))
            return read(warehouse, catalogue, rows, *args)

        return counted

    with monkeypatch.context() as patched:
        for read in (facts.compared, facts.facts_of_day):
            patched.setattr(f"tasks.backfill.build.{read.__name__}", counting(read))
        yield found


@pytest.mark.always_on_bigquery
def test_days_are_staged_at_once_and_end_as_day_by_day(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    some = days(5)
    open_season(league, *some)
    league.expect_upcoming(some[1], lookups(league, some[1]))
    league.expect_upcoming(some[3], lookups(league, some[3])[:1])
    league.write(settings)
    with counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]))
    assert set(outcomes(report).values()) == {"complete"}
    assert builds.count((MAIN, True)) == len(some)
    assert {is_staged for _, is_staged in builds} == {True}
    stored, recorded = content(settings), ledger(settings)
    names = {task["name"] for task in task_runs(recorded[0]["run_id"])}
    assert f"stage {some[0]} to {some[-1]}" in names
    assert {f"check-coverage {day}" for day in some} <= names

    other = elsewhere("day-by-day")
    league.write(other)
    monkeypatch.setattr(batch, "LEAST_DAYS", 100)
    with counted_builds(monkeypatch) as builds:
        run((some[0], some[-1]))
    assert {is_staged for _, is_staged in builds} == {False}
    assert content(other) == stored
    changing = {"run_id", "started_at", "recorded_at"}
    said = [
        sorted(str({k: v for k, v in row.items() if k not in changing}) for row in rows)
        for rows in (ledger(other), recorded)
    ]
    assert said[0] == said[1]


@pytest.mark.parametrize("error", [QueryError, TransientError])
def test_days_that_cannot_be_staged_at_once_are_done_one_by_one(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    some = days(3)
    open_season(league, *some)
    league.write(settings)
    with refused(monkeypatch, error) as tried, counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]))
    assert tried
    assert set(outcomes(report).values()) == {"complete"}
    assert sorted(builds) == sorted((table, False) for table in TABLES for _ in some)


def test_a_table_that_cannot_be_staged_at_once_costs_no_other_that(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(3)
    open_season(league, *some)
    league.write(settings)
    with refused(monkeypatch, QueryError, table=ZONES[1]), counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]))
    assert set(outcomes(report).values()) == {"complete"}
    assert builds.count((ZONES[0], True)) == builds.count((ZONES[1], False)) == len(some)
    assert builds.count((MAIN, False)) == len(some)  # what it was to read was not there when it was staged


NUMBERS = """
SELECT e.player_lookup, e.game_date, CAST(b.player_full_name AS FLOAT64) AS score
FROM expected AS e
JOIN nba_analytics.player_game_summary AS b ON b.game_date = e.game_date AND b.player_lookup = e.player_lookup
WHERE b.game_date BETWEEN @first_date AND @game_date
"""
"""A build that fails of a name that is no number."""
COMPARED = """
SELECT b.player_lookup, b.player_lookup AS person, b.game_date, CAST(b.player_full_name AS INT64) AS days_rest
FROM nba_analytics.player_game_summary AS b
WHERE b.game_date BETWEEN @first_date AND @game_date
"""


def name_by_numbers(league: League, bad: date) -> None:
    """Let all names be numbers, but one of one day."""
    for number, row in enumerate(league.box):
        row["player_full_name"] = str(number % 90)
    next(row for row in league.box if row["game_date"] == bad)["player_full_name"] = "no number"


def many_days(table: Path) -> None:
    """Say of a table of a test that its build gives many days at once."""
    table.write_text(table.read_text().replace("\nbuild:", "\nbuild:\n  many_days: true"))


def test_a_day_that_breaks_the_statement_of_a_table_leaves_the_days_of_the_other_halves_staged(
    league: League,
    settings: Settings,
    run: RunBackfill,
    add_table: AddTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = days(12)
    bad = some[7]
    open_season(league, *some)
    name_by_numbers(league, bad)
    league.write(settings)
    add_table("numbers", NUMBERS)
    many_days(tmp_path / "tables" / "numbers" / "table.yaml")
    with counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]), tables=["numbers", ZONES[1]])
    assert {day for day, outcome in outcomes(report).items() if outcome != "complete"} == {bad}
    assert builds.count(("numbers", True)) == 6 + 3  # the first half, and the last quarter
    assert builds.count(("numbers", False)) == 2  # the two days that were left with the bad one
    assert builds.count((ZONES[1], True)) == len(some)
    (failed,) = ledger(settings, outcome="failed")
    assert (failed["table_name"], failed["game_date"], failed["reason"]) == ("numbers", bad, "QueryError")
    assert "no number" in failed["message"]
    assert len(ledger(settings, table_name="numbers", outcome="complete")) == len(some) - 1
    names = [task["name"] for task in task_runs(failed["run_id"]) if task["name"].startswith("stage")]
    assert names == [f"stage {some[0]} to {some[-1]}"]


def test_a_day_that_breaks_the_checks_of_a_batch_leaves_the_days_of_the_other_halves_staged(
    league: League,
    settings: Settings,
    run: RunBackfill,
    add_table: AddTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = days(12)
    bad = some[7]
    open_season(league, *some)
    name_by_numbers(league, bad)
    league.expect_upcoming(bad, lookups(league, bad))
    league.expect_upcoming(some[10], lookups(league, some[10]))
    league.write(settings)
    add_table("compared", "SELECT player_lookup, game_date, 1.0 AS score FROM expected")
    folder = tmp_path / "tables" / "compared"
    (folder / "context_box_scores.sql").write_text(COMPARED, encoding="utf-8")
    (folder / "context_upcoming.sql").write_text("SELECT * FROM upcoming_rows", encoding="utf-8")
    table = folder / "table.yaml"
    source = "{name: upcoming, table: upcoming_player_game_context, agrees_within: {days_rest: 90}}"
    table.write_text(table.read_text().replace("sources: [", f"sources: [{source}, "))
    many_days(table)
    with counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]), tables=["compared", ZONES[1]])
    assert {day for day, outcome in outcomes(report).items() if outcome != "complete"} == {bad}
    assert {table for table, _ in builds} == {"compared", ZONES[1]}
    for table_name in ("compared", ZONES[1]):
        assert builds.count((table_name, True)) == 6 + 3
        assert builds.count((table_name, False)) == 2
    failed = ledger(settings, outcome="failed")
    assert {(row["game_date"], row["reason"]) for row in failed} == {(bad, "QueryError")}
    assert all("no number" in row["message"] for row in failed)
    ranges = [(0, 11), (0, 5), (6, 11), (6, 8), (9, 11)]
    tried = [f"stage {some[first]} to {some[last]}" for first, last in ranges]
    names = [task["name"] for task in task_runs(failed[0]["run_id"], *tried) if task["name"].startswith("stage")]
    assert sorted(names) == sorted(tried)


def test_a_table_reads_those_that_it_is_built_from_in_whatever_parts_they_were_staged(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    some = days(8)
    open_season(league, *some)
    league.write(settings)
    run((some[3], some[4]))
    with refused(monkeypatch, QueryError, table=ZONES[1], times=1) as tried, counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]))
    assert tried == [ZONES[0], ZONES[1], ZONES[1], ZONES[1], MAIN]  # whole, then in halves
    assert set(outcomes(report).values()) == {"complete"}
    assert sorted(builds) == sorted((table, True) for table in TABLES for _ in range(6))
    stored = content(settings)

    other = elsewhere("day-by-day")
    league.write(other)
    monkeypatch.setattr(batch, "LEAST_DAYS", 100)
    run((some[0], some[-1]))
    assert content(other) == stored


@pytest.mark.parametrize(
    ("error", "times"), [(AccessError, 1), (SchemaError, 1), (StorageError, 1), (QueryError, 3), (QuotaError, 3)]
)
def test_halves_are_tried_only_if_the_cause_can_be_of_some_days(
    league: League,
    settings: Settings,
    run: RunBackfill,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    times: int,
) -> None:
    some = days(6)
    open_season(league, *some)
    league.write(settings)
    with refused(monkeypatch, error) as tried:
        report = run((some[0], some[-1]), tables=[ZONES[1]])
    assert set(outcomes(report).values()) == {"complete"}
    assert tried == [ZONES[1]] * times


def test_what_passes_by_itself_is_tried_again_for_the_whole_batch_and_not_for_halves(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(6)
    open_season(league, *some)
    league.write(settings)
    with refused(monkeypatch, TransientError) as tried:
        report = run((some[0], some[-1]), tables=[ZONES[1]])
    assert set(outcomes(report).values()) == {"complete"}
    assert tried == [ZONES[1]] * (1 + settings.retries)
    (row, *_) = ledger(settings)
    name = f"stage {some[0]} to {some[-1]}"
    assert [task["name"] for task in task_runs(row["run_id"], name) if task["name"].startswith("stage")] == [name]


def test_a_table_that_is_asked_for_alone_is_staged_on_what_is_published(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run(one)
    stored = content(settings)
    with counted_builds(monkeypatch) as builds:
        report = run((one, three), resume=False, tables=[MAIN])
    assert list(outcomes(report).values()) == ["complete", "blocked", "blocked"]  # of the others there are no zones
    assert content(settings) == stored
    assert (MAIN, True) in builds


def test_a_table_of_a_users_own_is_built_day_by_day_unless_it_says_that_it_may_be_otherwise(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(4)
    open_season(league, *some)
    league.write(settings)
    add_table("minutes", "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected")
    with counted_builds(monkeypatch) as builds:
        report = run((some[0], some[-1]), tables=["minutes"])
    assert builds == [("minutes", False)] * len(some)
    assert set(outcomes(report).values()) == {"complete"}
    rows = fetch(settings, "SELECT game_date, player_lookup FROM nba_precompute.minutes")
    assert sorted((row["game_date"], row["player_lookup"]) for row in rows) == sorted(
        (day, name) for day in some for name in lookups(league, day)
    )


def test_of_rows_that_are_staged_and_doubtful_nothing_is_published(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable, tmp_path: Path
) -> None:
    some = days(4)
    open_season(league, *some[:3])
    league.game(some[3], "BOS", "NYK")  # LAL and MIA do not play
    league.write(settings)
    there = f"NOT (game_date = DATE '{some[3]}' AND REGEXP_CONTAINS(player_lookup, '[1-9]$'))"
    add_table(
        "once", f"SELECT DISTINCT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected WHERE {there}"
    )
    many_days(tmp_path / "tables" / "once" / "table.yaml")  # which is not so
    report = run((some[0], some[-1]), tables=["once"])
    assert outcomes(report)[some[3]] == "blocked"
    rows = fetch(settings, "SELECT DISTINCT game_date FROM nba_precompute.once")
    assert {row["game_date"] for row in rows} == set(some[:3])


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_suspicious_day_is_compared_with_the_days_before_however_many_are_at_work(
    league: League, settings: Settings, run: RunBackfill, at_once: int
) -> None:
    some = days(6)
    open_season(league, *some)
    for day in some:
        for number, name in enumerate(lookups(league, day)):
            rate = 20.0 if day == some[4] else 18.0 + number % 5
            league.expect_upcoming(day, [name], projected_usage_rate=rate)
    league.write(settings)
    report = run((some[0], some[-1]), max_concurrency=at_once)
    assert [day for day, outcome in outcomes(report).items() if outcome == "blocked"] == [some[4]]
    (row,) = ledger(settings, game_date=some[4], table_name=MAIN)
    assert row["reason"] == "values_suspicious"


def test_the_sources_of_days_that_are_adopted_are_compared_as_those_of_days_that_are_built(
    league: League, settings: Settings, run: RunBackfill, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(3)
    open_season(league, *some)
    for day in some:
        league.expect_upcoming(day, lookups(league, day), days_rest=9)

    def adopted(settings: Settings) -> list[tuple[object, ...]]:
        league.write(settings)
        run((some[0], some[-1]))
        forget(settings, *some)
        run((some[0], some[-1]), adopt=True)
        return [
            (row["table_name"], row["game_date"], row["outcome"], row["reason"], row["message"])
            for row in sorted(ledger(settings), key=lambda row: (row["table_name"], row["game_date"]))
        ]

    at_once = adopted(settings)
    assert {reason for table, _, _, reason, _ in at_once if table == MAIN} == {"sources_disagree"}
    monkeypatch.setattr(batch, "LEAST_DAYS", 100)
    assert adopted(elsewhere("day-by-day")) == at_once


@pytest.mark.no_server
def test_it_is_known_on_which_day_it_changes_whose_rows_without_an_id_are(league: League, settings: Settings) -> None:
    some = days(4)
    open_season(league, *some)
    sql = identity_changes(load_catalogue(settings), load_catalogue(settings).derived)

    def first_change() -> date | None:
        league.write(settings)
        with open_warehouse(settings.connection()) as warehouse:
            warehouse.create(load_catalogue(settings).tables.values())
            window = {"from_date": some[0].replace(month=7), "first_date": some[0], "game_date": some[-1]}
            (row,) = warehouse.fetch(sql, window)
        found = row["first_change"]
        assert found is None or isinstance(found, date)
        return found

    of_one = [row for row in league.box if row["player_lookup"] == "bos1"]
    assert first_change() is None
    for row in of_one:
        row["universal_player_id"] = ""
    assert first_change() is None
    of_one[-2]["universal_player_id"] = "a new id"
    assert first_change() == of_one[-2]["game_date"]


def test_every_day_is_judged_by_itself(league: League, settings: Settings, run: RunBackfill) -> None:
    some = days(5)
    open_season(league, *some)
    missing = next(row for row in league.box if row["game_date"] == some[2])
    league.box = [
        row for row in league.box if (row["game_id"], row["team_abbr"]) != (missing["game_id"], missing["team_abbr"])
    ]
    league.write(settings)
    report = run((some[0], some[-1]))
    assert outcomes(report)[some[2]] == "blocked"
    assert [outcomes(report)[day] for day in some[:2]] == ["complete", "complete"]
    assert some[2] not in published(settings)
    assert set(published(settings)) >= {some[0], some[1]}

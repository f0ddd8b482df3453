"""What coverage and gate count, on rows made up one by one."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.backfill.coverage import window
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.tables.gate_query import facts_query, gate_query
from tasks.warehouse.open import open_warehouse
from tests.league import League, Row
from tests.tables.folders import COLUMNS, table_folder
from tests.tables.rows import COMPOSITE, DAY, SEASON_START, change, write

pytestmark = pytest.mark.no_server

Staged = Sequence[tuple[str | None, int | None]]


@pytest.fixture
def extra(bench: Settings, tmp_path: Path) -> Settings:
    """A league with players a, b and c on DAY, and a table with a row and a number for each."""
    league = League()
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    for lookup in "abc":
        league.player(lookup, DAY, game_id, "BOS", "LAL")
    write(bench, league)
    scores = [{"name": name, "type": "FLOAT64", "description": "A score."} for name in ("one", "other")]
    table_folder(tmp_path, columns=[*COLUMNS, *scores], build={"never_all_null": ["one", "other"]})
    return bench.model_copy(update={"extra_tables_dir": tmp_path})


def gate(settings: Settings, rows: Staged, day: date = DAY, more: Mapping[str, str] = {}) -> Row:
    """Return what the gate reads of some staged rows: a player and his games each."""
    catalogue = load_catalogue(settings)
    spec = catalogue.table("player_form")
    columns = {"game_date": f"DATE '{day}'", "run_id": "'run-1'", "one": "1.0", "other": "NULL", **more}
    rest = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    sql = "\nUNION ALL\n".join(
        f"SELECT {quoted(player)} AS player_lookup, {'NULL' if games is None else games} AS games, {rest}"
        for player, games in rows
    )
    with (
        open_warehouse(settings.connection()) as warehouse,
        warehouse.stage(spec, sql, {}, game_date=DAY, run_id="run-1") as staged,
    ):
        parameters = window(settings, SEASON_START, DAY, DAY)
        (facts,) = warehouse.fetch(gate_query(catalogue, spec, staged.location), parameters)
        by_day = warehouse.fetch(facts_query(catalogue, spec, staged.location), parameters)
        assert [row for row in by_day if row["game_date"] == DAY] == [
            {**{name: value for name, value in facts.items() if name not in COMPARED}, "is_suspect": False}
            for is_of_the_day in [facts["other_days"] == 0]
            if is_of_the_day
        ]
        return facts


COMPARED = ("constant_columns", "unknown_anew")


def quoted(text: str | None) -> str:
    return "NULL" if text is None else f"'{text}'"


GOOD = {
    "row_count": 3,
    "null_keys": 0,
    "other_days": 0,
    "rows_with_values": 3,
    "range_games": 0,
    "duplicate_keys": 0,
    "duplicates": None,
    "expected": 3,
    "covered": 3,
    "unexpected": 0,
    "missing": None,
    "without_own_games": 0,
    "without_games": 0,
    "look_back_touched": None,
    "mean_completeness": None,
    "game_date": DAY,
    "constant_columns": None,
    "unknown_anew": None,
}
FACTS: dict[str, tuple[Staged, dict[str, str], Row]] = {
    "all there": ([("a", 1), ("b", 2), ("c", 3)], {}, {}),
    "one missing": ([("a", 1), ("b", 2)], {}, {"row_count": 2, "covered": 2, "missing": "c", "rows_with_values": 2}),
    "as many, but others": (
        [("x", 1), ("y", 1), ("z", 1)],
        {},
        {"covered": 0, "unexpected": 3, "missing": "a,b,c"},
    ),
    "one more": (
        [("a", 1), ("b", 2), ("c", 3), ("d", 1)],
        {},
        {"row_count": 4, "rows_with_values": 4, "unexpected": 1},
    ),
    "one twice": (
        [("a", 1), ("b", 2), ("c", 3), ("a", 1)],
        {},
        {"row_count": 4, "rows_with_values": 4, "duplicate_keys": 1, "duplicates": "a"},
    ),
    "one three times in place of the others": (
        [("a", 1), ("a", 1), ("a", 1)],
        {},
        {"covered": 1, "missing": "b,c", "duplicate_keys": 1, "duplicates": "a"},
    ),
    "a player without a name": (
        [("a", 1), ("b", 2), (None, 3)],
        {},
        {"null_keys": 1, "covered": 2, "missing": "c", "unexpected": 1},
    ),
    "below the range": ([("a", 0), ("b", 1), ("c", 3)], {}, {"range_games": 1}),
    "above the range": ([("a", 1), ("b", 4), ("c", 99)], {}, {"range_games": 2}),
    "an unknown number is in no range and out of none": ([("a", None), ("b", None), ("c", None)], {}, {}),
    "one of two scores is enough": ([("a", 1), ("b", 1), ("c", 1)], {"one": "NULL", "other": "0.0"}, {}),
    "no score": ([("a", 1), ("b", 1), ("c", 1)], {"one": "NULL"}, {"rows_with_values": 0}),
}


@pytest.mark.parametrize("name", FACTS)
def test_the_gate_reads_what_is_staged(extra: Settings, name: str) -> None:
    rows, more, different = FACTS[name]
    facts = gate(extra, rows, more=more)
    assert facts.pop("rows_digest")
    assert facts == {**GOOD, **different}


def test_the_gate_gives_the_rows_the_digest_that_is_read_back_when_they_are_published(extra: Settings) -> None:
    def read_back() -> dict[date, tuple[int, str]]:
        with open_warehouse(extra.connection()) as warehouse:
            rows = warehouse.fetch(queries.rows_there([spec]), {"from_date": DAY - timedelta(days=9), "game_date": DAY})
            return {row["game_date"]: (row["row_count"], row["digest"]) for row in rows}

    spec = load_catalogue(extra).table("player_form")
    sql = f"SELECT 'a' AS player_lookup, DATE '{DAY}' AS game_date, 1 AS games, 'r' AS run_id, 1.0 AS one, 0.5 AS other"
    with open_warehouse(extra.connection()) as warehouse:
        warehouse.create([spec])
        with warehouse.stage(spec, sql, {}, game_date=DAY, run_id="r") as staged:
            (facts,) = warehouse.fetch(
                gate_query(load_catalogue(extra), spec, staged.location),
                window(extra, SEASON_START, DAY, DAY),
            )
            warehouse.publish(staged)
    assert read_back() == {DAY: (1, facts["rows_digest"])}
    change(extra, f"UPDATE {spec.full_name} SET run_id = 'another' WHERE TRUE")
    assert read_back() == {DAY: (1, facts["rows_digest"])}
    for assignment in ("player_lookup = 'b'", "other = 0.6", "one = NULL"):
        before = read_back()
        change(extra, f"UPDATE {spec.full_name} SET {assignment} WHERE TRUE")
        assert read_back()[DAY][0] == 1
        assert read_back() != before, assignment


def test_the_digest_of_the_expected_set_is_of_the_day_and_changes_with_each_player_and_game(bench: Settings) -> None:
    def digest() -> dict[date, str]:
        sql = queries.expected_digests(load_catalogue(bench))
        with open_warehouse(bench.connection()) as warehouse:
            rows = warehouse.fetch(sql, window(bench, SEASON_START, DAY - timedelta(days=1), DAY))
            return {row["game_date"]: row["digest"] for row in rows}

    league, table = League(), "nba_analytics.player_game_summary"
    for day in (DAY - timedelta(days=1), DAY):
        league.game(day, "BOS", "LAL", players=3)
    write(bench, league)
    before = digest()
    assert set(before) == {DAY - timedelta(days=1), DAY}
    change(bench, f"UPDATE {table} SET points = 99 WHERE game_date = '{DAY}' AND player_lookup = 'bos2'")
    assert digest() == before
    change(bench, f"UPDATE {table} SET player_lookup = 'x' WHERE game_date = '{DAY}' AND player_lookup = 'bos1'")
    after = digest()
    assert after[DAY] != before[DAY]
    assert after[DAY - timedelta(days=1)] == before[DAY - timedelta(days=1)]


def test_the_gate_counts_rows_of_another_day(extra: Settings) -> None:
    facts = gate(extra, [("a", 1), ("b", 1), ("c", 1)], DAY + timedelta(days=1))
    assert (facts["other_days"], facts["null_keys"]) == (3, 0)


def test_a_number_that_is_none_is_out_of_range(extra: Settings) -> None:
    ranged = [*COLUMNS[:2], {**COLUMNS[2], "type": "FLOAT64"}, COLUMNS[3]]
    root = extra.duckdb_path.parent / "ranged"
    table_folder(root, name="player_form_of_floats", columns=ranged)
    catalogue = load_catalogue(extra.model_copy(update={"extra_tables_dir": root}))
    spec = catalogue.table("player_form_of_floats")
    sql = f"SELECT 'a' AS player_lookup, DATE '{DAY}' AS game_date, CAST('NaN' AS FLOAT64) AS games, 'r' AS run_id"
    with (
        open_warehouse(extra.connection()) as warehouse,
        warehouse.stage(spec, sql, {}, game_date=DAY, run_id="r") as staged,
    ):
        text = gate_query(catalogue, spec, staged.location)
        (facts,) = warehouse.fetch(text, window(extra, SEASON_START, DAY, DAY))
    assert facts["range_games"] == 1


def coverage(settings: Settings, last: date = DAY, **days: str) -> dict[date, Row]:
    """Return the coverage of the pre-game table, which holds the letters given for each day."""
    league = League()
    for offset in (0, 1):
        day = DAY - timedelta(days=offset)
        game_id = league.game(day, "BOS", "LAL", players=0)
        for lookup in "abc":
            league.player(lookup, day, game_id, "BOS", "LAL")
    for name, lookups in days.items():
        league.expect_upcoming(DAY + timedelta(days={"before": -1, "today": 0, "after": 1}[name]), lookups)
    write(settings, league)
    catalogue = load_catalogue(settings)
    source = catalogue.build(COMPOSITE).preferred
    assert source is not None
    sql = queries.coverage(catalogue, catalogue.table(COMPOSITE), source, with_missing=True)
    with open_warehouse(settings.connection()) as warehouse:
        rows: list[dict[str, Any]] = warehouse.fetch(
            sql, window(settings, DAY - timedelta(days=1), DAY - timedelta(days=1), last)
        )
    return {row["game_date"]: row for row in rows}


COVERED: dict[str, tuple[str, Row]] = {
    "all": ("abc", {"covered": 3, "source_players": 3, "duplicates": 0, "missing": None}),
    "one stale row": ("a", {"covered": 1, "source_players": 1, "duplicates": 0, "missing": "b,c"}),
    "none": ("", {"covered": 0, "source_players": 0, "duplicates": 0, "missing": "a,b,c"}),
    "the right number of wrong players": (
        "xyz",
        {"covered": 0, "source_players": 3, "duplicates": 0, "missing": "a,b,c"},
    ),
    "one twice": ("aab", {"covered": 2, "source_players": 2, "duplicates": 1, "missing": "c"}),
    "more than are expected": ("abcd", {"covered": 3, "source_players": 4, "duplicates": 0, "missing": None}),
}


@pytest.mark.parametrize("name", COVERED)
def test_coverage_is_a_comparison_of_sets(bench: Settings, name: str) -> None:
    lookups, expected = COVERED[name]
    assert coverage(bench, today=lookups)[DAY] == {"game_date": DAY, "expected": 3, **expected}


def test_each_day_is_covered_by_its_own_rows(bench: Settings) -> None:
    days = coverage(bench, DAY + timedelta(days=1), before="abc", today="a", after="ab")
    found = [(days[day]["expected"], days[day]["covered"], days[day]["source_players"]) for day in sorted(days)]
    assert found == [(3, 3, 3), (3, 1, 1), (0, 0, 2)]


def test_the_digest_of_a_day_changes_with_any_value_and_not_with_the_order(bench: Settings) -> None:
    def digest() -> str:
        sql = queries.digests(load_catalogue(bench).table("player_game_summary"))
        with open_warehouse(bench.connection()) as warehouse:
            (row,) = warehouse.fetch(sql, {"from_date": DAY, "game_date": DAY})
        return str(row["digest"])

    league = League()
    league.game(DAY, "BOS", "LAL", players=3)
    write(bench, league)
    seen = [digest()]
    league.box.reverse()
    write(bench, league)
    assert digest() == seen[0]
    table = "nba_analytics.player_game_summary"
    change(bench, f"UPDATE {table} SET processed_at = TIMESTAMP '2024-01-01 00:00:00+00' WHERE TRUE")
    assert digest() == seen[0]
    for assignment in ("points = 13", "usage_rate = NULL", "usage_rate = 20.000001", "is_dnp = TRUE"):
        change(bench, f"UPDATE {table} SET {assignment} WHERE player_lookup = 'bos1'")
        assert digest() not in seen, assignment
        seen.append(digest())
    change(bench, f"DELETE FROM {table} WHERE player_lookup = 'bos1'")
    assert digest() not in seen

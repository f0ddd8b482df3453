"""A backfill on users' tables gives the rows that it gives on tables of its own making."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from deployments.commands.main import main
from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.league import fetch
from tests.proof.bench import MAIN
from tests.proof.league import Row
from tests.proof.proof import Base
from tests.users_tables.league import days_of, of_the_box_scores
from tests.users_tables.tables import DESCRIPTION, UsersTable, put

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the description of users' tables is not beside this checkout (../shared/spec)"
)

Run = Callable[..., Report]
ZONES = ("player_shot_zone_analysis", "team_defense_zone_analysis")


@pytest.mark.always_on_bigquery
def test_days_on_users_tables_are_those_of_our_own(
    settings: Settings, tables: dict[str, UsersTable], base: Base, run: Run
) -> None:
    days = days_of(base.league, 3)
    kept = of_the_box_scores(base.league)(base.decided.rows[MAIN][days[0]][0])
    put(settings, tables[MAIN], [kept | {"source_player_context_hash": "mine"}])
    assert main(["ddl", "apply", "--yes"]) in (0, 1)
    report = run((days[0], days[-1]), force=False)
    assert {row.day: row.outcome for row in report.rows if row.day in days} == dict.fromkeys(days, "complete")
    for table in (*ZONES, MAIN):
        key = "game_date" if table == MAIN else "analysis_date"
        for day in days:
            found = fetch(settings, f"SELECT * FROM nba_precompute.{table} WHERE {key} = @day", day=day)
            assert_same(found, base.decided.rows[table][day])
    (row,) = fetch(
        settings,
        f"SELECT source_player_context_hash AS mine, run_id FROM nba_precompute.{MAIN} "
        "WHERE game_date = @day AND player_lookup = @player",
        day=days[0],
        player=kept["player_lookup"],
    )
    assert row["mine"] == "mine"
    assert row["run_id"]


def test_days_of_users_tables_are_adopted_as_they_are(
    settings: Settings, tables: dict[str, UsersTable], base: Base, run: Run
) -> None:
    day = days_of(base.league, 1)[0]
    ours = of_the_box_scores(base.league)
    for name in (*ZONES, MAIN):
        rows = base.decided.rows[name][day]
        theirs = [ours(row) if name == MAIN else row for row in rows]
        put(settings, tables[name], [row | {"missing_games_count": None} for row in theirs])
    assert main(["ddl", "apply", "--yes"]) in (0, 1)
    before = [stored(settings, name, day) for name in (*ZONES, MAIN)]
    report = run(day, adopt=True)
    assert [(row.outcome, row.work, row.source) for row in report.rows] == [
        ("complete_with_warning", "adopted", "adopted")
    ]
    assert run(day).rows[0].work == "kept"
    assert [stored(settings, name, day) for name in (*ZONES, MAIN)] == before


def stored(settings: Settings, table: str, day: date) -> list[str]:
    """Return every value of every row of a day, in order."""
    key = "game_date" if table == MAIN else "analysis_date"
    rows = fetch(settings, f"SELECT * FROM nba_precompute.{table} WHERE {key} = @day", day=day)
    assert rows
    return sorted(repr(row) for row in rows)


def assert_same(found: list[Row], expected: list[Row]) -> None:
    """Compare rows by what both tables have; an id of a game, and all that follows from it, may be another."""
    not_compared = {"game_id", "data_hash", "run_id", "processed_at"}
    by_key: dict[Any, Row] = {key(row): row for row in found}
    assert by_key.keys() == {key(row) for row in expected}
    assert len(found) == len(expected)
    for row in expected:
        there = by_key[key(row)]
        for name, value in row.items():
            if name in not_compared:
                continue
            same = pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
            given = float(there[name]) if isinstance(value, float) and there[name] is not None else there[name]
            assert given == same, (key(row), name)


def key(row: Row) -> tuple[str | None, str | None]:
    return row.get("player_lookup"), row.get("team_abbr")

"""What a person keeps in columns of his own outlives a rewrite of the row: by a backfill, and by a load of its game."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql
from tests.backfill.observe import DAY, MAIN, OPENING, built, content, days, open_season, outcomes, play
from tests.league import League, fetch

RunBackfill = Callable[..., Report]
DERIVED, BOX = f"nba_precompute.{MAIN}", "nba_analytics.player_game_summary"


def extend(settings: Settings, table: str) -> None:
    run_sql(
        settings,
        f"ALTER TABLE {table} ADD COLUMN note VARCHAR",
        f'ALTER TABLE {table} ADD COLUMN "order" DECIMAL(38,9)',
        f"ALTER TABLE {table} ADD COLUMN tags VARCHAR[]",
        f"UPDATE {table} SET note = player_lookup || '!', \"order\" = 1.5, tags = ['a', player_lookup]",
    )


def kept(settings: Settings, table: str) -> dict[str, tuple[object, ...]]:
    """Return what each player of the day has in a person's columns."""
    sql = f"SELECT player_lookup, note, `order`, tags FROM {table} WHERE game_date = @day"
    return {
        str(row["player_lookup"]): (row["note"], row["order"] and float(row["order"]), list(row["tags"] or []))
        for row in fetch(settings, sql, day=DAY)
    }


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_day_that_is_built_again_keeps_what_a_person_wrote_beside_its_rows(
    league: League, settings: Settings, run: RunBackfill, at_once: int
) -> None:
    some = days(at_once)  # three are staged at once
    open_season(league, *some)
    league.write(settings)
    run((some[0], some[-1]))
    extend(settings, DERIVED)
    before, rows = kept(settings, DERIVED), content(settings)
    assert before["bos1"] == ("bos1!", 1.5, ["a", "bos1"])
    complete = dict.fromkeys(some, "complete")
    assert outcomes(run((some[0], some[-1]), resume=False)) == complete
    assert (kept(settings, DERIVED), content(settings)) == (before, rows)
    run_sql(settings, f"DELETE FROM {DERIVED} WHERE player_lookup = 'bos1'")
    assert outcomes(run((some[0], some[-1]))) == complete
    assert kept(settings, DERIVED) == {**before, "bos1": (None, None, [])}
    assert content(settings) == rows


@pytest.mark.always_on_bigquery
@pytest.mark.parametrize("has_own_column", [True, False])
@pytest.mark.parametrize("at_once", [1, 3])
def test_what_is_judged_is_what_the_table_will_hold_in_the_types_that_its_users_gave_it(
    league: League, settings: Settings, run: RunBackfill, at_once: int, has_own_column: bool
) -> None:
    some, zones = days(at_once), "nba_precompute.team_defense_zone_analysis"
    play(league, *days(14, OPENING), *some)
    of_nyk = [row for row in league.box if row["team_abbr"] == "NYK" and row["game_date"] < DAY]
    for number, row in enumerate(of_nyk):  # 41 of 640 in the paint: a share that FLOAT64 and NUMERIC round apart
        row |= {"paint_makes": int(number < 41), "paint_attempts": 4 + (number < 80)}
        row |= {"fg_attempts": row["paint_attempts"] + 5, "fg_makes": row["paint_makes"] + 2}
    league.write(settings)
    run_sql(settings, f"ALTER TABLE {zones} ALTER paint_pct_allowed_last_15 TYPE DECIMAL(38,9)")
    if has_own_column:
        run_sql(settings, f"ALTER TABLE {zones} ADD COLUMN note VARCHAR")
    report = run((some[0], some[-1]))
    assert len(of_nyk) == 140
    assert outcomes(report) == dict.fromkeys(some, "complete")
    assert built(run((some[0], some[-1]))) == set()


def test_a_game_that_is_loaded_again_keeps_what_a_person_wrote_beside_its_rows(
    league: League, settings: Settings
) -> None:
    open_season(league, DAY)
    league.write(settings)
    extend(settings, BOX)
    before = kept(settings, BOX)
    table = load_catalogue(settings).table("player_game_summary")
    again = [row for row in league.box if row["game_date"] == DAY]
    again = [*again[1:], {**again[0], "player_lookup": "someone"}]
    with open_warehouse(settings.connection()) as warehouse:
        done = warehouse.replace(table, pa.Table.from_pylist(again, arrow_schema(table)), match=("game_id",))
    assert (done.deleted, done.inserted) == (40, 40)
    del before["bos1"]
    assert kept(settings, BOX) == {**before, "someone": (None, None, [])}

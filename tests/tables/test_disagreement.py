"""Where both sources have a player-day, they are compared column by column, by more than their rounding."""

from datetime import timedelta

import pytest

from tasks.backfill.coverage import window
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, SEASON_START, SHOT_ZONES, write

pytestmark = pytest.mark.no_server

Found = dict[str, tuple[int, int, str | None]]


def compared(settings: Settings, league: League) -> Found:
    """Return, by column, how many player-days were compared, how many differ, and the examples."""
    write(settings, league)
    catalogue = load_catalogue(settings)
    sql = queries.disagreement(catalogue, catalogue.table(COMPOSITE))
    assert sql is not None
    with open_warehouse(settings.connection()) as warehouse:
        rows = warehouse.fetch(sql, window(settings, SEASON_START, DAY, DAY))
    return {row["column_name"]: (row["compared"], row["different"], row["examples"]) for row in rows}


def five_players(*changes: Row) -> League:
    """Five players with true pre-game rows, but for the changes, from the first one on."""
    league = League()
    for days_ago in (3, 1, 0):
        league.game(DAY - timedelta(days=days_ago), "BOS", "LAL", players=5)
    league.expect_upcoming(DAY, [f"bos{number}" for number in range(1, 6)])
    for row, change in zip(league.upcoming, changes, strict=False):
        row |= change
    return league


def test_true_pre_game_rows_agree_with_the_box_scores_in_every_column(bench: Settings) -> None:
    preferred = load_catalogue(bench).build(COMPOSITE).preferred
    assert preferred is not None
    assert compared(bench, five_players()) == dict.fromkeys(preferred.agrees_within, (5, 0, None))


def test_the_sources_differ_by_more_than_their_rounding_and_two_examples_are_named(bench: Settings) -> None:
    minutes = [{"minutes_in_last_7_days": 96.0 + by} for by in (0.5, 0.51, -0.5, -20.25)]
    found = compared(bench, five_players(*minutes, {"days_rest": 2}))
    assert found["minutes_in_last_7_days"] == (5, 2, "bos2 96.51 against 96, bos4 75.75 against 96")
    assert found["days_rest"] == (5, 1, "bos5 2 against 1")
    assert found["games_in_last_7_days"] == (5, 0, None)


@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf"), float("-inf")])
def test_what_the_pre_game_table_does_not_know_is_not_compared(bench: Settings, unknown: float | None) -> None:
    changes = {"pace_differential": unknown, "days_rest": None}, {"pace_differential": 7.0}
    found = compared(bench, five_players(*changes))
    assert found["pace_differential"] == (4, 1, "bos2 7 against 0")
    assert found["days_rest"] == (4, 0, None)


def test_what_the_box_scores_do_not_tell_is_not_compared(bench: Settings) -> None:
    league = League()
    league.game(DAY, "BOS", "LAL", players=5)  # the first game of the season
    league.expect_upcoming(DAY, ["bos1"], days_rest=1, games_in_last_7_days=1)
    found = compared(bench, league)
    assert found["days_rest"] == (0, 0, None)
    assert found["games_in_last_7_days"] == (1, 1, "bos1 1 against 0")


def test_rows_that_say_too_little_to_be_used_and_days_without_rows_are_not_compared(bench: Settings) -> None:
    assert compared(bench, five_players(*[{"games_in_last_7_days": None, "days_rest": 9}] * 5)) == {}
    league = League()
    league.game(DAY, "BOS", "LAL", players=5)
    assert compared(bench, league) == {}


def test_a_table_with_one_source_compares_nothing(bench: Settings) -> None:
    catalogue = load_catalogue(bench)
    assert queries.disagreement(catalogue, catalogue.table(SHOT_ZONES)) is None

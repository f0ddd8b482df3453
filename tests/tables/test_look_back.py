"""The games that a row looks back on: a hole inside of each window is named, one just outside is not."""

from datetime import date, timedelta

import pytest

from tasks.settings import Settings
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, DEFENSE, SHOT_ZONES, build, write

pytestmark = pytest.mark.no_server

ZONES: Row = {"player_lookup": "bos1", "universal_player_id": "bos1", "primary_scoring_zone": "paint"}
RATING: Row = {"team_abbr": "NYK", "paint_defense_vs_league_avg": 1.0}


def before(days: int) -> date:
    return DAY - timedelta(days=days)


def looked_back(settings: Settings, league: League, *, zones: bool = False, rating: bool = False) -> tuple[int, bool]:
    """Return of bos1's row how many games of his own are missing, and whether any game is, on DAY against New York."""
    league.game(DAY, "BOS", "NYK")
    write(
        settings,
        league,
        **{
            SHOT_ZONES: [{**ZONES, "paint_rate_last_10": 50.0}] if zones else [],
            DEFENSE: [RATING] if rating else [],
        },
    )
    (row,) = [row for row in build(settings, COMPOSITE) if row["player_lookup"] == "bos1"]
    warnings = row["warning_details"] or ""
    assert ("LOOK_BACK_INCOMPLETE" in warnings) == (row["look_back_missing_games"] is not None)
    return row["missing_games_count"], row["look_back_missing_games"] is not None


@pytest.mark.parametrize(("days", "missing"), [(13, 1), (14, 0)])
def test_a_row_looks_back_on_14_days_of_its_own_team(bench: Settings, days: int, missing: int) -> None:
    league = League()
    league.game(before(days), "BOS", "CHI", loaded=False)
    league.game(before(1), "BOS", "CHI")
    assert looked_back(bench, league)[0] == missing


@pytest.mark.parametrize(("days", "missing"), [(19, 1), (21, 0)])
def test_a_row_looks_back_on_all_since_the_players_previous_game(bench: Settings, days: int, missing: int) -> None:
    league = League()
    league.game(before(20), "BOS", "CHI")
    league.game(before(days), "BOS", "LAL", loaded=False)
    assert looked_back(bench, league)[0] == missing


@pytest.mark.parametrize("others", ["CHI", "BOS"])
def test_a_hole_of_another_team_touches_only_its_own_and_its_opponents_rows(bench: Settings, others: str) -> None:
    league = League()
    league.game(before(2), "BOS", "MIA")
    league.game(before(1), others, "LAL", loaded=False)
    assert looked_back(bench, league) == ((1, True) if others == "BOS" else (0, False))


@pytest.mark.parametrize("team", ["BOS", "NYK"])
@pytest.mark.parametrize(("games", "is_missing"), [(9, True), (10, False)])
def test_pace_looks_back_on_10_games_of_either_team(bench: Settings, team: str, games: int, is_missing: bool) -> None:
    league = League()
    league.game(before(2 * games + 2), team, "CHI", loaded=False)
    for number in range(games, 0, -1):
        league.game(before(2 * number), "BOS", "MIA")
        league.game(before(2 * number), "NYK", "LAL")
    assert looked_back(bench, league) == (0, is_missing)


@pytest.mark.parametrize("team", ["BOS", "NYK"])
@pytest.mark.parametrize(("games", "is_missing"), [(9, True), (10, False)])
def test_a_game_of_unknown_pace_is_missing_among_the_10_games_of_either_team(
    bench: Settings, team: str, games: int, is_missing: bool
) -> None:
    league = League()
    league.game(before(2 * games + 2), team, "CHI")
    league.box[-20]["minutes_played"] = None
    for number in range(games, 0, -1):
        league.game(before(2 * number), "BOS", "MIA")
        league.game(before(2 * number), "NYK", "LAL")
    assert looked_back(bench, league) == (0, is_missing)


@pytest.mark.parametrize(("games", "missing"), [(9, 1), (10, 0)])
def test_zones_look_back_on_10_games_of_the_player(bench: Settings, games: int, missing: int) -> None:
    league = League()
    league.game(before(2 * games + 2), "BOS", "CHI", loaded=False)
    for number in range(games, 0, -1):
        league.game(before(2 * number), "BOS", "MIA")
    assert looked_back(bench, league, zones=True)[0] == missing


@pytest.mark.parametrize(("games", "is_missing"), [(14, True), (15, False)])
def test_the_opponents_rating_looks_back_on_15_of_its_games(bench: Settings, games: int, is_missing: bool) -> None:
    league = League()
    league.game(before(2 * games + 2), "NYK", "CHI", loaded=False)
    for number in range(games, 0, -1):
        league.game(before(2 * number), "NYK", "MIA")
    assert looked_back(bench, league, rating=True) == (0, is_missing)


def test_a_game_that_is_broken_on_one_side_is_missing_for_both_teams(bench: Settings) -> None:
    league = League()
    league.game(before(2), "BOS", "CHI")
    league.box += [{**league.box[-1], "player_lookup": "chi99", "universal_player_id": "chi1"}]
    league.game(DAY, "BOS", "NYK")
    write(bench, league)
    found = {row["team_abbr"]: row["look_back_missing_games"] for row in build(bench, DEFENSE)}
    assert found.keys() == {"BOS", "CHI"}
    assert None not in found.values()

"""team_defense_zone_analysis, worked out by hand: what a team allows over 15 games, against the league of 30 days."""

from datetime import timedelta
from typing import Any

import pytest

from tasks.settings import Settings
from tests.league import League, Row
from tests.tables.rows import DAY, DEFENSE, LAST_SEASON, SEASON_START, build, write
from tests.tables.test_shot_zones import NO_CHART, shots

pytestmark = pytest.mark.no_server

ZONES = ("paint", "mid_range", "three_pt")
EVEN = shots((5, 10), (5, 10), (5, 10))


def allow(league: League, team: str, days_ago: int, by: str = "OPP", **stats: Any) -> None:
    """Let one player of ``by`` shoot against ``team``."""
    day = DAY - timedelta(days=days_ago)
    league.player(f"{by}{team}".lower(), day, f"{team}-{days_ago}", by, team, **stats)


def allow_5(league: League, team: str, days_ago: int, by: str = "OPP", **stats: Any) -> None:
    """Let ``by`` shoot like that in 5 games, on one day after the other, the last of them ``days_ago``."""
    for number in range(5):
        allow(league, team, days_ago + number, by, **stats)


def defenses(settings: Settings, league: League) -> dict[str, Row]:
    write(settings, league)
    return {row["team_abbr"]: row for row in build(settings, DEFENSE)}


def ratings(row: Row) -> list[float | None]:
    return [row[f"{zone}_defense_vs_league_avg"] for zone in ZONES]


def test_the_rating_is_what_a_team_allows_against_the_league_in_percentage_points(bench: Settings) -> None:
    league = League()
    allow_5(league, "BOS", 2, **shots((6, 10), (4, 10), (3, 10)))
    allow_5(league, "LAL", 2, **shots((4, 10), (5, 10), (3, 10)))
    rows = defenses(bench, league)
    assert ratings(rows["BOS"]) == pytest.approx([10.0, -5.0, 0.0], abs=1e-9)  # the league: 50, 45 and 30 percent
    assert ratings(rows["LAL"]) == pytest.approx([-10.0, 5.0, 0.0], abs=1e-9)
    allowed = [rows["BOS"][f"{zone}_pct_allowed_last_15"] for zone in ZONES]
    assert allowed == [0.6, 0.4, 0.3]


def test_shots_are_added_up_before_they_are_divided(bench: Settings) -> None:
    league = League()
    allow(league, "BOS", 2, **shots((1, 1), (0, 0), (0, 3)))
    allow(league, "BOS", 3, **shots((1, 9), (0, 0), (0, 3)))
    row = defenses(bench, league)["BOS"]
    assert row["paint_pct_allowed_last_15"] == 0.2
    assert (row["paint_attempts_allowed_per_game"], row["mid_range_attempts_allowed_per_game"]) == (5.0, 0.0)
    assert (row["mid_range_pct_allowed_last_15"], row["mid_range_defense_vs_league_avg"]) == (None, None)
    assert (row["games_in_sample"], row["charted_games"]) == (2, 2)


def test_all_players_of_the_opponent_count_as_one_game(bench: Settings) -> None:
    league = League()
    for number in range(3):
        day = DAY - timedelta(days=2)
        league.player(f"opp{number}", day, "g", "OPP", "BOS", **shots((1, 2), (0, 1), (0, 1)))
    row = defenses(bench, league)["BOS"]
    assert (row["games_in_sample"], row["paint_attempts_allowed_per_game"]) == (1, 6.0)


def test_the_last_15_games_count(bench: Settings) -> None:
    league = League()
    for days_ago in range(1, 16):
        allow(league, "BOS", days_ago, **EVEN)
    allow(league, "BOS", 16, **shots((90, 90), (90, 90), (90, 90)))
    row = defenses(bench, league)["BOS"]
    assert row["games_in_sample"] == 15
    assert [row[f"{zone}_pct_allowed_last_15"] for zone in ZONES] == [0.5, 0.5, 0.5]


def test_the_leagues_mean_is_of_all_shots_of_the_last_30_days(bench: Settings) -> None:
    league = League()
    allow_5(league, "BOS", 2, **shots((6, 10), (6, 10), (6, 10)))
    allow_5(league, "LAL", 25, **shots((10, 30), (10, 30), (10, 30)))
    allow_5(league, "NYK", 30, **shots((90, 90), (90, 90), (90, 90)))
    rows = defenses(bench, league)
    assert ratings(rows["BOS"]) == pytest.approx([20.0] * 3, abs=1e-9)  # 60 against 16 of 40
    assert ratings(rows["NYK"]) == pytest.approx([60.0] * 3, abs=1e-9)


def test_there_is_no_rating_if_nobody_played_for_30_days(bench: Settings) -> None:
    league = League()
    allow_5(league, "BOS", 30, **EVEN)
    row = defenses(bench, league)["BOS"]
    assert row["paint_pct_allowed_last_15"] == 0.5
    assert ratings(row) == [None] * 3
    assert (row["strongest_zone"], row["weakest_zone"]) == (None, None)


# Makes of 10 shots by zone, where the league makes 5 of 10; and the strongest and the weakest zone.
EXTREMES = {
    "each is different": ((4, 5, 6), "paint", "perimeter"),
    "the other way round": ((6, 5, 4), "perimeter", "paint"),
    "mid-range is strongest": ((5, 4, 6), "mid_range", "perimeter"),
    "mid-range is weakest": ((5, 6, 4), "perimeter", "mid_range"),
    "all are the same": ((5, 5, 5), "paint", "paint"),
    "paint and mid-range share the lowest": ((4, 4, 6), "paint", "perimeter"),
    "mid-range and three share the lowest": ((6, 4, 4), "mid_range", "paint"),
    "paint and three share the highest": ((6, 4, 6), "mid_range", "paint"),
    "mid-range and three share the highest": ((4, 6, 6), "paint", "mid_range"),
}


@pytest.fixture(scope="module")
def extremes(bench: Settings) -> dict[str, Row]:
    league = League()
    for number, (makes, _, _) in enumerate(EXTREMES.values()):
        paint, mid_range, three = makes
        allow_5(league, f"T{number:02d}", 2, **shots((paint, 10), (mid_range, 10), (three, 10)))
        allow_5(league, f"U{number:02d}", 2, **shots((10 - paint, 10), (10 - mid_range, 10), (10 - three, 10)))
    allow_5(league, "V00", 2, **shots((3, 10), (0, 0), (6, 10)))
    allow_5(league, "V01", 2, **shots((7, 10), (0, 0), (4, 10)))
    return defenses(bench, league)


@pytest.mark.parametrize("name", EXTREMES)
def test_the_strongest_zone_has_the_lowest_rating_and_a_tie_goes_to_the_first(
    extremes: dict[str, Row], name: str
) -> None:
    row = extremes[f"T{list(EXTREMES).index(name):02d}"]
    assert (row["strongest_zone"], row["weakest_zone"]) == EXTREMES[name][1:]


def test_a_zone_without_a_rating_is_neither_strongest_nor_weakest(extremes: dict[str, Row]) -> None:
    assert (extremes["V00"]["strongest_zone"], extremes["V00"]["weakest_zone"]) == ("paint", "perimeter")


def test_a_game_without_a_chart_is_in_the_sample_and_only_its_threes_count(bench: Settings) -> None:
    league = League()
    allow(league, "BOS", 2, **NO_CHART, three_pt_makes=10, three_pt_attempts=10)
    allow_5(league, "BOS", 3, **EVEN)
    allow(league, "LAL", 2, **NO_CHART, three_pt_makes=None, three_pt_attempts=None)
    rows = defenses(bench, league)
    assert (rows["BOS"]["games_in_sample"], rows["BOS"]["charted_games"]) == (6, 5)
    assert [rows["BOS"][f"{zone}_pct_allowed_last_15"] for zone in ZONES] == [0.5, 0.5, 35 / 60]
    assert ratings(rows["BOS"]) == [0.0] * 3
    assert (rows["LAL"]["games_in_sample"], rows["LAL"]["charted_games"]) == (1, 0)
    assert (ratings(rows["LAL"]), rows["LAL"]["paint_attempts_allowed_per_game"]) == ([None] * 3, None)


def test_a_rating_takes_five_charted_games(bench: Settings) -> None:
    league = League()
    allow_5(league, "BOS", 2, **EVEN)
    for days_ago in range(2, 6):
        allow(league, "LAL", days_ago, **EVEN)
    allow(league, "LAL", 6, **NO_CHART)
    rows = defenses(bench, league)
    assert (rows["BOS"]["charted_games"], rows["LAL"]["charted_games"]) == (5, 4)
    assert None not in ratings(rows["BOS"])
    assert ratings(rows["LAL"]) == [None] * 3
    assert (rows["LAL"]["paint_pct_allowed_last_15"], rows["LAL"]["weakest_zone"]) == (0.5, None)


def test_a_game_is_charted_only_if_every_players_shots_are(bench: Settings) -> None:
    league = League()
    day = DAY - timedelta(days=2)
    league.player("opp1", day, "g", "OPP", "BOS", **EVEN)
    league.player("opp2", day, "g", "OPP", "BOS", **NO_CHART)
    assert defenses(bench, league)["BOS"]["charted_games"] == 0


def test_only_games_of_the_season_before_the_day_count(bench: Settings) -> None:
    opening_day = (DAY - SEASON_START).days
    league = League()
    for team, days_ago in {"NOW": 0, "LTR": -1, "OPN": opening_day, "OLD": (DAY - LAST_SEASON).days}.items():
        allow(league, team, days_ago, **EVEN, season_year=2021 if team == "OLD" else 2022)
    assert set(defenses(bench, league)) == {"OPN"}

"""player_shot_zone_analysis, worked out by hand: shares, rates, and the zone that they make the primary one."""

from datetime import timedelta
from typing import Any

import pytest

from tasks.backfill.coverage import window
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.league import League, Row
from tests.tables.rows import DAY, LAST_SEASON, SAT_OUT, SEASON_START, SHOT_ZONES, build, write

pytestmark = pytest.mark.no_server

# Shots in the paint, from mid-range and from three, of 100 or 1,000; and the zone.
ZONES = {
    "paint 40, three 40": ((40, 20, 40), "paint"),
    "paint 40": ((40, 30, 30), "paint"),
    "paint 40, mid-range 60": ((40, 60, 0), "paint"),
    "paint 39, three 40": ((39, 21, 40), "perimeter"),
    "paint 39, three 39": ((39, 22, 39), "balanced"),
    "paint 399 of 1000, three 400": ((399, 201, 400), "perimeter"),
    "paint 399 of 1000, three 399": ((399, 202, 399), "balanced"),
    "three 40, mid-range 60": ((0, 60, 40), "perimeter"),
    "three 40, mid-range 35": ((25, 35, 40), "perimeter"),
    "three 39, mid-range 35": ((26, 35, 39), "mid_range"),
    "mid-range 35": ((33, 35, 32), "mid_range"),
    "mid-range 34": ((33, 34, 33), "balanced"),
    "mid-range 349 of 1000": ((330, 349, 321), "balanced"),
    "only paint": ((9, 0, 0), "paint"),
    "only mid-range": ((0, 9, 0), "mid_range"),
    "only three": ((0, 0, 9), "perimeter"),
    "2 of 5 in the paint": ((2, 0, 3), "paint"),
    "7 of 20 from mid-range": ((7, 7, 6), "mid_range"),
    "no shot": ((0, 0, 0), None),
}
NO_CHART: dict[str, Any] = dict.fromkeys(("paint_makes", "paint_attempts", "mid_range_makes", "mid_range_attempts"))
# What differs from a game of 8 shots, all of them charted: 2 in the paint, 2 from mid-range, 4 from three.
NOT_WHOLE: dict[str, dict[str, Any]] = {
    "one shot more than the chart has": {"fg_attempts": 9},
    "one shot less than the chart has": {"fg_attempts": 7},
    "shots unknown": {"fg_attempts": None},
    "paint unknown": {"paint_attempts": None},
    "mid-range unknown": {"mid_range_attempts": None},
    "threes unknown": {"three_pt_attempts": None},
}


def shots(paint: tuple[int, int], mid_range: tuple[int, int], three: tuple[int, int]) -> dict[str, Any]:
    """Makes and attempts by zone, which are all of them."""
    names, zones = ("paint", "mid_range", "three_pt"), (paint, mid_range, three)
    return {"fg_makes": sum(makes for makes, _ in zones), "fg_attempts": sum(attempts for _, attempts in zones)} | {
        f"{name}_{kind}": count
        for name, zone in zip(names, zones, strict=True)
        for kind, count in zip(("makes", "attempts"), zone, strict=True)
    }


def game(league: League, lookup: str, days_ago: int, **stats: Any) -> None:
    league.player(lookup, DAY - timedelta(days=days_ago), f"{lookup}-{days_ago}", "BOS", "LAL", **stats)


@pytest.fixture(scope="module")
def rows(bench: Settings) -> dict[str, Row]:
    league = League()
    for name, ((paint, mid_range, three), _) in ZONES.items():
        for days_ago in (3, 5, 7):
            game(league, name, days_ago, **shots((0, paint), (0, mid_range), (0, three)))
    for days_ago in (3, 5):
        game(league, "2 charted games", days_ago, **shots((9, 9), (0, 0), (0, 0)))
    for name, stats in NOT_WHOLE.items():
        game(league, name, 3, **{**shots((1, 2), (1, 2), (3, 4)), **stats})
    for days_ago in range(1, 11):
        game(league, "11 games", days_ago, **shots((2, 4), (1, 4), (3, 4)))
    game(league, "11 games", 11, **shots((99, 999), (0, 0), (0, 0)))
    game(league, "10 games, 2 without a chart", 1, **NO_CHART, universal_player_id="new")
    game(league, "10 games, 2 without a chart", 2, **NO_CHART, universal_player_id=None)
    for days_ago in range(3, 11):
        stats = shots((1, 2), (0, 1), (0, 1))
        game(league, "10 games, 2 without a chart", days_ago, **stats, universal_player_id=None)
    game(league, "11 games, the chart in the 11th", 11, **shots((1, 2), (0, 1), (0, 1)))
    for days_ago in range(1, 11):
        game(league, "11 games, the chart in the 11th", days_ago, **NO_CHART)
    game(league, "no three", 3, **shots((1, 2), (1, 3), (0, 0)))
    game(league, "tonight", 0)
    game(league, "later", -1)
    game(league, "last season", (DAY - LAST_SEASON).days, season_year=2021)
    game(league, "opening day", (DAY - SEASON_START).days)
    game(league, "sat out", 3, **SAT_OUT)
    write(bench, league)
    return {row["player_lookup"]: row for row in build(bench, SHOT_ZONES)}


@pytest.mark.parametrize("name", ZONES)
def test_the_primary_zone_is_paint_then_three_then_mid_range(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["primary_scoring_zone"] == ZONES[name][1]


@pytest.mark.parametrize("name", ZONES)
def test_the_shares_are_of_the_players_shots_in_percent(rows: dict[str, Row], name: str) -> None:
    counts, _ = ZONES[name]
    shares = [rows[name][f"{zone}_rate_last_10"] for zone in ("paint", "mid_range", "three_pt")]
    assert shares == [100 * count / sum(counts) if sum(counts) else None for count in counts]


def test_the_last_10_games_count(rows: dict[str, Row]) -> None:
    row = rows["11 games"]
    assert (row["games_in_sample_10"], row["charted_games_10"]) == (10, 10)
    assert row["primary_scoring_zone"] == "balanced"
    assert (row["paint_pct_last_10"], row["mid_range_pct_last_10"], row["three_pt_pct_last_10"]) == (0.5, 0.25, 0.75)
    assert row["paint_attempts_per_game"] == 4.0


def test_a_game_without_a_chart_is_in_the_sample_but_in_no_rate(rows: dict[str, Row]) -> None:
    row = rows["10 games, 2 without a chart"]
    assert (row["games_in_sample_10"], row["charted_games_10"]) == (10, 8)
    assert [row[f"{zone}_rate_last_10"] for zone in ("paint", "mid_range", "three_pt")] == [50.0, 25.0, 25.0]
    assert (row["paint_attempts_per_game"], row["mid_range_attempts_per_game"]) == (2.0, 1.0)
    assert row["paint_pct_last_10"] == 0.5
    assert row["universal_player_id"] == "new"


def test_games_without_a_chart_are_not_replaced_by_earlier_ones(rows: dict[str, Row]) -> None:
    row = rows["11 games, the chart in the 11th"]
    assert (row["games_in_sample_10"], row["charted_games_10"]) == (10, 0)
    unknown = {name for name, value in row.items() if value is None}
    assert unknown == {
        "paint_rate_last_10",
        "mid_range_rate_last_10",
        "three_pt_rate_last_10",
        "paint_pct_last_10",
        "mid_range_pct_last_10",
        "paint_attempts_per_game",
        "mid_range_attempts_per_game",
        "three_pt_attempts_per_game",
        "primary_scoring_zone",
    }


def test_threes_of_games_without_a_chart_count_for_their_percentage_only(rows: dict[str, Row]) -> None:
    row = rows["11 games, the chart in the 11th"]
    assert (row["three_pt_pct_last_10"], row["three_pt_rate_last_10"]) == (1 / 3, None)  # 1 of 3 in each


def test_a_primary_zone_takes_three_charted_games(rows: dict[str, Row]) -> None:
    row = rows["2 charted games"]
    assert (row["charted_games_10"], row["paint_rate_last_10"], row["primary_scoring_zone"]) == (2, 100.0, None)
    assert (rows["only paint"]["charted_games_10"], rows["only paint"]["primary_scoring_zone"]) == (3, "paint")


@pytest.mark.parametrize("name", NOT_WHOLE)
def test_a_chart_that_is_not_whole_says_nothing(rows: dict[str, Row], name: str) -> None:
    row = rows[name]
    assert (row["games_in_sample_10"], row["charted_games_10"]) == (1, 0)
    assert (row["paint_rate_last_10"], row["paint_pct_last_10"]) == (None, None)
    assert row["three_pt_pct_last_10"] == (None if name == "threes unknown" else 0.75)


def test_a_zone_without_a_shot_has_no_percentage(rows: dict[str, Row]) -> None:
    row = rows["no three"]
    assert (row["paint_pct_last_10"], row["mid_range_pct_last_10"]) == (0.5, 1 / 3)
    assert (row["three_pt_pct_last_10"], row["three_pt_attempts_per_game"]) == (None, 0.0)


@pytest.mark.parametrize("name", ["tonight", "later", "last season", "sat out"])
def test_only_games_of_the_season_before_the_day_make_a_row(rows: dict[str, Row], name: str) -> None:
    assert name not in rows
    assert "opening day" in rows


def test_the_rows_are_those_that_are_expected(bench: Settings, rows: dict[str, Row]) -> None:
    sql = load_catalogue(bench).query(SHOT_ZONES, "expected")
    league = League()
    for name in rows:
        game(league, name, 3)
    write(bench, league)
    with open_warehouse(bench.connection()) as warehouse:
        expected = warehouse.fetch(sql, window(bench, SEASON_START, DAY, DAY))
    assert {row["player_lookup"] for row in expected} == set(rows)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("other_id", "attempts"), [("0022299999", 2.0), ("two-99", 2.8)])
def test_of_two_games_on_one_day_the_last_is_that_of_the_higher_id_in_whatever_order_they_are_loaded(
    bench: Settings, other_id: str, attempts: float, order: int
) -> None:
    league = League()
    for days_ago in range(11, 1, -1):
        game(league, "two", days_ago, **shots((1, 2), (1, 2), (1, 2)))
    game(league, "two", 11, **shots((5, 10), (0, 0), (0, 0)))  # only the last of the two is among the last ten
    league.box[-1] |= {"game_id": other_id, "team_abbr": "ATL", "opponent_team_abbr": "MIA"}
    league.box = league.box[::order]
    write(bench, league)
    (row,) = [row for row in build(bench, SHOT_ZONES) if row["player_lookup"] == "two"]
    assert row["paint_attempts_per_game"] == pytest.approx(attempts)

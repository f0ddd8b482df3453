"""shot_zone_mismatch_score, worked out by hand: rating of the zone, times the weight of the player's share of it."""

import json

import pytest

from tasks.settings import Settings
from tests.league import Row
from tests.tables.rows import Case, score

pytestmark = pytest.mark.no_server

DEFENSE = {
    "paint_defense_vs_league_avg": 4.0,
    "mid_range_defense_vs_league_avg": -3.0,
    "three_pt_defense_vs_league_avg": 2.0,
}


def player(zone: str | None, paint: float = 25.0, mid_range: float = 40.0, three: float = 10.0) -> Row:
    return {
        "primary_scoring_zone": zone,
        "paint_rate_last_10": paint,
        "mid_range_rate_last_10": mid_range,
        "three_pt_rate_last_10": three,
    }


def paint(share: float, rating: float) -> Case:
    return Case(zone=player("paint", paint=share), defense={**DEFENSE, "paint_defense_vs_league_avg": rating})


CASES = {
    # the zone that counts: 4 x 25/50, -3 x 40/50, 2 x 10/50
    "paint": (Case(zone=player("paint"), defense=DEFENSE), 2.0),
    "mid-range": (Case(zone=player("mid_range"), defense=DEFENSE), -2.4),
    "perimeter": (Case(zone=player("perimeter"), defense=DEFENSE), 0.4),
    "balanced counts as paint": (Case(zone=player("balanced"), defense=DEFENSE), 2.0),
    "no zone counts as paint": (Case(zone=player(None), defense=DEFENSE), 2.0),
    # the weight stops at half of the shots
    "a share of 49 weighs 0.98": (paint(49.0, 4.0), 3.9),
    "a share of 50 weighs 1": (paint(50.0, 4.0), 4.0),
    "a share of 51 weighs 1": (paint(51.0, 4.0), 4.0),
    "a share of 100 weighs 1": (paint(100.0, 4.0), 4.0),
    "no share weighs nothing": (paint(0.0, 4.0), 0.0),
    # beyond 5 it counts 1.2 times, after the weight
    "4.9 stays": (paint(50.0, 4.9), 4.9),
    "5 stays": (paint(50.0, 5.0), 5.0),
    "5.1 is 6.12": (paint(50.0, 5.1), 6.1),
    "-5 stays": (paint(50.0, -5.0), -5.0),
    "-5.1 is -6.12": (paint(50.0, -5.1), -6.1),
    "a rating of 10 at half weight stays 5": (paint(25.0, 10.0), 5.0),
    "a rating of 10 at weight 0.52 is 6.24": (paint(26.0, 10.0), 6.2),
    "a rating of 6.25 at weight 0.8 stays 5": (paint(40.0, 6.25), 5.0),
    # 10 is the limit
    "8.2 is 9.84": (paint(50.0, 8.2), 9.8),
    "8.4 is clamped": (paint(50.0, 8.4), 10.0),
    "-8.4 is clamped": (paint(50.0, -8.4), -10.0),
    "100 is clamped": (paint(100.0, 100.0), 10.0),
    "-100 is clamped": (paint(100.0, -100.0), -10.0),
    # unknown is neutral
    "no row of the player": (Case(defense=DEFENSE), 0.0),
    "no row of the defence": (Case(zone=player("paint")), 0.0),
    "no row at all": (Case(), 0.0),
    "a player without a shot": (Case(zone={"primary_scoring_zone": None}, defense=DEFENSE), 0.0),
    "a defence without a rating": (Case(zone=player("paint"), defense={}), 0.0),
    "an average defence": (paint(50.0, 0.0), 0.0),
}
MISSING = {
    "paint": set(),
    "no row of the player": {"player_shot_zone"},
    "no row of the defence": {"team_defense_zone"},
    "no row at all": {"player_shot_zone", "team_defense_zone"},
    "a player without a shot": {"player_shot_zone"},
    "a defence without a rating": {"team_defense_zone"},
    "an average defence": set(),
}


@pytest.fixture(scope="module")
def rows(bench: Settings) -> dict[str, Row]:
    return score(bench, {name: case for name, (case, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_mismatch_is_rating_times_weight(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["shot_zone_mismatch_score"] == CASES[name][1]


@pytest.mark.parametrize("name", MISSING)
def test_a_side_that_is_unknown_is_named(rows: dict[str, Row], name: str) -> None:
    named = set((rows[name]["missing_data_fields"] or "").split(",")) - {""}
    assert named == MISSING[name]


@pytest.mark.parametrize(
    ("name", "boosted"),
    [("5 stays", False), ("-5 stays", False), ("5.1 is 6.12", True), ("-5.1 is -6.12", True), ("no row at all", False)],
)
def test_the_extra_weight_of_a_large_mismatch_is_explained(rows: dict[str, Row], name: str, boosted: bool) -> None:
    assert json.loads(rows[name]["shot_zone_context_json"])["extreme_boost"] is boosted


def test_the_zone_that_counted_is_explained(rows: dict[str, Row]) -> None:
    assert json.loads(rows["mid-range"]["shot_zone_context_json"]) == {
        "score": -2.4,
        "has_zone_row": True,
        "primary_scoring_zone": "mid_range",
        "zone": "mid_range",
        "zone_share_pct": 40,
        "zone_weight": 0.8,
        "opponent_team_abbr": rows["mid-range"]["opponent_team_abbr"],
        "opponent_defense_vs_league_avg": -3,
        "extreme_boost": False,
    }
    balanced = json.loads(rows["balanced counts as paint"]["shot_zone_context_json"])
    assert (balanced["primary_scoring_zone"], balanced["zone"]) == ("balanced", "paint")

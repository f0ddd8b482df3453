"""pace_score and usage_spike_score, worked out by hand, and what NULL means to them."""

import json
import math

import pytest

from tasks.settings import Settings
from tests.league import Row
from tests.tables.rows import Case, score

pytestmark = pytest.mark.no_server

PACE = {
    "no difference": (0.0, 0.0),
    "half of 2": (2.0, 1.0),
    "half of -2": (-2.0, -1.0),
    "6 is the limit": (6.0, 3.0),
    "just below the limit": (5.8, 2.9),
    "6.2 is clamped": (6.2, 3.0),
    "-6 is the limit": (-6.0, -3.0),
    "-6.2 is clamped": (-6.2, -3.0),
    "99 is clamped": (99.0, 3.0),
    "unknown is neutral": (None, 0.0),
    "not a number is unknown": (math.nan, 0.0),
    "infinite is unknown": (math.inf, 0.0),
}
# average, projection, star team-mates out
USAGE = {
    "as ever": ((20.0, 20.0, 0), 0.0),
    "5 points more": ((20.0, 25.0, 0), 1.5),
    "5 points less": ((20.0, 15.0, 0), -1.5),
    "one star out makes 1.5 x 1.15 = 1.725": ((20.0, 25.0, 1), 1.7),
    "two stars out make 1.5 x 1.30 = 1.95": ((20.0, 25.0, 2), 2.0),
    "three stars count as two": ((20.0, 25.0, 3), 2.0),
    "one star out does not make less of less": ((20.0, 15.0, 1), -1.5),
    "two stars out do not make less of less": ((20.0, 15.0, 2), -1.5),
    "stars out change nothing where nothing changes": ((20.0, 20.0, 2), 0.0),
    "10 points are the limit": ((20.0, 30.0, 0), 3.0),
    "11 points are clamped": ((20.0, 31.0, 0), 3.0),
    "8 points and two stars, 3.12, are clamped": ((20.0, 28.0, 2), 3.0),
    "-10 points are the limit": ((20.0, 10.0, 0), -3.0),
    "-11 points are clamped": ((20.0, 9.0, 0), -3.0),
    "a projection of 0 is one": ((5.0, 0.0, 0), -1.5),
    "an average of 0 says nothing": ((0.0, 25.0, 0), 0.0),
    "an average of 0 says nothing, whoever is out": ((0.0, 25.0, 2), 0.0),
    "average unknown": ((None, 25.0, 0), 0.0),
    "projection unknown": ((20.0, None, 0), 0.0),
    "both unknown": ((None, None, 2), 0.0),
    "stars unknown": ((20.0, 25.0, None), 1.5),
    "average not a number": ((math.nan, 25.0, 0), 0.0),
    "projection infinite": ((20.0, math.inf, 0), 0.0),
}


@pytest.fixture(scope="module")
def pace(bench: Settings) -> dict[str, Row]:
    return score(bench, {name: Case({"pace_differential": value}) for name, (value, _) in PACE.items()})


@pytest.fixture(scope="module")
def usage(bench: Settings) -> dict[str, Row]:
    columns = ("avg_usage_rate_last_7_games", "projected_usage_rate", "star_teammates_out")
    return score(bench, {name: Case(dict(zip(columns, values, strict=True))) for name, (values, _) in USAGE.items()})


@pytest.mark.parametrize("name", PACE)
def test_pace_is_half_the_difference_within_3(pace: dict[str, Row], name: str) -> None:
    assert pace[name]["pace_score"] == PACE[name][1]


@pytest.mark.parametrize("name", ["unknown is neutral", "not a number is unknown", "infinite is unknown"])
def test_an_unknown_pace_is_named(pace: dict[str, Row], name: str) -> None:
    assert "pace_differential" in pace[name]["missing_data_fields"].split(",")


def test_pace_is_explained(pace: dict[str, Row]) -> None:
    assert json.loads(pace["6.2 is clamped"]["pace_context_json"]) == {
        "score": 3,
        "pace_differential": 6.2,
        "opponent_pace_last_10": 100,
    }
    assert json.loads(pace["infinite is unknown"]["pace_context_json"])["pace_differential"] is None


@pytest.mark.parametrize("name", USAGE)
def test_usage_spike_is_three_tenths_of_the_change_within_3(usage: dict[str, Row], name: str) -> None:
    assert usage[name]["usage_spike_score"] == USAGE[name][1]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("average unknown", "avg_usage_rate_last_7_games"),
        ("average not a number", "avg_usage_rate_last_7_games"),
        ("projection unknown", "projected_usage_rate"),
        ("projection infinite", "projected_usage_rate"),
        ("stars unknown", "star_teammates_out"),
    ],
)
def test_an_unknown_rate_is_named(usage: dict[str, Row], name: str, missing: str) -> None:
    assert missing in usage[name]["missing_data_fields"].split(",")


def test_known_rates_are_not_named(usage: dict[str, Row]) -> None:
    assert usage["an average of 0 says nothing"]["missing_data_fields"] == "player_shot_zone,team_defense_zone"


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("5 points more", 1),
        ("one star out makes 1.5 x 1.15 = 1.725", 1.15),
        ("two stars out make 1.5 x 1.30 = 1.95", 1.3),
        ("two stars out do not make less of less", 1),
    ],
)
def test_usage_is_explained(usage: dict[str, Row], name: str, factor: float) -> None:
    (average, projection, stars), expected = USAGE[name]
    assert json.loads(usage[name]["usage_context_json"]) == {
        "score": expected,
        "projected_usage_rate": projection,
        "avg_usage_rate_last_7_games": average,
        "star_teammates_out": stars,
        "star_teammates_factor": factor,
    }

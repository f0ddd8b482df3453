"""fatigue_score, against sums worked out by hand: 100, minus what each rule of domain.md takes."""

import json
from typing import Any

import pytest

from tasks.settings import Settings
from tests.league import Row
from tests.tables.rows import Case, score

pytestmark = pytest.mark.no_server

# What differs from a rested 25-year-old with 3 games, 72 minutes (24 a game), and the score.
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "nothing hits": ({}, 100),
    "back to back takes 15": ({"back_to_back": True, "days_rest": 1}, 85),
    "2 days of rest give nothing": ({"days_rest": 2, "games_in_last_7_days": 4}, 90),
    "3 days of rest give 5": ({"days_rest": 3, "games_in_last_7_days": 4}, 95),
    "9 days of rest give 5": ({"days_rest": 9, "games_in_last_7_days": 4}, 95),
    "back to back comes before rest": ({"back_to_back": True, "days_rest": 3}, 85),
    "3 games take nothing": ({"games_in_last_7_days": 3}, 100),
    "4 games take 10": ({"games_in_last_7_days": 4}, 90),
    "5 games take 10": ({"games_in_last_7_days": 5}, 90),
    "240 minutes take nothing": ({"minutes_in_last_7_days": 240.0}, 100),
    "more than 240 minutes take 10": ({"minutes_in_last_7_days": 240.01}, 90),
    "35 minutes a game take nothing": ({"avg_minutes_per_game_last_7": 35.0}, 100),
    "more than 35 minutes a game take 8": ({"avg_minutes_per_game_last_7": 35.01}, 92),
    "no pair of games takes nothing": ({"back_to_backs_last_14_days": 0}, 100),
    "1 pair of games takes 5": ({"back_to_backs_last_14_days": 1}, 95),
    "2 pairs of games take 12": ({"back_to_backs_last_14_days": 2}, 88),
    "3 pairs of games take 12": ({"back_to_backs_last_14_days": 3}, 88),
    "age 29 takes nothing": ({"player_age": 29}, 100),
    "age 30 takes 5": ({"player_age": 30}, 95),
    "age 34 takes 5": ({"player_age": 34}, 95),
    "age 35 takes 10": ({"player_age": 35}, 90),
    "age 41 takes 10": ({"player_age": 41}, 90),
    "105 is clamped to 100": ({"days_rest": 3}, 100),
    "rest makes up for an age of 30": ({"days_rest": 3, "player_age": 30}, 100),
    "every rule at once leaves 35": (
        {
            "back_to_back": True,
            "games_in_last_7_days": 4,
            "minutes_in_last_7_days": 241.0,
            "avg_minutes_per_game_last_7": 36.0,
            "back_to_backs_last_14_days": 2,
            "player_age": 35,
        },
        35,
    ),
}
INPUTS = (
    "days_rest",
    "back_to_back",
    "games_in_last_7_days",
    "minutes_in_last_7_days",
    "avg_minutes_per_game_last_7",
    "back_to_backs_last_14_days",
    "player_age",
)
NEEDED = ("games_in_last_7_days", "minutes_in_last_7_days")
"""Without these a pre-game row is not used."""
# Other rules take 20, so that a rule that were read as hit would show, whichever way it goes.
MAY_BE_UNKNOWN = tuple(name for name in INPUTS if name not in NEEDED)
UNKNOWN = {name: {"games_in_last_7_days": 4, "minutes_in_last_7_days": 241.0, name: None} for name in MAY_BE_UNKNOWN}


@pytest.fixture(scope="module")
def rows(bench: Settings) -> dict[str, Row]:
    cases = {name: Case(context) for name, (context, _) in CASES.items()}
    cases |= {name: Case(context) for name, context in UNKNOWN.items()}
    cases["all"] = Case(dict.fromkeys(MAY_BE_UNKNOWN))
    cases |= {f"without {name}": Case({"player_age": 41, name: None}) for name in NEEDED}
    cases["rested, back to back unknown"] = Case({"back_to_back": None, "days_rest": 3, "games_in_last_7_days": 4})
    return score(bench, cases)


@pytest.mark.parametrize("name", CASES)
def test_fatigue_is_100_and_what_each_rule_gives_or_takes(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["fatigue_score"] == CASES[name][1]


@pytest.mark.parametrize("name", CASES)
def test_the_adjustment_is_a_twentieth_of_what_is_taken(rows: dict[str, Row], name: str) -> None:
    expected = (CASES[name][1] - 100) / 20
    assert rows[name]["total_composite_adjustment"] == expected
    assert json.loads(rows[name]["fatigue_context_json"])["adjustment"] == expected


@pytest.mark.parametrize("name", CASES)
def test_the_points_that_are_explained_add_up_to_the_score(rows: dict[str, Row], name: str) -> None:
    context = json.loads(rows[name]["fatigue_context_json"])
    points = sum(value for key, value in context.items() if key.endswith("_points"))
    assert min(100, 100 + points) == context["score"] == rows[name]["fatigue_score"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_pre_game_row_without_what_it_must_have_gives_way_to_the_box_scores(rows: dict[str, Row], name: str) -> None:
    row = rows[f"without {name}"]
    assert (row["context_source"], row["fatigue_score"]) == ("synthetic", 100)
    assert "player_age" in row["missing_data_fields"].split(",")


@pytest.mark.parametrize("name", MAY_BE_UNKNOWN)
def test_an_unknown_input_hits_no_rule_and_is_named(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["fatigue_score"] == 80
    assert name in rows[name]["missing_data_fields"].split(",")


def test_a_player_of_whom_nothing_is_known_is_fresh(rows: dict[str, Row]) -> None:
    assert rows["all"]["fatigue_score"] == 100
    assert set(MAY_BE_UNKNOWN) <= set(rows["all"]["missing_data_fields"].split(","))


def test_rest_counts_where_back_to_back_is_unknown(rows: dict[str, Row]) -> None:
    assert rows["rested, back to back unknown"]["fatigue_score"] == 95


def test_scores_are_whole_numbers(rows: dict[str, Row]) -> None:
    assert {type(row["fatigue_score"]) for row in rows.values()} == {int}

"""A season, day by day: what its days are, and which of them need somebody."""

from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tasks.backfill.gate import Outcome
from tasks.backfill.season import NEEDS_SOMEBODY, Season, make_season
from tasks.backfill.season_picture import draw, letter
from tests.backfill.rules.surveys import MAIN, checkpoint

pytestmark = pytest.mark.no_server

OPENING = date(2022, 10, 18)
FIRST = OPENING + timedelta(days=14)
"""The first day on which rows are built."""


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def season(outcomes: dict[int, Outcome], *, games: str = "11111", goes_on: bool = False, **given: Any) -> Season:
    """Return a season of the first days after bootstrap: how many games each has, and what came of some."""
    last = {day(n): checkpoint(outcome, game_date=day(n)) for n, outcome in outcomes.items()}
    return make_season(
        MAIN,
        2022,
        games={day(n): int(count) for n, count in enumerate(games)},
        season_start=OPENING,
        goes_on=goes_on,
        bootstrap_days=14,
        last=last,
        published={each: found for each, found in last.items() if found.is_done},
        **given,
    )


def states(found: Season) -> list[str]:
    return [each.state for each in found.days]


@pytest.mark.parametrize(
    ("outcomes", "given", "expected"),
    [
        ({0: "complete", 2: "forced", 4: "waived"}, {}, "complete left_out forced left_out waived"),
        ({1: "complete", 2: "blocked"}, {}, "unrecorded complete blocked unrecorded unrecorded"),
        ({1: "complete"}, {"goes_on": True}, "unrecorded complete left_out left_out left_out"),
        ({}, {"goes_on": True}, "unrecorded unrecorded unrecorded unrecorded unrecorded"),
        ({0: "complete", 4: "complete"}, {"games": "10001"}, "complete no_games no_games no_games complete"),
        ({0: "complete", 2: "no_games", 3: "complete"}, {"games": "1011"}, "complete no_games left_out complete"),
        ({0: "complete", 2: "blocked"}, {"games": "101"}, "complete no_games blocked"),
        ({0: "complete", 3: "blocked"}, {"games": "1000"}, "complete no_games no_games blocked"),
        ({0: "failed"}, {"not_tried": {day(1), day(2)}}, "failed not_tried not_tried unrecorded unrecorded"),
    ],
    ids=[
        "between",
        "outside",
        "a season that goes on",
        "no record",
        "off-days",
        "games that the record does not know",
        "off-day between",
        "a record where the schedule has no game",
        "not tried",
    ],
)
def test_a_day_with_games_that_no_run_was_asked_for_is_seen_and_needs_somebody_if_it_was_left_out(
    outcomes: dict[int, Outcome], given: dict[str, Any], expected: str
) -> None:
    found = season(outcomes, **given)
    assert states(found) == expected.split()
    assert [each.game_date for each in found.needing] == [
        each.game_date for each in found.days if each.state in NEEDS_SOMEBODY
    ]


def test_the_days_at_the_start_of_a_season_are_not_missing() -> None:
    games = {OPENING + timedelta(days=n): 5 for n in range(16)}
    found = make_season(
        MAIN, 2022, games=games, season_start=OPENING, goes_on=True, bootstrap_days=14, last={}, published={}
    )
    assert states(found) == ["skipped_bootstrap"] * 14 + ["unrecorded"] * 2


def test_a_season_ends_with_the_last_day_of_which_anything_is_known() -> None:
    found = season({}, games="0011000")
    assert [each.game_date for each in found.days] == [day(2), day(3)]


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({0: "complete", 1: "complete_with_warning", 2: "forced", 3: "waived", 4: "complete"}, "All 5 days are done."),
        ({0: "complete", 1: "failed", 4: "blocked"}, "4 of 5 days need you."),
        ({0: "blocked", 1: "complete"}, "1 of 2 days needs you. 3 days of the season have no record."),
        ({3: "complete"}, "The one day is done. 4 days of the season have no record."),
        ({}, "No day has a record."),
    ],
)
def test_the_headline_says_how_many_days_need_somebody(outcomes: dict[int, Outcome], said: str) -> None:
    assert season(outcomes).headline == said


def test_the_cause_of_a_day_is_in_words_and_its_command_does_just_that_day_and_table() -> None:
    found = season({0: "complete", 2: "blocked"}, games="121")
    left_out, blocked = found.needing
    assert left_out.cause == "left out: 2 games in the schedule, and no record"
    assert blocked.cause == "187 of 187"
    command = f"prefect deployment run backfill/player-composite-factors -p start_date={day(1)}"
    assert found.command(left_out) == command
    other = found.model_copy(update={"is_default": False})
    assert other.command(left_out) == f"{command} -p 'tables=[\"{MAIN}\"]'"


def test_means_are_weighted_and_what_is_unknown_does_not_count() -> None:
    last = {
        day(0): checkpoint(game_date=day(0), coverage=1.0, expected=100, mean_completeness=80.0, row_count=100),
        day(1): checkpoint(game_date=day(1), coverage=0.9, expected=300, mean_completeness=None, row_count=300),
        day(2): checkpoint("blocked", game_date=day(2), coverage=0.1, expected=200, row_count=None),
    }
    found = make_season(
        MAIN,
        2022,
        games={day(n): 1 for n in range(3)},
        season_start=OPENING,
        goes_on=False,
        bootstrap_days=14,
        last=last,
        published={each: checkpoint for each, checkpoint in last.items() if checkpoint.is_done},
    )
    assert dict(found.facts) == {
        "days": "1 blocked, 2 complete",
        "sources": "2 upcoming",
        "mean coverage": "92.5 %",
        "mean completeness": "80.0 %",
    }


def test_the_picture_has_a_cell_a_day_with_its_letter_and_the_coverage_that_is_not_whole() -> None:
    found = season({0: "complete", 1: "blocked", 3: "complete_with_warning"}, games="11110")
    short = found.days[3].checkpoint
    assert short is not None
    found = found.model_copy(
        update={
            "days": (
                *found.days[:3],
                found.days[3].model_copy(update={"checkpoint": short.model_copy(update={"coverage": 0.9499})}),
            )
        }
    )
    picture = ET.fromstring(draw(found))  # noqa: S314 - our own
    cells = {
        group.findtext("{*}title"): [text.text for text in group.findall("{*}text")]
        for group in picture.findall("{*}g")
    }
    assert cells == {
        f"{day(0)}: complete": ["C"],
        f"{day(1)}: blocked": ["B"],
        f"{day(2)}: left out": ["?"],
        f"{day(3)}: complete, with a warning": ["W", "94"],
    }
    assert {letter(each.state) for each in found.days} == {"C", "B", "?", "W"}

"""What a survey has found: the digests of inputs, and of which days they are."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tasks.backfill.checkpoint import BEFORE
from tasks.backfill.day import read_from
from tasks.backfill.decision import REFERENCE, reference_digest
from tasks.backfill.findings import input_digest
from tests.backfill.rules.surveys import DAY, MAIN, SURVEY, ZONES

pytestmark = pytest.mark.no_server


def test_an_input_counts_for_the_days_of_its_window_only() -> None:
    before, day = SURVEY.digests["player_game_summary"]
    whole = {REFERENCE: reference_digest(SURVEY.reference(DAY))}
    assert SURVEY.inputs(ZONES, DAY, "season") == {f"player_game_summary{BEFORE}": input_digest([before]), **whole}
    assert SURVEY.inputs(MAIN, DAY, "upcoming") == {
        "player_game_summary": input_digest([day]),
        f"player_game_summary{BEFORE}": input_digest([before]),
        "nba_schedule": input_digest([(DAY, "ddd")]),
        "source upcoming": input_digest([(DAY, "eee")]),
        ZONES: "ggg",
        **whole,
    }


def test_what_is_wrong_with_the_games_is_an_input_as_far_as_the_table_looks_back() -> None:
    def digest(table: str, **reference: Any) -> str:
        day = SURVEY.reference(DAY).model_copy(update=reference)
        return replace(SURVEY, references={DAY: day}).inputs(table, DAY, "")[REFERENCE]

    whole, build = digest(MAIN), SURVEY.builds[MAIN].model_copy(update={"looks_back_on": "30 days"})
    assert digest(MAIN, missing_games="BOS-NYK") != whole
    assert digest(MAIN, season_holes=1) != digest(MAIN, season_holes=2) != whole
    day = SURVEY.reference(DAY).model_copy(update={"season_holes": 1})
    nearer = replace(SURVEY, builds={**SURVEY.builds, MAIN: build}, references={DAY: day})
    assert nearer.inputs(MAIN, DAY, "")[REFERENCE] == whole


def test_what_was_before_the_season_is_no_input() -> None:
    start = date(2022, 10, 18)
    some = [(read_from(start) - timedelta(days=1), "long ago"), (read_from(start), "aaa"), (DAY, "bbb")]
    found = replace(SURVEY, digests={**SURVEY.digests, "player_game_summary": some})
    assert found.inputs(ZONES, DAY, "season")[f"player_game_summary{BEFORE}"] == input_digest([some[1]])


def test_a_digest_of_inputs_depends_on_every_day_and_its_content() -> None:
    monday, tuesday = date(2023, 2, 20), date(2023, 2, 21)
    digests = {
        input_digest(days)
        for days in (
            [],
            [(monday, "a")],
            [(monday, "b")],
            [(tuesday, "a")],
            [(monday, "a"), (tuesday, "a")],
            [(monday, "a"), (tuesday, "b")],
        )
    }
    assert len(digests) == 6
    assert input_digest([(monday, "a")]) == input_digest([(monday, "a")])

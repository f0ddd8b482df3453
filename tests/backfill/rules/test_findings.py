"""What a survey has found: the digests of inputs, and of which days they are."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tasks.backfill.day import read_from
from tasks.backfill.findings import input_digest
from tests.backfill.rules.surveys import DAY, MAIN, SURVEY, ZONES

pytestmark = pytest.mark.no_server


def test_an_input_counts_for_the_days_of_its_window_only() -> None:
    before, day = SURVEY.digests["player_game_summary"]
    assert SURVEY.inputs(ZONES, DAY, "season") == {"player_game_summary": input_digest([before])}
    assert SURVEY.inputs(MAIN, DAY, "upcoming") == {
        "player_game_summary": input_digest([before, day]),
        "nba_schedule": input_digest([(DAY, "ddd")]),
        "source upcoming": input_digest([(DAY, "eee")]),
    }


def test_what_was_before_the_season_is_no_input() -> None:
    start = date(2022, 10, 18)
    some = [(read_from(start) - timedelta(days=1), "long ago"), (read_from(start), "aaa"), (DAY, "bbb")]
    found = replace(SURVEY, digests={**SURVEY.digests, "player_game_summary": some})
    assert found.inputs(ZONES, DAY, "season") == {"player_game_summary": input_digest([some[1]])}


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

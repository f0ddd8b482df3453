"""Who did not play and who started, as a row of a game log says it."""

from typing import Any

import pytest

from tests.ingest.rows import problems, summary

pytestmark = pytest.mark.no_server


@pytest.mark.parametrize(
    ("marks", "is_active"),
    [
        ({"COMMENT": "DNP - Coach's Decision"}, True),
        ({"COMMENT": "DND - Injury/Illness"}, False),
        ({"COMMENT": "NWT - Personal"}, False),
        ({"IS_DNP": True}, True),
        ({"IS_DNP": "true"}, True),
        ({"IS_DNP": 1}, True),
        ({"MIN": None}, True),
        ({"MIN": ""}, True),
    ],
    ids=str,
)
def test_a_player_who_did_not_play_is_kept_and_marked(marks: dict[str, Any], is_active: bool) -> None:
    row = summary(**{"MIN": 0, "PLUS_MINUS": 0, **marks})
    assert row["is_dnp"] is True
    assert row["is_active"] is is_active
    assert row["minutes_played"] is None


def test_zero_minutes_alone_do_not_make_a_dnp() -> None:
    row = summary(MIN=0)
    assert (row["is_dnp"], row["minutes_played"], row["is_active"]) == (False, 0.0, True)


@pytest.mark.parametrize("marks", [{"COMMENT": "DNP - Coach's Decision"}, {"IS_DNP": True}], ids=str)
def test_a_dnp_with_minutes_or_statistics_is_rejected(marks: dict[str, Any]) -> None:
    why = "is not 0, although the row says that the player did not play"
    assert problems(MIN=12, PTS=4, PLUS_MINUS=0, **marks) == [("MIN", why), ("PTS", why)]


def test_statistics_without_minutes_are_rejected() -> None:
    assert problems(MIN=None, AST=1) == [
        ("AST", "is not 0, although MIN is empty"),
        ("PLUS_MINUS", "is not 0, although MIN is empty"),
    ]


@pytest.mark.parametrize(
    ("columns", "started"),
    [
        ({}, None),
        ({"START_POSITION": "G"}, True),
        ({"START_POSITION": "F-C"}, True),
        ({"START_POSITION": ""}, False),
        ({"STARTER": True}, True),
        ({"STARTER": "0"}, False),
        ({"STARTER": None}, None),
        ({"STARTER": False, "START_POSITION": "G"}, False),
    ],
    ids=str,
)
def test_who_started_is_known_only_where_the_file_says_so(columns: dict[str, Any], started: bool | None) -> None:
    assert summary(**columns)["starter_flag"] is started


def test_a_start_position_that_is_none_is_rejected() -> None:
    assert [column for column, _ in problems(START_POSITION="bench")] == ["START_POSITION"]

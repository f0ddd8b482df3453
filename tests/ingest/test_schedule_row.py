"""The rules of one row of a schedule."""

from datetime import date
from typing import Any

import pytest

from tasks.ingest.cells import read_row
from tasks.ingest.schedule_file import ScheduleContents, ScheduleRow
from tests.ingest.files import schedule_row

pytestmark = pytest.mark.no_server


def game(**changes: Any) -> dict[str, object]:
    row = read_row(ScheduleRow, schedule_row(**changes))
    assert isinstance(row, ScheduleRow), row
    return row.to_schedule()


def problems(**changes: Any) -> list[tuple[str, str]]:
    found = read_row(ScheduleRow, schedule_row(**changes))
    assert isinstance(found, list), found
    return [(problem.column, problem.reason) for problem in found]


def test_a_game_with_both_scores_is_final() -> None:
    assert game() == {
        "game_id": "0022200901",
        "game_date": date(2023, 2, 23),
        "season_year": 2022,
        "game_status": 3,
        "game_status_text": None,
        "home_team_tricode": "CLE",
        "away_team_tricode": "DEN",
        "home_team_score": 109,
        "away_team_score": 115,
        "is_regular_season": True,
        "is_playoffs": False,
        "is_all_star": False,
    }


@pytest.mark.parametrize("points", [None, "", 0])
def test_a_game_without_scores_is_scheduled(points: object) -> None:
    row = game(HOME_PTS=points, AWAY_PTS=points)
    assert (row["game_status"], row["home_team_score"], row["away_team_score"]) == (1, None, None)


def test_the_score_of_a_game_that_is_not_over_is_not_its_final_score() -> None:
    row = game(GAME_STATUS=2, HOME_PTS=55, AWAY_PTS=48)
    assert (row["home_team_score"], row["away_team_score"]) == (None, None)


def test_the_text_of_a_status_says_why_a_game_was_not_played() -> None:
    row = game(GAME_STATUS=1, HOME_PTS=None, AWAY_PTS=None, GAME_STATUS_TEXT="Postponed")
    assert row["game_status_text"] == "Postponed"


@pytest.mark.parametrize("status", [1, 2, 3, "2"])
def test_a_status_overrides_what_the_scores_say(status: object) -> None:
    assert game(GAME_STATUS=status)["game_status"] == int(str(status))
    assert game(GAME_STATUS=status, HOME_PTS=None, AWAY_PTS=55)["game_status"] == int(str(status))


@pytest.mark.parametrize("status", [0, 4, "Final"])
def test_a_status_that_is_none_is_rejected(status: object) -> None:
    assert [column for column, _ in problems(GAME_STATUS=status)] == ["GAME_STATUS"]


def test_one_score_alone_is_rejected() -> None:
    assert problems(HOME_PTS=None) == [("HOME_PTS", "is empty, the other score is not")]
    assert problems(AWAY_PTS="") == [("AWAY_PTS", "is empty, the other score is not")]


def test_a_level_score_is_rejected() -> None:
    assert problems(HOME_PTS=99, AWAY_PTS=99) == [("AWAY_PTS", "is the score of both teams; no game ends level")]


def test_a_status_is_needed_where_there_are_no_scores() -> None:
    row = {column: value for column, value in schedule_row(GAME_STATUS="").items() if not column.endswith("_PTS")}
    found = read_row(ScheduleRow, row)
    assert isinstance(found, list)
    assert [(problem.column, problem.reason) for problem in found] == [("GAME_STATUS", "is empty")]


@pytest.mark.parametrize(
    ("prefix", "flags"),
    [
        ("001", (False, False, False)),
        ("002", (True, False, False)),
        ("003", (False, False, True)),
        ("004", (False, True, False)),
        ("005", (False, False, False)),
        ("006", (False, False, False)),
    ],
    ids=["preseason", "regular season", "all-star", "playoffs", "play-in", "cup final"],
)
def test_the_kind_of_a_game_comes_from_its_id(prefix: str, flags: tuple[bool, bool, bool]) -> None:
    row = game(GAME_ID=f"{prefix}2200901")
    assert (row["is_regular_season"], row["is_playoffs"], row["is_all_star"]) == flags


def test_a_flag_of_the_file_overrides_the_id() -> None:
    row = game(IS_REGULAR_SEASON="false", IS_ALL_STAR=True)
    assert (row["is_regular_season"], row["is_all_star"]) == (False, True)


def test_a_season_or_a_day_that_contradicts_the_id_is_rejected() -> None:
    assert problems(SEASON_YEAR=2021) == [("SEASON_YEAR", "is not the season 2022-23 of game 0022200901")]
    assert problems(GAME_DATE="2021-12-25") == [("GAME_DATE", "is not in season 2022-23 of game 0022200901")]


def test_a_team_does_not_play_itself() -> None:
    assert problems(AWAY_TEAM="CLE") == [("AWAY_TEAM", "is the home team, too")]


@pytest.mark.parametrize("column", ["HOME_TEAM", "AWAY_TEAM", "GAME_ID", "GAME_DATE"])
def test_a_game_without_a_value_that_it_needs_is_rejected(column: str) -> None:
    assert problems(**{column: ""}) == [(column, "is empty")]


def test_a_game_that_is_listed_twice_on_a_day_is_rejected_the_second_time() -> None:
    schedule = ScheduleContents()
    assert isinstance(schedule.accept(2, schedule_row()), dict)
    (problem,) = schedule.accept(3, schedule_row(HOME_PTS=99))
    assert problem == ("GAME_ID", "0022200901", "is in line 2 already")


def test_a_game_that_was_moved_is_listed_on_both_of_its_days() -> None:
    schedule = ScheduleContents()
    days = ("2023-02-23", "2023-02-25")
    rows = [schedule.accept(line, schedule_row(GAME_DATE=day)) for line, day in enumerate(days, start=2)]
    assert [row["game_date"] for row in rows if isinstance(row, dict)] == [date(2023, 2, 23), date(2023, 2, 25)]
    assert schedule.games == {"0022200901"}
    assert schedule.days == {date(2023, 2, 23), date(2023, 2, 25)}

"""The rules of one row of a game log."""

from datetime import date
from decimal import Decimal

import pytest

from tasks.ingest.cells import Problem, read_row
from tasks.ingest.game_log_row import GameLogRow
from tests.ingest.files import log_row
from tests.ingest.rows import problems, summary

pytestmark = pytest.mark.no_server


def test_a_row_of_a_league_game_log_becomes_a_row_of_the_summary() -> None:
    stats = dict(zip(("PTS", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA"), (21, 8, 17, 3, 7, 2, 4), strict=True))
    more = dict(zip(("OREB", "DREB", "AST", "STL", "BLK", "TOV", "PF"), (1, 5, 9, 2, 0, 3, 4), strict=True))
    assert summary(**stats, **more, MIN=34, PLUS_MINUS=-7) == {
        "player_lookup": "reggiejackson",
        "universal_player_id": "202704",
        "player_full_name": "Reggie Jackson",
        "game_id": "0022200901",
        "game_date": date(2023, 2, 23),
        "team_abbr": "DEN",
        "opponent_team_abbr": "CLE",
        "season_year": 2022,
        "points": 21,
        "minutes_played": 34.0,
        "fg_makes": 8,
        "fg_attempts": 17,
        "three_pt_makes": 3,
        "three_pt_attempts": 7,
        "ft_makes": 2,
        "ft_attempts": 4,
        "offensive_rebounds": 1,
        "defensive_rebounds": 5,
        "assists": 9,
        "steals": 2,
        "blocks": 0,
        "turnovers": 3,
        "personal_fouls": 4,
        "plus_minus": -7,
        "paint_makes": None,
        "paint_attempts": None,
        "mid_range_makes": None,
        "mid_range_attempts": None,
        "starter_flag": None,
        "is_active": True,
        "is_dnp": False,
    }


def test_shot_zones_are_read_where_the_file_has_them() -> None:
    row = summary(FGM=9, FGA=20, PAINT_FGM=4, PAINT_FGA=7, MID_RANGE_FGM=2, MID_RANGE_FGA=5)
    assert (row["paint_makes"], row["paint_attempts"]) == (4, 7)
    assert (row["mid_range_makes"], row["mid_range_attempts"]) == (2, 5)


@pytest.mark.parametrize("blank", [None, "", "  ", float("nan"), "NaN", "NULL", "None", "NA"])
def test_a_statistic_that_is_missing_is_unknown_and_not_zero(blank: object) -> None:
    assert summary(FGA=blank)["fg_attempts"] is None


@pytest.mark.parametrize("value", [12, 12.0, "12", " 12 ", "12.0", Decimal(12)])
def test_a_statistic_may_be_written_as_a_number_or_as_text(value: object) -> None:
    assert summary(PTS=value)["points"] == 12


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("twelve", "must be a valid integer, unable to parse string as an integer"),
        (6.5, "must be a valid integer, got a number with a fractional part"),
        (-1, "must be greater than or equal to 0"),
        (251, "must be less than or equal to 250"),
    ],
)
def test_a_statistic_that_is_no_count_is_rejected(value: object, reason: str) -> None:
    assert problems(PTS=value) == [("PTS", reason)]


def test_plus_minus_may_be_negative_but_not_absurd() -> None:
    assert summary(PLUS_MINUS=-58)["plus_minus"] == -58
    assert problems(PLUS_MINUS=-151) == [("PLUS_MINUS", "must be greater than or equal to -150")]


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("FGM", "FGA"),
        ("FG3M", "FG3A"),
        ("FTM", "FTA"),
        ("FG3M", "FGM"),
        ("FG3A", "FGA"),
    ],
)
def test_more_of_a_part_than_of_the_whole_is_rejected(part: str, whole: str) -> None:
    empty = dict.fromkeys(("FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA"))
    assert problems(**{**empty, part: 4, whole: 3}) == [(part, f"is more than {whole}, 3")]
    assert summary(**{**empty, part: 3, whole: 3})


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        (34, 34.0),
        (34.5, 34.5),
        ("34", 34.0),
        ("34.25", 34.25),
        ("34:12", 34.2),
        ("34.000000:12", 34.2),
        ("PT34M12.00S", 34.2),
        ("PT34M", 34.0),
        ("PT00M06.60S", 0.11),
        ("0:00", 0.0),
        (80, 80.0),
    ],
)
def test_minutes_are_read_in_every_form_that_the_league_writes(value: object, minutes: float) -> None:
    assert summary(MIN=value)["minutes_played"] == pytest.approx(minutes)


@pytest.mark.parametrize("value", ["12:60", "PT5H", "half", "1_0", "inf", "34:12:00"])
def test_minutes_in_another_form_are_rejected(value: str) -> None:
    assert problems(MIN=value) == [("MIN", "must be minutes: 34, 34.2, 34:12 or PT34M12.00S")]


@pytest.mark.parametrize("value", [81, "80:01", -1, "-1"])
def test_minutes_that_no_game_lasts_are_rejected(value: object) -> None:
    (column, reason), *_ = problems(MIN=value)
    assert column == "MIN"
    assert "than or equal to" in reason


CHART = ("paint_makes", "paint_attempts", "mid_range_makes", "mid_range_attempts")


@pytest.mark.parametrize(
    "chart",
    [
        {"PAINT_FGM": 4, "PAINT_FGA": 3},
        {"MID_RANGE_FGM": 4, "MID_RANGE_FGA": 3},
        {"PAINT_FGA": 21, "MID_RANGE_FGA": 0},
        {"PAINT_FGA": 12, "MID_RANGE_FGA": 9},
        {"PAINT_FGA": 9, "PAINT_FGM": 5, "MID_RANGE_FGA": 9, "MID_RANGE_FGM": 5},
    ],
    ids=str,
)
def test_a_shot_chart_with_more_than_the_box_score_is_unknown_and_the_player_stays(chart: dict[str, int]) -> None:
    row = summary(FGM=9, FGA=20, **chart)
    assert (row["fg_makes"], row["fg_attempts"]) == (9, 20)
    assert [row[name] for name in CHART] == [None] * 4


@pytest.mark.parametrize("column", ["GAME_ID", "GAME_DATE", "PLAYER_ID", "PLAYER_NAME", "TEAM_ABBREVIATION", "MATCHUP"])
def test_a_row_without_a_value_that_it_needs_is_rejected(column: str) -> None:
    assert problems(**{column: None}) == [(column, "is empty")]


TEXTS = {"GAME_DATE", "PLAYER_NAME", "TEAM_ABBREVIATION", "MATCHUP", "COMMENT", "START_POSITION"}


@pytest.mark.parametrize("column", sorted(GameLogRow.columns().keys() - TEXTS))
@pytest.mark.parametrize("value", [10**30, f"{2**63}", float(2**63), 1e30, float("inf")], ids=str)
def test_a_number_that_no_column_holds_is_rejected_with_its_column(column: str, value: object) -> None:
    found = problems(**{column: value})
    assert column in [name for name, _ in found]
    assert all(reason for _, reason in found)


def test_every_problem_of_a_row_is_told_with_its_value() -> None:
    assert read_row(GameLogRow, log_row(PTS="x", TEAM_ABBREVIATION="den")) == [
        Problem("TEAM_ABBREVIATION", "den", "must be three capital letters"),
        Problem("PTS", "x", "must be a valid integer, unable to parse string as an integer"),
    ]

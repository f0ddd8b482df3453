"""The rules of one row of a game log."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tasks.ingest.cells import Problem, read_row, season_of
from tasks.ingest.game_log_row import GameLogRow, Matchup, parse_matchup
from tests.ingest.files import log_row

pytestmark = pytest.mark.no_server


def summary(**changes: Any) -> dict[str, object]:
    row = read_row(GameLogRow, log_row(**changes))
    assert isinstance(row, GameLogRow), row
    return row.to_summary()


def problems(**changes: Any) -> list[tuple[str, str]]:
    found = read_row(GameLogRow, log_row(**changes))
    assert isinstance(found, list), found
    return [(problem.column, problem.reason) for problem in found]


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


@pytest.mark.parametrize("value", [22200901, "22200901", "22200901.0", 22200901.0, "0022200901", Decimal(22200901)])
def test_a_game_id_that_lost_its_zeros_gets_them_back(value: object) -> None:
    assert summary(GAME_ID=value)["game_id"] == "0022200901"


@pytest.mark.parametrize("value", ["0072200901", "5", "00222009011", "2022-901", "1022200901", "٠٠٢٢٢٠٠٩٠١"])
def test_what_is_no_game_id_is_rejected(value: str) -> None:
    assert [column for column, _ in problems(GAME_ID=value)] == ["GAME_ID"]


@pytest.mark.parametrize(
    ("game_id", "season"), [("0022200001", 2022), ("0029900001", 1999), ("0020000001", 2000), ("0024600001", 1946)]
)
def test_the_season_comes_from_the_game_id(game_id: str, season: int) -> None:
    assert season_of(game_id) == season


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


@pytest.mark.parametrize(
    ("season", "code", "team"),
    [
        (2022, "PHO", "PHX"),
        (2022, "BRK", "BKN"),
        (2011, "BRK", "NJN"),
        (2022, "CHO", "CHA"),
        (1991, "CHA", "CHH"),
        (2022, "NO", "NOP"),
        (2005, "NOP", "NOK"),
        (2010, "NOH", "NOH"),
        (2007, "OKC", "SEA"),
        (2022, "UTAH", "UTA"),
        (2022, "NOH", "NOH"),
    ],
)
def test_a_team_is_named_by_the_code_that_the_league_has_for_it_in_the_season(
    season: int, code: str, team: str
) -> None:
    game = {"GAME_ID": f"002{season % 100:02d}00901", "GAME_DATE": f"{season + 1}-02-23", "SEASON_ID": season}
    own = summary(TEAM_ABBREVIATION=code, MATCHUP=f"{code} @ CLE", **game)
    other = summary(TEAM_ABBREVIATION="CLE", MATCHUP=f"CLE vs. {code}", **game)
    assert (own["team_abbr"], other["opponent_team_abbr"]) == (team, team)


@pytest.mark.parametrize("value", ["22022", 22022, 22022.0, "2022", "2022-23", None])
def test_a_season_that_agrees_with_the_game_id_is_accepted(value: object) -> None:
    assert summary(SEASON_ID=value)["season_year"] == 2022


def test_a_season_that_contradicts_the_game_id_is_rejected() -> None:
    assert problems(SEASON_ID="22021") == [("SEASON_ID", "is not the season 2022-23 of game 0022200901")]
    assert problems(SEASON_ID="season 1") == [("SEASON_ID", "must be a season: 22022, 2022 or 2022-23")]


@pytest.mark.parametrize(
    "value",
    [
        date(2023, 2, 23),
        datetime(2023, 2, 23),  # noqa: DTZ001 - as a file has it
        "2023-02-23",
        "2023-02-23T00:00:00",
        "2023-02-23 00:00:00",
        "2023-02-23T00:00:00.000",
        "Feb 23, 2023",
        "FEB 23, 2023",
    ],
)
def test_a_day_is_read_in_every_form_that_the_league_writes(value: object) -> None:
    assert summary(GAME_DATE=value)["game_date"] == date(2023, 2, 23)


@pytest.mark.parametrize(
    "value",
    [
        "23.02.2023",
        "02/23/2023",
        "2023-02-30",
        "Feb 30, 2023",
        "Fev 23, 2023",
        "2023-02-23T19:30:00",
        "2023-02-23T00:00:00Z",
        "20230223",
        20230223,
        datetime(2023, 2, 23, 19, 30),  # noqa: DTZ001
        datetime(2023, 2, 23, tzinfo=UTC),
    ],
)
def test_a_day_that_could_mean_another_is_rejected(value: object) -> None:
    assert [column for column, _ in problems(GAME_DATE=value)] == ["GAME_DATE"]


def test_a_day_outside_of_the_season_of_the_game_is_rejected() -> None:
    reason = "is not in season 2022-23 of game 0022200901"
    assert problems(GAME_DATE="2022-02-23") == [("GAME_DATE", reason)]
    assert problems(GAME_DATE="2024-02-23") == [("GAME_DATE", reason)]


@pytest.mark.parametrize(
    ("text", "matchup"),
    [
        ("DEN @ CLE", Matchup(home="CLE", away="DEN")),
        ("CLE vs. DEN", Matchup(home="CLE", away="DEN")),
        ("CLE vs DEN", Matchup(home="CLE", away="DEN")),
    ],
)
def test_matchup_names_the_home_team_and_the_visitors(text: str, matchup: Matchup) -> None:
    assert parse_matchup(text) == matchup


@pytest.mark.parametrize("matchup", ["DEN @ CLE", "CLE vs. DEN"])
def test_the_opponent_is_the_other_team_of_the_matchup(matchup: str) -> None:
    assert summary(TEAM_ABBREVIATION="DEN", MATCHUP=matchup)["opponent_team_abbr"] == "CLE"
    assert summary(TEAM_ABBREVIATION="CLE", MATCHUP=matchup)["opponent_team_abbr"] == "DEN"


@pytest.mark.parametrize("matchup", ["DEN - CLE", "DEN", "DEN @ DEN", "Denver @ Cleveland", "DEN @ CLE vs. LAL"])
def test_a_matchup_without_two_teams_is_rejected(matchup: str) -> None:
    assert problems(MATCHUP=matchup) == [("MATCHUP", "must name two teams: 'DEN @ CLE' or 'CLE vs. DEN'")]


def test_a_matchup_without_the_team_of_the_player_is_rejected() -> None:
    assert problems(MATCHUP="LAL @ CLE") == [("MATCHUP", "does not name the player's team DEN")]


@pytest.mark.parametrize("team", ["den", "DENV", "DE", "D3N"])
def test_a_team_that_is_not_three_capital_letters_is_rejected(team: str) -> None:
    assert [column for column, _ in problems(TEAM_ABBREVIATION=team)] == ["TEAM_ABBREVIATION"]


@pytest.mark.parametrize("column", ["GAME_ID", "GAME_DATE", "PLAYER_ID", "PLAYER_NAME", "TEAM_ABBREVIATION", "MATCHUP"])
def test_a_row_without_a_value_that_it_needs_is_rejected(column: str) -> None:
    assert problems(**{column: None}) == [(column, "is empty")]


def test_a_name_without_a_latin_letter_is_rejected() -> None:
    assert problems(PLAYER_NAME="Никола") == [("PLAYER_NAME", "has no Latin letter or digit")]


@pytest.mark.parametrize("value", [202704, "202704", "202704.0", 202704.0])
def test_a_player_id_is_kept_as_text(value: object) -> None:
    assert summary(PLAYER_ID=value)["universal_player_id"] == "202704"


TEXTS = {"GAME_DATE", "PLAYER_NAME", "TEAM_ABBREVIATION", "MATCHUP", "COMMENT", "START_POSITION"}


@pytest.mark.parametrize("column", sorted(GameLogRow.columns().keys() - TEXTS))
@pytest.mark.parametrize("value", [10**30, f"{2**63}", float(2**63), 1e30, float("inf")], ids=str)
def test_a_number_that_no_column_holds_is_rejected_with_its_column(column: str, value: object) -> None:
    found = problems(**{column: value})
    assert column in [name for name, _ in found]
    assert all(reason for _, reason in found)


def test_the_largest_id_that_a_column_holds_is_taken() -> None:
    assert summary(PLAYER_ID=2**63 - 1)["universal_player_id"] == f"{2**63 - 1}"
    assert problems(PLAYER_ID="9" * 31) == [
        ("PLAYER_ID", "must be at most 9223372036854775807, the largest INT64, if it is a number")
    ]


def test_every_problem_of_a_row_is_told_with_its_value() -> None:
    assert read_row(GameLogRow, log_row(PTS="x", TEAM_ABBREVIATION="den")) == [
        Problem("TEAM_ABBREVIATION", "den", "must be three capital letters"),
        Problem("PTS", "x", "must be a valid integer, unable to parse string as an integer"),
    ]

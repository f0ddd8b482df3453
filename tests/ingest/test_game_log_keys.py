"""What a row of a game log is about: the game, its season and day, the teams, the player."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tasks.ingest.cells import season_of
from tasks.ingest.game_log_row import Matchup, parse_matchup
from tests.ingest.rows import problems, summary

pytestmark = pytest.mark.no_server


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


def test_a_name_without_a_latin_letter_is_rejected() -> None:
    assert problems(PLAYER_NAME="Никола") == [("PLAYER_NAME", "has no Latin letter or digit")]


@pytest.mark.parametrize("value", [202704, "202704", "202704.0", 202704.0])
def test_a_player_id_is_kept_as_text(value: object) -> None:
    assert summary(PLAYER_ID=value)["universal_player_id"] == "202704"


def test_the_largest_id_that_a_column_holds_is_taken() -> None:
    assert summary(PLAYER_ID=2**63 - 1)["universal_player_id"] == f"{2**63 - 1}"
    assert problems(PLAYER_ID="9" * 31) == [
        ("PLAYER_ID", "must be at most 9223372036854775807, the largest INT64, if it is a number")
    ]

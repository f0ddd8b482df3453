"""Pace, worked out by hand: 48 x possessions of both teams, averaged, / (team minutes / 5)."""

from datetime import date, timedelta

import pytest

from tasks.settings import Settings
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, build, read, write

pytestmark = pytest.mark.no_server

IDLE = {"fg_attempts": 80, "ft_attempts": 0, "offensive_rebounds": 0, "turnovers": 0}


def team_game(
    league: League,
    days_ago: int,
    own: str,
    other: str,
    possessions: int | None,
    *,
    minutes: float = 240.0,
    other_possessions: int | None = None,
) -> tuple[Row, Row]:
    """Add a game with one row a team: all shots, so that possessions are attempts; returns the rows, to be changed."""
    day, game_id = DAY - timedelta(days=days_ago), f"{own}{other}{days_ago}"
    theirs = possessions if other_possessions is None else other_possessions
    return (
        league.player(
            f"{own}star", day, game_id, own, other, minutes_played=minutes, **{**IDLE, "fg_attempts": possessions}
        ),
        league.player(
            f"{other}star", day, game_id, other, own, minutes_played=minutes, **{**IDLE, "fg_attempts": theirs}
        ),
    )


def tonight(league: League, own: str = "BOS", other: str = "LAL") -> None:
    game_id = league.game(DAY, own, other, players=0)
    league.player("me", DAY, game_id, own, other)


def context(settings: Settings, league: League, day: date = DAY) -> Row:
    write(settings, league)
    (row,) = (row for row in read(settings, "context_synthetic", day) if row["player_lookup"] == "me")
    return row


def test_possessions_are_attempts_and_turnovers_without_offensive_rebounds(bench: Settings) -> None:
    league = League()
    tonight(league)
    boston, angeles = team_game(league, 5, "BOS", "LAL", 0)
    boston.update(fg_attempts=85, ft_attempts=20, offensive_rebounds=10, turnovers=12)  # 85 + 8.8 - 10 + 12 = 95.8
    angeles.update(fg_attempts=90, ft_attempts=25, offensive_rebounds=8, turnovers=14)  # 90 + 11 - 8 + 14 = 107
    row = context(bench, league)
    assert row["opponent_pace_last_10"] == pytest.approx(101.4, abs=1e-9)  # (95.8 + 107) / 2 in 48 minutes
    assert row["pace_differential"] == pytest.approx(0.0, abs=1e-9)


def test_overtime_is_brought_back_to_48_minutes(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 5, "BOS", "LAL", 106, minutes=265.0)
    assert context(bench, league)["opponent_pace_last_10"] == pytest.approx(48 * 106 / 53, abs=1e-9)


def test_a_teams_possessions_are_those_of_all_its_players(bench: Settings) -> None:
    league = League()
    tonight(league)
    boston, angeles = team_game(league, 5, "BOS", "LAL", 60)
    for row in (boston, angeles):
        row["minutes_played"] = 140.0
        league.box.append({**row, "player_lookup": f"{row['player_lookup']}2", "minutes_played": 100.0, **IDLE})
    assert context(bench, league)["opponent_pace_last_10"] == pytest.approx(140.0, abs=1e-9)


def test_the_difference_is_the_own_teams_last_10_games_minus_the_opponents(bench: Settings) -> None:
    league = League()
    tonight(league)
    for days_ago in range(30, 40):
        team_game(league, days_ago, "BOS", "AAA", 104)
    for days_ago in range(3, 13):
        team_game(league, days_ago, "LAL", "BBB", 96)
    team_game(league, 2, "CCC", "DDD", 300)  # other teams do not count
    row = context(bench, league)
    assert row["opponent_pace_last_10"] == pytest.approx(96.0, abs=1e-9)
    assert row["pace_differential"] == pytest.approx(104 - 96, abs=1e-9)


def test_the_11th_last_game_does_not_count(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 40, "LAL", "AAA", 999)
    for number in range(10):
        team_game(league, 20 + number, "LAL", "AAA", 100 + number)
    assert context(bench, league)["opponent_pace_last_10"] == pytest.approx(104.5, abs=1e-9)


@pytest.mark.parametrize("field", ["fg_attempts", "ft_attempts", "offensive_rebounds", "turnovers"])
@pytest.mark.parametrize("side", [0, 1], ids=["own", "other"])
def test_an_unknown_count_of_either_team_makes_the_games_pace_unknown(bench: Settings, field: str, side: int) -> None:
    league = League()
    tonight(league)
    team_game(league, 5, "BOS", "LAL", 100)[side][field] = None
    row = context(bench, league)
    assert (row["opponent_pace_last_10"], row["pace_differential"]) == (None, None)


def test_a_game_of_unknown_pace_is_left_out_of_the_mean(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 5, "BOS", "LAL", 100)
    team_game(league, 4, "BOS", "LAL", None)
    assert context(bench, league)["opponent_pace_last_10"] == pytest.approx(100.0, abs=1e-9)


def test_a_team_that_has_not_played_leaves_the_difference_unknown(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 5, "LAL", "AAA", 100)
    row = context(bench, league)
    assert row["opponent_pace_last_10"] == pytest.approx(100.0, abs=1e-9)
    assert row["pace_differential"] is None


@pytest.mark.parametrize("days_ago", [31, 90])
def test_the_last_games_count_however_long_ago_they_were(bench: Settings, days_ago: int) -> None:
    league = League()
    tonight(league)
    team_game(league, days_ago, "BOS", "AAA", 101)
    team_game(league, days_ago, "LAL", "BBB", 100)
    row = context(bench, league)
    assert (row["opponent_pace_last_10"], row["pace_differential"]) == (100.0, 1.0)


def test_the_games_of_the_day_itself_do_not_count(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 0, "NYK", "MIA", 300)
    assert context(bench, league)["opponent_pace_last_10"] is None


def test_the_pace_score_follows_from_the_box_scores(bench: Settings) -> None:
    league = League()
    tonight(league)
    team_game(league, 5, "BOS", "AAA", 106)
    team_game(league, 5, "LAL", "BBB", 103)
    write(bench, league)
    (row,) = build(bench, COMPOSITE)
    assert row["pace_score"] == 1.5  # (106 - 103) / 2

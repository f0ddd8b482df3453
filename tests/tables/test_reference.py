"""The audit of a day's games, rule by rule, on both sides of each number."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tasks.backfill.day import Reference
from tasks.settings import Settings
from tests.league import League
from tests.tables.rows import DAY, references

pytestmark = pytest.mark.no_server

Change = Callable[[League], object]
LATER, EARLIER = DAY + timedelta(days=1), DAY - timedelta(days=1)


def audited(settings: Settings, *changes: Change) -> Reference:
    """Return the reference of a day with one game, New York at Boston, 10 players a team with 12 points and 24 minutes.

    Args:
        settings: Whose warehouse to use.
        changes: What is wrong with the league.
    """
    league = League()
    league.game(DAY, "BOS", "NYK")
    league.games[0] |= {"home_team_score": 120, "away_team_score": 120}
    for change in changes:
        change(league)
    return references(settings, league)[DAY]


def game(**values: Any) -> Change:
    """Change the game in the schedule."""
    return lambda league: league.games[0].update(values)


def again(day: date, **values: Any) -> Change:
    """Put the game into the schedule once more, under the same id."""
    return lambda league: league.games.append({**league.games[0], "game_date": day, **values})


def instead(day: date) -> Change:
    """Have the game in the schedule on another day."""
    return lambda league: league.games[0].update(game_date=day)


def box(team: str | None = None, **values: Any) -> Change:
    """Change the box scores of a team, or of both."""

    def change(league: League) -> None:
        for row in league.box:
            if team in (None, row["team_abbr"]):
                row |= values

    return change


def player(number: int, **values: Any) -> Change:
    """Change one box score: 0 to 9 are Boston's, 10 to 19 New York's."""
    return lambda league: league.box[number].update(values)


def one_more(number: int, **values: Any) -> Change:
    """Add a box score like another."""
    return lambda league: league.box.append({**league.box[number], **values})


def not_loaded(first: int = 0) -> Change:
    """Remove the box scores from one on."""
    return lambda league: league.box.__delitem__(slice(first, None))


def of_new_york(players: int) -> Change:
    """Leave so many players of New York, who share the points and the minutes."""

    def change(league: League) -> None:
        del league.box[10 + players :]
        box("NYK", minutes_played=240 / players, points=120 // players)(league)

    return change


WHOLE: dict[str, list[Change]] = {
    "as it was played": [],
    "5 players of a team": [of_new_york(5)],
    "no score": [game(home_team_score=None, away_team_score=None)],
    "a score of 0, which none is": [game(home_team_score=0, away_team_score=0)],
    "no points at all": [box(points=None)],
    "230 minutes a team": [box(minutes_played=23.0)],
    "few minutes, of which one is not known": [
        box(minutes_played=10.0),
        player(0, minutes_played=None),
        player(10, minutes_played=None),
    ],
    "another id in the box scores": [box(game_id="20230120_NYK_BOS")],
    "another code of a team": [
        game(home_team_tricode="PHX"),
        box("NYK", opponent_team_abbr="PHO"),
        box("BOS", team_abbr="PHO"),
    ],
    "a duplicate in the schedule": [again(DAY)],
    "its id again on a later day, and played on this one": [again(LATER)],
    "flags that say nobody played": [box(is_dnp=True, is_active=False)],
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_game_is_whole(bench: Settings, name: str) -> None:
    found = audited(bench, *WHOLE[name])
    assert found.blocks() == ()
    assert (found.final_games, found.loaded_games, found.is_off_day) == (1, 1, False)
    assert found.expected_players == (15 if "5 players" in name else 20)


def test_two_players_of_one_name_in_two_games_are_two(bench: Settings) -> None:
    league = League()
    for home, away in (("BOS", "NYK"), ("LAL", "MIA")):
        league.game(DAY, home, away)
    league.box[20] |= {"player_lookup": "bos1"}  # of Los Angeles, with an id of his own
    found = references(bench, league)[DAY]
    assert (found.blocks(), found.expected_players) == ((), 40)


INCOMPLETE, CONFLICT, UNSCHEDULED = "reference_incomplete", "schedule_conflict", "unscheduled_games"
BROKEN: dict[str, tuple[list[Change], str, str]] = {
    "4 players": ([of_new_york(4)], INCOMPLETE, "4 players for NYK, of at least 5"),
    "no team": ([not_loaded(10)], INCOMPLETE, "no box scores for NYK"),
    "a point too few": ([game(away_team_score=121)], INCOMPLETE, "120 points for NYK, the schedule says 121"),
    "a point too many": ([game(home_team_score=119)], INCOMPLETE, "120 points for BOS, the schedule says 119"),
    "229 minutes": ([box("NYK", minutes_played=22.9)], INCOMPLETE, "229 minutes for NYK, of at least 230"),
    "not final, and loaded": ([game(game_status=2)], "games_not_final", "NYK at BOS"),
    "not final, and not loaded": ([game(game_status=1), not_loaded()], "games_not_final", "NYK at BOS"),
    "not in the schedule": (
        [game(home_team_tricode="LAL", away_team_tricode="MIA", game_status=1)],
        UNSCHEDULED,
        "BOS against NYK",
    ),
    "in the schedule on the day after": ([instead(LATER)], UNSCHEDULED, f"which the schedule has on {LATER}"),
    "in the schedule on the day before": ([instead(EARLIER)], UNSCHEDULED, f"which the schedule has on {EARLIER}"),
    "a team with two games": (
        [again(DAY, game_id="0022200099", home_team_tricode="MIA")],
        CONFLICT,
        "NYK has 2 games in the schedule",
    ),
    "another opponent": ([box("NYK", opponent_team_abbr="MIA")], CONFLICT, "the box scores have NYK against MIA"),
    "of the season by its id, All-Star by its flag": ([game(is_all_star=True)], CONFLICT, "All-Star by its flag"),
    "rows of no team": ([box("NYK", team_abbr=None)], UNSCHEDULED, "an unknown team against BOS"),
    "rows of no team, opponent or game": (
        [box("NYK", team_abbr=None, opponent_team_abbr=None, game_id=None)],
        UNSCHEDULED,
        "an unknown team against an unknown team (no id)",
    ),
    "a player twice": ([one_more(0)], "duplicate_box_scores", "bos1"),
    "one id under two names": ([player(1, universal_player_id="bos1")], "ambiguous_player", "bos1 (bos1), bos2 (bos1)"),
    "two players of one name, and a row without an id": (
        [player(10, player_lookup="bos1"), one_more(1, player_lookup="bos1", universal_player_id=None)],
        "ambiguous_player",
        "bos1 (no id)",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_game_that_is_not_whole_blocks_its_day_and_is_named(bench: Settings, name: str) -> None:
    changes, category, said = BROKEN[name]
    found = {reason.category: reason.message for reason in audited(bench, *changes).blocks()}
    assert said in found[category]


NOT_PLAYED: dict[str, list[Change]] = {
    "preseason, by its id": [game(game_id="0012200001"), box(game_id="0012200001")],
    "All-Star, by its id": [game(game_id="0032200001"), box(game_id="0032200001")],
    "All-Star, by its flag alone": [game(is_all_star=True, game_id="20230223_NYK_BOS")],
    "moved to a later day": [game(game_status=1), again(LATER, game_status=3), not_loaded()],
    "final twice, and not played on the earlier day": [again(LATER), not_loaded()],
    "postponed": [game(game_status=1, game_status_text="Postponed"), not_loaded()],
    "cancelled": [game(game_status=1, game_status_text="Cancelled"), not_loaded()],
}


@pytest.mark.parametrize("name", NOT_PLAYED)
def test_a_game_that_was_not_played_on_the_day_is_not_expected(bench: Settings, name: str) -> None:
    found = audited(bench, *NOT_PLAYED[name])
    assert found.blocks() == ()
    assert (found.final_games, found.expected_players) == (0, 0)


def ambiguous(settings: Settings, ids: str, last: str) -> str | None:
    """Return who is ambiguous on the day after a player's games under ``ids``, if he then stands under ``last``."""
    league = League()
    for place, each in enumerate([*ids, last]):
        league.game(DAY + timedelta(days=place), "BOS", "NYK")
        league.box[-20] |= {"universal_player_id": each}
    day = DAY + timedelta(days=len(ids))
    return references(settings, league, day, day)[day].ambiguous_players


@pytest.mark.parametrize(
    ("ids", "last", "is_ambiguous"),
    [
        ("", "a", False),
        ("a", "a", False),
        ("a", "b", True),
        ("ab", "a", True),
        ("ab", "b", True),
        ("aab", "a", False),
        ("aab", "b", True),
        ("aaaaabbbbb", "b", True),
        ("aaaabbbbbb", "b", False),
        ("aaaabbbbbb", "a", True),
        ("aaaaaaabbbbbb", "b", False),
    ],
)
def test_a_player_under_an_id_that_is_not_that_of_most_of_his_last_10_games_is_ambiguous(
    bench: Settings, ids: str, last: str, is_ambiguous: bool
) -> None:
    found = ambiguous(bench, ids, last)
    assert found == (f"NYK at BOS (00222{len(ids) + 1:05d}): bos1 ({last})" if is_ambiguous else None)


def test_players_of_one_name_and_two_teams_are_told_apart_by_their_ids(bench: Settings) -> None:
    league = League()
    for place in range(3):
        league.game(DAY + timedelta(days=place), "BOS", "NYK")
        league.box[-1]["player_lookup"] = "bos1"
    last = DAY + timedelta(days=2)
    assert references(bench, league, last, last)[last].ambiguous_players is None


@pytest.mark.parametrize("said", [2021, 2023, None])
def test_a_game_belongs_to_the_season_of_its_day_whatever_its_rows_say(bench: Settings, said: int | None) -> None:
    found = audited(bench, game(season_year=said), box("NYK", season_year=said))
    assert (found.season_year, found.expected_players, found.blocks()) == (2022, 20, ())

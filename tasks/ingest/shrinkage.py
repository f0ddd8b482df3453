"""What a file may replace: games of which it has at least as much as the warehouse.

A file that was cut off, a source that lacks statistics and a game under another id all look like corrections. So a game
is kept back if the warehouse would have less of it afterwards, or other points, or another day of a final game, or
another score.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import fsum
from typing import NamedTuple, TypeVar

from tasks.text import first_of

_FINAL = 3
_NAMED = 5
_ROUNDING_MINUTES = 1e-6
_ALL_STAR = "003"

REMEDY = "give a file that has all of the game, or allow_shrink=true if this one is right"

Fixture = tuple[date, frozenset[str]]
"""A day and the two teams that play on it."""


class BoxScore(NamedTuple):
    """A player in one game: what must not get lost."""

    game_id: str
    game_date: date
    team_abbr: str
    opponent_team_abbr: str
    player_lookup: str
    universal_player_id: str | None
    minutes_played: float | None
    points: int | None
    known: str
    """A 1 for every column that has a value, a 0 for every one that is NULL."""

    @property
    def fixture(self) -> Fixture:
        """The game's day and teams."""
        return self.game_date, frozenset((self.team_abbr, self.opponent_team_abbr))


class ScheduledGame(NamedTuple):
    """A game of a schedule: what must not get lost of it."""

    game_id: str
    game_date: date
    home_team_tricode: str
    away_team_tricode: str
    game_status: int
    is_all_star: bool
    home_team_score: int | None
    away_team_score: int | None

    @property
    def fixture(self) -> Fixture:
        """The game's day and teams."""
        return self.game_date, frozenset((self.home_team_tricode, self.away_team_tricode))

    @property
    def score(self) -> dict[str, int]:
        """The points of each team of which they are known."""
        sides = ((self.away_team_tricode, self.away_team_score), (self.home_team_tricode, self.home_team_score))
        return {team: points for team, points in sides if points is not None}


class Replacement(NamedTuple):
    """What a file would do to a game that is there."""

    is_replaced: bool
    conflict: str | None
    """Why it cannot be loaded, with allow_shrink or without."""
    lost: list[str]
    """What would no longer be known, or be known otherwise."""


_Row = TypeVar("_Row", BoxScore, ScheduledGame)


def by_game(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    """Return the rows of each game."""
    games: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        games[row.game_id].append(row)
    return dict(games)


def other_ids(there: Mapping[str, Sequence[_Row]], here: Mapping[str, Sequence[_Row]]) -> dict[str, str]:
    """Return the games of a file that the warehouse has under another id: they would be played twice."""
    known = {rows[0].fixture: game_id for game_id, rows in there.items() if game_id not in here}
    return {
        game_id: f"these teams are there on {rows[0].game_date} as game {known[rows[0].fixture]}; correct the id here, "
        "or delete that game from the table"
        for game_id, rows in here.items()
        if game_id not in there and rows[0].fixture in known and not game_id.startswith(_ALL_STAR)
    }


def judge_box_scores(
    there: Sequence[BoxScore], here: Sequence[BoxScore], *, columns: Sequence[str], whole_games: bool
) -> Replacement:
    """Compare the rows of a game with those that a file has of it.

    Args:
        there: The rows of the warehouse, at least one.
        here: The rows of the file, at least one.
        columns: The names of what ``known`` tells.
        whole_games: The file's rows replace all of the game, not only the rows of its teams.
    """
    teams = {row.team_abbr for row in here}
    replaced = [row for row in there if whole_games or row.team_abbr in teams]
    staying = [row for row in there if not whole_games and row.team_abbr not in teams]
    lost = _lost_box_scores(replaced, here, columns) if replaced else []
    return Replacement(bool(replaced), _in_two_teams(staying, here), lost)


def judge_schedule(there: Sequence[ScheduledGame], here: Sequence[ScheduledGame]) -> Replacement:
    """Compare a game with the rows that a file has of it: the last day on which either says that it was played."""
    known, given = (max(rows, key=lambda game: (game.game_status, game.game_date)) for rows in (there, here))
    return Replacement(is_replaced=True, conflict=None, lost=_lost_of_schedule(known, given))


def _in_two_teams(staying: Sequence[BoxScore], here: Sequence[BoxScore]) -> str | None:
    """Say who would be there for two teams, as the rows of a team that the file does not have stay as they are."""
    teams = {player: row.team_abbr for row in here for player in _names(row)}
    moved = [
        f"{row.player_lookup} in game {row.game_id} ({row.team_abbr}, here {team})"
        for row in staying
        if (team := next((teams[player] for player in _names(row) if player in teams), None))
    ]
    if not moved:
        return None
    return (
        f"{first_of(moved, _NAMED)} would be there for two teams; give a file that has all rows of both teams of its "
        "games: it replaces the games as a whole"
    )


def _lost_box_scores(there: Sequence[BoxScore], here: Sequence[BoxScore], columns: Sequence[str]) -> list[str]:
    """Return what the warehouse would no longer know of a game, or would know otherwise."""
    given = {player: row for row in here for player in _names(row)}
    pairs = [(row, next((given[player] for player in _names(row) if player in given), None)) for row in there]
    both = [(row, new) for row, new in pairs if new is not None]
    lacking = sorted(row.player_lookup for row, new in pairs if new is None)
    lost = []
    if there[0].game_date != here[0].game_date:
        lost.append(f"is on {there[0].game_date} there, on {here[0].game_date} here")
    if lacking:
        lost.append(f"lacks {len(lacking)} of {len(there)} players: {first_of(lacking, _NAMED)}")
    minutes = [fsum(row.minutes_played or 0 for row in rows) for rows in (there, here)]
    if minutes[1] < minutes[0] - _ROUNDING_MINUTES:
        lost.append(f"{minutes[1]:g} of {minutes[0]:g} minutes")
    other = sorted(
        f"{row.player_lookup} {new.points}, there {row.points}"
        for row, new in both
        if row.points is not None and new.points is not None and row.points != new.points
    )
    if other:
        lost.append(f"other points: {first_of(other, _NAMED)}")
    unknown = [
        column
        for index, column in enumerate(columns)
        if any(row.known[index] == "1" and new.known[index] == "0" for row, new in both)
    ]
    if unknown:
        lost.append(f"no longer known of every player: {first_of(unknown, _NAMED)}")
    return lost


def _lost_of_schedule(there: ScheduledGame, here: ScheduledGame) -> list[str]:
    """Return what the warehouse would no longer know of a final game, or would know otherwise."""
    if there.game_status != _FINAL:
        return []
    lost = []
    if here.game_status != _FINAL:
        lost.append(f"is final there, has status {here.game_status} here")
    if there.game_date != here.game_date:
        lost.append(f"is final on {there.game_date} there, is on {here.game_date} here")
    if there.fixture[1] != here.fixture[1]:
        sides = " at ".join((there.away_team_tricode, there.home_team_tricode))
        lost.append(f"is {sides} there, {here.away_team_tricode} at {here.home_team_tricode} here")
    elif other := [team for team, points in there.score.items() if here.score.get(team) != points]:
        lost.append(f"has the score {_said(there, other)} there, {_said(here, other)} here")
    if here.is_all_star and not there.is_all_star:
        lost.append("is an All-Star game here, of which no player is expected")
    return lost


def _said(game: ScheduledGame, teams: Iterable[str]) -> str:
    return ", ".join(f"{team} {game.score.get(team, 'unknown')}" for team in teams)


def _names(row: BoxScore) -> tuple[tuple[str, str], ...]:
    """Return what identifies a player: the name, or the id if the name was corrected."""
    by_name = ("name", row.player_lookup)
    return (by_name, ("id", row.universal_player_id)) if row.universal_player_id else (by_name,)

"""The rows of a player game log taken together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from tasks.ingest.cells import Cells, FileRow, Problem, clean, future_problem, read_row
from tasks.ingest.contents import Kind
from tasks.ingest.game_log_row import GameLogRow, Matchup
from tasks.ingest.usage import Plays, team_plays, usage_rate
from tasks.text import first_of


@dataclass
class _Game:
    """What the accepted rows of a game say."""

    line: int
    game_date: date
    matchup: Matchup
    lookups: dict[str, tuple[str, int]] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    plays: dict[str, list[Plays]] = field(default_factory=dict)
    teams: set[str] = field(default_factory=set)


class GameLogContents:
    """The rows of a game log: one a player and game."""

    model: ClassVar[type[FileRow]] = GameLogRow
    table: ClassVar[str] = "player_game_summary"
    kind: ClassVar[Kind] = "game log"

    def __init__(self, as_of: date = date.max) -> None:
        self._as_of = as_of
        self.games: dict[str, _Game] = {}
        self.days: set[date] = set()
        self._missed: set[tuple[str, str]] = set()
        self._totals: dict[tuple[str, str], Plays | None] = {}
        self._ids_of: dict[str, set[str]] = {}
        self._names_of: dict[str, set[str]] = {}
        self._either_home: set[str] = set()
        self._repaired: dict[str, str] = {}
        self._renamed_teams: set[str] = set()
        self._charts: list[str] = []

    @property
    def match(self) -> tuple[str, ...]:
        """A file that has both teams of every game replaces whole games, any other the games of its teams."""
        whole = all(len(game.teams) == 2 for game in self.games.values())
        return ("game_id",) if whole else ("game_id", "team_abbr")

    def accept(self, line: int, cells: Cells) -> dict[str, object] | list[Problem]:
        """Return a row's values by column of player_game_summary without usage_rate, or all that is wrong with it."""
        row = read_row(GameLogRow, cells)
        if isinstance(row, list):
            return row
        game = self.games.get(row.game_id) or _Game(line, row.game_date, row.matchup)
        if problems := [problem for problem in self._problems(row, game) if problem]:
            return problems
        self._keep(line, row, game)
        self._note_repairs(line, row, cells)
        return row.to_summary()

    def miss(self, game_id: str, team: str) -> None:
        """Remember that a row of this team in this game was rejected: the team's totals are unknown."""
        self._missed.add((game_id, team))

    def usage(self, game_id: str, team: str, player: Plays) -> float | None:
        """Return a player's usage in one game, in percent; after the last row."""
        key = (game_id, team)
        if key not in self._totals:
            plays = self.games[game_id].plays.get(team)
            self._totals[key] = team_plays(plays) if plays and key not in self._missed else None
        total = self._totals[key]
        return None if total is None else usage_rate(player, total)

    def warnings(self) -> list[str]:
        """Return what looks wrong, but stops no row; after the last row."""
        shared = {name: ids for name, ids in self._ids_of.items() if len(ids) > 1}
        renamed = {one: names for one, names in self._names_of.items() if len(names) > 1}
        lone = [game_id for game_id, game in self.games.items() if len(game.teams) == 1]
        told = [
            _named("player_lookup of more than one PLAYER_ID", (f"{k} ({_join(v)})" for k, v in shared.items())),
            _named("PLAYER_ID with more than one name", (f"{k} ({_join(v)})" for k, v in renamed.items())),
            _named("games of which the rows disagree who is at home", self._either_home),
            _named("games with rows of one team only", lone),
            _named("damaged names, repaired", (f"{name!r} to {new!r}" for name, new in self._repaired.items())),
            _named("teams by another code", self._renamed_teams),
            _named("shot charts left out, as they have more than the box score", self._charts),
        ]
        return [text for text in told if text]

    def _problems(self, row: GameLogRow, game: _Game) -> Iterable[Problem | None]:
        yield future_problem(row.game_date, self._as_of)
        yield from _contradictions(row, game)

    def _note_repairs(self, line: int, row: GameLogRow, cells: Cells) -> None:
        name, team = clean(cells.get("PLAYER_NAME")), clean(cells.get("TEAM_ABBREVIATION"))
        if name != row.player_name:
            self._repaired[str(name)] = row.player_name
        if team != row.team_abbreviation:
            self._renamed_teams.add(f"{team} read as {row.team_abbreviation}")
        if row.chart_problem:
            self._charts.append(f"{row.lookup} in game {row.game_id}, line {line} ({row.chart_problem})")

    def _keep(self, line: int, row: GameLogRow, game: _Game) -> None:
        self.games[row.game_id] = game
        self.days.add(row.game_date)
        game.lookups[row.lookup] = (row.player_id, line)
        game.ids[row.player_id] = line
        game.teams.add(row.team_abbreviation)
        if not row.did_not_play:
            game.plays.setdefault(row.team_abbreviation, []).append(row.plays)
        if row.matchup != game.matchup:
            self._either_home.add(row.game_id)
        self._ids_of.setdefault(row.lookup, set()).add(row.player_id)
        self._names_of.setdefault(row.player_id, set()).add(row.lookup)


def _contradictions(row: GameLogRow, game: _Game) -> Iterable[Problem | None]:
    """Compare a row with those of its game that came before."""
    if row.game_date != game.game_date:
        yield Problem("GAME_DATE", f"{row.game_date}", f"is not {game.game_date}, the game's day in line {game.line}")
    if set(row.matchup) != set(game.matchup):
        sides = f"{game.matchup.away} and {game.matchup.home}"
        text = f"{row.matchup.away} @ {row.matchup.home}"
        yield Problem("MATCHUP", text, f"does not name {sides}, the game's teams in line {game.line}")
    if row.lookup in game.lookups:
        player_id, line = game.lookups[row.lookup]
        if player_id == row.player_id:
            yield Problem("PLAYER_ID", row.player_id, f"is in game {row.game_id} already, in line {line}")
        else:
            why = f"has the player_lookup {row.lookup} of PLAYER_ID {player_id} in line {line}, in one game"
            yield Problem("PLAYER_NAME", row.player_name, why)
    elif row.player_id in game.ids:
        line = game.ids[row.player_id]
        yield Problem("PLAYER_ID", row.player_id, f"is in game {row.game_id} already, by another name in line {line}")


def _named(what: str, names: Iterable[str]) -> str | None:
    names = sorted(names)
    return f"{what}: {first_of(names, 20)}" if names else None


def _join(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))

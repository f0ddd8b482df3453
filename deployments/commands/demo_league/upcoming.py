"""The pre-game table of the demo league: two days that are covered, and the leftovers that caused the incident.

Every row says what is true of the games before its day, as a pre-game table should.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from math import fsum
from typing import NamedTuple

from deployments.commands.demo_league.play import Line
from deployments.commands.demo_league.schedule import Draw, Game, seeded

STALE_PLAYERS = {date(2023, 2, 23): 1, date(2023, 2, 24): 68}
COVERED_DAYS = (date(2023, 2, 26), date(2023, 2, 28))

UpcomingRow = tuple[str | int | float | bool | date | None, ...]


class Appearance(NamedTuple):
    """A player who played in a game."""

    line: Line
    game: Game
    team: str
    opponent: str


class _Paces:
    """The pace of every game of a season: https://www.basketball-reference.com/about/glossary.html#pace."""

    def __init__(self, appearances: Iterable[Appearance]) -> None:
        self._sides: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
        self._games: defaultdict[str, dict[Game, str]] = defaultdict(dict)
        for appearance in appearances:
            self._sides[appearance.game.game_id, appearance.team].append(appearance.line)
            self._games[appearance.team][appearance.game] = appearance.opponent

    def last_10(self, team: str, day: date) -> float | None:
        """Return the mean pace of a team's last 10 games before a day; None before its first."""
        games = [(game, opponent) for game, opponent in self._games[team].items() if game.game_date < day][-10:]
        paces = [self._pace(game, team, opponent) for game, opponent in games]
        return fsum(paces) / len(paces) if paces else None

    def _pace(self, game: Game, team: str, opponent: str) -> float:
        sides = [self._sides[game.game_id, name] for name in (team, opponent)]
        possessions = sum(line.plays_x100 - 100 * line.offensive_rebounds for side in sides for line in side) / 200
        return 48 * possessions / (fsum(line.minutes for line in sides[0]) / 5)


def upcoming_rows(appearances: Sequence[Appearance]) -> Iterator[UpcomingRow]:
    """Yield the pre-game rows of a season, in the order of the table's columns; grain: player, day.

    Args:
        appearances: Everyone who played, in the order of the games.
    """
    by_player: defaultdict[str, list[Appearance]] = defaultdict(list)
    by_day: defaultdict[date, list[Appearance]] = defaultdict(list)
    for appearance in appearances:
        by_day[appearance.game.game_date].append(appearance)
        if not appearance.game.is_all_star:
            by_player[appearance.line.player.lookup].append(appearance)
    paces = _Paces(appearance for appearance in appearances if not appearance.game.is_all_star)
    for day in sorted({*STALE_PLAYERS, *COVERED_DAYS} & by_day.keys()):
        draw = seeded("upcoming", day.isoformat()).random
        players = sorted(by_day[day], key=lambda appearance: appearance.line.player.lookup)
        for appearance in players[: STALE_PLAYERS.get(day)]:
            before = [a for a in by_player[appearance.line.player.lookup] if a.game.game_date < day]
            yield _row(appearance, before, paces, draw)


def _row(appearance: Appearance, before: Sequence[Appearance], paces: _Paces, draw: Draw) -> UpcomingRow:
    """Return what was known of a player before a game: his form, and an outlook that is drawn by lot."""
    player, day = appearance.line.player, appearance.game.game_date
    days = [a.game.game_date for a in before]
    week = [a.line for a in before if a.game.game_date > day - timedelta(days=7)]
    last_7 = [line.minutes for line in week]
    usage = [line.usage_rate for line in week if line.usage_rate is not None]
    usual = fsum(usage) / len(usage) if usage else None
    days_rest = (day - days[-1]).days if days else None
    pace, opponent_pace = (paces.last_10(team, day) for team in (appearance.team, appearance.opponent))
    return (
        player.lookup,
        player.universal_id,
        appearance.game.game_id,
        day,
        appearance.team,
        appearance.opponent,
        days_rest,
        days_rest == 1,
        len(last_7),
        sum(last_7),
        sum(last_7) / len(last_7) if last_7 else None,
        sum((later - earlier).days == 1 and earlier > day - timedelta(days=14) for earlier, later in pairwise(days)),
        day.year - player.birth_year,
        usual,
        None if usual is None else round(usual + 6 * draw() - 2.5, 1),
        (0, 0, 0, 0, 1, 1, 2)[int(7 * draw())],
        None if pace is None or opponent_pace is None else round(pace - opponent_pace, 2),
        None if opponent_pace is None else round(opponent_pace, 2),
        datetime.combine(day, time(15), UTC),
    )

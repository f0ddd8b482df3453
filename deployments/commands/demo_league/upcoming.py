"""The pre-game table of the demo league: two days that are covered, and the leftovers that caused the incident."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from math import fsum
from typing import NamedTuple

from deployments.commands.demo_league.play import Line, Team
from deployments.commands.demo_league.schedule import Draw, Game, seeded

STALE_PLAYERS = {date(2023, 2, 23): 1, date(2023, 2, 24): 68}
COVERED_DAYS = (date(2023, 2, 26), date(2023, 2, 28))

_POSSESSIONS = 99.0  # of an average game, per 48 minutes

UpcomingRow = tuple[str | int | float | bool | date | None, ...]


class Appearance(NamedTuple):
    """A player who played in a game."""

    line: Line
    game: Game
    team: str
    opponent: str


def upcoming_rows(appearances: Sequence[Appearance], teams: Mapping[str, Team]) -> Iterator[UpcomingRow]:
    """Yield the pre-game rows of a season, in the order of the table's columns; grain: player, day.

    Args:
        appearances: Everyone who played, in the order of the games.
        teams: The season's teams, by tricode.
    """
    by_player: defaultdict[str, list[Appearance]] = defaultdict(list)
    by_day: defaultdict[date, list[Appearance]] = defaultdict(list)
    for appearance in appearances:
        by_day[appearance.game.game_date].append(appearance)
        if not appearance.game.is_all_star:
            by_player[appearance.line.player.lookup].append(appearance)
    for day in sorted({*STALE_PLAYERS, *COVERED_DAYS} & by_day.keys()):
        draw = seeded("upcoming", day.isoformat()).random
        players = sorted(by_day[day], key=lambda appearance: appearance.line.player.lookup)
        for appearance in players[: STALE_PLAYERS.get(day)]:
            before = [a for a in by_player[appearance.line.player.lookup] if a.game.game_date < day]
            yield _row(appearance, before, teams, draw)


def _row(appearance: Appearance, before: Sequence[Appearance], teams: Mapping[str, Team], draw: Draw) -> UpcomingRow:
    """Return what was known of a player before a game: his form, and an outlook that is drawn by lot."""
    player, day = appearance.line.player, appearance.game.game_date
    days = [a.game.game_date for a in before]
    week = [a.line for a in before if a.game.game_date > day - timedelta(days=7)]
    last_7 = [line.minutes for line in week]
    usage = [line.usage_rate for line in week if line.usage_rate is not None]
    usual = fsum(usage) / len(usage) if usage else None
    days_rest = (day - days[-1]).days if days else None
    pace = teams[appearance.opponent].pace
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
        round(_POSSESSIONS * (teams[appearance.team].pace - pace), 1),
        round(_POSSESSIONS * pace, 1),
        datetime.combine(day, time(15), UTC),
    )

"""The calendar of the demo league: which game is played on which day, by the league's own rules.

Everything follows from the season's first year: the same games on every machine and in every run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import NamedTuple

Draw = Callable[[], float]
"""The next number of a stream, from 0 to less than 1."""

TEAMS = (
    "ATL", "BKN", "BOS", "CHA", "CHI", "CLE", "DAL", "DEN", "DET", "GSW", "HOU", "IND", "LAC", "LAL", "MEM",
    "MIA", "MIL", "MIN", "NOP", "NYK", "OKC", "ORL", "PHI", "PHX", "POR", "SAC", "SAS", "TOR", "UTA", "WAS",
)  # fmt: skip
ALL_STAR_TEAMS = ("EST", "WST")
GAMES_PER_TEAM = 82
INCIDENT_GAMES = {date(2023, 2, 23): 9, date(2023, 2, 24): 8}

_SEASON_DAYS = 174  # from the third Tuesday of October to a Sunday of April
_GAMES_BY_WEEKDAY = (8, 6, 10, 4, 10, 8, 7)  # from Monday
_EVENED_OUT_DAYS = 20  # at the end of a season, who has the most games left plays, rested or not


class Game(NamedTuple):
    """One final game."""

    game_id: str
    game_date: date
    season_year: int
    home: str
    away: str
    is_all_star: bool


@dataclass
class _TeamState:
    """What the fixture list must know of a team on the way through the season."""

    name: str
    left: int = GAMES_PER_TEAM
    at_home: int = 0
    last_played: date = date.min


def seeded(*parts: object) -> Random:
    """Return a generator of its own, for callers that draw with ``random()`` alone.

    That method gives the same numbers for the same seed in every version of Python; the others do not promise it.
    """
    return Random("fullcourt demo league " + " ".join(map(str, parts)))  # noqa: S311 - reproducible, not secret


def season_games(season_year: int) -> list[Game]:
    """Return the games of a season in the order in which they are played; a team plays at most once a day.

    Args:
        season_year: The year in which the season starts.
    """
    draw = seeded("schedule", season_year).random
    teams = [_TeamState(name) for name in TEAMS]
    break_start, all_star_day, _ = _all_star_break(season_year)
    days = _game_days(season_year)
    games: list[Game] = []
    numbers = count(1)
    for index, (day, games_of_day) in enumerate(zip(days, _games_per_day(days, draw), strict=True)):
        if days[index - 1] < break_start < day:
            game_id = f"003{season_year % 100:02d}00001"
            games.append(Game(game_id, all_star_day, season_year, *ALL_STAR_TEAMS, is_all_star=True))
        rested_first = index < len(days) - _EVENED_OUT_DAYS
        for home, away in _pairs(_playing(teams, day, games_of_day, draw, rested_first=rested_first), draw):
            home.at_home += 1
            for team in (home, away):
                team.left -= 1
                team.last_played = day
            game_id = f"002{season_year % 100:02d}{next(numbers):05d}"
            games.append(Game(game_id, day, season_year, home.name, away.name, is_all_star=False))
    return games


def _playing(teams: list[_TeamState], day: date, games: int, draw: Draw, *, rested_first: bool) -> list[_TeamState]:
    """Return the teams that play: those with the most games left, if possible not on two days in a row."""
    yesterday = day - timedelta(days=1)
    order = {t.name: t.left - (2 if rested_first and t.last_played == yesterday else 0) + draw() for t in teams}
    return sorted(teams, key=lambda t: order[t.name], reverse=True)[: 2 * games]


def _pairs(teams: list[_TeamState], draw: Draw) -> Iterator[tuple[_TeamState, _TeamState]]:
    """Pair teams by lot; of two, the one that has been at home less often is at home."""
    order = {team.name: draw() for team in teams}
    lot = sorted(teams, key=lambda team: order[team.name])
    for one, other in zip(lot[::2], lot[1::2], strict=True):
        yield (one, other) if one.at_home <= other.at_home else (other, one)


def _games_per_day(days: list[date], draw: Draw) -> list[int]:
    """Return how many games each day has: by weekday, the incident's days as they were, 82 a team in all."""
    counts = [INCIDENT_GAMES.get(day) or _GAMES_BY_WEEKDAY[day.weekday()] + int(3 * draw()) - 1 for day in days]
    counts[0], counts[-1] = 2, 15
    free = [i for i, day in enumerate(days) if day not in INCIDENT_GAMES and 0 < i < len(days) - 1]
    surplus = sum(counts) - len(TEAMS) * GAMES_PER_TEAM // 2
    step = 1 if surplus > 0 else -1
    for turn in range(abs(surplus)):
        counts[free[turn * 37 % len(free)]] -= step
    return counts


def _game_days(season_year: int) -> list[date]:
    """Return the days with games: 165 from mid-October to mid-April, without the days on which the league rests."""
    start = _nth_weekday(season_year, 10, weekday=1, n=3)
    break_start, _, break_end = _all_star_break(season_year)
    election_day = _nth_weekday(season_year, 11, weekday=0, n=1) + timedelta(days=1)
    idle = {election_day, _nth_weekday(season_year, 11, weekday=3, n=4), date(season_year, 12, 24)}
    days = (start + timedelta(days=n) for n in range(_SEASON_DAYS))
    return [day for day in days if day not in idle and not break_start <= day <= break_end]


def _all_star_break(season_year: int) -> tuple[date, date, date]:
    """Return the break's first day, the day of the All-Star game, and the break's last day."""
    sunday = _nth_weekday(season_year + 1, 2, weekday=6, n=3)
    return sunday - timedelta(days=2), sunday, sunday + timedelta(days=3)


def _nth_weekday(year: int, month: int, *, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

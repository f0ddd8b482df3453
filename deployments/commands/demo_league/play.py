"""The games of the demo league: players who do not exist, and what they did.

Everything adds up as in a real box score: a team's minutes, points, shots by zone and score differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import cycle, islice
from math import fsum

from deployments.commands.demo_league.schedule import ALL_STAR_TEAMS, INCIDENT_GAMES, TEAMS, Draw, Game, seeded

INCIDENT_PLAYERS = {date(2023, 2, 23): 187, date(2023, 2, 24): 175}
ROSTER_SIZE = 15

_MINUTES_BY_RANK = (34, 33, 32, 30, 29, 22, 19, 16, 13, 8, 4, 3)
_SHOTS_PER_MINUTE_BY_RANK = (0.50, 0.42, 0.36, 0.32, 0.28)
_QUARTERS_OF_A_MINUTE, _QUARTERS_WITH_OVERTIME = 960, 1060


@dataclass(frozen=True, slots=True)
class Style:
    """What a kind of player does: shares of shots, success by zone, and counts per minute."""

    zones: tuple[float, float]  # paint, paint and mid-range together; the rest are threes
    success: tuple[float, float, float]  # paint, mid-range, three
    per_minute: tuple[float, float, float, float, float, float, float]  # in the order of Line's fields


_STYLES = (
    Style((0.28, 0.55), (0.54, 0.41, 0.36), (0.015, 0.09, 0.19, 0.035, 0.008, 0.075, 0.06)),
    Style((0.33, 0.55), (0.57, 0.40, 0.36), (0.025, 0.11, 0.09, 0.030, 0.012, 0.045, 0.07)),
    Style((0.45, 0.65), (0.60, 0.40, 0.35), (0.050, 0.16, 0.07, 0.025, 0.025, 0.050, 0.08)),
    Style((0.75, 0.90), (0.65, 0.42, 0.32), (0.100, 0.22, 0.06, 0.020, 0.050, 0.060, 0.10)),
    Style((0.35, 0.75), (0.56, 0.46, 0.34), (0.020, 0.10, 0.08, 0.030, 0.010, 0.050, 0.07)),
)


@dataclass(frozen=True, slots=True)
class Player:
    """A player of the demo league; the same one in every season."""

    lookup: str
    universal_id: str
    full_name: str
    birth_year: int
    shots_per_minute: float
    free_throw_success: float
    style: Style


@dataclass(frozen=True, slots=True)
class Team:
    """What a team is like in a season."""

    pace: float  # factor on its games' shots
    defence: tuple[float, float, float]  # factor on the success of its opponents: paint, mid-range, three


@dataclass(slots=True)
class Line:
    """What a player did in a game; minutes are counted in quarters, so that they add up exactly."""

    player: Player
    quarters: int = 0
    offensive_rebounds: int = 0
    defensive_rebounds: int = 0
    assists: int = 0
    steals: int = 0
    blocks: int = 0
    turnovers: int = 0
    personal_fouls: int = 0
    paint_makes: int = 0
    paint_attempts: int = 0
    mid_range_makes: int = 0
    mid_range_attempts: int = 0
    three_pt_makes: int = 0
    three_pt_attempts: int = 0
    ft_makes: int = 0
    ft_attempts: int = 0
    plus_minus: int = 0
    usage_rate: float | None = None

    @property
    def minutes(self) -> float:
        """Minutes on the floor."""
        return self.quarters / 4

    @property
    def fg_makes(self) -> int:
        """Field goals made, from every zone."""
        return self.paint_makes + self.mid_range_makes + self.three_pt_makes

    @property
    def points(self) -> int:
        """Points scored."""
        return 2 * self.fg_makes + self.three_pt_makes + self.ft_makes

    @property
    def fg_attempts(self) -> int:
        """Field goals attempted, from every zone."""
        return self.paint_attempts + self.mid_range_attempts + self.three_pt_attempts

    @property
    def plays_x100(self) -> int:
        """Plays that the player used, in hundredths: shots, trips to the line, turnovers."""
        return 100 * (self.fg_attempts + self.turnovers) + 44 * self.ft_attempts


@dataclass(frozen=True, slots=True)
class Side:
    """A team's side of a box score."""

    team: str
    opponent: str
    played: tuple[Line, ...]  # starters first
    benched: tuple[Player, ...]  # in uniform, did not play
    absent: tuple[Player, ...]  # not in uniform

    @property
    def points(self) -> int:
        """The team's score."""
        return sum(line.points for line in self.played)


@lru_cache(maxsize=64)
def roster(team: str) -> tuple[Player, ...]:
    """Return a team's players, best first; the All-Star teams borrow theirs."""
    if team in ALL_STAR_TEAMS:
        half = TEAMS[: len(TEAMS) // 2] if team == ALL_STAR_TEAMS[0] else TEAMS[len(TEAMS) // 2 :]
        return tuple(roster(name)[0] for name in half)
    draw = seeded("roster", team).random
    return tuple(
        Player(
            lookup=f"player{team.lower()}{rank:02d}",
            universal_id=f"demo_{team.lower()}_{rank:02d}",
            full_name=f"Player {team} {rank:02d}",
            birth_year=1985 + int(18 * draw()),
            shots_per_minute=(_SHOTS_PER_MINUTE_BY_RANK[rank - 1] if rank <= 5 else 0.30) * (0.9 + 0.25 * draw()),
            free_throw_success=0.62 + 0.28 * draw(),
            style=_STYLES[int(len(_STYLES) * draw())],
        )
        for rank in range(1, ROSTER_SIZE + 1)
    )


def team_of_season(team: str, season_year: int) -> Team:
    """Return what a team is like in a season."""
    draw = seeded("team", team, season_year).random
    paint, mid_range, three = (0.92 + 0.16 * draw() for _ in range(3))
    return Team(pace=0.94 + 0.12 * draw(), defence=(paint, mid_range, three))


def play(game: Game, number_of_day: int, home: Team, away: Team, draw: Draw) -> tuple[Side, Side]:
    """Return the box score of a game: the home team's side, then the visitors'.

    Args:
        game: The game.
        number_of_day: Which game of its day it is, from 0.
        home: The home team's season.
        away: The visitors' season.
        draw: The stream to draw from.
    """
    quarters = _QUARTERS_WITH_OVERTIME if draw() < 0.06 else _QUARTERS_OF_A_MINUTE
    pace = (home.pace + away.pace) / 2
    at_home, visiting = (
        _side(team, opponent, _players(game, 2 * number_of_day + side, draw), draw)
        for side, (team, opponent) in enumerate(((game.home, game.away), (game.away, game.home)))
    )
    for side, opponent in ((at_home, away), (visiting, home)):
        _share_minutes(side.played, quarters, draw)
        for line in side.played:
            _simulate(line, pace, opponent.defence, draw)
    if at_home.points == visiting.points:
        decisive = at_home.played[0]
        decisive.ft_attempts += 1
        decisive.ft_makes += 1
    lead = at_home.points - visiting.points
    for side, sign in ((at_home, 1), (visiting, -1)):
        _share_lead(side.played, sign * lead, quarters)
        _rate_usage(side.played, quarters)
    return at_home, visiting


def _players(game: Game, team_of_day: int, draw: Draw) -> int:
    """Return how many of a team play; on the incident's days, so that they add up to what it was then."""
    if game.is_all_star:
        return 12
    if (players := INCIDENT_PLAYERS.get(game.game_date)) is not None:
        each, rest = divmod(players, 2 * INCIDENT_GAMES[game.game_date])
        return each + (team_of_day < rest)
    return (9, 10, 10, 11, 11, 12)[int(6 * draw())]


def _side(team: str, opponent: str, number: int, draw: Draw) -> Side:
    """Return who of a team plays, who sits on the bench, and who is away."""
    players = roster(team)
    absent = [player for player in players if draw() < 0.08][: len(players) - number]
    dressed = [player for player in players if player not in absent]
    return Side(
        team=team,
        opponent=opponent,
        played=tuple(Line(player) for player in dressed[:number]),
        benched=tuple(dressed[number : number + 2]),
        absent=tuple(absent[:1]),
    )


def _share_minutes(lines: Sequence[Line], quarters: int, draw: Draw) -> None:
    """Share out the team's minutes by rank; now and then the last man comes on for seconds alone."""
    if draw() < 0.04:
        lines = lines[:-1]
    weights = [_MINUTES_BY_RANK[rank] * (0.85 + 0.3 * draw()) for rank in range(len(lines))]
    whole = fsum(weights)  # sum() rounds differently from Python 3.12 on
    for line, weight in zip(lines, weights, strict=True):
        line.quarters = max(4, int(quarters * weight / whole))
    rest = quarters - sum(line.quarters for line in lines)
    for line in islice(cycle(lines[:5]), abs(rest)):
        line.quarters += 1 if rest > 0 else -1


def _simulate(line: Line, pace: float, defence: tuple[float, float, float], draw: Draw) -> None:
    if line.quarters == 0:  # came on for seconds: his minutes are rounded to 0, his foul is counted
        line.personal_fouls = 1
        return
    player, minutes = line.player, line.minutes
    counts = [_about(rate * minutes, draw) for rate in player.style.per_minute]
    line.offensive_rebounds, line.defensive_rebounds, line.assists, line.steals, line.blocks = counts[:5]
    line.turnovers, line.personal_fouls = counts[5], min(counts[6], 6)
    paint, inside = player.style.zones
    success = [rate * factor for rate, factor in zip(player.style.success, defence, strict=True)]
    for _ in range(_about(player.shots_per_minute * pace * minutes, draw)):
        zone, luck = draw(), draw()
        if zone < paint:
            line.paint_attempts += 1
            line.paint_makes += luck < success[0]
        elif zone < inside:
            line.mid_range_attempts += 1
            line.mid_range_makes += luck < success[1]
        else:
            line.three_pt_attempts += 1
            line.three_pt_makes += luck < success[2]
    line.ft_attempts = 2 * _about(0.13 * line.fg_attempts, draw)
    line.ft_makes = sum(draw() < player.free_throw_success for _ in range(line.ft_attempts))


def _about(mean: float, draw: Draw) -> int:
    """Return a whole number near ``mean``, which is its mean."""
    return int(mean * (0.4 + 1.2 * draw()) + draw())


def _share_lead(lines: Sequence[Line], lead: int, quarters: int) -> None:
    """Share out a team's lead by minutes: five players at a time have it, so that it is shared out five times."""
    for line in lines:
        line.plus_minus = int(5 * lead * line.quarters / quarters)
    rest = 5 * lead - sum(line.plus_minus for line in lines)
    for line in islice(cycle(lines[:5]), abs(rest)):
        line.plus_minus += 1 if rest > 0 else -1


def _rate_usage(lines: Sequence[Line], quarters: int) -> None:
    """Set the usage rates, to 1 decimal.

    100 * plays * (team minutes / 5) / (minutes * team plays), where plays = FGA + 0.44 * FTA + TOV:
    https://www.basketball-reference.com/about/glossary.html#usg_pct
    """
    plays = sum(line.plays_x100 for line in lines)
    for line in lines:
        if line.quarters:
            line.usage_rate = round(100 * line.plays_x100 * (quarters / 5) / (line.quarters * plays), 1)

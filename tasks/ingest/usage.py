"""How much of a team's play went through a player."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

FREE_THROW_WEIGHT = 0.44
"""Plays that a free throw ends, on average: some come in pairs, some after a made shot."""


class Plays(NamedTuple):
    """What usage is computed from, of a player or of a whole team in one game; None is unknown."""

    minutes: float | None
    fg_attempts: int | None
    ft_attempts: int | None
    turnovers: int | None

    @property
    def used(self) -> float | None:
        """Plays that ended with a shot, free throws or a turnover."""
        if self.fg_attempts is None or self.ft_attempts is None or self.turnovers is None:
            return None
        return self.fg_attempts + FREE_THROW_WEIGHT * self.ft_attempts + self.turnovers


def team_plays(players: Collection[Plays]) -> Plays:
    """Return a team's totals over all players who played; a total is unknown if that of any player is.

    The sums are exact, so that the order of the players does not matter.
    """
    minutes, fg_attempts, ft_attempts, turnovers = zip(*players, strict=True)
    return Plays(
        minutes=None if None in minutes else math.fsum(minutes),
        fg_attempts=_total(fg_attempts),
        ft_attempts=_total(ft_attempts),
        turnovers=_total(turnovers),
    )


def usage_rate(player: Plays, team: Plays) -> float | None:
    """Return the share of the team's plays that the player used while on the floor, in percent, to 6 decimals.

    Basketball-Reference's formula (its glossary, "Usage Percentage"; Tm is the team in this game)::

        100 * ((FGA + 0.44 * FTA + TOV) * (Tm MP / 5)) / (MP * (Tm FGA + 0.44 * Tm FTA + Tm TOV))

    Returns:
        None if a value of the player or of the team is unknown, or if the player has no minutes or the team no plays.
    """
    if player.minutes is None or player.used is None or team.minutes is None or team.used is None:
        return None
    if player.minutes == 0 or team.used == 0:
        return None
    return round(100 * (player.used * (team.minutes / 5)) / (player.minutes * team.used), 6)


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None

"""Damages: each makes a league say less than is true, or something else, and leaves a trace of it.

A damage takes a game for itself where a second one could hide the first: a game that is missing from schedule and box
scores alike, or moved in both, is a game like any other.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from tests.proof.league import ProofLeague, Row

DAY = timedelta(days=1)


@dataclass
class Damaged:
    """A league that is being damaged."""

    league: ProofLeague
    random: Random
    days: set[date] = field(default_factory=set)
    """The days whose rows were touched."""
    _taken: set[str] = field(default_factory=set)

    def games(self, most: int = 2) -> list[str]:
        """Take some games for this damage alone; a whole day of them now and then."""
        days = self.league.days()
        day = self.random.choice(days)
        if self.random.random() < 0.25:
            found = [row["_game"] for row in self.league.schedule if row["game_date"] == day]
        else:
            found = [row["_game"] for row in self.league.schedule if row["game_date"] in days]
            found = self.random.sample(sorted(set(found)), min(self.random.randint(1, most), len(set(found))))
        return self.free(found)

    def free(self, games: Iterable[str]) -> list[str]:
        """Take those of some games that no other damage has taken."""
        found = [game for game in dict.fromkeys(games) if game not in self._taken]
        self._taken.update(found)
        return found

    def box(self, games: Collection[str]) -> list[Row]:
        """Return the box scores of games."""
        return self._touch([row for row in self.league.box if row["_game"] in games])

    def schedule(self, games: Collection[str]) -> list[Row]:
        """Return the schedule's rows of games."""
        return self._touch([row for row in self.league.schedule if row["_game"] in games])

    def players(self, games: Collection[str]) -> list[Row]:
        """Return box scores of some of those who played in games: one, some, half of a team, or everyone."""
        rows = [row for row in self.box(games) if row.get("minutes_played") is not None]
        teams = sorted({(row["_game"], row["team_abbr"]) for row in rows})
        if not teams:
            return []
        match self.random.randrange(4):
            case 0:
                return [self.random.choice(rows)]
            case 1:
                return self.random.sample(rows, self.random.randint(1, len(rows)))
            case 2:
                of = self.random.choice(teams)
                return [row for row in rows if (row["_game"], row["team_abbr"]) == of][::2]
            case _:
                return rows

    def upcoming(self) -> list[Row]:
        """Return the pre-game rows of a day."""
        days = sorted({row["game_date"] for row in self.league.upcoming})
        if not days:
            return []
        day = self.random.choice(days)
        return self._touch([row for row in self.league.upcoming if row["game_date"] == day])

    def some(self, rows: list[Row], least: float = 0.0) -> list[Row]:
        """Return a share of rows, of ``least`` or more."""
        share = self.random.uniform(least, 1.0)
        return self.random.sample(rows, max(1, round(share * len(rows)))) if rows else []

    def drop(self, rows: Iterable[Row]) -> None:
        """Remove rows from whichever table they are in."""
        gone = {id(row) for row in rows}
        for name in ("schedule", "box", "upcoming"):
            setattr(self.league, name, [row for row in getattr(self.league, name) if id(row) not in gone])

    def move(self, rows: Iterable[Row]) -> None:
        """Put rows a day earlier or later."""
        by = self.random.choice((-DAY, DAY))
        for row in self._touch(list(rows)):
            row["game_date"] += by
            self.days.add(row["game_date"])

    def _touch(self, rows: list[Row]) -> list[Row]:
        self.days.update(row["game_date"] for row in rows)
        return rows


def copies_of(rows: Iterable[Row], **changes: object) -> list[Row]:
    """Return rows as they are, but for some columns."""
    return [{**row, **changes} for row in rows]


def put(rows: Iterable[Row], **changes: object) -> None:
    """Put values into columns of rows."""
    for row in rows:
        row.update(changes)

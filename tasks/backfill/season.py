"""A season of one table, day by day: what is done, and what needs somebody."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import is_bootstrap
from tasks.backfill.gate import NOT_DONE, Outcome
from tasks.text import count_of, percent

DayState = Outcome | Literal["left_out", "unrecorded"]
"""The outcome of the last attempt at a day. Of one with games and no record: left_out if it lies between days that have
one, or after them in a season that goes on; otherwise unrecorded."""
DEPLOYMENT = "backfill/player-composite-factors"
"""The deployment that does days."""
NEEDS_SOMEBODY: frozenset[DayState] = frozenset({*NOT_DONE, "left_out"})
_NOTHING_TO_DO: frozenset[DayState] = frozenset({"no_games", "skipped_bootstrap"})


class SeasonDay(BaseModel):
    """One day of a season, of one table."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    games: int
    """Games that the schedule has for the day, without exhibitions."""
    state: DayState
    checkpoint: Checkpoint | None = None
    """The last attempt."""
    published: Checkpoint | None = None
    """The last attempt that published rows: they are there, whatever was tried later."""

    @property
    def needs_somebody(self) -> bool:
        """Whether the day is not done, and will not be by itself."""
        return self.state in NEEDS_SOMEBODY

    @property
    def has_nothing_to_do(self) -> bool:
        """Whether no rows belong to the day."""
        return self.state in _NOTHING_TO_DO

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the day: no game, no record."""
        return not self.games and self.checkpoint is None and self.state == "no_games"

    @property
    def cause(self) -> str:
        """Why the day is not done, in words."""
        if self.state == "left_out":
            return f"left out: {count_of(self.games, 'game')} in the schedule, and no record"
        if self.state == "not_tried":
            return "not tried: the days before it failed of one cause"
        return self.checkpoint.message if self.checkpoint else ""


class Season(BaseModel):
    """A season of one table.

    ``days`` is every day from the first to the last one that has a game or a record, up to yesterday.
    """

    model_config = ConfigDict(frozen=True)

    table: str
    year: int
    """The year in which it began."""
    days: tuple[SeasonDay, ...]
    is_default: bool = True
    """Whether a run builds the table unless it is asked for others."""

    @property
    def name(self) -> str:
        """As in 2022-23."""
        return f"{self.year}-{(self.year + 1) % 100:02d}"

    @property
    def with_rows(self) -> tuple[SeasonDay, ...]:
        """The days to which rows belong."""
        return tuple(day for day in self.days if not day.has_nothing_to_do)

    @property
    def needing(self) -> tuple[SeasonDay, ...]:
        """The days that need somebody."""
        return tuple(day for day in self.days if day.needs_somebody)

    @property
    def headline(self) -> str:
        """The sentence that matters."""
        asked = [day for day in self.with_rows if day.state != "unrecorded"]
        of, others = count_of(len(asked), "day"), len(self.with_rows) - len(asked)
        if self.needing:
            said = f"{len(self.needing)} of {of} {'needs' if len(self.needing) == 1 else 'need'} you."
        elif asked:
            said = f"All {of} are done." if len(asked) > 1 else "The one day is done."
        else:
            said = "No day has a record."
        have = "has" if others == 1 else "have"
        return f"{said} {count_of(others, 'day')} of the season {have} no record." if others and asked else said

    def command(self, day: SeasonDay) -> str:
        """Return the command that does a day again."""
        tables = "" if self.is_default else f" -p 'tables=[\"{self.table}\"]'"
        return f"prefect deployment run {DEPLOYMENT} -p start_date={day.game_date}{tables}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What else a person wants to know: outcomes, sources, completeness and coverage on the mean."""
        states = Counter(day.state for day in self.days)
        published = [day.published for day in self.days if day.published is not None]
        sources = Counter(each.source for each in published if each.source)
        found = [("days", _counted(states)), ("sources", _counted(sources))]
        for what, values in (
            ("mean coverage", [(each.coverage, each.expected or 0) for each in published]),
            (
                "mean completeness",
                [(each.mean_completeness and each.mean_completeness / 100, each.row_count or 0) for each in published],
            ),
        ):
            found.append((what, _mean(values)))
        return tuple((what, said) for what, said in found if said)


def make_season(
    table: str,
    year: int,
    *,
    games: Mapping[date, int],
    season_start: date | None,
    goes_on: bool,
    bootstrap_days: int,
    last: Mapping[date, Checkpoint],
    published: Mapping[date, Checkpoint],
    is_default: bool = True,
    not_tried: Collection[date] = (),
) -> Season:
    """Say of every day of a season what it is.

    Args:
        table: The derived table.
        year: The year in which the season began.
        games: How many games the schedule has of each day that is over; in order.
        season_start: The first day of the regular season; None if no schedule has it.
        goes_on: Whether the season has games yet to come.
        bootstrap_days: The days after it on which nothing is built.
        last: The last attempt, by day.
        published: The last attempt that published, by day.
        is_default: Whether a run builds the table unless it is asked for others.
        not_tried: Days that a run was asked for and has left out.
    """
    recorded = [day for day, checkpoint in last.items() if day in games and checkpoint.outcome not in _NOTHING_TO_DO]
    begin, end = min(recorded, default=date.max), date.max if goes_on else max(recorded, default=date.min)
    days = []
    for day, count in games.items():
        unasked: DayState = "left_out" if begin < day < end else "unrecorded"
        if not count:
            unasked = "no_games"
        elif is_bootstrap(day, season_start, bootstrap_days):
            unasked = "skipped_bootstrap"
        days.append(
            SeasonDay(
                game_date=day,
                games=count,
                state="not_tried" if day in not_tried else _state(last.get(day), unasked),
                checkpoint=last.get(day),
                published=published.get(day),
            )
        )
    while days and days[-1].is_empty:
        days.pop()
    first = next((place for place, day in enumerate(days) if not day.is_empty), 0)
    return Season(table=table, year=year, days=tuple(days[first:]), is_default=is_default)


def _state(last: Checkpoint | None, unasked: DayState) -> DayState:
    """Return the state of a day; a record that nothing was to do says nothing once the schedule has games."""
    return unasked if last is None or last.outcome in _NOTHING_TO_DO else last.outcome


def _counted(counts: Counter[DayState] | Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _mean(values: Collection[tuple[float | None, int]]) -> str:
    """Return a weighted mean share in percent; nothing if no value is known."""
    known = [(value, weight) for value, weight in values if value is not None]
    weights = sum(weight for _, weight in known)
    return percent(sum(value * weight for value, weight in known) / weights) if weights else ""

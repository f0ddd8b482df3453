"""What a run was asked to do."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Self

from prefect.runtime import flow_run
from pydantic import Field, model_validator

from tasks.backfill.day import ContextSource
from tasks.calendar import LEAGUE_BEGAN
from tasks.errors import RequestError
from tasks.parameters import Day, Request, Whole
from tasks.printable import printable, shown
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue

MAX_DAYS = 2000
"""Days of one run unless it asks for more: five seasons."""


class BackfillRequest(Request):
    """What a run of the backfill was asked to do."""

    as_of: date
    """Today in the league's calendar; passed in, never read from a clock."""
    start_date: Day | None = None
    end_date: Day | None = None
    dates: tuple[Day, ...] | None = None
    tables: tuple[str, ...]
    force: bool = False
    dry_run: bool = False
    resume: bool = True
    context_source: ContextSource = "auto"
    max_concurrency: Whole = Field(8, ge=1, le=64)
    stop_after_identical_failures: Whole = Field(3, ge=1, le=10_000)
    max_bytes_billed: Whole | None = Field(None, ge=1)
    max_days: Whole = Field(MAX_DAYS, ge=1, le=50_000)

    @model_validator(mode="after")
    def _names_days(self) -> Self:
        if self.dates is not None:
            if self.start_date or self.end_date:
                shown = ", ".join(
                    f"{name}={day}" for name in ("start_date", "end_date") if (day := getattr(self, name))
                )
                raise ValueError(f"{shown}: not together with dates, which is an explicit list instead; give either")
            if not self.dates:
                raise ValueError("dates=[]: name at least one day")
        elif self.start_date is None:
            raise ValueError("start_date is missing: give start_date and end_date, or dates")
        elif self.end_date is not None and self.end_date < self.start_date:
            raise ValueError(f"end_date={self.end_date}: must be on or after start_date={self.start_date}; swap them")
        first, last, count = self.first_date, self.last_date, self._day_count
        if last > self.as_of:
            name = "dates" if self.dates is not None else "end_date" if self.end_date else "start_date"
            raise ValueError(f"{name}={last}: must not be after today in New York, {self.as_of}")
        if first < LEAGUE_BEGAN:
            name = "dates" if self.dates is not None else "start_date"
            raise ValueError(f"{name}={first}: must not be before the league's first day, {LEAGUE_BEGAN}")
        if count > self.max_days:
            raise ValueError(
                f"{first} to {last}: {count:,} days, and a run does max_days={self.max_days:,} at most; "
                "narrow the range, or raise max_days"
            )
        return self

    @property
    def first_date(self) -> date:
        """The earliest day asked for."""
        return min(self.dates) if self.dates else self.start_date or self.as_of

    @property
    def last_date(self) -> date:
        """The latest day asked for."""
        return max(self.dates) if self.dates else self.end_date or self.first_date

    @property
    def _day_count(self) -> int:
        """How many days are asked for; none of them is listed for that."""
        return len(set(self.dates)) if self.dates else (self.last_date - self.first_date).days + 1

    def days(self) -> Sequence[date]:
        """Every day asked for, once, in order."""
        if self.dates is not None:
            return sorted(set(self.dates))
        return [self.first_date + timedelta(days=offset) for offset in range(self._day_count)]


DEFAULT_TABLE = "player_composite_factors"


def read_request(settings: Settings, *, tables: Sequence[str] | None, **parameters: Any) -> BackfillRequest:
    """Check every parameter, and put the tables in the order in which they need each other.

    Args:
        settings: The application's; they say where the catalogue is.
        tables: Derived tables; None for the main one and all that it depends on.
        parameters: The other parameters of the flow.

    Raises:
        RequestError: A parameter is invalid; the message names it, its value and what is allowed.
        CatalogueError: A table folder is incomplete.
    """
    catalogue = load_catalogue(settings)
    if tables is None:
        chosen = catalogue.with_dependencies([DEFAULT_TABLE])
    elif not isinstance(tables, list | tuple) or not all(isinstance(name, str) for name in tables):
        raise RequestError(f"tables={shown(tables)}: give a list of names, of {', '.join(catalogue.derived)}")
    elif not tables:
        raise RequestError(f"tables=[]: name at least one of {', '.join(catalogue.derived)}")
    else:
        chosen = catalogue.in_order(set(tables))
    return BackfillRequest.of(tables=chosen, **parameters)


def name_run() -> str:
    """Return the name of the current run: the days that it was asked for."""
    given = flow_run.get_parameters()
    dates, first, last = given.get("dates"), given.get("start_date"), given.get("end_date")
    if isinstance(dates, list | tuple) and dates:
        days = f"{len(dates)} days"
    else:
        days = f"{first} to {last}" if last else str(dates or first)
    marks = [name for name in ("force", "dry_run") if given.get(name)]
    return printable(" ".join([days, *marks]))

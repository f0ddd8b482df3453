"""What a run was asked to do."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from tasks.backfill.day import ContextSource
from tasks.calendar import LEAGUE_BEGAN
from tasks.parameters import WHOLE_NUMBER, Day, Request

MAX_CONCURRENCY = 64

Concurrency = Annotated[int, Field(ge=1, le=MAX_CONCURRENCY), WHOLE_NUMBER]
Failures = Annotated[int, Field(ge=1, le=10_000), WHOLE_NUMBER]
Bytes = Annotated[int, Field(ge=1), WHOLE_NUMBER]
Days = Annotated[int, Field(ge=1, le=50_000), WHOLE_NUMBER]


def _one_line(reason: str) -> str:
    if not reason.strip():
        raise ValueError("must say something; leave it out if there is nothing to say")
    return " ".join(reason.split())


Why = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]


class BackfillRequest(Request):
    """What a run of the backfill was asked to do; the flow's docstring says what each parameter means."""

    as_of: date
    """Today in the league's calendar; passed in, never read from a clock."""
    start_date: Day | None
    end_date: Day | None
    dates: tuple[Day, ...] | None
    tables: tuple[str, ...]
    """In the order in which they are built."""
    force: bool
    force_reason: Why | None
    waive_reason: Why | None
    adopt: bool
    dry_run: bool
    resume: bool
    context_source: ContextSource
    max_concurrency: Concurrency
    stop_after_identical_failures: Failures
    max_bytes_billed: Bytes | None
    max_days: Days

    @model_validator(mode="after")
    def _names_days(self) -> Self:
        if self.dates is not None:
            self._check_dates(self.dates)
        else:
            self._check_range()
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

    @model_validator(mode="after")
    def _decides_one_thing(self) -> Self:
        if self.force_reason is not None and not self.force:
            raise ValueError(
                f"force_reason={self.force_reason!r}: is the reason of force, which is off; add force=true"
            )
        if self.waive_reason is not None and self.force:
            raise ValueError(
                f"waive_reason={self.waive_reason!r}: not together with force, which publishes the days that it would "
                "waive; give either"
            )
        return self

    @model_validator(mode="after")
    def _adopts_whatever_source(self) -> Self:
        if self.adopt and self.context_source != "auto":
            raise ValueError(
                f"context_source={self.context_source!r}: not together with adopt, which takes rows of any source as "
                "they are; give either"
            )
        return self

    def _check_dates(self, dates: Sequence[date]) -> None:
        if self.start_date or self.end_date:
            shown = ", ".join(f"{name}={day}" for name in ("start_date", "end_date") if (day := getattr(self, name)))
            raise ValueError(f"{shown}: not together with dates, which is an explicit list instead; give either")
        if not dates:
            raise ValueError("dates=[]: name at least one day")

    def _check_range(self) -> None:
        if self.start_date is None:
            raise ValueError("start_date is missing: give start_date and end_date, or dates")
        if self.end_date is not None and self.end_date < self.start_date:
            raise ValueError(f"end_date={self.end_date}: must be on or after start_date={self.start_date}; swap them")

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

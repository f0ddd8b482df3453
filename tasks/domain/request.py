"""What a run was asked to do."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tasks.domain.day import ContextSource
from tasks.domain.errors import RequestError, describe_validation_error

LEAGUE_BEGAN = date(1946, 11, 1)
MAX_DAYS = 2000
"""Days of one run unless it asks for more: five seasons."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: object) -> object:
    """Refuse what pydantic would take for a moment: it counts a number's seconds from 1970."""
    if isinstance(value, str):
        is_day = _DAY.fullmatch(value) is not None
    else:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
    if value is not None and not is_day:
        raise ValueError("must be a valid date, such as 2023-01-20, without a time of day")
    return value


def _number(value: object) -> object:
    """Refuse a truth value, which pydantic would take for 1 or 0."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Whole = Annotated[int, BeforeValidator(_number)]


class Request(BaseModel):
    """The parameters of a run; what is invalid never becomes a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, **parameters: Any) -> Self:
        """Check the parameters of a run.

        Raises:
            RequestError: One is invalid; the message names it, its value and what is allowed.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise RequestError(describe_validation_error(error)) from error


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

"""Find the days that are not as they should be, and leave out those that another attempt would not mend."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.backfill.checkpoint import Attempt, TableDay
from tasks.backfill.plan import DayPlan, TablePlan
from tasks.backfill.replacement import WORSE
from tasks.backfill.request import BackfillRequest
from tasks.backfill.season import Season
from tasks.calendar import LEAGUE_BEGAN
from tasks.parameters import WHOLE_NUMBER, Day, Request
from tasks.text import count_of

SAME_FAILURES = 3
"""So often the same failure, on the same inputs, is tried before it waits for somebody."""
_DAYS_COMPARED = 30
"""The gate compares a day with the days before it that the table holds: so many."""

SUCCESS_EVENT = "fullcourt.heal.succeeded"
"""The event of a run that has looked at the last days and has ended; an alert waits for the next one."""

WindowDays = Annotated[int, Field(ge=1, le=400), WHOLE_NUMBER]


class HealRequest(Request):
    """What a run of heal was asked to do; the flow's docstring says what each parameter means."""

    as_of: date
    """Today in the league's calendar; passed in, never read from a clock."""
    window_days: WindowDays
    end_date: Day | None
    tables: tuple[str, ...]
    dry_run: bool

    @model_validator(mode="after")
    def _is_over(self) -> "HealRequest":
        if self.end_date is not None and self.end_date >= self.as_of:
            raise ValueError(f"end_date={self.end_date}: must be before today in New York, {self.as_of}")
        if self.last_date < LEAGUE_BEGAN:
            raise ValueError(f"end_date={self.end_date}: must not be before the league's first day, {LEAGUE_BEGAN}")
        return self

    @property
    def last_date(self) -> date:
        """The last day to look at."""
        return self.end_date or self.as_of - timedelta(days=1)

    @property
    def first_date(self) -> date:
        """The first day of the window."""
        return self.last_date - timedelta(days=self.window_days - 1)


def heal_resource(warehouse_digest: str) -> str:
    """Return what Prefect calls the heal of a warehouse."""
    return f"fullcourt.heal.{warehouse_digest}"


class Ill(BaseModel):
    """A day that is not as it should be, and why."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    why: str


class HealReport(BaseModel):
    """What a run of heal has found, and begun."""

    model_config = ConfigDict(frozen=True)

    mends: tuple[Ill, ...] = ()
    """The days that a backfill is asked for."""
    parked: tuple[Ill, ...] = ()
    """The days that wait for somebody: another attempt would end as the last one did."""
    flow_run_id: UUID | None = None
    """The backfill that does them; None if there is none."""
    waits_for: str | None = None
    """What is not looked at or asked for before it has ended: a backfill, or what holds the warehouse."""
    has_looked: bool = True
    """Whether the warehouse could be read."""

    @property
    def summary(self) -> str:
        """One line."""
        parked = f"; {count_of(len(self.parked), 'day')} parked" if self.parked else ""
        if self.waits_for is not None:
            return f"nothing begun: {self.waits_for}{parked}"
        if not self.mends:
            return f"nothing to mend{parked}"
        verb = "a backfill was asked for" if self.flow_run_id else "to mend:"
        first, last = self.mends[0].game_date, self.mends[-1].game_date
        span = f"{first}" if first == last else f"{first} to {last}"
        return f"{verb} {count_of(len(self.mends), 'day')}, {span}{parked}"


def days_to_look_at(seasons: Sequence[Season], request: HealRequest) -> list[date]:
    """Return the days of the window that have games, and the season's older ones that need somebody; in order.

    Seasons of which nothing is recorded are left to a first backfill.

    Args:
        seasons: Those of the tables asked for.
        request: What was asked.
    """
    found = set[date]()
    for season in seasons:
        if not any(day.checkpoint for day in season.days):
            continue
        for day in season.with_rows:
            is_in_window = request.first_date <= day.game_date <= request.last_date
            if is_in_window or (day.needs_somebody and day.game_date <= request.last_date):
                found.add(day.game_date)
    return sorted(found)


class Diagnosis:
    """Tells the days to mend from those that another attempt would not mend.

    Args:
        seasons: The tables asked for and all that they are built from, as they are recorded.
        depends_on: By table, those that it is built from.
        attempts: The last attempts at each table and day, newest first.
    """

    def __init__(
        self,
        seasons: Iterable[Season],
        depends_on: Mapping[str, Collection[str]],
        attempts: Mapping[TableDay, Sequence[Attempt]],
    ) -> None:
        self._depends_on, self._attempts = depends_on, attempts
        self._open, self._published = set[date](), dict[TableDay, datetime]()
        for season in seasons:
            self._open |= {day.game_date for day in season.needing}
            self._published |= {
                (season.table, day.game_date): day.published.recorded_at for day in season.days if day.published
            }

    def of(self, days: Sequence[DayPlan]) -> tuple[tuple[Ill, ...], tuple[Ill, ...]]:
        """Return the days to mend, and those that are parked.

        A table is parked if its last attempt was made on what would be read now, and was blocked, or failed as the ones
        before it; not if a table that it is built from is mended. One that is done stays so if it would be built again
        only after a parked one.

        Args:
            days: What a backfill would do.
        """
        mends, parked = list[Ill](), list[Ill]()
        for day in days:
            mended, waiting = list[TablePlan](), list[TablePlan]()
            for table in day.tables:  # dependencies first
                if table.needs_work:
                    follows = bool(waiting) and _is_done(table) and not table.stale_by
                    waits = not mended and (follows or self._is_parked(table, day.game_date))
                    (waiting if waits else mended).append(table)
            if mended or waiting:
                (mends if mended else parked).append(Ill(game_date=day.game_date, why=_why(mended or waiting)))
            elif day.skipped is not None and day.game_date in self._open:
                mends.append(Ill(game_date=day.game_date, why=f"{day.skipped} now: what is open of it is closed"))
        return tuple(mends), tuple(parked)

    def _is_parked(self, table: TablePlan, day: date) -> bool:
        last = table.checkpoint
        if last is None or not table.is_as_tried or self._is_compared_with_newer(table.table, day, last.recorded_at):
            return False
        if last.outcome == "blocked":
            return WORSE not in last.message or table.there is not None
        newest = self._attempts.get((table.table, day), ())[:SAME_FAILURES]
        return len(newest) == SAME_FAILURES and len(set(newest)) == 1

    def _is_compared_with_newer(self, table: str, day: date, since: datetime) -> bool:
        """Whether rows were published since that a verdict on a day depends on, beside its inputs."""
        before = ((table, day - timedelta(days=n)) for n in range(1, _DAYS_COMPARED + 1))
        built_from = ((name, day) for name in self._depends_on.get(table, ()))
        return any(self._published[each] > since for each in (*before, *built_from) if each in self._published)


def _is_done(table: TablePlan) -> bool:
    return table.checkpoint is not None and table.checkpoint.is_done


def _why(tables: Collection[TablePlan]) -> str:
    return "; ".join(f"{table.table}: {table.why}" for table in tables)


def backfill_parameters(report: HealReport, request: HealRequest) -> dict[str, Any]:
    """Return the parameters of the backfill that mends the days; it is never forced."""
    return {"dates": [each.game_date.isoformat() for each in report.mends], "tables": list(request.tables)}


def backfill_of(request: HealRequest, days: Sequence[date]) -> BackfillRequest:
    """Return what a backfill of days would be asked."""
    return BackfillRequest(
        as_of=request.as_of,
        start_date=None,
        end_date=None,
        dates=tuple(days),
        tables=request.tables,
        force=False,
        force_reason=None,
        waive_reason=None,
        adopt=False,
        dry_run=True,
        resume=True,
        context_source="auto",
        max_concurrency=1,
        stop_after_identical_failures=1,
        max_bytes_billed=None,
        max_days=len(days),
    )

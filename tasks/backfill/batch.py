"""Check and stage many days at once: one statement a table reads the season so far once, and not once a day.

A batch is an offer. Each day is judged and published by itself, as ever; it takes the rows that are staged for it if
they are those that it would build, and builds its own if not.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import takewhile

from tasks.backfill.coverage import Checked, read_checks, window
from tasks.backfill.plan import DayPlan
from tasks.backfill.request import BackfillRequest
from tasks.backfill.staging import LEAST_DAYS, Builder, StagedRows, halves
from tasks.backfill.turns import Turns
from tasks.errors import FullcourtError
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.tables.batch_query import identity_changes
from tasks.warehouse.base import Warehouse

_SPAN = timedelta(days=31)


@dataclass(frozen=True)
class Batch:
    """Days that are done together, and what was found and built of them at once."""

    size: int
    """How many they are: the first of those that wait."""
    checked: Mapping[date, Checked] = field(default_factory=dict)
    staged: Mapping[str, Sequence[StagedRows]] = field(default_factory=dict)
    """By table, the parts in which its days were staged."""
    locations: Sequence[str] = ()
    """What is stored for it."""
    turns: Turns = field(default_factory=Turns)

    def rows_of(self, table: str, game_date: date) -> StagedRows | None:
        """Return what was staged of a table and day, with other days; None if it is to be built by itself."""
        return next((part for part in self.staged.get(table, ()) if game_date in part.sources), None)

    def followed_by(self, later: "Batch") -> "Batch":
        """Return the days of both."""
        names = dict.fromkeys((*self.staged, *later.staged))
        staged = {name: (*self.staged.get(name, ()), *later.staged.get(name, ())) for name in names}
        locations = (*self.locations, *later.locations)
        return Batch(self.size + later.size, {**self.checked, **later.checked}, staged, locations)


@contextmanager
def batched(run: Run, waiting: Sequence[DayPlan], request: BackfillRequest, *, at_most: int | None) -> Iterator[Batch]:
    """Yield the batch of the first days that wait; what is staged of it lasts as long as the block.

    Args:
        run: The current one; a connection of it stays open for as long.
        waiting: The days to do, in the order in which they will be done.
        request: What was asked.
        at_most: How many days may be in it.
    """
    days = _together(waiting)[:at_most]
    batch = _staged(run, days, request)
    try:
        yield batch
    finally:
        batch.turns.end()
        if batch.locations:
            with run.warehouse("release") as warehouse:
                for location in batch.locations:
                    warehouse.drop_kept(location)


def _together(waiting: Sequence[DayPlan]) -> list[DayPlan]:
    """Return the first days that wait, as far as they belong to one season and lie close together."""
    season, end = waiting[0].season_start, waiting[0].game_date + _SPAN
    return list(takewhile(lambda day: day.season_start == season and day.game_date < end, waiting))


def _staged(run: Run, days: Sequence[DayPlan], request: BackfillRequest) -> Batch:
    """Stage a batch; if that is not possible, each half of it, and a few days are done each by itself."""
    if run.dry_run or len(days) < LEAST_DAYS or days[0].season_start is None:
        return Batch(len(days))
    first, last = days[0].game_date, days[-1].game_date
    try:
        return retrying(stage_batch)(run, first, last, days, request)
    except Exception as raised:  # noqa: BLE001 - what fails a day fails it alone
        error = understand(raised)
    batch = Batch(0)
    for half in halves(f"{first} to {last}", days, error):
        end = batch.size + len(half)
        batch = batch.followed_by(_staged(run, half, request))
        if batch.size < end:
            break  # what follows must not be known to the days before
    return batch if batch.size else Batch(len(days))


@step("stage-batch", run_name="stage {first} to {last}")
def stage_batch(run: Run, first: date, last: date, days: Sequence[DayPlan], request: BackfillRequest) -> Batch:
    """Check days of one season, and build their rows where no reader of the tables sees them.

    Args:
        run: The current one.
        first: The first day; it names the task run.
        last: The last day.
        days: What is to be done, in order.
        request: What was asked.

    Returns:
        What was found of the days, or of the first of them, as far as nothing later tells more of them.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    season_start = days[0].season_start or first
    to_do = {table.table for day in days for table in day.tables if table.needs_work}
    names = [name for name in request.tables if name in to_do]  # dependencies first
    with run.warehouse("batch", game_date=days[0].game_date) as warehouse:
        days = _of_the_same_people(run, warehouse, names, season_start, days)
        first, last = days[0].game_date, days[-1].game_date
        checked = read_checks(run, warehouse, names, season_start, first, last)
        builder = Builder(run, request, warehouse, season_start, checked)
        try:
            for name in names:
                built = [
                    day.game_date
                    for day in days
                    for table in day.tables
                    if (table.table, table.action) == (name, "build")
                ]
                if built and run.catalogue.build(name).many_days:
                    builder.stage(name, built, first, last)
        except BaseException:
            with suppress(FullcourtError):
                builder.drop()
            raise
        return Batch(
            len(days), {day.game_date: checked[day.game_date] for day in days}, builder.staged, builder.locations
        )


def _of_the_same_people(
    run: Run, warehouse: Warehouse, names: Sequence[str], season_start: date, days: Sequence[DayPlan]
) -> Sequence[DayPlan]:
    """Return the days before the first one on which a name gets an id that tells whose its rows without one are."""
    first, last = days[0].game_date, days[-1].game_date
    sql = identity_changes(run.catalogue, names)
    (row,) = warehouse.fetch(sql, window(run.settings, season_start, first, last))
    return [day for day in days if row["first_change"] is None or day.game_date < row["first_change"]] or days[:1]

"""Check and stage many days at once: one statement a table reads the season so far once, and not once a day.

A batch is an offer. Each day is judged and published by itself, as ever; it takes the rows that are staged for it if
they are those that it would build, and builds its own if not.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

from prefect import get_run_logger

from tasks.backfill.coverage import Checked, read_checks, window
from tasks.backfill.day import choose_source
from tasks.backfill.facts import facts_by_day
from tasks.backfill.gate import StagedFacts
from tasks.backfill.plan import DayPlan
from tasks.backfill.request import BackfillRequest
from tasks.backfill.turns import Turns
from tasks.errors import FullcourtError, TransientError
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.tables import queries
from tasks.tables.batch_query import batch_query, days_of, identity_changes, reading_elsewhere
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Parameter, Staged, Warehouse

_SPAN = timedelta(days=31)
_LEAST_DAYS = 3
"""What a batch reads besides its days' own queries is saved by so many of them."""


@dataclass(frozen=True)
class StagedRows:
    """A table's rows of many days, built and not published. Grain: as the table, for the days that were asked for."""

    rows: str
    """The name that queries read them by."""
    facts: Mapping[date, StagedFacts]
    """Of each day that has rows."""
    sources: Mapping[date, str]
    """What the rows of each day were built from; other days have none."""
    read: Mapping[str, Mapping[date, str]]
    """By table that they were built from, the digest of its rows of each day."""

    def are_of(self, game_date: date, *, source: str, dependencies: Mapping[str, str]) -> bool:
        """Tell whether the rows of a day are those that it would build."""
        has_read = {name: self.read[name].get(game_date, "") for name in dependencies}
        return game_date in self.facts and self.sources.get(game_date) == source and has_read == dependencies

    def of_day(self, table: TableSpec, game_date: date) -> Staged:
        """Return the rows of one day."""
        return Staged(table=table, game_date=game_date, location=self.rows, is_kept=True)


@dataclass(frozen=True)
class Batch:
    """Days that are done together, and what was found and built of them at once."""

    size: int
    """How many they are: the first of those that wait."""
    checked: Mapping[date, Checked] = field(default_factory=dict)
    staged: Mapping[str, StagedRows] = field(default_factory=dict)
    """By table."""
    turns: Turns = field(default_factory=Turns)

    @property
    def locations(self) -> tuple[str, ...]:
        """What is stored for it."""
        return tuple(each.rows for each in self.staged.values())


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
    """Stage a batch; if that is not possible, every day is done by itself, and its error is its own."""
    if run.dry_run or len(days) < _LEAST_DAYS or days[0].season_start is None:
        return Batch(len(days))
    first, last = days[0].game_date, days[-1].game_date
    try:
        return retrying(stage_batch)(run, first, last, days, request)
    except Exception as raised:  # noqa: BLE001 - what fails a day fails it alone
        error = understand(raised)
        get_run_logger().warning("%s to %s are built day by day, and not at once: %s", first, last, error)
        return Batch(len(days))


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
        builder = _Builder(run, request, warehouse, window(run.settings, season_start, first, last), checked)
        for name in names:
            built = [
                day.game_date for day in days for table in day.tables if (table.table, table.action) == (name, "build")
            ]
            if built and run.catalogue.build(name).many_days:
                builder.stage(name, built)
        return Batch(len(days), {day.game_date: checked[day.game_date] for day in days}, builder.staged)


def _of_the_same_people(
    run: Run, warehouse: Warehouse, names: Sequence[str], season_start: date, days: Sequence[DayPlan]
) -> Sequence[DayPlan]:
    """Return the days before the first one on which a name gets an id that tells whose its rows without one are."""
    first, last = days[0].game_date, days[-1].game_date
    sql = identity_changes(run.catalogue, names)
    (row,) = warehouse.fetch(sql, window(run.settings, season_start, first, last))
    return [day for day in days if row["first_change"] is None or day.game_date < row["first_change"]] or days[:1]


class _Builder:
    """Stages the tables of a batch, one after the other: each reads those before it as they will be published."""

    def __init__(
        self,
        run: Run,
        request: BackfillRequest,
        warehouse: Warehouse,
        read: Mapping[str, Parameter],
        checked: Mapping[date, Checked],
    ) -> None:
        self._run, self._request, self._warehouse, self._checked = run, request, warehouse, checked
        self._read: Mapping[str, Parameter] = {**read, "run_id": run.id, "processed_at": datetime.now(UTC)}
        self.staged: dict[str, StagedRows] = {}

    def stage(self, name: str, days: Sequence[date]) -> None:
        """Build a table's rows; a table for which that fails is built day by day."""
        try:
            self.staged[name] = self._stage(name, days)
        except TransientError:
            raise
        except FullcourtError as error:
            get_run_logger().warning("%s: its days are built day by day, and not at once: %s", name, error)

    def _stage(self, name: str, days: Sequence[date]) -> StagedRows:
        catalogue = self._run.catalogue
        spec, sources = catalogue.table(name), {day: self._source(name, day) for day in days}
        has_holes = any(self._checked[day][0].has_holes for day in days)
        is_read = any(name in catalogue.build(other).depends_on for other in self._request.tables)
        sql = batch_query(catalogue, spec, set(sources.values()), has_holes=has_holes, with_others=is_read)
        chosen: dict[str, Parameter] = {
            days_of(source): [day.isoformat() for day in days if sources[day] == source]
            for source in set(sources.values())
        }
        parameters = {**self._read, **chosen}
        rows = self._warehouse.keep(spec, self._with_staged(sql), parameters, run_id=self._run.id)
        facts = facts_by_day(self._warehouse, catalogue, spec, rows, self._read)
        return StagedRows(rows, facts, sources, self._digests(name))

    def _source(self, name: str, day: date) -> str:
        counts = self._checked[day][1].get(name)
        return choose_source(self._run.catalogue.build(name), counts, self._request.context_source)[0]

    def _with_staged(self, sql: str) -> str:
        """Return a query that reads the tables before it as they will be."""
        for name, staged in self.staged.items():
            sql = reading_elsewhere(sql, self._run.catalogue.table(name), staged.rows)
        return sql

    def _digests(self, name: str) -> dict[str, dict[date, str]]:
        """Return the digests of the rows, by day, that each table has that a table is built from."""
        first, last = self._read["first_date"], self._read["game_date"]
        found = {}
        for dependency in self._run.catalogue.build(name).depends_on:
            staged = self.staged.get(dependency)
            sql = queries.digests(self._run.catalogue.table(dependency), staged.rows if staged else None)
            rows = self._warehouse.fetch(sql, {"from_date": first, "game_date": last})
            found[dependency] = {row["game_date"]: row["digest"] for row in rows}
        return found

"""Build the rows of many days at once, where no reader of the tables sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from prefect import get_run_logger

from tasks.backfill.coverage import Checked, window
from tasks.backfill.day import choose_source
from tasks.backfill.facts import facts_by_day
from tasks.backfill.gate import StagedFacts
from tasks.backfill.request import BackfillRequest
from tasks.backfill.stopping import can_be_of_some_days
from tasks.errors import FullcourtError, TransientError
from tasks.runtime.run import Run
from tasks.tables import queries
from tasks.tables.batch_query import batch_query, days_of, reading_elsewhere
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Parameter, Staged, Warehouse

T = TypeVar("T")

LEAST_DAYS = 3
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


def halves(what: str, days: Sequence[T], error: FullcourtError) -> tuple[Sequence[T], ...]:
    """Log why days are not staged at once, and return the halves to try instead.

    There are none if both are too few, or would fail of the same.
    """
    half = len(days) // 2
    is_halved = len(days) - half >= LEAST_DAYS and can_be_of_some_days(error)
    how = "in halves" if is_halved else "day by day"
    get_run_logger().warning("%s: built %s, and not at once: %s", what, how, error)
    return (days[:half], days[half:]) if is_halved else ()


class Builder:
    """Stages the tables of a batch, one after the other: each reads those before it as they will be published."""

    def __init__(
        self,
        run: Run,
        request: BackfillRequest,
        warehouse: Warehouse,
        season_start: date,
        checked: Mapping[date, Checked],
    ) -> None:
        self._run, self._request, self._warehouse, self._checked = run, request, warehouse, checked
        self._season_start, self._processed_at = season_start, datetime.now(UTC)
        self.staged: dict[str, list[StagedRows]] = {}
        """By table, the parts in which its days were staged; one, if nothing failed."""
        self.locations: list[str] = []
        """What is stored."""

    def stage(self, name: str, days: Sequence[date], first: date, last: date) -> None:
        """Build a table's rows of some days.

        Args:
            name: The table.
            days: The days, in order.
            first: The first day that is read of what is published, for the tables that are built from this one.
            last: The last such day.
        """
        if parts := self._parts(name, days, first, last):
            self.staged[name] = parts

    def drop(self) -> None:
        """Drop what is stored."""
        for location in self.locations:
            self._warehouse.drop_kept(location)

    def _parts(self, name: str, days: Sequence[date], first: date, last: date) -> list[StagedRows]:
        """Stage days at once; if that fails, those of each half, down to a few days, which are left out."""
        try:
            return [self._stage(name, days, first, last)]
        except TransientError:
            raise
        except FullcourtError as error:
            tried = halves(f"{name} of {days[0]} to {days[-1]}", days, error)
        parts = []
        for half in tried:
            begins = first if half[0] == days[0] else half[0]
            ends = last if half[-1] == days[-1] else tried[-1][0] - timedelta(days=1)
            if len(half) >= LEAST_DAYS:
                parts += self._parts(name, half, begins, ends)
        return parts

    def _stage(self, name: str, days: Sequence[date], first: date, last: date) -> StagedRows:
        catalogue = self._run.catalogue
        spec, sources = catalogue.table(name), {day: self._source(name, day) for day in days}
        has_holes = any(self._checked[day][0].has_holes for day in days)
        is_read = any(name in catalogue.build(other).depends_on for other in self._request.tables)
        sql = batch_query(catalogue, spec, set(sources.values()), has_holes=has_holes, with_others=is_read)
        chosen: dict[str, Parameter] = {
            days_of(source): [day.isoformat() for day in days if sources[day] == source]
            for source in set(sources.values())
        }
        read = window(self._run.settings, self._season_start, first, last)
        read |= {"run_id": self._run.id, "processed_at": self._processed_at}
        rows = self._warehouse.keep(spec, self._with_staged(sql), {**read, **chosen}, run_id=self._run.id)
        self.locations.append(rows)
        facts = facts_by_day(self._warehouse, catalogue, spec, rows, read)
        return StagedRows(rows, facts, sources, self._digests(name, first, last))

    def _source(self, name: str, day: date) -> str:
        counts = self._checked[day][1].get(name)
        return choose_source(self._run.catalogue.build(name), counts, self._request.context_source)[0]

    def _with_staged(self, sql: str) -> str:
        """Return a query that reads the tables before it as they will be."""
        for name in self.staged:
            sql = reading_elsewhere(sql, self._run.catalogue.table(name), self._location(name))
        return sql

    def _location(self, name: str) -> str:
        """Return what queries read the staged rows of a table by."""
        parts = [part.rows for part in self.staged[name]]
        return parts[0] if len(parts) == 1 else f"({' UNION ALL '.join(f'SELECT * FROM {part}' for part in parts)})"

    def _digests(self, name: str, first: date, last: date) -> dict[str, dict[date, str]]:
        """Return the digests of the rows, by day, that each table has that a table is built from."""
        found = {}
        for dependency in self._run.catalogue.build(name).depends_on:
            location = self._location(dependency) if dependency in self.staged else None
            sql = queries.digests(self._run.catalogue.table(dependency), location)
            rows = self._warehouse.fetch(sql, {"from_date": first, "game_date": last})
            found[dependency] = {row["game_date"]: row["digest"] for row in rows}
        return found

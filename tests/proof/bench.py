"""Decide the days of a league as a date task does, by the application's own steps, without a Prefect server.

A step is called as the function that it is: one attempt, no task run. Everything else is the real thing: the plan on
what the tables hold, the checks, the builds, the gate, the publishing and the ledger, on a DuckDB file.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import duckdb  # noqa: TID251 - the file is written and read behind the application's back
import pyarrow as pa

import tasks.backfill
from tasks.backfill.batch import Batch, batched
from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import ContextSource
from tasks.backfill.one_day import backfill_date
from tasks.backfill.plan import DayPlan
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.backfill.survey import plan_backfill
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.dialect import DUCKDB_TYPES
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.proof.league import DAYS, OPENING, ProofLeague, Row

MAIN = "player_composite_factors"


@dataclass(frozen=True)
class Decided:
    """What came of a league: every day's result, and the rows that its tables hold."""

    results: dict[date, DayResult]
    rows: dict[str, dict[date, list[Row]]]
    ledger: list[Row]

    def checkpoints(self) -> Iterator[Checkpoint]:
        """Yield what was decided of each table and day."""
        for result in self.results.values():
            yield from result.checkpoints


class Bench:
    """A warehouse for one league after another."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings(duckdb_path=path, extra_tables_dir=None)
        self._catalogue = load_catalogue(self.settings)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        run = Run(self.settings, "proof", 1)
        self._stack.enter_context(without_prefect())
        warehouse = self._stack.enter_context(run.warehouse("hold"))  # held: opening the file again costs no time
        assert isinstance(warehouse, DuckDBWarehouse)
        warehouse.create(self._catalogue.tables.values())
        self._file = warehouse._open  # inputs are written behind the application's back, as users' programs do
        for name in ProofLeague().tables:  # users' tables hold NULL where it should not be
            spec = self._catalogue.table(name)
            columns = ", ".join(f"{column.name} {DUCKDB_TYPES[column.type]}" for column in spec.columns)
            self._file.execute(f"CREATE OR REPLACE TABLE {spec.full_name} ({columns})")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def decide(
        self,
        league: ProofLeague,
        context_source: ContextSource = "auto",
        days: Sequence[date] | None = None,
        *,
        runs: Sequence[Sequence[date]] = (),
        sizes: Sequence[int | None] = (None,),
        at_once: int = 1,
    ) -> Decided:
        """Put a league in place of the one before, and backfill its days, all or some.

        Args:
            league: What the inputs hold.
            context_source: As the run asks for it.
            days: All of them, if it is missing.
            runs: The days of each run, if it is not one.
            sizes: As ``do`` takes them.
            at_once: As ``do`` takes it.
        """
        self.write(league)
        every_day = [OPENING + timedelta(days=number) for number in range(DAYS)]
        results: dict[date, DayResult] = {}
        for some in runs or [days or every_day]:
            results |= do(self.settings, some, context_source=context_source, sizes=sizes, at_once=at_once)
        return Decided(results, *read_decided(self._file, self._catalogue))

    def write(self, league: ProofLeague) -> None:
        """Put a league in place of the one before, of which nothing stays."""
        for spec in self._catalogue.tables.values():
            if spec.query is None:
                self._file.execute(f"DELETE FROM {spec.full_name}")
        for name, rows in league.tables.items():
            spec = self._catalogue.table(name)
            incoming = pa.Table.from_pylist(rows, arrow_schema(spec))
            self._file.register("incoming", incoming)
            self._file.execute(f"INSERT INTO {spec.full_name} BY NAME SELECT * FROM incoming")
            self._file.unregister("incoming")


def do(
    settings: Settings,
    days: Sequence[date],
    *,
    context_source: ContextSource = "auto",
    sizes: Sequence[int | None] = (None,),
    at_once: int = 1,
) -> dict[date, DayResult]:
    """Backfill days in one run, ``without_prefect``.

    Args:
        settings: Where.
        days: What is asked for.
        context_source: As it is asked for.
        sizes: How many days may be in each batch, over and over; as many as the backfill itself takes, if it is None.
        at_once: How many days are at work together.
    """
    run = Run(settings, "proof", 1)  # of this id, always: a query is translated once a text, and some name the run
    request = request_of(run.catalogue, days, context_source=context_source)
    plan = plan_backfill.fn(run, request)
    results = {day.game_date: DayResult(game_date=day.game_date, skipped=day.skipped) for day in plan.days}
    waiting, at_most = [day for day in plan.days if day.needs_work], cycle(sizes)
    while waiting:
        with run.warehouse("hold"), batched(run, waiting, request, at_most=next(at_most)) as batch:
            begun, waiting = waiting[: batch.size], waiting[batch.size :]
            for result in _done(run, request, begun, batch, at_once):
                results[result.game_date] = result
    return results


def _done(
    run: Run, request: BackfillRequest, days: Sequence[DayPlan], batch: Batch, at_once: int
) -> Iterator[DayResult]:
    """Do the days of a batch, in their order."""

    def one(day: DayPlan) -> DayResult:
        result = backfill_date.fn(run, request, day, batch).data
        assert isinstance(result, DayResult)
        batch.turns.decide(day.game_date)
        return result

    for day in days:
        batch.turns.begin(day.game_date, [table.table for table in day.tables if table.needs_work])
    if at_once == 1:
        yield from map(one, days)
        return
    with ThreadPoolExecutor(max_workers=at_once) as executor:
        yield from executor.map(one, days)


def read_decided(
    file: duckdb.DuckDBPyConnection, catalogue: Catalogue
) -> tuple[dict[str, dict[date, list[Row]]], list[Row]]:
    """Return the rows of the derived tables that the main one needs, by day, and those of the ledger."""
    found: dict[str, dict[date, list[Row]]] = {}
    for spec in map(catalogue.table, catalogue.with_dependencies([MAIN])):
        of_table = found[spec.name] = {}
        for row in read_rows(file, spec):
            of_table.setdefault(row[spec.partition], []).append(row)
    return found, read_rows(file, catalogue.table("backfill_ledger"))


def read_rows(file: duckdb.DuckDBPyConnection, spec: TableSpec) -> list[Row]:
    """Return all rows of a table."""
    result = file.execute(f"SELECT * FROM {spec.full_name}")
    names = [column[0] for column in result.description]
    return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def request_of(catalogue: Catalogue, days: Sequence[date], **given: Any) -> BackfillRequest:
    """Return the request for some days, of everything that the main table needs; the rest as a flow's defaults are."""
    defaults: dict[str, Any] = {
        "as_of": max(days) + timedelta(days=400),
        "dates": days,
        "tables": catalogue.with_dependencies([MAIN]),
        "force": False,
        "adopt": False,
        "dry_run": False,
        "resume": True,
        "context_source": "auto",
        "max_concurrency": 1,
        "stop_after_identical_failures": 10_000,
        "max_days": 2000,
    }
    return BackfillRequest(**dict.fromkeys(BackfillRequest.model_fields) | defaults | given)


def _plain(target: Any) -> Callable[..., Any]:
    return target.fn  # type: ignore[no-any-return]


def _nothing(*args: object, **kwargs: object) -> None:
    return None


_INSTEAD: dict[str, Callable[..., Any]] = {
    "retrying": _plain,
    "get_run_logger": lambda: logging.getLogger("proof"),
    "sweep_staged": lambda warehouse: warehouse.sweep(lambda _: False),  # no run of anybody's is known to be over
    "write_markdown": _nothing,
    "read_markdown": _nothing,
    "write_table": _nothing,
}
"""What the backfill asks Prefect for, and what is answered here."""


@contextmanager
def without_prefect() -> Iterator[None]:
    """Let the steps of the backfill be called as functions, for the duration of the block."""
    logging.getLogger("proof").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        for found in pkgutil.iter_modules(tasks.backfill.__path__, "tasks.backfill."):
            module = importlib.import_module(found.name)
            for name, instead in _INSTEAD.items():
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, instead))
        yield

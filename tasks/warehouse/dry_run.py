"""A warehouse for dry runs: nothing is created or changed, and a missing table is read as empty."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any, NoReturn, Self

import pyarrow as pa

from tasks.errors import QueryError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.queries import typed
from tasks.tables.spec import Column, TableSpec
from tasks.warehouse.base import Backup, Columns, Origin, Parameters, Replaced, Row, Staged, Warehouse
from tasks.warehouse.moment import Moment
from tasks.warehouse.open import open_warehouse

STAGED = "staged_rows"


def open_for_run(
    settings: Settings, origin: Origin | None, *, dry_run: bool, moment: Moment | None = None
) -> Warehouse:
    """Return the warehouse for a backfill, not yet connected; in a dry run, one that changes nothing."""
    warehouse = open_warehouse(settings.connection(), origin, moment)
    if not dry_run:
        return warehouse
    tables = load_catalogue(settings).tables.values()
    return DryRun(warehouse, [table for table in tables if table.role in ("derived", "record")])


class DryRun:
    """A connection that only reads."""

    def __init__(self, warehouse: Warehouse, tables: Sequence[TableSpec]) -> None:
        self._warehouse, self._tables = warehouse, tables
        self.not_created: list[str] = []
        """The tables that a run would have created, by full name."""

    @property
    def statements(self) -> int:
        """Statements that read data since the connection was opened."""
        return self._warehouse.statements

    @property
    def bytes_billed(self) -> int | None:
        """Bytes that queries were billed for since the connection was opened."""
        return self._warehouse.bytes_billed

    def __enter__(self) -> Self:
        self._warehouse.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._warehouse.__exit__(*exc_info)

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a query and return its rows, by column."""
        return self._warehouse.fetch(self._readable(sql), parameters)

    def estimate(self, sql: str, parameters: Parameters) -> int | None:
        """Return the bytes that would be billed for a query, without running it."""
        return self._warehouse.estimate(self._readable(sql), parameters)

    def take_moment(self, tables: Iterable[TableSpec], *, run_id: str, may_store: bool) -> Moment:  # noqa: ARG002
        """Keep tables as they are now, as far as the warehouse need not store anything for it."""
        return self._warehouse.take_moment(tables, run_id=run_id, may_store=False)

    def release(self, moment: Moment) -> None:
        """Give a moment up."""
        self._warehouse.release(moment)

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, Columns]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        return self._warehouse.schema(tables)

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create nothing, but list what a run would create."""
        self.not_created += [table.full_name for table in tables if table.full_name in self._missing]

    def sweep(self, is_over: Callable[[str], bool]) -> list[str]:  # noqa: ARG002
        """Drop nothing."""
        return []

    def add_columns(self, table: TableSpec, columns: Sequence[Column]) -> None:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    @contextmanager
    def stage(
        self,
        table: TableSpec,
        sql: str,
        parameters: Parameters,  # noqa: ARG002
        *,
        game_date: date,
        run_id: str,  # noqa: ARG002
    ) -> Iterator[Staged]:
        """Store nothing: the rows are a query, which becomes a part of the query that reads them."""
        yield Staged(table, game_date, location=STAGED, query=typed(table, sql))

    def streamed_rows(self, table: TableSpec) -> int:
        """Return about how many rows were just streamed into a table."""
        return self._warehouse.streamed_rows(table)

    def backups(self) -> list[Backup]:
        """Return the backups that are there."""
        return self._warehouse.backups()

    def keep(self, table: TableSpec, sql: str, parameters: Parameters, *, run_id: str) -> str:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    def drop_kept(self, location: str) -> None:
        """Refuse."""
        raise QueryError(f"{location}: a dry run drops nothing")

    def publish(self, staged: Staged) -> int:
        """Refuse."""
        _refuse(staged.table)

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    def change(self, table: TableSpec, sql: str, parameters: Parameters) -> int:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    def back_up(self, table: TableSpec, name: str, *, before: date, expires_at: datetime) -> Backup:  # noqa: ARG002
        """Refuse."""
        _refuse(table)

    def drop_backup(self, backup: Backup) -> None:
        """Refuse."""
        raise QueryError(f"{backup.location}: a dry run drops nothing")

    @cached_property
    def _missing(self) -> dict[str, TableSpec]:
        there = self._warehouse.schema(self._tables)
        return {table.full_name: table for table in self._tables if table.full_name not in there}

    def _readable(self, sql: str) -> str:
        """Return a query in which each missing table is an empty one."""
        if not any(table.full_name in sql for table in self._tables):
            return sql
        for name, table in self._missing.items():
            columns = ", ".join(f"CAST(NULL AS {c.type}) AS {c.name}" for c in table.columns)
            sql = re.sub(rf"\b{re.escape(name)}\b", f"(SELECT {columns} LIMIT 0)", sql)
        return sql


def _refuse(table: TableSpec) -> NoReturn:
    raise QueryError(f"{table.full_name}: a dry run changes nothing")

"""The embedded warehouse: one DuckDB file."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import duckdb  # noqa: TID251
import pyarrow as pa

from tasks.tables.spec import Column, TableSpec
from tasks.warehouse.base import Backup, Columns, Parameters, Replaced, Row, Staged, arrow_schema
from tasks.warehouse.dialect import DUCKDB_TYPES, googlesql_type, to_duckdb
from tasks.warehouse.duckdb_moments import Moments, sweep_moments
from tasks.warehouse.kept_columns import own_columns, with_kept
from tasks.warehouse.own_backups import backup_named, is_own_backup

_KEPT = "kept_rows"


class DuckDBWarehouse(Moments):
    """The DuckDB file that the settings name."""

    @property
    def bytes_billed(self) -> None:
        """None: reading a local file costs nothing."""
        return

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a GoogleSQL query and return its rows, by column."""
        text, bound = self._bind(sql, parameters or {})
        with self._translated():
            self.statements += 1
            result = self._open.execute(self._parse(text), bound)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, Columns]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        found: dict[str, Columns] = {}
        with self._translated():
            self.statements += 1
            rows = self._open.execute(
                "SELECT table_schema || '.' || table_name, column_name, data_type, "
                "is_nullable = 'NO' AND column_default IS NULL FROM information_schema.columns "
                "WHERE table_catalog = current_database() AND list_contains($names, table_schema || '.' || table_name) "
                "ORDER BY ordinal_position",
                {"names": [table.full_name for table in tables]},
            ).fetchall()
        for table, column, kind, is_required in rows:
            columns = found.setdefault(table, Columns())
            columns[column] = googlesql_type(kind)
            columns.required |= {column} if is_required else frozenset()
        return found

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create the missing tables, and the file; an existing table is not changed."""
        if not self._is_in_file:
            self._open.close()
            self._connect(creates=True)
        with self._turn(), self._translated():
            for table in tables:
                name = f"{self._home}.{table.full_name}"  # the bare one may stand for a copy's
                self._run(f"CREATE SCHEMA IF NOT EXISTS {self._home}.{table.dataset}")
                if table.query is not None:
                    self._run(f"CREATE OR REPLACE VIEW {name} AS {to_duckdb(table.query)[0]}")
                    continue
                columns = ", ".join(
                    f"{c.name} {DUCKDB_TYPES[c.type]}{' NOT NULL' if c.required else ''}" for c in table.columns
                )
                self._run(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")

    def add_columns(self, table: TableSpec, columns: Sequence[Column]) -> None:
        """Add columns that a table lacks, in one transaction; its rows have NULL in them."""
        with self._writing(table):
            for column in columns:
                kind = DUCKDB_TYPES[column.type]
                self._run(f"ALTER TABLE {table.full_name} ADD COLUMN IF NOT EXISTS {column.name} {kind}")

    @contextmanager
    def stage(
        self,
        table: TableSpec,
        sql: str,
        parameters: Parameters,
        *,
        game_date: date,
        run_id: str,  # noqa: ARG002
    ) -> Iterator[Staged]:
        """Build a day's rows in a temporary table, which only this connection sees."""
        location = f"staged_{table.name}"
        text, bound = self._bind(sql, parameters)
        with self._translated(table):
            self._run(f"CREATE OR REPLACE TEMPORARY TABLE {location} AS {self._typed(table, text)}", bound)
        try:
            yield Staged(table=table, game_date=game_date, location=location)
        finally:
            if self._connection is not None:
                self._connection.execute(f"DROP TABLE IF EXISTS temp.{location}")

    def keep(self, table: TableSpec, sql: str, parameters: Parameters, *, run_id: str) -> str:
        """Build the rows of many days in a database in memory that all connections of this process share."""
        text, bound = self._bind(sql, parameters)
        with self._translated(table):
            self._open.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {_KEPT}")
            there = "SELECT table_name FROM duckdb_tables() WHERE database_name = $kept"
            taken = {name for (name,) in self._open.execute(there, {"kept": _KEPT}).fetchall()}
            # Names are used again, and are not random: what reads them is parsed once.
            names = (f"{table.name}__{run_id.replace('-', '_')}__{number}" for number in count(1))
            location = f"{_KEPT}.{next(name for name in names if name not in taken)}"
            self._run(f"CREATE TABLE {location} AS {self._typed(table, text)}", bound)
        return location

    def drop_kept(self, location: str) -> None:
        """Drop rows that were kept, if they are still there."""
        with self._translated(), suppress(duckdb.CatalogException):
            self._open.execute(f"DROP TABLE IF EXISTS {location}")

    def publish(self, staged: Staged) -> int:
        """Replace the day's rows of the table with the staged ones in one transaction; returns the rows published."""
        table = staged.table
        with self._writing(table):
            day = {"day": staged.game_date}
            of_day = f"{table.partition} = $day"
            with self._completed(table, staged.location, where=of_day, bound=day) as rows:
                self._run(f"DELETE FROM {table.full_name} WHERE {of_day}", day)
                return self._run(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {rows} WHERE {of_day}", day)

    def estimate(self, sql: str, parameters: Parameters) -> None:  # noqa: ARG002
        """Return None: reading a local file costs nothing."""
        return

    def sweep(self, is_over: Callable[[str], bool]) -> list[str]:
        """Merge the small row groups that earlier runs left, and remove the copies of those that were killed.

        Their staged rows went with their connections.
        """
        # If another thread of this process is writing, the next run does it.
        with (
            self._turn(),
            self._translated(),
            suppress(duckdb.TransactionException),
        ):
            self._run("RESET GLOBAL max_vacuum_tasks")
            try:
                self._change_nothing()  # DuckDB skips the checkpoint of an unchanged file
                self._run("CHECKPOINT")
            finally:
                self._run("SET GLOBAL max_vacuum_tasks = 0")
        return sweep_moments(is_over)

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table in one transaction."""
        with self._translated(table):
            arrow = pa.Table.from_pylist(list(rows), arrow_schema(table))
        with self._registered(arrow) as source, self._writing(table):
            self._run(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {source}")

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:
        """Write rows in place of those that share their values of the ``match`` columns, in one transaction."""
        same = " AND ".join(f"t.{name} = n.{name}" for name in match)
        with self._registered(rows) as source, self._writing(table):
            keys = f"(SELECT DISTINCT {', '.join(match)} FROM {source})"
            with self._completed(table, source, columns=rows.column_names) as complete:
                deleted = self._run(f"DELETE FROM {table.full_name} AS t USING {keys} AS n WHERE {same}")
                inserted = self._run(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {complete}")
        return Replaced(deleted=deleted, inserted=inserted)

    def change(self, table: TableSpec, sql: str, parameters: Parameters) -> int:
        """Run one DELETE or INSERT statement in a transaction; returns the rows that it changed."""
        text, bound = self._bind(sql, parameters)
        with self._writing(table):
            return self._run(text, bound)

    def streamed_rows(self, table: TableSpec) -> int:  # noqa: ARG002
        """Return 0: DuckDB has no streaming buffer."""
        return 0

    def back_up(self, table: TableSpec, name: str, *, before: date, expires_at: datetime) -> Backup:
        """Copy the rows of the days before a day to a table whose comment says when it was made and when it expires."""
        location, created_at = f"{self._settings.backup_dataset}.{name}", datetime.now(UTC)
        comment = json.dumps(
            {
                "application": "fullcourt",
                "created_at": created_at.isoformat(),
                "expires_at": expires_at.isoformat(),
            }
        )
        if self._has(location):
            return backup_named(name, self.backups(), location)
        with self._writing(table):
            self._run(f"CREATE SCHEMA IF NOT EXISTS {self._settings.backup_dataset}")
            self._run(
                f"CREATE TABLE {location} AS FROM {table.full_name} WHERE {table.partition} < $before",
                {"before": before},
            )
            self._run(f"COMMENT ON TABLE {location} IS '{comment}'")
        return Backup(name=name, created_at=created_at, expires_at=expires_at, location=location)

    def backups(self) -> list[Backup]:
        """Return the backups that the cleanup made and that are there, oldest first."""
        dataset = self._settings.backup_dataset
        with self._translated():
            self.statements += 1
            rows = self._open.execute(
                "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = current_database() "
                "AND schema_name = $dataset AND comment IS NOT NULL",
                {"dataset": dataset},
            ).fetchall()
        found = [_backup(name, comment, f"{dataset}.{name}") for name, comment in rows]
        return sorted((backup for backup in found if backup), key=lambda backup: backup.created_at)

    def drop_backup(self, backup: Backup) -> None:
        """Drop a backup, if it is still there."""
        with self._translated():
            self._run(f"DROP TABLE IF EXISTS {backup.location}")

    def _typed(self, table: TableSpec, sql: str) -> str:
        """Return a query for rows with the columns of a table, each of the type that it has there."""
        there = self._types_of(table)
        types = {column.name: there.get(column.name, DUCKDB_TYPES[column.type]) for column in table.columns}
        return f"SELECT {', '.join(f'CAST({name} AS {kind}) AS {name}' for name, kind in types.items())} FROM ({sql})"

    @contextmanager
    def _completed(
        self,
        table: TableSpec,
        source: str,
        *,
        columns: Sequence[str] = (),
        where: str = "TRUE",
        bound: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """Yield the rows to insert: a source's, with the old values of the columns that only the table has."""
        own = own_columns(table, self._types_of(table))
        if not own:
            yield source
            return
        columns = columns or [column.name for column in table.columns]
        rows = with_kept(table, source, columns=columns, own=own, where=where, quote='"')
        self._run(f"CREATE OR REPLACE TEMPORARY TABLE completed_rows AS {rows}", bound)
        yield "temp.completed_rows"
        self._run("DROP TABLE temp.completed_rows")


def _backup(name: str, comment: str, location: str) -> Backup | None:
    """Return the backup that a table's comment describes; None if it is another comment."""
    try:
        found = json.loads(comment)
        moments = {key: datetime.fromisoformat(found[key]).astimezone(UTC) for key in ("created_at", "expires_at")}
    except (ValueError, TypeError, LookupError):
        return None
    if not is_own_backup(name, application=found.get("application")):
        return None
    return Backup(name=name, location=location, **moments)

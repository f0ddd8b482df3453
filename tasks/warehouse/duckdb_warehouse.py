"""The embedded warehouse: one DuckDB file; the only module that imports duckdb."""

import json
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, NoReturn, Self

import duckdb  # noqa: TID251
import pyarrow as pa

from tasks.domain.errors import FullcourtError, QueryError, SchemaError, StorageError, WarehouseBusyError
from tasks.domain.table import TableSpec
from tasks.settings import DuckDBSettings
from tasks.warehouse.base import Backup, Parameters, Replaced, Row, Staged, arrow_schema
from tasks.warehouse.dialect import DUCKDB_TYPES, GOOGLESQL_TYPES, to_duckdb

_STORAGE_FAILED = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException)
_FILE_REFUSED = re.compile(r"(?:Cannot open|Could not read from|Could not write) file")
_LOCK_HELD = re.compile(r"Could not set lock on file.*?(?:\(PID (\d+)\)|$)", re.DOTALL)

_parsed: dict[
    str, duckdb.Statement
] = {}  # parsing the longest query takes as long as running it; a parsed one serves any connection

# One process writes a file at a time, so that locks within the process are enough to keep two writers of one table
# apart. Without them, two runs that replace the same empty day would both insert it: neither sees the other's rows.
_write_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


class DuckDBWarehouse:
    """A connection to the DuckDB file that the settings name; connections of one process share its cache and lock."""

    def __init__(self, settings: DuckDBSettings) -> None:
        self._settings = settings
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.statements = 0

    def __enter__(self) -> Self:
        self._connection = self._connect()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a GoogleSQL query and return its rows, by column."""
        text, bound = self._bind(sql, parameters or {})
        with self._translated():
            self.statements += 1
            result = self._open.execute(self._parse(text), bound)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, dict[str, str]]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        found: dict[str, dict[str, str]] = {}
        with self._translated():
            self.statements += 1
            rows = self._open.execute(
                "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns "
                "WHERE table_catalog = current_database() AND list_contains($names, table_schema || '.' || table_name) "
                "ORDER BY ordinal_position",
                {"names": [table.full_name for table in tables]},
            ).fetchall()
        for table, column, kind in rows:
            found.setdefault(table, {})[column] = GOOGLESQL_TYPES.get(kind, kind)
        return found

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create the tables that are missing; never changes one that is there."""
        with _write_locks[str(self._settings.path), ""], self._translated():
            for table in tables:
                self._run(f"CREATE SCHEMA IF NOT EXISTS {table.dataset}")
                if table.query is not None:
                    self._run(f"CREATE OR REPLACE VIEW {table.full_name} AS {to_duckdb(table.query)[0]}")
                    continue
                columns = ", ".join(
                    f"{c.name} {DUCKDB_TYPES[c.type]}{' NOT NULL' if c.required else ''}" for c in table.columns
                )
                self._run(f"CREATE TABLE IF NOT EXISTS {table.full_name} ({columns})")

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
        """Build a day's rows in a temporary table, which only this connection sees: day and run need no name."""
        location = f"staged_{table.name}"
        text, bound = self._bind(sql, parameters)
        columns = ", ".join(f"CAST({c.name} AS {DUCKDB_TYPES[c.type]}) AS {c.name}" for c in table.columns)
        with self._translated(table):
            self._run(f"CREATE OR REPLACE TEMPORARY TABLE {location} AS SELECT {columns} FROM ({text})", bound)
        try:
            yield Staged(table=table, game_date=game_date, location=location)
        finally:
            if self._connection is not None:
                self._connection.execute(f"DROP TABLE IF EXISTS temp.{location}")

    def publish(self, staged: Staged) -> int:
        """Replace the day's rows of the table with the staged ones in one transaction; returns the rows published."""
        table, columns = staged.table, ", ".join(c.name for c in staged.table.columns)
        with self._writing(table):
            self._run(f"DELETE FROM {table.full_name} WHERE {table.partition} = $day", {"day": staged.game_date})
            return self._run(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM {staged.location}")

    def estimate(self, sql: str, parameters: Parameters) -> None:  # noqa: ARG002
        """Return None: reading a file of one's own costs nothing."""
        return

    def sweep(self, is_over: Callable[[str], bool]) -> list[str]:  # noqa: ARG002
        """Merge the small row groups that runs before have left; what they staged is gone with their connections."""
        # If somebody in this process writes meanwhile, the next run does it.
        with (
            _write_locks[str(self._settings.path), ""],
            self._translated(),
            suppress(duckdb.TransactionException),
        ):
            self._run("RESET GLOBAL max_vacuum_tasks")
            try:
                self._run("CREATE OR REPLACE TABLE swept (nothing BOOLEAN)")  # a file without changes is left as it is
                self._run("DROP TABLE IF EXISTS swept")
                self._run("CHECKPOINT")
            finally:
                self._run("SET GLOBAL max_vacuum_tasks = 0")
        return []

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table in one transaction."""
        arrow = pa.Table.from_pylist(list(rows), arrow_schema(table))
        with self._registered(arrow) as source, self._writing(table):
            self._run(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {source}")

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:
        """Write rows in place of those that share their values of the ``match`` columns, in one transaction."""
        same = " AND ".join(f"t.{name} = n.{name}" for name in match)
        with self._registered(rows) as source, self._writing(table):
            keys = f"(SELECT DISTINCT {', '.join(match)} FROM {source})"
            deleted = self._run(f"DELETE FROM {table.full_name} AS t USING {keys} AS n WHERE {same}")
            inserted = self._run(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {source}")
        return Replaced(deleted=deleted, inserted=inserted)

    def change(self, table: TableSpec, sql: str, parameters: Parameters) -> int:
        """Run one DELETE or INSERT statement in a transaction; returns the rows that it changed."""
        text, bound = self._bind(sql, parameters)
        with self._writing(table):
            return self._run(text, bound)

    def streamed_rows(self, table: TableSpec) -> int:  # noqa: ARG002
        """Return 0: a row is in its table, or it is not."""
        return 0

    def back_up(self, table: TableSpec, name: str, *, before: date, expires_at: datetime) -> Backup:
        """Copy the rows of the days before a day to a table of their own, which says when it was made and expires."""
        location, created_at = f"{self._settings.backup_dataset}.{name}", datetime.now(UTC)
        said = json.dumps({"created_at": created_at.isoformat(), "expires_at": expires_at.isoformat()})
        if there := next((backup for backup in self.backups() if backup.name == name), None):
            return there
        with self._writing(table):
            self._run(f"CREATE SCHEMA IF NOT EXISTS {self._settings.backup_dataset}")
            self._run(
                f"CREATE TABLE {location} AS FROM {table.full_name} WHERE {table.partition} < $before",
                {"before": before},
            )
            self._run(f"COMMENT ON TABLE {location} IS '{said}'")
        return Backup(name=name, created_at=created_at, expires_at=expires_at, location=location)

    def backups(self) -> list[Backup]:
        """Return the backups that are there, oldest first."""
        dataset = self._settings.backup_dataset
        with self._translated():
            self.statements += 1
            rows = self._open.execute(
                "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = current_database() "
                "AND schema_name = $dataset AND comment IS NOT NULL",
                {"dataset": dataset},
            ).fetchall()
        found = [Backup(name=name, location=f"{dataset}.{name}", **_moments(said)) for name, said in rows]
        return sorted(found, key=lambda backup: backup.created_at)

    def drop_backup(self, backup: Backup) -> None:
        """Drop a backup, if it is still there."""
        with self._translated():
            self._run(f"DROP TABLE IF EXISTS {backup.location}")

    @property
    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise QueryError("the warehouse is not connected; use it in a `with` block")
        return self._connection

    def _connect(self) -> duckdb.DuckDBPyConnection:
        path, deadline = self._settings.path, time.monotonic() + self._settings.lock_timeout_seconds
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._settings.memory_limit_mib}MiB",
            "threads": self._settings.threads,
            "max_vacuum_tasks": 0,  # by itself, DuckDB would merge row groups in the middle of a run: see sweep
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        while True:
            with self._translated():
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    connection = duckdb.connect(path, config=config)
                except OSError as error:
                    raise StorageError(f"{path}: {error.strerror}; choose another FULLCOURT_DUCKDB_PATH") from error
                except duckdb.IOException as error:
                    if not _LOCK_HELD.search(str(error)) or time.monotonic() >= deadline:
                        raise
                    time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - jitter
                    continue
                connection.execute("SET TimeZone = 'UTC'")
                return connection

    def _run(self, text: str, bound: Mapping[str, Any] | None = None) -> int:
        """Run a statement in DuckDB's own dialect; returns the rows that it changed, -1 if it changes none."""
        self.statements += 1
        row = self._open.execute(self._parse(text), bound).fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else -1

    def _parse(self, text: str) -> duckdb.Statement:
        if text not in _parsed:
            (_parsed[text],) = self._open.extract_statements(text)
        return _parsed[text]

    def _bind(self, sql: str, parameters: Parameters) -> tuple[str, dict[str, Any]]:
        text, used = to_duckdb(sql)
        if missing := sorted(used - parameters.keys()):
            raise QueryError(f"the query uses parameters that were not given: {', '.join(missing)}")
        return text, {name: parameters[name] for name in used}

    @contextmanager
    def _writing(self, table: TableSpec) -> Iterator[None]:
        """One transaction; nobody else in this process writes the table meanwhile."""
        with _write_locks[str(self._settings.path), table.full_name], self._translated(table):
            self._open.begin()
            try:
                yield
                self._open.commit()
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        try:
            self._open.rollback()
        except duckdb.Error:
            return  # a commit that failed has rolled back already

    @contextmanager
    def _registered(self, rows: pa.Table) -> Iterator[str]:
        name = "incoming_rows"
        self._open.register(name, rows)
        try:
            yield name
        finally:
            self._open.unregister(name)

    @contextmanager
    def _translated(self, table: TableSpec | None = None) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            _raise_translated(error, self._settings, table)


def _moments(said: str) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(text) for name, text in json.loads(said).items()}


def _raise_translated(error: duckdb.Error, settings: DuckDBSettings, table: TableSpec | None) -> NoReturn:
    """Raise the error of Fullcourt that says what DuckDB's means; the only place that reads DuckDB's messages."""
    text, path = str(error).strip(), settings.path
    about = f"{table.full_name}: " if table else ""
    translated: FullcourtError
    if held := _LOCK_HELD.search(text):
        by = f"process {held[1]}" if held[1] else "another process"
        translated = WarehouseBusyError(
            f"{path} is locked by {by}, and still was after {settings.lock_timeout_seconds:g} s; DuckDB lets one "
            "process write at a time: wait for it, or raise FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS"
        )
    elif "not a valid DuckDB database" in text or isinstance(error, duckdb.SerializationException):
        translated = StorageError(f"{path} is not a DuckDB file, or is damaged; restore it from a copy ({text})")
    elif "File too large" in text or "No space left" in text:
        translated = StorageError(
            f"{about}{path} cannot grow: the disk is full or a size limit is reached; free space "
            f"and run again, nothing was half-written ({text})"
        )
    elif isinstance(error, _STORAGE_FAILED) or _FILE_REFUSED.search(text):  # a commit, too, fails of its files
        translated = StorageError(f"{about}{path} cannot be read or written; check its folder's permissions ({text})")
    elif isinstance(error, duckdb.TransactionException):
        translated = WarehouseBusyError(f"{about}another transaction changed the same rows; try again ({text})")
    elif isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        translated = SchemaError(f"{about}a table or column is missing, or has another type: {text}")
    else:
        translated = QueryError(f"{about}{text}")
    raise translated from error

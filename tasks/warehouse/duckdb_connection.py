"""A connection to the DuckDB file: its lock, its transactions and its statements."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import duckdb  # noqa: TID251
import pyarrow as pa

from tasks.errors import QueryError
from tasks.folders import make_folder
from tasks.settings import DuckDBSettings
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Parameters
from tasks.warehouse.dialect import to_duckdb
from tasks.warehouse.duckdb_errors import DRIVER_ERRORS, passes, refuse_what_is_no_duckdb_file, translate
from tasks.warehouse.moment import Moment

_parsed: dict[
    str, duckdb.Statement
] = {}  # parsing the longest query takes as long as running it; a parsed one serves any connection

# One process writes a file at a time, so that locks within the process are enough to keep two writers of one table
# apart. Without them, two runs that replace the same empty day would both insert it: neither sees the other's rows.
_write_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

# DuckDB's lock on a file belongs to the process, and is released as soon as any part of the process closes the file:
# fcntl(2). So nothing but DuckDB opens a file that this process has open.
_connecting = threading.Lock()
_opened: set[tuple[int, int] | None] = set()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if it does not exist."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def copies_name(file: Path) -> str:
    """Return the name under which a file of copies is attached: unique, because a process has one list of names."""
    return f"copies_{file.parent.name.rpartition('-')[2]}"


def quoted_path(file: Path) -> str:
    """Return a path as it stands between the quotes of a statement."""
    return str(file).replace("'", "''")


class Connection:
    """A connection to the DuckDB file that the settings name; connections of one process share its cache and lock."""

    def __init__(self, settings: DuckDBSettings, moment: Moment | None = None) -> None:
        self._settings, self._moment = settings, moment
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._is_in_file = False
        self.statements = 0

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise QueryError("the warehouse is not connected; use it in a `with` block")
        return self._connection

    def _connect(self, *, creates: bool = False) -> None:
        """Open the file; without ``creates``, a missing file is not created but read as empty."""
        deadline = time.monotonic() + self._settings.lock_timeout_seconds
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
                    self._open_file(config, creates=creates)
                    self._open.execute("SET TimeZone = 'UTC'")
                    self._read_copies()
                except (duckdb.IOException, duckdb.ResourceInUseException) as error:
                    if not passes(error) or time.monotonic() >= deadline:
                        raise
                    time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - jitter
                    continue
                return

    def _open_file(self, config: dict[str, str | bool | int | float | list[str]], *, creates: bool) -> None:
        path = self._settings.path
        with _connecting:
            if _identity(path) not in _opened:
                refuse_what_is_no_duckdb_file(path)
            self._is_in_file = creates or path.exists()
            if creates:
                make_folder(path.parent)
            self._connection = duckdb.connect(path if self._is_in_file else ":memory:", config=config)
            if self._is_in_file:
                _opened.add(_identity(path))

    def _read_copies(self) -> None:
        """Let the names of tables stand for their copies of the moment, if there is one; others are the warehouse's."""
        if self._moment is None or self._moment.file is None:
            return
        name = copies_name(self._moment.file)
        self._open.execute(f"ATTACH IF NOT EXISTS '{quoted_path(self._moment.file)}' AS {name} (READ_ONLY)")
        datasets = sorted({table.partition(".")[0] for table in self._moment.copies})
        path = [f"{self._home}.main", *(f"{at}.{each}" for each in datasets for at in (name, self._home))]
        self._open.execute(f"SET search_path = '{','.join(path).replace(chr(39), chr(39) * 2)}'")

    @property
    def _home(self) -> str:
        """The name by which the warehouse's own file is written in SQL, beside others that are attached."""
        (name,) = self._open.execute("SELECT current_database()").fetchone() or ("",)
        return '"' + str(name).replace('"', '""') + '"'

    def _types_of(self, table: TableSpec) -> dict[str, str]:
        """Return the columns of a table, in their order, and DuckDB's types of them; none if there is no such table."""
        with self._translated(table):
            try:
                found = self._open.execute(f"DESCRIBE {self._home}.{table.full_name}").fetchall()
            except duckdb.CatalogException:
                return {}
        return {name: kind for name, kind, *_ in found}

    def _has(self, name: str) -> bool:
        dataset, _, table = name.partition(".")
        with self._translated():
            found = self._open.execute(
                "SELECT 1 FROM information_schema.tables "
                "WHERE table_catalog = current_database() AND table_schema = $dataset AND table_name = $table",
                {"dataset": dataset, "table": table},
            ).fetchone()
        return found is not None

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

    def _turn(self, name: str = "") -> threading.Lock:
        """Return the lock of this process for writing a table, or the file as a whole."""
        return _write_locks[str(self._settings.path), name]

    @contextmanager
    def _writing(self, table: TableSpec) -> Iterator[None]:
        """One transaction; no other thread of this process writes the table during it."""
        with self._turn(table.full_name), self._translated(table), self._transaction():
            yield

    def _change_nothing(self) -> None:
        """Write something that leaves no trace: without a change, a checkpoint does nothing."""
        name = f"nothing_{uuid4().hex}"
        with self._transaction():
            self._run(f"CREATE TABLE {name} (nothing BOOLEAN)")
            self._run(f"DROP TABLE {name}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction, whole or not at all."""
        self._open.begin()
        try:
            yield
            self._open.commit()
        except BaseException:
            with suppress(duckdb.Error):  # a failed commit has already rolled back
                self._open.rollback()
            raise

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
        except DRIVER_ERRORS as error:
            raise translate(error, self._settings, table) from error

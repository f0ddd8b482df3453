"""A project: its datasets, its tables with their rows in DuckDB, its accounts and its jobs."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb  # noqa: TID251 - this server's engine
import pyarrow as pa

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.storage.history import History
from tests.bigquery_server.storage.mutations import Mutations
from tests.bigquery_server.storage.tables import API_TYPES, Field, Table, size_of

# How long streamed rows stay in the buffer, out of reach of copies; "up to", in the documentation:
# https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations
BUFFERED = timedelta(minutes=90)


class Clock:
    """The server's time; a test moves it forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, **by: float) -> None:
        """Move the time forward, by ``hours=2`` or the like."""
        self._ahead += timedelta(**by)


@dataclass
class Quotas:
    """Limits that a test lowers: https://cloud.google.com/bigquery/quotas."""

    loads_per_table_and_day: int = 1500
    table_updates_in_10_seconds: int = 50


@dataclass
class Account:
    """A service account and what it may do."""

    email: str
    permissions: set[str] | None
    """None for everything."""
    revoked: set[tuple[str, str | None]] = field(default_factory=set)
    is_disabled: bool = False

    def may(self, permission: str, on: str) -> bool:
        """Tell whether it has a permission on a table or dataset."""
        if (permission, None) in self.revoked or (permission, on) in self.revoked:
            return False
        return self.permissions is None or permission in self.permissions


class Project:
    """One project; everything that changes it goes through its lock."""

    def __init__(self, name: str, location: str, clock: Clock, quotas: Quotas) -> None:
        self.name, self.location, self.clock, self.quotas = name, location, clock, quotas
        self.lock = threading.RLock()
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.datasets: dict[str, str] = {}
        """The location of each."""
        self.accounts: dict[str, Account] = {}
        self.jobs: dict[str, Any] = {}
        self.requests: list[tuple[str, str, int]] = []
        self.refused: dict[str, str] = {}
        """Tables of which a test wants that they refuse the rows that do not meet a condition."""
        self.mutations = Mutations(name)
        self.loads: dict[tuple[str, date], int] = {}
        """Load jobs by table and day."""
        self._tables: dict[str, Table] = {}
        self.history = History(self.connection, clock)

    @property
    def tables(self) -> dict[str, Table]:
        """The tables, snapshots and views that are there now: an expired one is not.

        https://cloud.google.com/bigquery/docs/managing-tables#updating_a_tables_expiration_time
        """
        now = self.clock.now()
        for name, table in list(self._tables.items()):
            table.streamed = [each for each in table.streamed if each.at > now - BUFFERED]
            if table.expires is not None and table.expires <= now:
                self.drop_table(name)
        return self._tables

    def table(self, name: str) -> Table:
        """Return a table.

        Raises:
            ApiError: There is none, or its dataset is elsewhere.
        """
        dataset = name.partition(".")[0]
        if self.datasets.get(dataset, self.location) != self.location or dataset not in self.datasets:
            raise ApiError(
                "notFound", f"Not found: Dataset {self.name}:{dataset} was not found in location {self.location}"
            )
        if name not in self.tables:
            raise ApiError("notFound", f"Not found: Table {self.name}:{name} was not found in location {self.location}")
        return self.tables[name]

    def writable(self, name: str, *, reason: str) -> Table:
        """Return a table whose rows may be changed.

        Raises:
            ApiError: There is none, or it is a snapshot, which is read-only
                (https://cloud.google.com/bigquery/docs/table-snapshots-intro), or a view
                (https://cloud.google.com/bigquery/docs/views-intro#view_limitations).
        """
        table = self.table(name)
        if table.type != "TABLE":
            raise ApiError(reason, f"{self.name}:{name} is a {table.type.lower()}, whose rows cannot be changed")
        return table

    def authorise(self, account: Account, permission: str, on: str) -> None:
        """Refuse what an account may not do."""
        if not account.may(permission, on):
            what = f"{'Table' if '.' in on else 'Dataset'} {self.name}:{on}" if on else f"Project {self.name}"
            raise ApiError(
                "accessDenied",
                f"Access Denied: {what}: User does not have {permission} permission for {what.lower()} "
                "(or it may not exist).",
            )

    def create_dataset(self, name: str, *, location: str | None = None) -> None:
        """Create a dataset if it is missing."""
        if name not in self.datasets:
            self.connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
            self.datasets[name] = location or self.location

    def put_table(self, table: Table, rows: Sequence[tuple[Any, ...]] = ()) -> None:
        """Create a table, in place of one of the same name."""
        if table.dataset not in self.datasets:
            raise ApiError("notFound", f"Not found: Dataset {self.name}:{table.dataset}")
        replaced = self.tables.get(table.full_name)
        if replaced is not None and (replaced.type != table.type or replaced.streamed):
            raise not_implemented(f"putting something in place of the {replaced.type.lower()} {table.full_name}")
        self.history.forget(table.full_name)
        columns = ", ".join(f'"{each.name}" {each.duckdb_type}' for each in table.fields)

        def create() -> None:
            self.connection.execute(f"CREATE OR REPLACE TABLE {table.quoted} ({columns})")
            self.insert(table, rows)

        self.in_transaction(create)
        table.created = self.clock.now()
        self._tables[table.full_name] = table

    def put_view(self, view: Table, query: str) -> None:
        """Create a view of a query in DuckDB's SQL."""
        if view.dataset not in self.datasets:
            raise ApiError("notFound", f"Not found: Dataset {self.name}:{view.dataset}")
        columns = ", ".join(f'"{each.name}"' for each in view.fields)
        self.connection.execute(f"CREATE OR REPLACE VIEW {view.quoted} ({columns}) AS {query}")
        view.created = self.clock.now()
        self._tables[view.full_name] = view

    def drop_table(self, name: str) -> None:
        """Drop a table, a snapshot or a view."""
        dropped = self._tables.pop(name)
        self.history.forget(name)
        self.connection.execute(f"DROP {'VIEW' if dropped.type == 'VIEW' else 'TABLE'} IF EXISTS {dropped.quoted}")

    def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, of all columns in order."""
        if rows:
            with self.registered("incoming", table, rows):
                self.connection.execute(f"INSERT INTO {table.quoted} SELECT * FROM incoming")

    @contextmanager
    def registered(self, name: str, table: Table, rows: Sequence[tuple[Any, ...]]) -> Iterator[None]:
        """Let DuckDB read rows of a table's columns by a name."""
        names = [each.name for each in table.fields]
        arrow = pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in rows],
            pa.schema([(each.name, _arrow(each)) for each in table.fields]),
        )
        self.connection.register(name, arrow)
        try:
            yield
        finally:
            self.connection.unregister(name)

    @contextmanager
    def settled(self, table: Table) -> Iterator[str]:
        """Give what DuckDB can read a table's rows from, without those in its streaming buffer."""
        if not table.streamed:
            yield table.quoted
            return
        with self.registered("buffered", table, [each.row for each in table.streamed]):
            yield f"(FROM {table.quoted} EXCEPT ALL FROM buffered)"

    def in_transaction(self, change: Callable[[], object]) -> None:
        """Make a change whole or not at all."""
        self.connection.begin()
        try:
            change()
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise

    def resource(self, name: str) -> dict[str, Any]:
        """Return a Table resource."""
        table = self.table(name)
        location = self.datasets[table.dataset]
        if table.type == "VIEW":
            return table.resource(self.name, location, rows=0, size=0, buffered=0)
        bytes_of = size_of(table.fields)
        with self.settled(table) as settled:
            rows = self.count(f"SELECT count(*) FROM {settled}")
            size = self.count(f"SELECT {bytes_of} FROM {settled}")
        every = self.count(f"SELECT {bytes_of} FROM {table.quoted}")
        return table.resource(self.name, location, rows=rows, size=size, buffered=every - size)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Change or read what is stored, behind the API's back; columns that change, change for the API too."""
        rows: list[tuple[Any, ...]] = []
        with self.lock:
            for table in [each for each in self.tables.values() if any(each.full_name in text for text in statements)]:
                self.history.keep(table)
            for statement in statements:
                rows = self.connection.execute(statement).fetchall()
            for name, table in list(self.tables.items()):
                if table.type == "VIEW":
                    continue
                found = self.connection.execute(
                    "SELECT column_name, data_type FROM information_schema.columns "
                    "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
                    [table.dataset, table.name],
                ).fetchall()
                if not found:
                    del self._tables[name]
                known = {each.name: each for each in table.fields}
                table.fields = [
                    replace(
                        known.get(column, Field(column, "", "REPEATED" if kind.endswith("[]") else "NULLABLE")),
                        type=API_TYPES.get(kind.removesuffix("[]"), "NUMERIC" if kind.startswith("DECIMAL") else kind),
                    )
                    for column, kind in found
                ]
        return rows

    def count(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        """Return the one number that a statement in DuckDB's dialect gives."""
        ((number,),) = self.connection.execute(sql, parameters or {}).fetchall()
        return int(number)


_ARROW = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "NUMERIC": pa.decimal128(38, 9),
}


def _arrow(column: Field) -> pa.DataType:
    kind = _ARROW[column.type]
    return pa.list_(kind) if column.mode == "REPEATED" else kind

"""A project: its datasets, its tables with their rows in DuckDB, its accounts and its jobs."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb  # noqa: TID251 - this server's engine
import pyarrow as pa

from tests.bigquery_server.errors import ApiError
from tests.bigquery_server.tables import API_TYPES, DUCKDB_TYPES, SIZES, Field, Place, Table


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
        self._tables: dict[str, Table] = {}
        self._loads: dict[tuple[str, date], int] = {}

    @property
    def tables(self) -> dict[str, Table]:
        """The tables that are there now: an expired one is not.

        https://cloud.google.com/bigquery/docs/managing-tables#updating_a_tables_expiration_time
        """
        now = self.clock.now()
        for name, table in list(self._tables.items()):
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
        columns = ", ".join(f'"{each.name}" {DUCKDB_TYPES[each.type]}' for each in table.fields)
        self.in_transaction(
            lambda: (
                self.connection.execute(f"CREATE OR REPLACE TABLE {table.quoted} ({columns})"),
                self.insert(table, rows),
            )
        )
        table.created = self.clock.now()
        self._tables[table.full_name] = table

    def drop_table(self, name: str) -> None:
        """Drop a table."""
        self.connection.execute(f"DROP TABLE IF EXISTS {self._tables.pop(name).quoted}")

    def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, of all columns in order."""
        if rows:
            names = [each.name for each in table.fields]
            arrow = pa.Table.from_pylist(
                [dict(zip(names, row, strict=True)) for row in rows],
                pa.schema([(each.name, _ARROW[each.type]) for each in table.fields]),
            )
            self.connection.register("incoming", arrow)
            try:
                self.connection.execute(f"INSERT INTO {table.quoted} SELECT * FROM incoming")
            finally:
                self.connection.unregister("incoming")

    def in_transaction(self, change: Callable[[], object]) -> None:
        """Make a change whole or not at all."""
        self.connection.begin()
        try:
            change()
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise

    def copy(self, source: Place, target: Place, disposition: str) -> int:
        """Copy a table or partition onto another, atomically; returns the rows copied.

        https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#copying_partitions
        """
        here, there = self.table(source.full_name), self.table(target.full_name)
        if [each.shape for each in here.fields] != [each.shape for each in there.fields]:
            raise ApiError(
                "invalid", f"Provided Schema does not match Table {self.name}:{there.full_name}: {_first(here, there)}"
            )
        if (here.partition, here.cluster) != (there.partition, there.cluster):
            raise ApiError(
                "invalid",
                "Incompatible table partitioning specification when copying to the column partitioned table "
                f"{self.name}:{there.full_name}",
            )
        if source.day != target.day or (source.day is not None and here.partition is None):
            raise ApiError("invalid", "Some rows belong to different partitions rather than the destination partition")
        of_day, day = (f"{here.partition} = $day", {"day": source.day}) if source.day else ("TRUE", {})
        if (wanted := self.refused.get(there.full_name)) and self._one(
            f"SELECT count(*) FROM {here.quoted} WHERE {of_day} AND NOT ({wanted})", day
        ):
            raise ApiError("invalid", f"injected: rows of {there.full_name} do not meet {wanted}")
        is_empty = self._one(f"SELECT count(*) FROM {there.quoted} WHERE {of_day}", day) == 0
        if disposition == "WRITE_EMPTY" and not is_empty:
            raise ApiError("duplicate", f"Already Exists: Table {self.name}:{there.full_name}")
        there.count_update(self.clock.now(), limit=self.quotas.table_updates_in_10_seconds)
        if disposition == "WRITE_TRUNCATE":
            self.in_transaction(
                lambda: (
                    self.connection.execute(f"DELETE FROM {there.quoted} WHERE {of_day}", day),
                    self.connection.execute(f"INSERT INTO {there.quoted} FROM {here.quoted} WHERE {of_day}", day),
                )
            )
        else:
            self.connection.execute(f"INSERT INTO {there.quoted} FROM {here.quoted} WHERE {of_day}", day)
        return self._one(f"SELECT count(*) FROM {here.quoted} WHERE {of_day}", day)

    def load(self, target: Place, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append rows by a load job, within the day's quota: https://cloud.google.com/bigquery/quotas#load_jobs."""
        key = target.full_name, self.clock.now().date()
        if self._loads.get(key, 0) >= self.quotas.loads_per_table_and_day:
            raise ApiError(
                "quotaExceeded",
                f"Quota exceeded: Your table exceeded quota for imports per table: {self.name}:{target.full_name}",
            )
        self._loads[key] = self._loads.get(key, 0) + 1
        table = self.table(target.full_name)
        table.count_update(self.clock.now(), limit=self.quotas.table_updates_in_10_seconds)
        self.insert(table, rows)

    def resource(self, name: str) -> dict[str, Any]:
        """Return a Table resource."""
        table = self.table(name)
        size = " + ".join(f"coalesce({SIZES[each.type].format(each.name)}, 0)" for each in table.fields)
        rows = self._one(f"SELECT count(*) FROM {table.quoted}")
        found = self._one(f"SELECT coalesce(sum({size}), 0) FROM {table.quoted}")
        return table.resource(self.name, self.datasets[table.dataset], rows, found)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Change or read what is stored, behind the API's back; columns that change, change for the API too."""
        rows: list[tuple[Any, ...]] = []
        with self.lock:
            for statement in statements:
                rows = self.connection.execute(statement).fetchall()
            for name, table in list(self.tables.items()):
                found = self.connection.execute(
                    "SELECT column_name, data_type FROM information_schema.columns "
                    "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
                    [table.dataset, table.name],
                ).fetchall()
                if not found:
                    del self._tables[name]
                known = {each.name: each for each in table.fields}
                table.fields = [
                    Field(
                        column,
                        API_TYPES.get(kind, "NUMERIC" if kind.startswith("DECIMAL") else kind),
                        known[column].mode if column in known else "NULLABLE",
                    )
                    for column, kind in found
                ]
        return rows

    def _one(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        row = self.connection.execute(sql, parameters or {}).fetchone()
        return int(row[0]) if row else 0


_ARROW = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def _first(here: Table, there: Table) -> str:
    """Name the first column in which two tables differ."""
    mine, theirs = ({each.name: each for each in table.fields} for table in (here, there))
    for name, column in theirs.items():
        if name not in mine:
            return f"Cannot find field {name}"
        if mine[name].type != column.type:
            return f"Field {name} has changed type from {column.type} to {mine[name].type}"
        if mine[name].mode != column.mode:
            return f"Field {name} has changed mode from {column.mode} to {mine[name].mode}"
    return f"fields {sorted(set(mine) - set(theirs))} are new"

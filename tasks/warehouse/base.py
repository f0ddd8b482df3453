"""The interface of every warehouse: all data is read and written through it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, Self

import pyarrow as pa

from tasks.tables.spec import Column, TableSpec
from tasks.warehouse.moment import Moment

Parameter = str | int | float | bool | date | datetime | Sequence[str]
Parameters = Mapping[str, Parameter]
Row = dict[str, Any]

LOOK_AROUND = timedelta(days=400)
"""How far from its new day the old row of a moved game can be: a game stays in its season."""


_ARROW_TYPES = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(table: TableSpec) -> pa.Schema:
    """Return a table's columns as Arrow types."""
    return pa.schema([(column.name, _ARROW_TYPES[column.type]) for column in table.columns])


@dataclass(frozen=True)
class Origin:
    """What a connection works for: a warehouse that records its jobs names and labels them by it."""

    run_id: str
    step: str
    table: str | None = None
    game_date: date | None = None
    part: str | None = None
    """Distinguishes two origins that are otherwise equal."""
    attempt: str = "1"
    """The attempt of the run and of the step; each one has its own jobs."""
    server: str | None = None
    """The identity of the Prefect server that started the run; None if it is unknown."""

    @property
    def day(self) -> str | None:
        """The day, as in 2023-02-23."""
        return self.game_date.isoformat() if self.game_date else None


class Columns(dict[str, str]):
    """The columns of a table that exists, and their GoogleSQL types."""

    required: frozenset[str] = frozenset()
    """Those that must not be NULL, and that nothing fills by itself."""


@dataclass(frozen=True)
class Staged:
    """One day's rows, built but not published; dropped at the end of the block that staged them."""

    table: TableSpec
    game_date: date
    location: str
    """The name that queries read the staged rows by."""
    query: str | None = None
    """The query for the rows if they are not stored: a query that reads them defines the name with it."""
    is_kept: bool = False
    """Whether they are among rows of other days, which are kept, and not dropped."""


@dataclass(frozen=True)
class Replaced:
    """The rows that a replacement removed and wrote."""

    deleted: int
    inserted: int


@dataclass(frozen=True)
class Backup:
    """A copy of rows, made before they were deleted."""

    name: str
    created_at: datetime
    expires_at: datetime
    location: str
    """The name that queries read it by."""


class Warehouse(Protocol):
    """A connection to a warehouse; open one per task, with ``with``, and pass none on.

    Queries are GoogleSQL with named parameters (``@game_date``). Every method raises a TransientError if another
    attempt can succeed and a WarehouseError if not.
    """

    @property
    def statements(self) -> int:
        """Statements that read or wrote data since the connection was opened."""
        ...

    @property
    def bytes_billed(self) -> int | None:
        """Bytes that queries were billed for since the connection was opened; None where reading costs nothing."""
        ...

    def __enter__(self) -> Self:
        """Connect."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Disconnect; what is staged is dropped."""
        ...

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a query and return its rows, by column."""
        ...

    def take_moment(self, tables: Iterable[TableSpec], *, run_id: str, may_store: bool) -> Moment:
        """Keep tables as they are now: a connection that is opened with the moment reads them so.

        Args:
            tables: Those that a run reads and does not write; one that does not exist is left out.
            run_id: Whose they are, if they must be copied: a run that is over has left them behind.
            may_store: Whether the warehouse may hold copies of what it cannot read as it was; else it is read live.
        """
        ...

    def release(self, moment: Moment) -> None:
        """Give a moment up: its copies are removed, and nothing can be read with it any more."""
        ...

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, Columns]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        ...

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create the tables that are missing, and views of ours that are out of date; changes no table."""
        ...

    def add_columns(self, table: TableSpec, columns: Sequence[Column]) -> None:
        """Add columns that a table lacks; its rows have NULL in them."""
        ...

    def stage(
        self, table: TableSpec, sql: str, parameters: Parameters, *, game_date: date, run_id: str
    ) -> AbstractContextManager[Staged]:
        """Build a day's rows where no reader of the table sees them, as long as the block lasts."""
        ...

    def keep(self, table: TableSpec, sql: str, parameters: Parameters, *, run_id: str) -> str:
        """Build rows of many days where only a run reads them, while a connection of it is open; returns their name.

        Args:
            table: The table of which they are.
            sql: The query that gives them.
            parameters: Its parameters.
            run_id: Whose they are: a run that is over has left them behind.
        """
        ...

    def drop_kept(self, location: str) -> None:
        """Drop rows that were kept."""
        ...

    def publish(self, staged: Staged) -> int:
        """Replace the day's rows of the table with the staged ones, all or nothing; returns the rows published."""
        ...

    def estimate(self, sql: str, parameters: Parameters) -> int | None:
        """Return the bytes that would be billed for a query, without running it; None where reading costs nothing."""
        ...

    def sweep(self, is_over: Callable[[str], bool]) -> list[str]:
        """Drop what runs of the same Prefect server left staged that are known to be over, by their id.

        Returns:
            The names of what was dropped.
        """
        ...

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table, all or nothing."""
        ...

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:
        """Write rows in place of those that share their values of the ``match`` columns, all or nothing.

        A row that is replaced is at most ``LOOK_AROUND`` from the days of the rows: nothing else need be read.
        """
        ...

    def change(self, table: TableSpec, sql: str, parameters: Parameters) -> int:
        """Run one DELETE or INSERT statement on a table, all or nothing; returns the engine's own count of its rows."""
        ...

    def streamed_rows(self, table: TableSpec) -> int:
        """Return about how many rows were just streamed into a table: they cannot be backed up or deleted yet."""
        ...

    def back_up(self, table: TableSpec, name: str, *, before: date, expires_at: datetime) -> Backup:
        """Keep at least the rows of the days before a day, as they are now; a backup of that name is left as it is."""
        ...

    def backups(self) -> list[Backup]:
        """Return the backups that the cleanup made and that are there, oldest first; other tables are none."""
        ...

    def drop_backup(self, backup: Backup) -> None:
        """Drop a backup, if it is still there."""
        ...

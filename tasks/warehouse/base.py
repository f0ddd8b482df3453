"""What every warehouse can do: the only door to data."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, Self

import pyarrow as pa

from tasks.domain.table import TableSpec

Parameter = str | int | float | bool | date | datetime
Parameters = Mapping[str, Parameter]
Row = dict[str, Any]


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
class Staged:
    """Rows of one day that are built but not published; gone when the block that staged them ends."""

    table: TableSpec
    game_date: date
    location: str
    """The name by which a query reads the staged rows."""


@dataclass(frozen=True)
class Replaced:
    """What a replacement did: rows removed and rows written."""

    deleted: int
    inserted: int


class Warehouse(Protocol):
    """A connection to a warehouse; open one per task, with ``with``, and pass none on.

    Queries are GoogleSQL with named parameters (``@game_date``). Every method raises a TransientError if another
    attempt can succeed and a WarehouseError if not.
    """

    statements: int
    """Statements that read or wrote data since the connection was opened."""

    def __enter__(self) -> Self:
        """Connect."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Disconnect; what is staged is dropped."""
        ...

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a query and return its rows, by column."""
        ...

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, dict[str, str]]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        ...

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create the tables that are missing; never changes one that is there."""
        ...

    def stage(
        self, table: TableSpec, sql: str, parameters: Parameters, *, game_date: date, run_id: str
    ) -> AbstractContextManager[Staged]:
        """Build a day's rows where no reader of the table sees them, as long as the block lasts."""
        ...

    def publish(self, staged: Staged) -> int:
        """Replace the day's rows of the table with the staged ones, all or nothing; returns the rows published."""
        ...

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table, all or nothing."""
        ...

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:
        """Write rows in place of those that share their values of the ``match`` columns, all or nothing."""
        ...

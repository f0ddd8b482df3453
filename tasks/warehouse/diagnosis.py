"""What the doctor asks a warehouse, without changing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Columns

Level = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    level: Level
    """A ``note`` needs no action."""
    subject: str
    text: str


class Diagnosis(Protocol):
    """Read-only checks of one warehouse, in a ``with`` block; they cost nothing.

    Every method raises a FullcourtError if it gets no answer.
    """

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Close what was opened."""
        ...

    def access(self, tables: Sequence[TableSpec]) -> Iterator[Finding]:
        """Yield a finding for each step of connecting; raises at the first that fails."""
        ...

    def columns(self, table: TableSpec) -> Columns | None:
        """Return the columns of a table, and their GoogleSQL types; None if there is no such table."""
        ...

    def layout(self, table: TableSpec) -> Iterator[Finding]:
        """Yield what is wrong with an existing table beside its columns, and what permissions are missing."""
        ...

    def creation(self, table: TableSpec) -> Iterator[Finding]:
        """Yield what prevents a missing table from being created."""
        ...

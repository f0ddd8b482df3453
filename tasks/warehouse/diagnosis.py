"""What can be said of a warehouse without changing it: the questions that its first check asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from tasks.tables.spec import TableSpec

Level = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis: what was looked at, and what is to be said of it."""

    level: Level
    """``note`` is for what is worth knowing; nothing has to be done about it."""
    subject: str
    text: str


class Diagnosis(Protocol):
    """A look at one warehouse, with ``with``; it writes nothing and costs nothing.

    Every method raises a FullcourtError if it gets no answer.
    """

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Let go of what was opened."""
        ...

    def access(self, tables: Sequence[TableSpec]) -> Iterator[Finding]:
        """Say how far one gets, step by step; ends by raising what stops it."""
        ...

    def columns(self, table: TableSpec) -> dict[str, str] | None:
        """Return the columns of a table, and their GoogleSQL types; None if there is no such table."""
        ...

    def layout(self, table: TableSpec) -> Iterator[Finding]:
        """Say what is not as it should be beside the columns of a table that is there, and what is not permitted."""
        ...

    def creation(self, table: TableSpec) -> Iterator[Finding]:
        """Say what keeps a table that is not there from being created."""
        ...

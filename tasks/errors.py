"""The exceptions of Fullcourt.

::

    FullcourtError
    ├── TransientError            worth another try; retried with back-off and jitter
    │   ├── WarehouseBusyError    another writer holds the warehouse or the rows
    │   ├── ApiError              Prefect's API refused or did not answer
    │   ├── DeadlineError         retried until the deadline; only a later run can help
    │   └── StreamingBufferError  rows that were just streamed cannot be changed yet; only a later run can help
    └── TerminalError             the same call would fail again; never retried
        ├── RequestError          a parameter is invalid
        ├── SettingsError         a setting is invalid
        ├── ClockError            the clock is wrong
        ├── CatalogueError        a table folder is incomplete or contradicts itself
        ├── IngestError           an input file cannot be read as a whole
        ├── MachineError          the operating system refused a file, a folder or a connection
        ├── UnforeseenError       an error that the program does not know: a defect
        ├── IncompleteError       the run ended with part of it not done
        └── WarehouseError        the warehouse refused
            ├── SchemaError       a table, column or type is not what the catalogue says
            ├── QueryError        a statement is invalid, or a value does not fit
            ├── AccessError       credentials are missing or refused, or lack a permission
            ├── QuotaError        a quota or a cap on cost is reached
            └── StorageError      a corrupt file, a read-only folder, a full disk

A message says what was wrong, where, and what to do.
"""

from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError

from tasks.printable import MAX_VALUE_CHARACTERS, printable

_WANTED = {"tuple_type": "Input should be a list"}
"""Pydantic's messages about Python types, in the words of JSON."""


class Reported(Protocol):
    """A report of a run, which says in one line what came of it."""

    @property
    def summary(self) -> str:
        """One line."""


R = TypeVar("R", bound=Reported)


class FullcourtError(Exception):
    """Base of every error that Fullcourt raises on purpose; its message is one line that can be printed anywhere."""

    def __str__(self) -> str:
        return printable(super().__str__())


class TransientError(FullcourtError):
    """Another attempt can succeed with nothing changed."""


class WarehouseBusyError(TransientError):
    """Another process or transaction holds what this one needs."""


class ApiError(TransientError):
    """Prefect's API refused, or did not answer."""


class DeadlineError(TransientError):
    """Retried until the deadline; a later run can succeed, another attempt now cannot."""


class StreamingBufferError(TransientError):
    """Rows that were just streamed cannot be changed yet; a later run can, another attempt now cannot."""


class TerminalError(FullcourtError):
    """The same call fails again until something is changed."""


class RequestError(TerminalError):
    """A parameter of a run is invalid."""


class SettingsError(TerminalError):
    """A setting is invalid."""


class ClockError(TerminalError):
    """The clock is wrong."""


class CatalogueError(TerminalError):
    """A table folder is incomplete or contradicts itself."""


class IngestError(TerminalError):
    """An input file cannot be read as a whole."""


class MachineError(TerminalError):
    """The operating system refused a file, a folder or a connection."""


class UnforeseenError(TerminalError):
    """An error that the program does not know: a defect."""


class IncompleteError(TerminalError, Generic[R]):
    """A run ended with part of it not done; ``report`` says which part, and why."""

    def __init__(self, report: R) -> None:
        super().__init__(report.summary)
        self.report = report


class WarehouseError(TerminalError):
    """The warehouse refused, and would refuse again."""


class SchemaError(WarehouseError):
    """A table, a column or a type is not what the catalogue says."""


class QueryError(WarehouseError):
    """A statement is invalid, or a value does not fit its column."""


class AccessError(WarehouseError):
    """The credentials are missing or refused, or lack a permission."""


class QuotaError(WarehouseError):
    """A quota of the warehouse, or a cap on cost, is reached."""


class StorageError(WarehouseError):
    """The storage is corrupt, read-only or full."""


def describe_error(error: FullcourtError) -> str:
    """Return an error's message after the name of its class."""
    return f"{type(error).__name__}: {error}"


def describe_validation_error(error: ValidationError, *, prefix: str = "") -> str:
    """Describe each invalid field: its name, its value unless it is long, and what is allowed.

    Args:
        error: What pydantic raised.
        prefix: Put before each field's name, which is then in capitals: the prefix of an environment variable.
    """
    lines = []
    for detail in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in detail["loc"])
        message = _WANTED.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        if not name:
            lines.append(message)
            continue
        name = f"{prefix}{name.upper()}" if prefix else name
        given = repr(detail["input"])
        is_shown = detail["type"] != "missing" and len(given) <= MAX_VALUE_CHARACTERS
        lines.append(f"{name}={given}: {message}" if is_shown else f"{name}: {message}")
    return "; ".join(lines)

"""What DuckDB's errors mean; no other module reads them."""

import re
from pathlib import Path

import duckdb  # noqa: TID251

from tasks.errors import FullcourtError, QueryError, QuotaError, SchemaError, StorageError, WarehouseBusyError
from tasks.explain import name_special
from tasks.settings import DuckDBSettings
from tasks.tables.spec import TableSpec

DRIVER_ERRORS = (duckdb.Error, OSError, ValueError, OverflowError, NotImplementedError)
"""The exceptions of DuckDB, Arrow and Python's conversion of values."""

_STORAGE_FAILED = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.PermissionException)
_VALUE_FAILED = (duckdb.DataError, duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
_FILE_REFUSED = re.compile(r"(?:Cannot open|Could not read from|Could not write) file")
_LOCK_HELD = re.compile(r"Could not set lock on file.*?(?:\(PID (\d+)\)|$)", re.DOTALL)
_KINDS = {b"SQLite format 3\0": "a SQLite database", b"PAR1": "a Parquet file", b"PK": "a ZIP archive"}
_DAMAGED = re.compile(
    r"Could not read enough bytes|Corrupt database file|checksum .*does not match|not a valid DuckDB database"
    r"|replaying WAL|Corrupt WAL"
)
_MAGIC = slice(8, 12)  # https://duckdb.org/docs/stable/internals/storage


def passes(error: BaseException) -> bool:
    """Tell whether a file can be opened a moment later: another process holds it, or this one is still closing it."""
    return _LOCK_HELD.search(str(error)) is not None or isinstance(error, duckdb.ResourceInUseException)


def refuse_what_is_no_duckdb_file(path: Path) -> None:
    """Refuse a file of another format: DuckDB opens some of them, and then stores nothing.

    Raises:
        StorageError: The path is no file, or a file of another format; nothing was changed.
        OSError: It cannot be read.
    """
    if path.is_dir():
        raise StorageError(f"{path} is a folder, not a DuckDB file; name a file in FULLCOURT_DUCKDB_PATH")
    if special := name_special(path):
        raise StorageError(f"{path} is {special}, not a DuckDB file; choose another FULLCOURT_DUCKDB_PATH")
    there = next(each for each in (path, *path.parents) if each.exists())
    if there != path:
        if there.is_dir():
            return  # not there yet
        raise StorageError(f"{path}: {there} is not a folder; choose another FULLCOURT_DUCKDB_PATH")
    with path.open("rb") as file:
        head = file.read(64)
    if head[_MAGIC] == b"DUCK":
        return
    if not head:
        raise StorageError(
            f"{path} is empty, and not a DuckDB file; remove it, or choose another FULLCOURT_DUCKDB_PATH"
        )
    for magic, kind in _KINDS.items():
        if head.startswith(magic):
            raise StorageError(f"{path} is {kind}, not a DuckDB file; choose another FULLCOURT_DUCKDB_PATH")
    raise StorageError(
        f"{path} is not a DuckDB file, or is damaged; restore it from a copy, or choose another FULLCOURT_DUCKDB_PATH"
    )


def translate(error: BaseException, settings: DuckDBSettings, table: TableSpec | None = None) -> FullcourtError:
    """Return the Fullcourt error for an error of DuckDB.

    Args:
        error: One of ``DRIVER_ERRORS``.
        settings: Their file stands in the message.
        table: The table of the statement.
    """
    text, path = " ".join(str(error).split()), settings.path
    about = f"{table.full_name}: " if table else ""
    if held := _LOCK_HELD.search(text):
        by = f"process {held[1]}" if held[1] else "another process"
        return WarehouseBusyError(
            f"{path} is locked by {by}, and still was after {settings.lock_timeout_seconds:g} s; DuckDB lets one "
            "process write at a time: wait for it, or raise FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS"
        )
    if isinstance(error, OSError):
        return StorageError(f"{about}{path}: {error.strerror or text}; choose another FULLCOURT_DUCKDB_PATH")
    if _DAMAGED.search(text) or isinstance(error, duckdb.SerializationException):
        return StorageError(
            f"{about}{path} is not a DuckDB file, or is damaged or cut off; restore it from a copy, with the file "
            f"{path.name}.wal beside it if there is one, or move it away and load the data again ({text})"
        )
    if "File too large" in text or "No space left" in text:
        return StorageError(
            f"{about}{path} cannot grow: the disk is full or a size limit is reached; free space "
            f"and run again, nothing was half-written ({text})"
        )
    if isinstance(error, _STORAGE_FAILED) or _FILE_REFUSED.search(text):  # a commit, too, fails of its files
        return StorageError(f"{about}{path} cannot be read or written; check its folder's permissions ({text})")
    return _translate_statement(error, text, about, settings)


def _translate_statement(error: BaseException, text: str, about: str, settings: DuckDBSettings) -> FullcourtError:
    if isinstance(error, duckdb.OutOfMemoryException):
        return QuotaError(
            f"{about}DuckDB needs more memory than FULLCOURT_DUCKDB_MEMORY_LIMIT_MIB="
            f"{settings.memory_limit_mib} allows: raise it, or lower max_concurrency ({text})"
        )
    if isinstance(error, duckdb.ResourceInUseException):
        return WarehouseBusyError(f"{about}this process is still closing a file; try again ({text})")
    if isinstance(error, duckdb.TransactionException):
        return WarehouseBusyError(f"{about}another transaction changed the same rows; try again ({text})")
    if "Ambiguous reference to catalog or schema" in text:
        return StorageError(
            f"{settings.path} has the name of a dataset that is in it; give the file another name, and "
            f"FULLCOURT_DUCKDB_PATH with it ({text})"
        )
    if "Can only delete from base table" in text or "is not an table" in text:
        return SchemaError(f"{about}is a view, which nothing can be loaded into; load the table that it reads")
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return SchemaError(f"{about}a table or column is missing, or has another type: {text}")
    if isinstance(error, duckdb.ConstraintException):
        return QueryError(f"{about}a row breaks a rule of the table, and none was written: correct the row: {text}")
    if isinstance(error, _VALUE_FAILED) or not isinstance(error, duckdb.Error):
        return QueryError(
            f"{about}a value does not fit its column, or cannot be computed; correct the value, nothing was written: "
            f"{text or type(error).__name__}"
        )
    return QueryError(f"{about}DuckDB does not run the statement: {text}")

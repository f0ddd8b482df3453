"""The first check of the embedded warehouse: its folder, its file, its lock."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from tasks.errors import StorageError
from tasks.settings import DuckDBSettings
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Columns
from tasks.warehouse.diagnosis import Finding
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse

_MIB = 1024 * 1024


class DuckDBDiagnosis:
    """Checks of the file that the settings name; a missing file is not created."""

    def __init__(self, settings: DuckDBSettings) -> None:
        self._path = settings.path
        # The doctor reports a locked file at once.
        self._warehouse = DuckDBWarehouse(settings.model_copy(update={"lock_timeout_seconds": 0.0}))
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._warehouse.__exit__(*exc_info)

    def access(self, tables: Sequence[TableSpec]) -> Iterator[Finding]:  # noqa: ARG002
        """Look at the folder, then open the file as a run does.

        Raises:
            StorageError: The folder or the file cannot be used.
            WarehouseBusyError: Another process holds the file; the message names it.
        """
        yield self._folder(self._path.parent)
        if not self._path.exists():
            yield Finding(
                "missing",
                "file",
                f"{self._path} does not exist: load data with the ingest deployment, or name another file in "
                "FULLCOURT_DUCKDB_PATH",
            )
            return
        self._warehouse.__enter__()
        self._is_open = True
        size = self._path.stat().st_size / _MIB
        yield Finding("ok", "file", f"{self._path} is a DuckDB file of {size:.1f} MiB, and no other process holds it")

    def columns(self, table: TableSpec) -> Columns | None:
        """Return the columns of a table, and their types; None if there is no such table, or no file."""
        return self._warehouse.schema([table]).get(table.full_name) if self._is_open else None

    def layout(self, table: TableSpec) -> Iterator[Finding]:  # noqa: ARG002
        """Yield nothing: DuckDB has no partitions and no permissions on tables."""
        yield from ()

    def creation(self, table: TableSpec) -> Iterator[Finding]:  # noqa: ARG002
        """Yield nothing: only the folder or the file can prevent a table from being created."""
        yield from ()

    def _folder(self, folder: Path) -> Finding:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            raise StorageError(f"{there} is not a folder; choose another FULLCOURT_DUCKDB_PATH")
        if not os.access(there, os.W_OK | os.X_OK):
            raise StorageError(
                f"{there} cannot be written to; change its permissions, or choose another FULLCOURT_DUCKDB_PATH"
            )
        made = "" if there == folder else ", and will hold a folder for the file"
        return Finding("ok", "folder", f"{there} can be written to{made}")

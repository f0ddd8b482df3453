"""Moments of a DuckDB file: DuckDB keeps no earlier state of a table, so that one is copied to a file of its own."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from tasks.tables.spec import TableSpec
from tasks.warehouse.duckdb_connection import Connection, copies_name, quoted_path
from tasks.warehouse.moment import Moment

_PREFIX = "fullcourt-moment"


class Moments(Connection):
    """Takes moments, and gives them up."""

    def take_moment(self, tables: Iterable[TableSpec], *, run_id: str, may_store: bool) -> Moment:  # noqa: ARG002
        """Copy tables as they are now, in one transaction, to a file in a temporary folder of their own.

        The warehouse itself is not changed; of a table that does not exist there is no copy.
        """
        there = [table.full_name for table in tables if self._has(table.full_name)]
        if not there:
            return Moment(taken_at=datetime.now(UTC))
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{run_id}-", suffix=f"-{uuid4().hex}"))
        moment = Moment(
            taken_at=datetime.now(UTC), copies={name: name for name in there}, file=folder / "inputs.duckdb"
        )
        try:
            self._copy(there, folder / "inputs.duckdb")
        except BaseException:
            self.release(moment)
            raise
        return moment

    def release(self, moment: Moment) -> None:
        """Remove the copies of a moment."""
        if moment.file is None:
            return
        with self._translated():
            self._open.execute(f"DETACH DATABASE IF EXISTS {copies_name(moment.file)}")
        shutil.rmtree(moment.file.parent, ignore_errors=True)

    def _copy(self, tables: Iterable[str], file: Path) -> None:
        name = copies_name(file)
        with self._translated():
            self._open.execute(f"ATTACH '{quoted_path(file)}' AS {name}")
            with self._transaction():
                for table in tables:
                    self._run(f"CREATE SCHEMA IF NOT EXISTS {name}.{table.partition('.')[0]}")
                    self._run(f"CREATE TABLE {name}.{table} AS FROM {table}")
            self._open.execute(f"DETACH {name}")


def sweep_moments(is_over: Callable[[str], bool]) -> list[str]:
    """Remove the copies of runs that are known to be over; returns their folders."""
    left = [
        folder
        for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}-*"))
        if is_over(folder.name.removeprefix(f"{_PREFIX}-")[:36])
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in left]

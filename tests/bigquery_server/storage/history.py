"""What tables were: https://cloud.google.com/bigquery/docs/time-travel."""

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb  # noqa: TID251 - this server's engine

from tests.bigquery_server.errors import ApiError
from tests.bigquery_server.storage.tables import Table

if TYPE_CHECKING:
    from tests.bigquery_server.storage.project import Clock


class History:
    """The earlier states of a project's tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: "Clock") -> None:
        self._connection, self._clock = connection, clock
        self._states: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        """By table: until when, and in which copy."""
        self._count = 0

    def keep(self, table: Table) -> None:
        """Keep a table's rows as they are: they are about to change."""
        if table.type != "TABLE":
            return
        self._count += 1
        copy = f"state_{self._count}"
        self._connection.execute(f"CREATE TABLE main.{copy} AS FROM {table.quoted}")
        self._states[table.full_name].append((self._clock.now(), copy))

    def forget(self, name: str) -> None:
        """Drop the earlier states of a table that is dropped or replaced: those of the new one begin with it."""
        for _, copy in self._states.pop(name, []):
            self._connection.execute(f"DROP TABLE main.{copy}")

    def at(self, table: Table, moment: datetime) -> str:
        """Return what DuckDB can read a table from as it was.

        Raises:
            ApiError: It was not there, that is to come, or it is no table.
        """
        if table.type != "TABLE":
            raise ApiError(
                "invalidQuery", f"FOR SYSTEM_TIME AS OF cannot read the {table.type.lower()} {table.full_name}"
            )
        if moment > self._clock.now():
            raise ApiError("invalidQuery", f"Invalid snapshot time {moment} for table {table.full_name}: in the future")
        if table.created is not None and moment < table.created:
            raise ApiError(
                "invalidQuery",
                f"Invalid snapshot time {moment} for table {table.full_name}: it was created on {table.created}",
            )
        states = self._states[table.full_name]
        return next((f"main.{copy}" for until, copy in states if moment < until), table.quoted)

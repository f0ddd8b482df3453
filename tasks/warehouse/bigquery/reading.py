"""Reading BigQuery: queries, what they cost, and the moment at which they see their inputs.

BigQuery itself reads a table as it was (https://cloud.google.com/bigquery/docs/access-historical-data), but no view: of
one, the rows are copied to a staging table for the run.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from typing import Self, cast
from uuid import uuid4

import pyarrow as pa

from tasks.errors import FullcourtError
from tasks.settings import BigQuerySettings
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Origin, Parameters, Row
from tasks.warehouse.bigquery.connection import Connection
from tasks.warehouse.bigquery.jobs import ONCE, Purpose
from tasks.warehouse.bigquery.staging import create_copy, staging_name
from tasks.warehouse.moment import Moment, as_of

_LEAST_BYTES_BILLED = 10 * 1024 * 1024  # of each table that a query reads: https://cloud.google.com/bigquery/pricing


class Reading(Connection):
    """A connection that reads."""

    def __init__(self, settings: BigQuerySettings, origin: Origin | None = None, moment: Moment | None = None) -> None:
        super().__init__(settings)
        self._moment = moment
        self._origin = origin or Origin(run_id=uuid4().hex, step="by-hand")
        self._found: set[str] = set()

    def __enter__(self) -> Self:
        self._connect(self._origin)
        return self

    @property
    def statements(self) -> int:
        """Jobs that were run since the connection was opened."""
        return self._connected[1].run_count if self._connected else 0

    @property
    def bytes_billed(self) -> int:
        """Bytes that queries were billed for since the connection was opened."""
        return self._connected[1].bytes_billed if self._connected else 0

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a query and return its rows, by column; they come through Arrow."""
        purpose = Purpose("fetch")
        job = self._query(purpose, *self._at_its_moment(sql, parameters or {}))
        with self._jobs.translated(purpose, job_id=str(job.job_id)):
            rows: pa.Table = job.result(retry=self._jobs.reading(), job_retry=None, timeout=ONCE["timeout"]).to_arrow(
                create_bqstorage_client=False
            )
        return cast("list[Row]", rows.to_pylist())

    def estimate(self, sql: str, parameters: Parameters) -> int:
        """Return the bytes that would be billed for a query, from a dry run."""
        purpose = Purpose("estimate")
        sql, parameters = self._at_its_moment(sql, parameters)
        config = self._query_config(purpose, sql, parameters)
        config.dry_run, config.use_query_cache = True, False
        job = self._jobs.call(
            purpose,
            lambda: self._client.query(sql, job_config=config, job_retry=None, **ONCE),
        )
        return max(int(job.total_bytes_processed), _LEAST_BYTES_BILLED * len(job.referenced_tables))

    def take_moment(self, tables: Iterable[TableSpec], *, run_id: str, may_store: bool) -> Moment:
        """Keep tables as they are now, by BigQuery's clock; what is no table is copied, if it may be."""
        taken_at = self.fetch("SELECT CURRENT_TIMESTAMP() AS now")[0]["now"].astimezone(UTC)
        known, views, copies = list[str](), list[TableSpec](), dict[str, str]()
        for table in tables:
            there = self._look_up(table.full_name)
            if there is not None and there.table_type == "TABLE":
                known.append(table.full_name)
            elif there is not None and may_store:
                views.append(table)
                copies[table.full_name] = self._staging(table.name, "moment", run_id)
        moment = Moment(taken_at=taken_at, tables=tuple(known), copies=copies)
        try:
            if views:
                self._create_dataset(self._settings.staging_dataset)
            for view in views:
                copy = create_copy(copies[view.full_name], view, run_id, self._origin.server)
                self._query(Purpose("copy", view.name), copy, {})
        except BaseException:
            self.release(moment)
            raise
        return replace(moment, bytes_billed=self.bytes_billed)

    def release(self, moment: Moment) -> None:
        """Drop the copies of a moment."""
        for copy in moment.copies.values():
            self._drop(copy)

    def _staging(self, name: str, what: str, run_id: str) -> str:
        """Return a new name for a staging table, as queries read it."""
        return f"{self._settings.staging_dataset}.{staging_name(name, what, run_id)}"

    def _at_its_moment(self, sql: str, parameters: Parameters) -> tuple[str, Parameters]:
        """Return a query, and its parameters, that reads its inputs as they were at the connection's moment."""
        if self._moment is None:
            return sql, parameters
        return as_of(sql, self._moment), {**parameters, "moment": self._moment.taken_at}

    def _drop(self, location: str) -> None:
        if self._connected is not None:
            with suppress(FullcourtError):  # it expires by itself
                self._jobs.call(
                    Purpose("drop", location),
                    lambda: self._client.delete_table(self._path(location), not_found_ok=True, **ONCE),
                )

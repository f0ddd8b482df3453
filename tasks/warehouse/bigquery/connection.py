"""A connection to a project, and the requests that the adapter and the diagnosis share."""

import io
from collections.abc import Sequence
from typing import cast

from google.api_core.exceptions import NotFound
from google.cloud import bigquery  # noqa: TID251
from google.cloud.bigquery.table import TableListItem  # noqa: TID251

from tasks.errors import QueryError
from tasks.settings import BigQuerySettings
from tasks.tables.ddl import create_schema
from tasks.warehouse.base import Origin, Parameters
from tasks.warehouse.bigquery.client import connect
from tasks.warehouse.bigquery.jobs import ONCE, Job, Jobs, Purpose
from tasks.warehouse.bigquery.values import query_parameters

_UPLOAD_TIMEOUT_SECONDS = 300.0


class Connection:
    """A client of the project that the settings name, and its jobs."""

    def __init__(self, settings: BigQuerySettings) -> None:
        self._settings = settings
        self._connected: tuple[bigquery.Client, Jobs] | None = None

    def __exit__(self, *exc_info: object) -> None:
        if self._connected is not None:
            self._client.close()  # type: ignore[no-untyped-call]

    def _connect(self, origin: Origin) -> None:
        client = connect(self._settings)
        self._connected = client, Jobs(client, self._settings, origin)

    @property
    def _client(self) -> bigquery.Client:
        return self._open[0]

    @property
    def _jobs(self) -> Jobs:
        return self._open[1]

    @property
    def _open(self) -> tuple[bigquery.Client, Jobs]:
        if self._connected is None:
            raise QueryError("BigQuery is not connected; use the warehouse in a `with` block")
        return self._connected

    def _query(self, purpose: Purpose, sql: str, parameters: Parameters) -> bigquery.QueryJob:
        config = self._query_config(purpose, sql, parameters)

        def begin(job_id: str) -> Job:
            return self._client.query(sql, job_config=config, job_id=job_id, job_retry=None, **ONCE)

        return cast("bigquery.QueryJob", self._jobs.run(purpose, sql + repr(sorted(parameters.items())), begin))

    def _query_config(self, purpose: Purpose, sql: str, parameters: Parameters) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(
            query_parameters=query_parameters(sql, parameters),
            maximum_bytes_billed=self._settings.max_bytes_billed,
        )
        return self._jobs.configured(config, purpose)

    def _load(self, purpose: Purpose, target: str, lines: Sequence[str]) -> None:
        data = "\n".join(lines).encode()
        config = self._jobs.configured(
            bigquery.LoadJobConfig(
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
                create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
                autodetect=False,
            ),
            purpose,
        )
        self._jobs.run(
            purpose,
            data.decode(),
            lambda job_id: self._client.load_table_from_file(
                io.BytesIO(data),
                self._path(target),
                size=len(data),
                job_id=job_id,
                job_config=config,
                num_retries=0,
                timeout=_UPLOAD_TIMEOUT_SECONDS,
            ),
        )

    def _look_up(self, full_name: str) -> bigquery.Table | None:
        def look() -> bigquery.Table | None:
            try:
                return self._client.get_table(self._path(full_name), **ONCE)
            except NotFound:
                return None

        return self._jobs.call(Purpose("look-up", full_name), look)

    def _create_dataset(self, dataset: str) -> None:
        """Create a dataset, if it is missing."""

        def is_there() -> bool:
            try:
                self._client.get_dataset(self._path(dataset), **ONCE)
            except NotFound:
                return False
            return True

        if not self._jobs.call(Purpose("look-up", dataset), is_there):
            self._query(Purpose("create", dataset), create_schema(dataset, self._settings.location), {})

    def _list(self, dataset: str) -> list[TableListItem]:
        """Return the tables of a dataset; empty if it does not exist."""

        def tables() -> list[TableListItem]:
            try:
                return list(self._client.list_tables(self._path(dataset), **ONCE))
            except NotFound:
                return []

        return self._jobs.call(Purpose("list", dataset), tables)

    def _path(self, name: str) -> str:
        return f"{self._settings.project}.{name}"

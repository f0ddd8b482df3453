"""The doctor's checks of a BigQuery project: metadata, dry runs and permissions; all of them are free.

Permissions on a table are asked for: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/testIamPermissions.
There is no such question about a dataset or a project. There the statement that a run would send is tried in a dry run,
which checks permissions and does nothing: https://cloud.google.com/bigquery/docs/running-queries#dry-run.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from google.api_core.exceptions import NotFound
from google.auth.transport.requests import Request
from google.cloud import bigquery  # noqa: TID251

from tasks.errors import AccessError, QueryError, SchemaError
from tasks.settings import BigQuerySettings
from tasks.tables.ddl import create_schema, create_table
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Columns, Origin
from tasks.warehouse.bigquery.client import credentials
from tasks.warehouse.bigquery.connection import Connection
from tasks.warehouse.bigquery.jobs import ONCE, Purpose
from tasks.warehouse.bigquery.values import columns_of
from tasks.warehouse.diagnosis import Finding

T = TypeVar("T")
_RETRY_DEADLINE_SECONDS = 10.0
_READ = ("bigquery.tables.get", "bigquery.tables.getData")
_WRITE = "bigquery.tables.updateData"
_SNAPSHOT = "bigquery.tables.createSnapshot"
_IS_COPIED = (
    "is a {}, of which BigQuery keeps no past: each run copies its rows to the staging dataset, and reads those"
)


class BigQueryDiagnosis(Connection):
    """Checks of the project that the settings name."""

    def __init__(self, settings: BigQuerySettings) -> None:
        deadline = min(settings.retry_deadline_seconds, _RETRY_DEADLINE_SECONDS)
        super().__init__(settings.model_copy(update={"retry_deadline_seconds": deadline}))
        self._tables: dict[str, bigquery.Table | None] = {}
        self._datasets: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def access(self, tables: Sequence[TableSpec]) -> Iterator[Finding]:
        """Check the credentials, the project and every dataset.

        Raises:
            SettingsError: There is no credentials block of that name.
            AccessError: There are no credentials, or they are not accepted.
            TransientError: BigQuery does not answer.
        """
        yield self._credentials()
        yield from self._project()
        inputs = {table.dataset for table in tables if table.role == "input"}
        for dataset in sorted({table.dataset for table in tables}):
            yield from self._dataset(dataset, is_needed=dataset in inputs)
        for dataset in (self._settings.staging_dataset, self._settings.backup_dataset):
            yield from self._dataset(dataset, is_needed=False)
        yield from self._staging(next(table for table in tables if table.role == "input"))

    def columns(self, table: TableSpec) -> Columns | None:
        """Return the columns of a table, and their types; None if there is no such table."""
        there = self._table(table)
        return columns_of(there.schema) if there else None

    def layout(self, table: TableSpec) -> Iterator[Finding]:
        """Yield a wrong location or partition of a table, and the permissions that a run lacks on it."""
        there = self._table(table)
        if there is not None:
            yield from self._wrong_location(f"table {table.full_name}", str(there.location))
            if table.role == "input" and there.table_type != "TABLE":
                yield Finding("note", f"table {table.full_name}", _IS_COPIED.format(there.table_type.lower()))
            elif table.role != "view":
                yield from _wrong_partition(table, there)
                yield from _expensive_to_read(table, there)
            yield from self._not_permitted(table)

    def creation(self, table: TableSpec) -> Iterator[Finding]:
        """Yield why the statement that creates a table would be refused."""
        if table.role == "view":  # what it reads may have to be created first
            return
        if table.dataset in self._datasets:
            yield from self._refused(f"table {table.full_name}", create_table(table))

    def _credentials(self) -> Finding:
        self._connect(Origin(run_id="diagnosis", step="diagnosis"))
        given = credentials(self._settings)
        self._ask("credentials", lambda: given.refresh(Request()))
        block = self._settings.credentials_block
        source = f"the GcpCredentials block {block}" if block else "application default credentials"
        account = getattr(given, "service_account_email", None) or "a person's account"
        return Finding("ok", "credentials", f"{source}: {account}, accepted")

    def _project(self) -> Iterator[Finding]:
        project = self._settings.project
        refused = list(self._refused("project", "SELECT 1 AS one"))
        yield from refused or [Finding("ok", "project", f"{project} takes queries in {self._settings.location}")]

    def _dataset(self, name: str, *, is_needed: bool) -> Iterator[Finding]:
        subject = f"dataset {name}"
        try:
            there = self._ask(name, lambda: _unless_not_found(lambda: self._client.get_dataset(name, **ONCE)))
        except AccessError as error:
            yield Finding("missing", subject, str(error))
            return
        if there is not None:
            self._datasets.add(name)
            wrong = list(self._wrong_location(subject, str(there.location)))
            yield from wrong or [Finding("ok", subject, f"is in {there.location}")]
        elif is_needed:
            yield Finding("missing", subject, "does not exist: load data with the ingest deployment, which creates it")
        else:
            yield Finding("note", subject, "does not exist yet: it is created when it is needed")
            yield from self._refused(subject, create_schema(name, self._settings.location))

    def _staging(self, model: TableSpec) -> Iterator[Finding]:
        """Look whether tables may be created, and listed for the sweep, in the staging dataset."""
        name = self._settings.staging_dataset
        if name not in self._datasets:
            return
        subject, location = f"dataset {name}", f"{name}.diagnosis"
        refused = list(self._refused(subject, create_table(model).replace(model.full_name, location, 1)))
        try:
            self._ask(name, lambda: list(self._client.list_tables(name, max_results=1, **ONCE)))
        except AccessError as error:
            refused.append(Finding("missing", subject, str(error)))
        yield from refused or [Finding("ok", subject, "takes staging tables")]

    def _wrong_location(self, subject: str, location: str) -> Iterator[Finding]:
        wanted = self._settings.location
        if location.lower() != wanted.lower():
            yield Finding(
                "missing",
                subject,
                f"is in {location}, and FULLCOURT_BIGQUERY_LOCATION is {wanted}: they must be the same",
            )

    def _not_permitted(self, table: TableSpec) -> Iterator[Finding]:
        """Ask for the permissions that runs need: a missing one of a backfill is an error, of other runs a note."""
        needed = [*_READ, *([_WRITE] if table.role in ("derived", "record") else [])]
        other = {_WRITE: "ingest and cleanup cannot change it"} if table.role == "input" else {}
        if table.ttl_days is not None:
            other[_SNAPSHOT] = "a cleanup cannot back it up"
        wanted = [*needed, *other]
        answer: dict[str, Any] = self._ask(
            table.full_name, lambda: self._client.test_iam_permissions(self._path(table.full_name), wanted, **ONCE)
        )
        given, subject = set(answer.get("permissions", ())), f"table {table.full_name}"
        for permission in wanted:
            if permission not in given:
                level = "missing" if permission in needed else "note"
                why = f" ({other[permission]})" if permission in other else ""
                text = f"the permission {permission} is not given on it{why}: grant it to the account that runs this"
                yield Finding(level, subject, text)  # type: ignore[arg-type]

    def _refused(self, subject: str, statement: str) -> Iterator[Finding]:
        """Yield why a statement would be refused: it is sent as a dry run."""
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        try:
            self._ask(subject, lambda: self._client.query(statement, job_config=config, job_retry=None, **ONCE))
        except (AccessError, SchemaError, QueryError) as error:
            yield Finding("missing", subject, str(error))

    def _table(self, table: TableSpec) -> bigquery.Table | None:
        """Return a table; it is requested once."""
        name = table.full_name
        if name not in self._tables:
            self._tables[name] = self._look_up(name)
        return self._tables[name]

    def _ask(self, about: str, request: Callable[[], T]) -> T:
        return self._jobs.call(Purpose("look at", about), request)


def _unless_not_found(request: Callable[[], T]) -> T | None:
    try:
        return request()
    except NotFound:
        return None


def _wrong_partition(table: TableSpec, there: bigquery.Table) -> Iterator[Finding]:
    """A derived table must be partitioned by day, to publish one; any other table is only more expensive to read."""
    found = there.time_partitioning
    if found is not None and (found.type_, found.field) == ("DAY", table.partition):
        if found.expiration_ms is not None and table.role == "derived":
            yield Finding(
                "missing",
                f"table {table.full_name}",
                "its partitions expire, and days that are filled in would vanish: ALTER TABLE "
                f"{table.full_name} SET OPTIONS (partition_expiration_days = NULL)",
            )
        return
    is_said = f"by {found.type_.lower()} of {found.field}" if found is not None else "not at all"
    text = f"is partitioned {is_said}, and should be by day of {table.partition}"
    if table.role == "derived":
        text += ": a day cannot be published; move it away and let `fullcourt ddl apply` create it again"
        yield Finding("missing", f"table {table.full_name}", text)
    else:
        yield Finding("note", f"table {table.full_name}", f"{text}: a day costs as much as all days")


def _expensive_to_read(table: TableSpec, there: bigquery.Table) -> Iterator[Finding]:
    """Yield what makes a table more expensive to read than it need be."""
    subject, clustered = f"table {table.full_name}", tuple(there.clustering_fields or ())
    if clustered != table.cluster:
        is_said, wanted = (", ".join(fields) or "nothing" for fields in (clustered, table.cluster))
        yield Finding("note", subject, f"is clustered by {is_said}, and should be by {wanted}: reading it costs more")
    if table.require_partition_filter and not there.require_partition_filter:
        yield Finding(
            "note",
            subject,
            "a query may read all of its days: "
            f"ALTER TABLE {table.full_name} SET OPTIONS (require_partition_filter = TRUE)",
        )

"""Datasets and tables: what the API says of them, and their rows in DuckDB.

https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot.expressions import Expression  # noqa: TID251

from tests.bigquery_server.errors import ApiError, not_implemented

DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "NUMERIC": "DECIMAL(38,9)",
}
API_TYPES = {duckdb: api for api, duckdb in DUCKDB_TYPES.items()}
SQL_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
_SIZES = {
    "INTEGER": "8",
    "FLOAT": "8",
    "BOOLEAN": "1",
    "DATE": "8",
    "TIMESTAMP": "8",
    "NUMERIC": "16",
    "STRING": "2 + strlen({})",
}


def size_of(fields: Sequence["Field"]) -> str:
    """Return the bytes of columns, summed over rows, in DuckDB's SQL; NULL has none.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes
    """
    return f"coalesce(sum({' + '.join(map(_size, fields))}), 0)"


def _size(each: "Field") -> str:
    if each.mode == "REPEATED":
        return (
            f'coalesce(list_sum(list_transform("{each.name}", lambda value: {_SIZES[each.type].format("value")})), 0)'
        )
    quoted = f'"{each.name}"'
    return f"CASE WHEN {quoted} IS NULL THEN 0 ELSE {_SIZES[each.type].format(quoted)} END"


@dataclass
class Field:
    """A column."""

    name: str
    type: str
    mode: str = "NULLABLE"
    description: str = ""

    @property
    def duckdb_type(self) -> str:
        """Its type in DuckDB."""
        return DUCKDB_TYPES[self.type] + ("[]" if self.mode == "REPEATED" else "")

    @property
    def shape(self) -> tuple[str, str, str]:
        """What must be the same in two tables of which one is copied onto the other."""
        return self.name, self.type, self.mode

    @property
    def resource(self) -> dict[str, str]:
        """A TableFieldSchema."""
        return {"name": self.name, "type": self.type, "mode": self.mode, "description": self.description}


@dataclass(frozen=True)
class Streamed:
    """A row that was streamed, and when."""

    row: tuple[Any, ...]
    at: datetime
    insert_id: str | None


@dataclass
class Table:
    """A table's metadata."""

    dataset: str
    name: str
    fields: list[Field]
    partition: str | None = None
    cluster: tuple[str, ...] = ()
    requires_filter: bool = False
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None
    expires: datetime | None = None
    updates: list[datetime] = field(default_factory=list)
    streamed: list[Streamed] = field(default_factory=list)
    """Its streaming buffer."""
    view: Expression | None = None
    """A view's query."""
    base: str = ""
    """The table, with its dataset, of which this is a snapshot."""

    @property
    def type(self) -> str:
        """What it is: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table.FIELDS.type."""
        return "VIEW" if self.view is not None else "SNAPSHOT" if self.base else "TABLE"

    @property
    def full_name(self) -> str:
        """``dataset.table``."""
        return f"{self.dataset}.{self.name}"

    @property
    def quoted(self) -> str:
        """Its name in DuckDB."""
        return f'"{self.dataset}"."{self.name}"'

    @property
    def is_partitioned_by_timestamp(self) -> bool:
        """Whether its partitions are the days, in UTC, of a TIMESTAMP column."""
        return self.partition is not None and self.field(self.partition).type == "TIMESTAMP"

    @property
    def day(self) -> str:
        """The day of a row's partition, in DuckDB's SQL."""
        return f"CAST({self.partition} AS DATE)" if self.is_partitioned_by_timestamp else str(self.partition)

    def field(self, name: str) -> Field:
        """Return a column."""
        for each in self.fields:
            if each.name.lower() == name.lower():
                return each
        raise ApiError("invalidQuery", f"Unrecognized name: {name}")

    def check_types(self, given: list[str]) -> None:
        """Refuse columns that are not of this table's types."""
        for mine, theirs in zip(self.fields, given, strict=True):
            if mine.type != theirs:
                raise ApiError("invalidQuery", f"Column {mine.name} is {theirs}, {mine.type} is expected")

    def check_rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Refuse rows, of all columns in order, with NULL in a REQUIRED one."""
        for place, each in enumerate(self.fields):
            if each.mode == "REQUIRED" and any(row[place] is None for row in rows):
                raise ApiError("invalidQuery", f"Required field {each.name} cannot be null")

    def count_update(self, now: datetime, *, limit: int) -> None:
        """Count a metadata update.

        At most 50 in 10 seconds: https://cloud.google.com/bigquery/quotas#standard_tables
        """
        self.updates = [at for at in self.updates if at > now - timedelta(seconds=10)]
        if len(self.updates) >= limit:
            raise ApiError(
                "rateLimitExceeded",
                f"Exceeded rate limits: too many table update operations for this table {self.full_name}. For more "
                "information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
            )
        self.updates.append(now)

    def listed(self, project: str) -> dict[str, Any]:
        """What a list of tables shows of it.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list#response-body
        """
        resource: dict[str, Any] = {
            "kind": "bigquery#table",
            "id": f"{project}:{self.full_name}",
            "tableReference": self._reference(project, self.full_name),
            "type": self.type,
            "labels": self.labels,
        }
        if self.created is not None:
            resource["creationTime"] = _milliseconds(self.created)
        if self.expires is not None:
            resource["expirationTime"] = _milliseconds(self.expires)
        if self.partition is not None:
            resource["timePartitioning"] = {"type": "DAY", "field": self.partition}
            resource["requirePartitionFilter"] = self.requires_filter
        if self.cluster:
            resource["clustering"] = {"fields": list(self.cluster)}
        if self.view is not None:
            resource["view"] = {"useLegacySql": False}
        return resource

    def resource(self, project: str, location: str, *, rows: int, size: int, buffered: int) -> dict[str, Any]:
        """A Table resource.

        Args:
            project: Whose it is.
            location: Where it is.
            rows: How many, without the streaming buffer.
            size: Their bytes.
            buffered: The bytes in the streaming buffer.
        """
        resource = self.listed(project) | {
            "location": location,
            "schema": {"fields": [each.resource for each in self.fields]},
            "numRows": str(rows),
            "numBytes": str(size),
            "description": self.description,
        }
        if self.view is not None:
            resource["view"] = {"query": self.view.sql(dialect="bigquery"), "useLegacySql": False}
        if self.base and self.created is not None:
            resource["snapshotDefinition"] = {
                "baseTableReference": self._reference(project, self.base),
                "snapshotTime": self.created.isoformat().replace("+00:00", "Z"),
            }
        if self.streamed:
            resource["streamingBuffer"] = {
                "estimatedRows": str(len(self.streamed)),
                "estimatedBytes": str(buffered),
                "oldestEntryTime": _milliseconds(min(each.at for each in self.streamed)),
            }
        return resource

    @staticmethod
    def _reference(project: str, full_name: str) -> dict[str, str]:
        dataset, _, name = full_name.partition(".")
        return {"projectId": project, "datasetId": dataset, "tableId": name}


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


@dataclass(frozen=True)
class Place:
    """A table, or one day's partition of it: ``table$YYYYMMDD``.

    https://cloud.google.com/bigquery/docs/managing-partitioned-table-data
    """

    dataset: str
    table: str
    day: date | None = None

    @property
    def full_name(self) -> str:
        """``dataset.table``."""
        return f"{self.dataset}.{self.table}"

    @classmethod
    def of(cls, reference: dict[str, str], project: str) -> "Place":
        """Read a TableReference."""
        if reference["projectId"] != project:
            raise not_implemented("tables of other projects")
        name, _, decorator = reference["tableId"].partition("$")
        day = None
        if decorator:
            try:
                day = datetime.strptime(decorator, "%Y%m%d").date()  # noqa: DTZ007
            except ValueError:
                raise ApiError("invalid", f"Invalid date partition decorator: {decorator}") from None
        return cls(reference["datasetId"], name, day)

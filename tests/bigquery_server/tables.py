"""Datasets and tables: what the API says of them, and their rows in DuckDB.

https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.bigquery_server.errors import ApiError, not_implemented

DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
}
API_TYPES = {duckdb: api for api, duckdb in DUCKDB_TYPES.items()}
SQL_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes
SIZES = {"INTEGER": "8", "FLOAT": "8", "BOOLEAN": "1", "DATE": "8", "TIMESTAMP": "8", "STRING": "2 + strlen({})"}


@dataclass
class Field:
    """A column."""

    name: str
    type: str
    mode: str = "NULLABLE"
    description: str = ""

    @property
    def shape(self) -> tuple[str, str, str]:
        """What must be the same in two tables of which one is copied onto the other."""
        return self.name, self.type, self.mode

    @property
    def resource(self) -> dict[str, str]:
        """A TableFieldSchema."""
        return {"name": self.name, "type": self.type, "mode": self.mode, "description": self.description}


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
    is_snapshot: bool = False
    updates: list[datetime] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """``dataset.table``."""
        return f"{self.dataset}.{self.name}"

    @property
    def quoted(self) -> str:
        """Its name in DuckDB."""
        return f'"{self.dataset}"."{self.name}"'

    def field(self, name: str) -> Field:
        """Return a column."""
        for each in self.fields:
            if each.name.lower() == name.lower():
                return each
        raise ApiError("invalidQuery", f"Unrecognized name: {name}")

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

    def resource(self, project: str, location: str, rows: int, size: int) -> dict[str, Any]:
        """A Table resource."""
        resource: dict[str, Any] = {
            "kind": "bigquery#table",
            "id": f"{project}:{self.full_name}",
            "tableReference": {"projectId": project, "datasetId": self.dataset, "tableId": self.name},
            "type": "SNAPSHOT" if self.is_snapshot else "TABLE",
            "location": location,
            "schema": {"fields": [each.resource for each in self.fields]},
            "numRows": str(rows),
            "numBytes": str(size),
            "description": self.description,
            "labels": self.labels,
        }
        if self.created is not None:
            resource["creationTime"] = str(int(self.created.timestamp() * 1000))
        if self.expires is not None:
            resource["expirationTime"] = str(int(self.expires.timestamp() * 1000))
        if self.partition is not None:
            resource["timePartitioning"] = {"type": "DAY", "field": self.partition}
            resource["requirePartitionFilter"] = self.requires_filter
        if self.cluster:
            resource["clustering"] = {"fields": list(self.cluster)}
        return resource


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

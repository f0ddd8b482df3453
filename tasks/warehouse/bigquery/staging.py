"""Staging tables: their names, their labels, and which of them are left over.

A name does not prove ownership: a dataset can be shared. A table is dropped only if its labels say that this
application made it, for a run of this Prefect server, and that run is known to be over. Any other expires by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from google.cloud.bigquery.table import TableListItem  # noqa: TID251

from tasks.tables.ddl import labels
from tasks.tables.spec import TableSpec
from tasks.warehouse.bigquery.values import timestamp

LIFETIME = timedelta(hours=24)
_PURPOSE = "staging"


def staging_name(name: str, what: str, run_id: str) -> str:
    """Return a unique name for a staging table."""
    return f"{name}__{what}__{_suffix(run_id)}__{uuid4().hex[:8]}"


def create_staging(location: str, like: TableSpec, run_id: str, server: str | None) -> str:
    """Return the statement that creates a staging table with the columns and the layout of another table."""
    return f"CREATE OR REPLACE TABLE {location} LIKE {like.full_name}\n{_options(run_id, server, filter=False)}"


def create_copy(location: str, view: TableSpec, run_id: str, server: str | None) -> str:
    """Return the statement that copies the rows of a view, as they are now, to a staging table."""
    rows = f"SELECT * FROM {view.full_name} WHERE {view.partition} > DATE '0001-01-01'"  # its table may want a filter
    return create_kept(location, rows, run_id, server)


def create_kept(location: str, sql: str, run_id: str, server: str | None) -> str:
    """Return the statement that stores the rows of a query in a staging table."""
    return f"CREATE OR REPLACE TABLE {location}\n{_options(run_id, server)}\nAS {sql}"


def _options(run_id: str, server: str | None, **more: bool) -> str:
    owner = {"purpose": _PURPOSE, "run": run_id} | ({"server": server} if server else {})
    given = "require_partition_filter = FALSE, " if more else ""
    return (
        f"OPTIONS(expiration_timestamp = {timestamp(datetime.now(UTC) + LIFETIME)}, {given}labels = {labels(**owner)})"
    )


def is_left_behind(table: TableListItem, server: str | None, is_over: Callable[[str], bool]) -> bool:
    """Return whether a run of this Prefect server that is over left a table staged."""
    given, run_id = table.labels, str(table.labels.get("run"))
    return (
        server is not None
        and table.table_type == "TABLE"
        and (given.get("application"), given.get("purpose"), given.get("server")) == ("fullcourt", _PURPOSE, server)
        and f"__{_suffix(run_id)}__" in str(table.table_id)  # a copy under another name belongs to a user
        and is_over(run_id)
    )


def _suffix(run_id: str) -> str:
    return run_id.replace("-", "_")

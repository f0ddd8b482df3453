"""Values and types as BigQuery's API writes them."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from google.cloud import bigquery  # noqa: TID251

from tasks.errors import QueryError
from tasks.warehouse.base import Columns, Parameter, Parameters

_PARAMETER = re.compile(r"--[^\n]*|@(\w+)")
_OLD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}  # what the API still calls them
QueryParameter = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter


def query_parameters(sql: str, given: Parameters) -> list[QueryParameter]:
    """Return the named parameters that a query uses.

    Raises:
        QueryError: It uses one that was not given.
    """
    used = {name for name in _PARAMETER.findall(sql) if name}
    if missing := sorted(used - given.keys()):
        raise QueryError(f"the query uses parameters that were not given: {', '.join(missing)}")
    return [_query_parameter(name, given[name]) for name in sorted(used)]


def _query_parameter(name: str, value: Parameter) -> QueryParameter:
    if isinstance(value, bool):  # a bool is an int, and a datetime a date: the narrower one first
        kind = "BOOL"
    elif isinstance(value, datetime):
        kind = "TIMESTAMP"
    elif isinstance(value, date):
        kind = "DATE"
    elif isinstance(value, int):
        kind = "INT64"
    elif isinstance(value, float):
        kind = "FLOAT64"
    elif isinstance(value, str):
        kind = "STRING"
    else:
        return bigquery.ArrayQueryParameter(name, "STRING", list(value))
    return bigquery.ScalarQueryParameter(name, kind, value)


def line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of JSON that BigQuery loads."""
    return json.dumps({name: _json_value(value) for name, value in row.items() if value is not None})


def _json_value(value: object) -> object:
    if isinstance(value, date):  # and a datetime
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def timestamp(moment: datetime) -> str:
    """Return a literal of a moment, to the second."""
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00'"


def type_of(field: bigquery.SchemaField) -> str:
    """Return a column's type in GoogleSQL."""
    name = _OLD_NAMES.get(field.field_type, field.field_type)
    return f"ARRAY<{name}>" if field.mode == "REPEATED" else name


def columns_of(schema: Sequence[bigquery.SchemaField]) -> Columns:
    """Return a table's columns."""
    columns = Columns({field.name: type_of(field) for field in schema})
    columns.required = frozenset(
        field.name for field in schema if field.mode == "REQUIRED" and field.default_value_expression is None
    )
    return columns

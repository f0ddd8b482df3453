"""Values as the API writes and reads them.

https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
"""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.storage.tables import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cell(value: object) -> dict[str, Any]:
    """Return a value as a cell of a result; a timestamp in microseconds, as useInt64Timestamp asks for."""
    if value is None:
        return {"v": None}
    if isinstance(value, bool):
        return {"v": "true" if value else "false"}
    if isinstance(value, datetime):
        return {"v": str(round((value - EPOCH).total_seconds() * 1_000_000))}
    if isinstance(value, float):
        return {"v": "NaN" if math.isnan(value) else str(value).replace("inf", "Infinity")}
    if isinstance(value, list):
        return {"v": [cell(each) for each in value]}
    if isinstance(value, int | str | date | Decimal):
        return {"v": str(value)}
    raise not_implemented(f"results of type {type(value).__name__}")


def row(values: Sequence[object], fields: Sequence[Field]) -> dict[str, Any]:
    """Return a row of a result; an array that is NULL is empty in it.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls
    """
    given = zip(values, fields, strict=True)
    return {"f": [cell([] if value is None and field.mode == "REPEATED" else value) for value, field in given]}


def parameters(given: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Read QueryParameters: https://cloud.google.com/bigquery/docs/reference/rest/v2/QueryParameter."""
    found: dict[str, Any] = {}
    for parameter in given:
        if "name" not in parameter:
            raise not_implemented("positional parameters")
        kind, value = parameter["parameterType"], parameter["parameterValue"]
        if kind["type"] == "ARRAY":
            inner = kind["arrayType"]["type"]
            found[parameter["name"]] = [_scalar(inner, each["value"]) for each in value.get("arrayValues", [])]
        else:
            found[parameter["name"]] = _scalar(kind["type"], value.get("value"))
    return found


def _scalar(kind: str, text: str | None) -> object:
    if text is None:
        return None
    readers: dict[str, Any] = {
        "STRING": str,
        "INT64": int,
        "FLOAT64": float,
        "BOOL": lambda t: t.lower() == "true",
        "DATE": date.fromisoformat,
        "TIMESTAMP": datetime.fromisoformat,
    }
    if kind not in readers:
        raise not_implemented(f"parameters of type {kind}")
    return readers[kind](text)


def loaded(value: object, column: Field, line: int) -> object:
    """Read a value of newline-delimited JSON into a column's type.

    https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#details_of_loading_json_data
    """
    try:
        return converted(value, column)
    except ValueError as error:
        said = f"Error while reading data, error message: JSON parsing error in row {line}: {error}"
        raise ApiError("invalid", said) from error


def converted(value: object, column: Field) -> object:
    """Read a value of JSON into a column's type.

    Raises:
        ValueError: It does not fit; the message is BigQuery's.
    """
    if value is None:
        if column.mode == "REQUIRED":
            raise ValueError(f"Only optional fields can be set to NULL. Field: {column.name}; Value: NULL")
        return None
    wrong = f"Could not convert value to {column.type.lower()}. Field: {column.name}; Value: {value}"
    try:
        if column.type == "STRING" and isinstance(value, str):
            return value
        if column.type == "BOOLEAN" and isinstance(value, bool):
            return value
        if column.type == "INTEGER" and isinstance(value, int | str) and not isinstance(value, bool):
            return int(value)
        if column.type == "FLOAT" and isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
        if column.type == "NUMERIC" and isinstance(value, int | float | str) and not isinstance(value, bool):
            return Decimal(str(value))
        if column.type == "DATE" and isinstance(value, str):
            return date.fromisoformat(value)
        if column.type == "TIMESTAMP" and isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(wrong) from error
    raise ValueError(wrong)

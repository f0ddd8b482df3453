"""Writes that are no statements: copy jobs, load jobs and streams."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.storage import cells
from tests.bigquery_server.storage.project import Project
from tests.bigquery_server.storage.tables import Place, Streamed, Table

_STREAMABLE = timedelta(days=5 * 365), timedelta(days=365)  # before and after today; less than BigQuery takes
_REMEMBERED = timedelta(minutes=1)


def copy(project: Project, source: Place, target: Place, disposition: str) -> int:
    """Copy a table or partition onto another, atomically; returns the rows copied.

    Rows in the source's streaming buffer are not copied
    (https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations).
    https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#copying_partitions
    """
    here, there = project.table(source.full_name), project.writable(target.full_name, reason="invalid")
    if here.type != "TABLE":  # a snapshot is restored by another operation, with a permission of its own
        raise not_implemented(f"copies of a {here.type.lower()}")
    if [each.shape for each in here.fields] != [each.shape for each in there.fields]:
        raise ApiError(
            "invalid", f"Provided Schema does not match Table {project.name}:{there.full_name}: {_first(here, there)}"
        )
    if (here.partition, here.cluster) != (there.partition, there.cluster):
        raise ApiError(
            "invalid",
            "Incompatible table partitioning specification when copying to the column partitioned table "
            f"{project.name}:{there.full_name}",
        )
    if source.day != target.day or (source.day is not None and here.partition is None):
        raise ApiError("invalid", "Some rows belong to different partitions rather than the destination partition")
    if there.streamed and disposition != "WRITE_APPEND":
        raise not_implemented("replacing what has a streaming buffer")
    with project.settled(here) as rows:
        return _copy(project, here, there, rows, source, disposition)


def _copy(project: Project, here: Table, there: Table, rows: str, source: Place, disposition: str) -> int:
    of_day, day = (f"{here.day} = $day", {"day": source.day}) if source.day else ("TRUE", {})
    if (wanted := project.refused.get(there.full_name)) and project.count(
        f"SELECT count(*) FROM {rows} WHERE {of_day} AND NOT ({wanted})", day
    ):
        raise ApiError("invalid", f"injected: rows of {there.full_name} do not meet {wanted}")
    is_empty = project.count(f"SELECT count(*) FROM {there.quoted} WHERE {of_day}", day) == 0
    if disposition == "WRITE_EMPTY" and not is_empty:
        raise ApiError("duplicate", f"Already Exists: Table {project.name}:{there.full_name}")
    there.count_update(project.clock.now(), limit=project.quotas.table_updates_in_10_seconds)
    project.history.keep(there)
    run = project.connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE copied AS SELECT * FROM {rows} WHERE {of_day}", day)

    def change() -> None:
        if disposition == "WRITE_TRUNCATE":
            run(f"DELETE FROM {there.quoted} WHERE {of_day}", day)
        run(f"INSERT INTO {there.quoted} FROM copied")

    project.in_transaction(change)
    return project.count("SELECT count(*) FROM copied")


def load(project: Project, target: Place, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows by a load job, within the day's quota: https://cloud.google.com/bigquery/quotas#load_jobs."""
    table = project.writable(target.full_name, reason="invalid")
    key = target.full_name, project.clock.now().date()
    if project.loads.get(key, 0) >= project.quotas.loads_per_table_and_day:
        raise ApiError(
            "quotaExceeded",
            f"Quota exceeded: Your table exceeded quota for imports per table: {project.name}:{target.full_name}",
        )
    project.loads[key] = project.loads.get(key, 0) + 1
    table.count_update(project.clock.now(), limit=project.quotas.table_updates_in_10_seconds)
    project.history.keep(table)
    project.insert(table, rows)


def stream(project: Project, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Stream rows: all of them, or none if one is not right.

    Queries see them at once. An insertId that came less than a minute ago is dropped, which BigQuery does as well as it
    can. https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
    """
    known = {"kind", "rows", "skipInvalidRows", "ignoreUnknownValues", "templateSuffix"}
    asked = {key for key, value in body.items() if value and key not in ("kind", "rows")} | (set(body) - known)
    if asked:
        raise not_implemented(f"{', '.join(sorted(asked))} of a stream")
    table, now = project.writable(name, reason="invalid"), project.clock.now()
    errors: dict[int, dict[str, str]] = {}
    fresh: list[Streamed] = []
    remembered = {each.insert_id for each in table.streamed if each.at > now - _REMEMBERED} - {None}
    for index, given in enumerate(body["rows"]):
        if error := _error_of(table, given["json"]):
            errors[index] = error
            continue
        row = tuple(cells.converted(given["json"].get(each.name), each) for each in table.fields)
        _check_day(project, table, row)
        insert_id = given.get("insertId")
        if insert_id not in remembered:
            fresh.append(Streamed(row, now, insert_id))
            remembered |= {insert_id} - {None}
    answer: dict[str, Any] = {"kind": "bigquery#tableDataInsertAllResponse"}
    if errors:
        stopped = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}
        every = range(len(body["rows"]))
        return answer | {"insertErrors": [{"index": at, "errors": [errors.get(at, stopped)]} for at in every]}
    project.history.keep(table)
    project.insert(table, [each.row for each in fresh])
    table.streamed += fresh
    return answer


def _error_of(table: Table, values: dict[str, Any]) -> dict[str, str] | None:
    """What is wrong with a row, in the shape in which BigQuery says it."""
    error = {"reason": "invalid", "debugInfo": ""}
    if unknown := sorted(set(values) - {each.name for each in table.fields}):
        return error | {"location": unknown[0], "message": f"no such field: {unknown[0]}."}
    for column in table.fields:
        try:
            cells.converted(values.get(column.name), column)
        except ValueError as wrong:
            return error | {"location": column.name, "message": str(wrong)}
    return None


def _check_day(project: Project, table: Table, row: tuple[Any, ...]) -> None:
    """Refuse a day that is far from today, which BigQuery does not stream to a partition of either.

    https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery#time-unit_column_partitioning
    """
    if table.partition is None:
        return
    value = row[[each.name for each in table.fields].index(table.partition)]
    day = value.date() if table.is_partitioned_by_timestamp and value is not None else value
    today, (before, after) = project.clock.now().date(), _STREAMABLE
    if day is not None and not today - before <= day <= today + after:
        raise not_implemented(f"streams to the partition of {day}")


def _first(here: Table, there: Table) -> str:
    """Name the first column in which two tables differ."""
    mine, theirs = ({each.name: each for each in table.fields} for table in (here, there))
    for name, column in theirs.items():
        if name not in mine:
            return f"Cannot find field {name}"
        if mine[name].type != column.type:
            return f"Field {name} has changed type from {column.type} to {mine[name].type}"
        if mine[name].mode != column.mode:
            return f"Field {name} has changed mode from {column.mode} to {mine[name].mode}"
    return f"fields {sorted(set(mine) - set(theirs))} are new"

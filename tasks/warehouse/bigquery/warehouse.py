"""The warehouse on BigQuery.

A published table is never written with DML. A day is built into a staging table by a query job, judged there, and
copied onto its partition: one atomic update, and free
(https://cloud.google.com/bigquery/docs/managing-tables#copy-table). Results are read over REST: they are small, and
the Storage API would need one more permission.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from google.cloud import bigquery  # noqa: TID251

from tasks.errors import QueryError, SchemaError
from tasks.tables.ddl import add_columns, create_table, definition, labels
from tasks.tables.spec import Column, TableSpec
from tasks.warehouse.base import LOOK_AROUND, Backup, Columns, Parameter, Parameters, Replaced, Staged
from tasks.warehouse.bigquery.appends import appends_to
from tasks.warehouse.bigquery.jobs import ONCE, Purpose
from tasks.warehouse.bigquery.reading import Reading
from tasks.warehouse.bigquery.staging import create_kept, create_staging, is_left_behind
from tasks.warehouse.bigquery.values import columns_of, line, timestamp, type_of
from tasks.warehouse.kept_columns import own_columns, with_kept
from tasks.warehouse.own_backups import backup_named, is_own_backup


class BigQueryWarehouse(Reading):
    """A connection to the project that the settings name."""

    def schema(self, tables: Iterable[TableSpec]) -> dict[str, Columns]:
        """Return the columns, and their GoogleSQL types, of those of the tables that exist, by full name."""
        found = {}
        for table in tables:
            there = self._look_up(table.full_name)
            if there is None:
                continue
            if str(there.location).lower() != self._settings.location.lower():
                raise SchemaError(
                    f"table {table.full_name} is in {there.location}, and FULLCOURT_BIGQUERY_LOCATION is "
                    f"{self._settings.location}: they must be the same"
                )
            self._found.add(table.full_name)
            found[table.full_name] = columns_of(there.schema)
        return found

    def create(self, tables: Iterable[TableSpec]) -> None:
        """Create the tables and datasets that are missing, and views of ours that are out of date; changes no table."""
        missing = [table for table in tables if not self._is_there(table)]
        staging = self._settings.staging_dataset
        for dataset in sorted({staging, *(table.dataset for table in missing)}):
            self._create_dataset(dataset)
        for table in missing:
            self._query(Purpose("create", table.name), create_table(table), {})
            self._found.add(table.full_name)

    def add_columns(self, table: TableSpec, columns: Sequence[Column]) -> None:
        """Add columns that a table lacks, by one statement; its rows have NULL in them."""
        with _named(table):
            self._query(Purpose("add-columns", table.name), add_columns(table, columns), {})

    @contextmanager
    def stage(
        self, table: TableSpec, sql: str, parameters: Parameters, *, game_date: date, run_id: str
    ) -> Iterator[Staged]:
        """Build a day's rows in a staging table, made like the table itself: a copy must find the same columns."""
        purpose = Purpose("stage", table.name, game_date.isoformat())
        location = self._staging(table.name, f"{game_date:%Y%m%d}", run_id)
        try:
            with _named(table):
                create = create_staging(location, table, run_id, self._origin.server)
                sql, parameters = self._at_its_moment(sql, parameters)
                day = f"{table.partition} = DATE '{game_date}'"
                self._query(purpose, f"{create}\nAS {self._rows_for(table, sql, replacing=day)}", parameters)
            yield Staged(table=table, game_date=game_date, location=location)
        finally:
            self._drop(location)

    def keep(self, table: TableSpec, sql: str, parameters: Parameters, *, run_id: str) -> str:
        """Build the rows of many days in a staging table, from which each day is copied if the table is made like it.

        Users' own columns are added when a day is published: their values may change until then.
        """
        location, server = self._staging(table.name, "kept", run_id), self._origin.server
        with _named(table):
            sql, parameters = self._at_its_moment(sql, parameters)
            rows = self._rows_for(table, sql)
            if own_columns(table, self._types_of(table)):
                create = create_kept(location, rows, run_id, server)
            else:
                create = f"{create_staging(location, table, run_id, server)}\nAS {rows}"
            self._query(Purpose("keep", table.name), create, parameters)
        return location

    def drop_kept(self, location: str) -> None:
        """Drop a staging table; if that fails, it expires by itself."""
        self._drop(location)

    def publish(self, staged: Staged) -> int:
        """Copy the staged rows onto the day's partition, atomically; returns the rows published."""
        day, table = f"{staged.game_date:%Y%m%d}", staged.table
        if staged.is_kept and own_columns(table, self._types_of(table)):
            rows = f"SELECT * FROM {staged.location} WHERE {table.partition} = DATE '{staged.game_date}'"
            with self.stage(table, rows, {}, game_date=staged.game_date, run_id=self._origin.run_id) as completed:
                return self.publish(completed)
        purpose = Purpose("publish", table.name, staged.game_date.isoformat())
        source, target = f"{self._path(staged.location)}${day}", f"{self._path(table.full_name)}${day}"
        config = self._jobs.configured(
            bigquery.CopyJobConfig(
                write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
                create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            ),
            purpose,
        )
        job = self._jobs.run(
            purpose,
            f"{source} {target}",
            lambda job_id: self._client.copy_table(source, target, job_id=job_id, job_config=config, **ONCE),
        )
        copied = job._properties.get("statistics", {}).get("copy", {}).get("copiedRows")  # noqa: SLF001 - no property
        return int(copied) if copied is not None else self._count(table, staged.game_date)

    def append(self, table: TableSpec, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table by a load job, all or nothing; what other threads append meanwhile goes with it."""
        names, purpose = [column.name for column in table.columns], Purpose("append", table.name)
        with self._jobs.translated(purpose):
            lines = [line({name: row[name] for name in names if name in row}) for row in rows]
        appends_to(self._settings.identity, table.full_name).append(
            lines,
            lambda batch: self._load(purpose, table.full_name, batch),
            interval_seconds=self._settings.append_interval_seconds,
        )

    def replace(self, table: TableSpec, rows: pa.Table, *, match: Sequence[str]) -> Replaced:
        """Write rows in place of those that share their values of the ``match`` columns, by one MERGE."""
        days = rows.column(table.partition).to_pylist()
        if not days:
            return Replaced(deleted=0, inserted=0)
        run_id = self._origin.run_id
        location = self._staging(table.name, "load", run_id)
        purpose = Purpose("replace", table.name)
        own = own_columns(table, self._types_of(table))
        names = [*rows.column_names, *(f"`{name}`" for name in own)]
        source = location
        if own:
            where = f"{table.partition} BETWEEN @first AND @last"
            kept = with_kept(table, location, columns=rows.column_names, own=own, where=where, quote="`")
            source = f"(\n{kept}\n)"
        given = [rows.column(name).to_pylist() for name in match]
        parameters: dict[str, Parameter] = {
            "first": min(days) - LOOK_AROUND,
            "last": max(days) + LOOK_AROUND,
            "keys": sorted({"|".join(str(value) for value in key) for key in zip(*given, strict=True)}),
        }
        key = "CONCAT(" + ", '|', ".join(f"CAST(t.{name} AS STRING)" for name in match) + ")"
        merge = f"""MERGE {table.full_name} AS t
USING {source} AS s ON FALSE
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(names)}) VALUES ({", ".join(f"s.{name}" for name in names)})
WHEN NOT MATCHED BY SOURCE AND t.{table.partition} BETWEEN @first AND @last AND {key} IN UNNEST(@keys) THEN
  DELETE"""
        try:
            self._query(purpose, create_staging(location, table, run_id, self._origin.server), {})
            with self._jobs.translated(purpose):
                lines = [line(row) for row in rows.to_pylist()]
            self._load(purpose, location, lines)
            done = self._query(purpose, merge, parameters).dml_stats or bigquery.DmlStats()
        finally:
            self._drop(location)
        return Replaced(deleted=done.deleted_row_count, inserted=done.inserted_row_count)

    def sweep(self, is_over: Callable[[str], bool]) -> list[str]:
        """Drop what runs of the same Prefect server left staged that are known to be over; returns the names."""
        there = self._list(self._settings.staging_dataset)
        left = [str(table.table_id) for table in there if is_left_behind(table, self._origin.server, is_over)]
        for name in left:
            self._drop(f"{self._settings.staging_dataset}.{name}")
        return left

    def change(self, table: TableSpec, sql: str, parameters: Parameters) -> int:
        """Run one DML statement; returns the rows that it changed, by BigQuery's own count."""
        with _named(table):
            return int(self._query(Purpose("change", table.name), sql, parameters).num_dml_affected_rows or 0)

    def streamed_rows(self, table: TableSpec) -> int:
        """Return the rows in the table's streaming buffer, as BigQuery estimates them."""
        there = self._look_up(table.full_name)
        buffer = there.streaming_buffer if there else None
        return int(buffer.estimated_rows or 0) if buffer else 0

    def back_up(self, table: TableSpec, name: str, *, before: date, expires_at: datetime) -> Backup:  # noqa: ARG002
        """Take a snapshot of the table, all of its days, that expires by itself.

        https://cloud.google.com/bigquery/docs/table-snapshots-create
        """
        self._create_dataset(self._settings.backup_dataset)
        location = f"{self._settings.backup_dataset}.{name}"
        with _named(table):
            self._query(
                Purpose("back-up", table.name),
                f"CREATE SNAPSHOT TABLE IF NOT EXISTS {location}\nCLONE {table.full_name}\n"
                f"OPTIONS(expiration_timestamp = {timestamp(expires_at)}, labels = {labels()})",
                {},
            )
        return backup_named(name, self.backups(), location)

    def backups(self) -> list[Backup]:
        """Return the snapshots that the cleanup took and that have not expired, oldest first."""
        dataset = self._settings.backup_dataset
        found = [
            Backup(
                name=table.table_id,
                created_at=table.created,
                expires_at=table.expires,
                location=f"{dataset}.{table.table_id}",
            )
            for table in self._list(dataset)
            if table.table_type == "SNAPSHOT" and table.created and table.expires
            if is_own_backup(table.table_id, application=table.labels.get("application"))
        ]
        return sorted(found, key=lambda backup: backup.created_at)

    def drop_backup(self, backup: Backup) -> None:
        """Drop a snapshot, if it is still there."""
        self._jobs.call(
            Purpose("drop", backup.name),
            lambda: self._client.delete_table(self._path(backup.location), not_found_ok=True, **ONCE),
        )

    def _count(self, table: TableSpec, game_date: date) -> int:
        sql = f"SELECT COUNT(*) AS row_count FROM {table.full_name} WHERE {table.partition} = @game_date"
        return int(self.fetch(sql, {"game_date": game_date})[0]["row_count"])

    def _rows_for(self, table: TableSpec, sql: str, *, replacing: str | None = None) -> str:
        """Return the query for rows in the order and of the types of the table: BigQuery matches by position.

        A column that only the table has keeps the value of the row with the same key, of those that are replaced; it is
        left out if none are.
        """
        types = {column.name: column.type for column in table.columns}
        there = self._types_of(table) or types
        source = f"(\n{sql}\n)"
        own = own_columns(table, there)
        if replacing is None:
            there = {name: kind for name, kind in there.items() if name not in own}
        elif own:
            source = f"(\n{with_kept(table, source, columns=list(types), own=own, where=replacing, quote='`')}\n)"
        columns = (
            f"CAST({name} AS {kind}) AS {name}" if name in types else f"`{name}`" for name, kind in there.items()
        )
        return f"SELECT {', '.join(columns)} FROM {source}"

    def _types_of(self, table: TableSpec) -> dict[str, str]:
        there = self._look_up(table.full_name)
        return {field.name: type_of(field) for field in there.schema} if there else {}

    def _is_there(self, table: TableSpec) -> bool:
        if table.query is None and table.full_name in self._found:
            return True
        there = self._look_up(table.full_name)
        if there is None or table.query is None:
            return there is not None
        is_ours = there.labels.get("application") == "fullcourt"  # a view without our label belongs to its users
        return not is_ours or there.labels.get("definition") == definition(table)


@contextmanager
def _named(table: TableSpec) -> Iterator[None]:
    """Name the table in an error of a statement about it."""
    try:
        yield
    except SchemaError as error:
        raise SchemaError(f"{table.full_name}: {error}") from error
    except QueryError as error:
        raise QueryError(f"{table.full_name}: {error}") from error

"""Find a backup, compare it with its table, and put back what is missing."""

from prefect import get_run_logger

from tasks.cleanup.rules import RestorePreview
from tasks.errors import RequestError, SchemaError
from tasks.printable import shown
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.tables import cleanup as queries
from tasks.text import first_of
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.base import Columns, Warehouse


@step("find-backup", run_name="find {backup}")
def find_backup(run: Run, backup: str) -> BackupName:
    """Return what a backup's name says, if the backup is there and its table can take all that it holds.

    Raises:
        RequestError: It is not there, or its table is in no table folder any more; the message names those that are.
        SchemaError: The table does not exist, or has lost a column of which the backup holds values.
    """
    with run.warehouse("find-backup") as warehouse:
        there = [kept.name for kept in warehouse.backups()]
        name = BackupName.parse(backup)
        if name is None or backup not in there:
            known = first_of(there[::-1]) or "none"
            raise RequestError(f"backup={shown(backup)}: there is no such backup; there are, newest first: {known}")
        _restorable_columns(run, warehouse, name)
    return name


@step("count-missing", run_name="compare {name.table}")
def count_missing(run: Run, name: BackupName, step: str = "compare") -> RestorePreview:
    """Count the rows of a backup that the table lacks, by key.

    Args:
        run: The current one.
        name: The backup.
        step: What it is for: a repeated step may get the answer that BigQuery gave before, another step never does.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    with run.warehouse(step, table=name.table) as warehouse:
        preview = count_missing_rows(run, warehouse, name)
    get_run_logger().info(
        "%s: the table lacks %d of the %d rows of %s", preview.full_name, preview.missing, preview.row_count, name
    )
    return preview


@step("restore", run_name="restore {name.table}")
def restore_rows(run: Run, name: BackupName) -> int:
    """Insert the rows of a backup that the table lacks, by key, with all their columns, all or none; returns how many.

    Raises:
        SchemaError: The table has lost a column of which the backup holds values; nothing was put back.
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    table = run.catalogue.table(name.table)
    with run.warehouse("restore", table=name.table) as warehouse:
        columns = _restorable_columns(run, warehouse, name)
        sql = queries.restore_rows(table, _location(run, name), columns)
        return warehouse.change(table, sql, {"cutoff": name.cutoff})


def count_missing_rows(run: Run, warehouse: Warehouse, name: BackupName) -> RestorePreview:
    """Count the rows of a backup that the table lacks, over a connection that is open."""
    table = run.catalogue.table(name.table)
    (row,) = warehouse.fetch(queries.missing_rows(table, _location(run, name)), {"cutoff": name.cutoff})
    return RestorePreview(backup=str(name), full_name=table.full_name, cutoff=name.cutoff, **row)


def _restorable_columns(run: Run, warehouse: Warehouse, name: BackupName) -> list[str]:
    """Return the columns of a backup that its table has, too; one that was added since stays empty.

    Raises:
        RequestError: The table is in no table folder.
        SchemaError: The table does not exist, or the backup holds values of another column: they would be lost.
    """
    tables = run.catalogue.tables
    if name.table not in tables:
        raise RequestError(
            f"backup={shown(str(name))}: there is no table folder of its table {name.table} any more; put it back, "
            f"below tasks/tables or FULLCOURT_EXTRA_TABLES_DIR, and restore again. There are "
            f"{', '.join(sorted(tables))}; nothing was put back"
        )
    table = tables[name.table]
    backup = table.model_copy(update={"dataset": run.settings.backup_dataset, "name": str(name)})
    there = warehouse.schema([table, backup])
    if table.full_name not in there:
        raise SchemaError(
            f"table {table.full_name} does not exist any more: create it, with the columns of "
            f"{run.settings.backup_dataset}.{name}, and restore again; nothing was put back"
        )
    now, then = there[table.full_name], there.get(backup.full_name, Columns())
    if gone := [column for column, kind in then.items() if now.get(column) != kind]:
        sql = queries.values_in(table, backup.full_name, gone)
        (row,) = warehouse.fetch(sql, {"cutoff": name.cutoff})
        if lost := [f"{column} {then[column]}" for nth, column in enumerate(gone) if row[f"column_{nth}"]]:
            raise SchemaError(
                f"{table.full_name} has no column {', '.join(lost)}, of which {name} holds values: add it, of this "
                "type, and restore again; nothing was put back"
            )
    return [column for column in then if column not in gone]


def _location(run: Run, name: BackupName) -> str:
    return f"{run.settings.backup_dataset}.{name}"

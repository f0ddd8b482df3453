"""Find a backup, compare it with its table, and put back what is missing."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.domain.cleanup import BackupName, RestorePreview
from tasks.domain.errors import RequestError
from tasks.origin import current_origin
from tasks.settings import Settings
from tasks.tables import cleanup as queries
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Warehouse
from tasks.warehouse.open import open_warehouse


@task(name="find-backup", task_run_name="find {backup}", cache_policy=NO_CACHE, persist_result=False)
def find_backup(settings: Settings, backup: str) -> BackupName:
    """Return what a backup's name says, if the backup is there.

    Raises:
        RequestError: It is not; the message names those that are.
    """
    with open_warehouse(settings.connection(), current_origin("find-backup")) as warehouse:
        there = [kept.name for kept in warehouse.backups()]
    name = BackupName.parse(backup)
    if name is None or backup not in there:
        known = ", ".join(reversed(there)) or "none"
        raise RequestError(f"backup={backup!r}: there is no such backup; there are, newest first: {known}")
    return name


@task(name="count-missing", task_run_name="compare {name.table}", cache_policy=NO_CACHE, persist_result=False)
def count_missing(settings: Settings, name: BackupName, step: str = "compare") -> RestorePreview:
    """Count the rows of a backup that the table lacks, by key.

    Args:
        settings: The application's.
        name: The backup.
        step: What it is for: another step of a run asks anew, the same one may get the answer that it had.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    with open_warehouse(settings.connection(), current_origin(step, table=name.table)) as warehouse:
        preview = count_missing_rows(settings, warehouse, name)
    get_run_logger().info(
        "%s: the table lacks %d of the %d rows of %s", preview.full_name, preview.missing, preview.row_count, name
    )
    return preview


@task(name="restore", task_run_name="restore {name.table}", cache_policy=NO_CACHE, persist_result=False)
def restore_rows(settings: Settings, name: BackupName) -> int:
    """Insert the rows of a backup that the table lacks, by key, all or none; returns how many.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    table = load_catalogue(settings).table(name.table)
    sql = queries.restore_rows(table, _location(settings, name))
    with open_warehouse(settings.connection(), current_origin("restore", table=name.table)) as warehouse:
        return warehouse.change(table, sql, {"cutoff": name.cutoff})


def count_missing_rows(settings: Settings, warehouse: Warehouse, name: BackupName) -> RestorePreview:
    """Count the rows of a backup that the table lacks, over a connection that is open."""
    table = load_catalogue(settings).table(name.table)
    (row,) = warehouse.fetch(queries.missing_rows(table, _location(settings, name)), {"cutoff": name.cutoff})
    return RestorePreview(backup=str(name), full_name=table.full_name, cutoff=name.cutoff, **row)


def _location(settings: Settings, name: BackupName) -> str:
    return f"{settings.backup_dataset}.{name}"

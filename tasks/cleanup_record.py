"""Keep the audit log of cleanups: prepare it, write it, and settle what a run that died has left open."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.backups import count_missing_rows
from tasks.domain.cleanup import BackupName, CleanedTable, CleanupRequest
from tasks.origin import current_origin, current_run, is_over
from tasks.retry import retrying
from tasks.schema import prepare_tables
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Backup, Warehouse
from tasks.warehouse.open import open_warehouse

LOG = "cleanup_operations"
LONGEST_CLEANUP = timedelta(hours=6)
"""After this, a backup without an audit row belongs to a run that died, even if Prefect has not heard of its end."""

RECORDED = """SELECT cleanup_id
FROM nba_orchestration.cleanup_operations
WHERE cleanup_time >= @since"""


def begin_log(settings: Settings, request: CleanupRequest) -> None:
    """Do what ``open_log`` does, but nothing in a run that only looks."""
    if not request.only_looks:
        retrying(open_log)(settings)


def drop_old_backups(settings: Settings, request: CleanupRequest, as_of: datetime) -> tuple[str, ...]:
    """Do what ``drop_expired_backups`` does, but nothing in a run that only looks."""
    if request.only_looks:
        return ()
    return retrying(drop_expired_backups)(settings, as_of)


@task(name="open-log", task_run_name="open the audit log", cache_policy=NO_CACHE, persist_result=False)
def open_log(settings: Settings) -> tuple[CleanedTable, ...]:
    """Make sure that the audit log can be written, and write the rows of cleanups whose run died before it could.

    A backup without an audit row belongs to such a cleanup, if its run is over. What was deleted is what the table now
    lacks of the backup.

    Returns:
        The rows that were written for others. Grain: cleanup_id.

    Raises:
        SchemaError: The log has other columns; nothing was deleted.
        TransientError: Another attempt can succeed; the task is retried.
    """
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection(), current_origin("open-log")) as warehouse:
        prepare_tables(warehouse, catalogue, inputs=[], written=[LOG, "cleanup_history"])
        settled = tuple(_settle(settings, warehouse, name) for name in _open_backups(warehouse))
        for cleaned in settled:
            get_run_logger().warning("%s: %s", cleaned.line, cleaned.cleanup_id)
    for cleaned in settled:
        write_row(settings, cleaned)
    return settled


@task(name="record", task_run_name="record {cleaned.table_name}", cache_policy=NO_CACHE, persist_result=False)
def record_cleanup(settings: Settings, cleaned: CleanedTable) -> None:
    """Write a row of the audit log.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    write_row(settings, cleaned)


@task(name="drop-expired-backups", task_run_name="drop expired backups", cache_policy=NO_CACHE, persist_result=False)
def drop_expired_backups(settings: Settings, as_of: datetime) -> tuple[str, ...]:
    """Drop the backups that have passed their time; returns their names.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    with open_warehouse(settings.connection(), current_origin("drop-expired-backups")) as warehouse:
        expired = [backup for backup in warehouse.backups() if backup.expires_at <= as_of]
        for backup in expired:
            warehouse.drop_backup(backup)
    return tuple(backup.name for backup in expired)


def write_row(settings: Settings, cleaned: CleanedTable) -> None:
    """Append a row to the audit log."""
    table = load_catalogue(settings).table(LOG)
    with open_warehouse(settings.connection(), current_origin("record", part=cleaned.cleanup_id)) as warehouse:
        warehouse.append(table, [cleaned.model_dump()])


def _open_backups(warehouse: Warehouse) -> Iterator[BackupName]:
    """Yield the backups of cleanups that have ended without an audit row."""
    backups = warehouse.backups()
    if not backups:
        return
    since = min(backup.created_at for backup in backups)
    recorded = {row["cleanup_id"] for row in warehouse.fetch(RECORDED, {"since": since})}
    for backup in backups:
        name = BackupName.parse(backup.name)
        if name is not None and backup.name not in recorded and _has_ended(name, backup):
            yield name


def _has_ended(name: BackupName, backup: Backup) -> bool:
    run_id, attempt = current_run()
    if name.run_id == run_id:
        return name.attempt < attempt
    return datetime.now(UTC) - backup.created_at > LONGEST_CLEANUP or is_over(name.run_id)


def _settle(settings: Settings, warehouse: Warehouse, name: BackupName) -> CleanedTable:
    preview = count_missing_rows(settings, warehouse, name)
    what = (
        f"{preview.missing} of the backup's {preview.row_count} rows are gone" if preview.missing else "nothing is gone"
    )
    return CleanedTable(
        cleanup_id=str(name),
        cleanup_type="interrupted",
        table_name=preview.full_name,
        ttl_days=None,
        cutoff=name.cutoff,
        previewed=None,
        deleted=preview.missing,
        backup_name=str(name),
        errors=f"the run ended before it wrote this row; {what}",
        notes=f"written by run {current_run()[0]}",
        run_id=name.run_id,
        cleanup_time=datetime.now(UTC),
        duration_seconds=0.0,
    )

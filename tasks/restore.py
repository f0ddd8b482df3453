"""Put a backup's rows back, and record it."""

from datetime import UTC, datetime

from tasks.backups import count_missing, restore_rows
from tasks.cleanup_record import open_log, record_cleanup
from tasks.domain.cleanup import BackupName, CleanedTable, RestorePreview
from tasks.domain.errors import FullcourtError, QueryError, describe_error
from tasks.limits import writing
from tasks.origin import current_run
from tasks.retry import retrying
from tasks.settings import Settings


def restore_backup(settings: Settings, name: BackupName, preview: RestorePreview) -> int:
    """Put the missing rows back, verify that none is missing, and write the audit row, whatever came of it.

    Returns:
        The rows put back, by the engine's own count.

    Raises:
        WarehouseBusyError: A backfill did not let go of the table in time; nothing was put back.
        WarehouseError: The warehouse refused, or rows are missing still.
    """
    started_at = datetime.now(UTC)
    retrying(open_log)(settings)
    restored = 0
    problem: FullcourtError | None = None
    with writing(settings, [name.table]):
        try:
            restored = retrying(restore_rows)(settings, name)
            if missing := retrying(count_missing)(settings, name, "verify").missing:
                problem = QueryError(f"{preview.full_name} still lacks {missing} rows of {name}; restore it again")
        except FullcourtError as error:
            problem = error
    run_id, attempt = current_run()
    now = datetime.now(UTC)
    retrying(record_cleanup)(
        settings,
        CleanedTable(
            cleanup_id=f"restore__{name.table}__{run_id.replace('-', '_')}__{attempt}",
            cleanup_type="restore",
            table_name=preview.full_name,
            ttl_days=None,
            cutoff=name.cutoff,
            previewed=preview.missing,
            restored=restored,
            backup_name=str(name),
            verified=problem is None,
            errors=describe_error(problem) if problem else None,
            run_id=run_id,
            cleanup_time=now,
            duration_seconds=(now - started_at).total_seconds(),
        ),
    )
    if problem is not None:
        raise problem
    return restored

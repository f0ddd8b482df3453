"""Put a backup's rows back, and record it."""

from datetime import UTC, datetime

from prefect.runtime import flow_run

from tasks.cleanup.audit import Operation
from tasks.cleanup.backups import count_missing, restore_rows
from tasks.cleanup.record import begin_operations, count_attempts, open_log, record_operation
from tasks.cleanup.rules import RestorePreview
from tasks.errors import FullcourtError, QueryError, describe_error
from tasks.printable import printable
from tasks.runtime.limits import writing
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying
from tasks.warehouse.backup_name import BackupName


def name_restore() -> str:
    """Return the name of the current run: the backup that it was asked for."""
    return printable(str(flow_run.get_parameters().get("backup")))


def restore_backup(run: Run, name: BackupName, preview: RestorePreview) -> int:
    """Put the missing rows back, verify that none is missing, and write the audit row, whatever came of it.

    Returns:
        The rows put back, by the engine's own count.

    Raises:
        WarehouseBusyError: A backfill did not release the table in time, or another Prefect server's run is at work
            on it; nothing was put back.
        WarehouseError: The warehouse refused, or rows are missing still.
    """
    retrying(open_log)(run)
    attempt = retrying(count_attempts)(run)
    planned = Operation(
        cleanup_id=f"restore__{name.table}__{run.id.replace('-', '_')}__{attempt}",
        cleanup_type="restore",
        table_name=preview.full_name,
        ttl_days=None,
        cutoff=name.cutoff,
        previewed=preview.missing,
        backup_name=str(name),
        run_id=run.id,
        cleanup_time=datetime.now(UTC),
    )
    restored = 0
    problem: FullcourtError | None = None
    with writing(run.settings, [name.table]):
        retrying(begin_operations)(run, [planned])
        try:
            restored = retrying(restore_rows)(run, name)
            if missing := retrying(count_missing)(run, name, "verify").missing:
                problem = QueryError(f"{preview.full_name} still lacks {missing} rows of {name}; restore it again")
        except FullcourtError as error:
            problem = error
        said = describe_error(problem) if problem else None
        ended = planned.ended(datetime.now(UTC), restored=restored, verified=problem is None, errors=said)
        retrying(record_operation)(run, ended)
    if problem is not None:
        raise problem
    return restored

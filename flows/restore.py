"""The restore: find the rows that a table lacks of a backup, put them back, report."""

from datetime import UTC, datetime

from prefect.client.schemas.objects import State

from tasks.cleanup.backups import count_missing, find_backup
from tasks.cleanup.report import RestoreReport, report_restore
from tasks.cleanup.restore import name_restore, restore_backup
from tasks.cleanup.rules import RestoreRequest
from tasks.parameters import check
from tasks.runtime.boundary import main_flow, state_of
from tasks.runtime.clock import check_clock
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying
from tasks.settings import load_settings


@main_flow("restore", run_name=name_restore)
def restore(backup: str, dry_run: bool = True) -> State[RestoreReport]:
    """Put the rows of a cleanup's backup back: only those missing, never a duplicate, never over newer rows.

    A row is missing if the table has none of its key. The next cleanup takes rows before its cutoff again.

    Args:
        backup: The backup's name, from the audit log nba_orchestration.cleanup_operations.
        dry_run: Show which rows are missing and put none back.

    Returns:
        A Completed state with the report.

    Raises:
        RequestError: A parameter is invalid, there is no such backup, or no table folder of its table: the message
            names those there are; nothing was started.
        SchemaError: The table is not there, or has lost a column of which the backup holds values; nothing was put
            back.
        SettingsError: A setting is invalid; nothing was started.
        ClockError: The clock is not the Prefect server's; nothing was put back.
        WarehouseBusyError: A backfill did not release the table in time; nothing was put back.
    """
    run = Run.begin(load_settings())
    request = check(RestoreRequest, backup=backup, dry_run=dry_run)
    check_clock(datetime.now(UTC))
    name = retrying(find_backup)(run, request.backup)
    preview = retrying(count_missing)(run, name)
    restored = None if request.dry_run else restore_backup(run, name, preview)
    report = report_restore(preview, restored)
    return state_of(report, is_done=True)

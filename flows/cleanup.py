"""The cleanup: preview, ask for approval, back up, delete, verify, report."""

from datetime import UTC, datetime

from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from tasks.calendar import league_day
from tasks.cleanup.approve import approve, name_cleanup
from tasks.cleanup.delete import clean_tables, preview_tables
from tasks.cleanup.doubt import doubt_today
from tasks.cleanup.record import begin_log, drop_old_backups
from tasks.cleanup.report import CleanupReport, report_cleanup
from tasks.cleanup.rules import CleanupRequest, Days, Seconds, Trigger
from tasks.errors import IncompleteError
from tasks.parameters import check
from tasks.runtime.boundary import main_flow, state_of
from tasks.runtime.clock import check_clock
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying
from tasks.settings import load_settings


@main_flow("cleanup", run_name=name_cleanup)
def cleanup(
    ttl_days: Days | None = None,
    dry_run: bool | None = None,
    approval: bool = False,
    approval_timeout_seconds: Seconds = 3600,
    cleanup_type: Trigger = "by_hand",
) -> State[CleanupReport]:
    """Delete the rows of the upcoming tables that are past their time to live; every row is backed up first.

    A row is stale if its game_date is more than ttl_days before today in New York. What arrives after the preview is
    left for the next run. One table's failure does not stop the other.

    Args:
        ttl_days: Age in days that a row may have; without it, the ttl_days of each table.yaml.
        dry_run: Show what is stale and delete nothing; without it, true unless approval is.
        approval: Pause with the preview, and delete only after a person has typed the number of rows.
        approval_timeout_seconds: Seconds that a person has to answer; after that nothing is deleted.
        cleanup_type: What the audit log says of the run.

    Returns:
        A Completed state with the report if all is well; a Cancelled one if a person did not approve; a Failed one if
        anything went wrong with a table.

    Raises:
        RequestError: A parameter is invalid; nothing was started.
        SettingsError: A setting is invalid; nothing was started.
        ClockError: The clock contradicts the server's or the data, and no approval was asked for; nothing was deleted.
        WarehouseBusyError: A backfill did not release the tables in time, or another Prefect server's cleanup is at
            work; nothing was deleted.
    """
    run, started_at = Run.begin(load_settings()), datetime.now(UTC)
    request = check(
        CleanupRequest,
        as_of=league_day(started_at),
        ttl_days=ttl_days,
        dry_run=dry_run,
        approval=approval,
        approval_timeout_seconds=approval_timeout_seconds,
        cleanup_type=cleanup_type,
    )
    check_clock(started_at)
    begin_log(run, request)
    previews = preview_tables(run, request)
    doubts = retrying(doubt_today)(run, previews)
    answer = approve(run, request, previews, doubts)
    tables = clean_tables(run, request, previews, answer)
    dropped = drop_old_backups(run, request, doubts, started_at)
    report = report_cleanup(run, request, previews, doubts, answer, tables, dropped)
    if report.refusal:
        return Cancelled(message=report.summary, data=IncompleteError(report))
    return state_of(report, is_done=report.is_done)

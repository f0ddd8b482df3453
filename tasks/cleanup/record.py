"""Keep the audit log of cleanups and restores: what is about to be done, what came of it, what a dead run left open.

The interlock of tasks/runtime/limits.py is one Prefect server's, and two servers may work on one warehouse. So the log,
which is in the warehouse, says what is at work: what another server's run has begun is not taken for over while it is
young.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import get_run_logger

from tasks.cleanup.audit import LONGEST, Operation, before_the_log, next_attempt, open_operations
from tasks.cleanup.backups import count_missing_rows
from tasks.cleanup.rules import CleanupRequest
from tasks.errors import TerminalError, WarehouseBusyError, describe_error
from tasks.runtime.origin import is_over, server_identity
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.base import Warehouse
from tasks.warehouse.schema import prepare_tables

LOG = "cleanup_operations"

READ_LOG = "SELECT * FROM nba_orchestration.cleanup_operations"


def begin_log(run: Run, request: CleanupRequest) -> None:
    """Do what ``open_log`` does, but nothing in a run that only previews."""
    if not request.previews_only:
        retrying(open_log)(run)


def drop_old_backups(run: Run, request: CleanupRequest, doubts: Sequence[str], as_of: datetime) -> tuple[str, ...]:
    """Do what ``drop_expired_backups`` does, but nothing in a run that only previews, or that doubts the date."""
    if request.previews_only or doubts:
        return ()
    return retrying(drop_expired_backups)(run, as_of)


@step("open-log", run_name="open the audit log")
def open_log(run: Run) -> None:
    """Make sure that the audit log can be written.

    Raises:
        SchemaError: The log has other columns; nothing was deleted.
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("open-log") as warehouse:
        prepare_tables(warehouse, run.catalogue, inputs=[], written=[LOG, "cleanup_history"])


@step("count-attempts", run_name="read the audit log")
def count_attempts(run: Run) -> int:
    """Return the number of this attempt of the run, from 1, by the rows of those before.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("count-attempts") as warehouse:
        return next_attempt(warehouse.fetch(READ_LOG), run.id, run.attempt)


@step("begin", run_name="write what is about to be done")
def begin_operations(run: Run, planned: Sequence[Operation]) -> None:
    """Write what is about to be done, and what became of what dead runs have begun with the same tables.

    The tables' interlock is held. What another server's run has begun meanwhile is seen by one of the two, or by both:
    the one that sees it withdraws.

    Args:
        run: The current one.
        planned: What is about to be done, all or nothing of it.

    Raises:
        WarehouseBusyError: Another Prefect server's run is at work on one of the tables; nothing was changed.
        TransientError: Another attempt can succeed; the task is retried.
    """
    server, now = server_identity(), datetime.now(UTC)
    begun = [operation.begun(server) for operation in planned]
    tables = {operation.table_name for operation in planned}
    with run.warehouse("begin") as warehouse:
        found = [each for each in _unfinished(run, warehouse) if each.table_name in tables]
        over = [each for each in found if _has_ended(run, each, server, now)]
        _refuse_others([each for each in found if each not in over], server)
        there = {backup.name for backup in warehouse.backups()}
        reconciled = [_reconcile(run, warehouse, each, there) for each in over]
        _append(run, warehouse, [*reconciled, *begun])
    for operation in reconciled:
        get_run_logger().warning("%s: %s", operation.line, operation.cleanup_id)
    with run.warehouse("look-again") as warehouse:
        try:
            _refuse_others(
                [each for each in open_operations(warehouse.fetch(READ_LOG)) if each.table_name in tables], server
            )
        except WarehouseBusyError as error:
            said = describe_error(error)
            _append(run, warehouse, [each.ended(datetime.now(UTC), errors=said) for each in planned])
            raise


@step("record", run_name="record {operation.table_name}")
def record_operation(run: Run, operation: Operation) -> None:
    """Write what came of it to the audit log.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    write_row(run, operation)


@step("drop-expired-backups", run_name="drop expired backups")
def drop_expired_backups(run: Run, as_of: datetime) -> tuple[str, ...]:
    """Drop the backups that have passed their time; returns their names.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("drop-expired-backups") as warehouse:
        expired = [backup for backup in warehouse.backups() if backup.expires_at <= as_of]
        for backup in expired:
            warehouse.drop_backup(backup)
    return tuple(backup.name for backup in expired)


def write_row(run: Run, operation: Operation) -> None:
    """Append a row to the audit log."""
    with run.warehouse("record", part=operation.cleanup_id) as warehouse:
        _append(run, warehouse, [operation])


def _append(run: Run, warehouse: Warehouse, operations: Sequence[Operation]) -> None:
    warehouse.append(run.catalogue.table(LOG), [operation.model_dump() for operation in operations])


def _unfinished(run: Run, warehouse: Warehouse) -> Iterator[Operation]:
    """Yield the operations that have begun and not ended, and one for each backup without a row."""
    log = warehouse.fetch(READ_LOG)
    yield from open_operations(log)
    yield from _unrecorded(run, warehouse, log)


def _unrecorded(run: Run, warehouse: Warehouse, log: Sequence[Mapping[str, Any]]) -> Iterator[Operation]:
    known, tables = {row["cleanup_id"] for row in log}, run.catalogue.tables
    for backup in warehouse.backups():
        name = BackupName.parse(backup.name)
        if name is not None and backup.name not in known and name.table in tables:
            yield before_the_log(name, tables[name.table].full_name, backup.created_at)


def _has_ended(run: Run, operation: Operation, server: str, now: datetime) -> bool:
    """Tell whether an operation's run is known to be over; another server's is when it has taken too long."""
    if operation.run_id == run.id or now - operation.cleanup_time > LONGEST:
        return True
    return operation.server in {server, None} and is_over(operation.run_id)


def _refuse_others(at_work: Sequence[Operation], server: str) -> None:
    """Refuse to work beside a run of another Prefect server.

    Raises:
        WarehouseBusyError: There is one.
    """
    for operation in at_work:
        if operation.server not in {server, None}:
            raise WarehouseBusyError(
                f"{operation.table_name} is at work on by run {operation.run_id} of another Prefect server, "
                f"{operation.server}, since {operation.cleanup_time:%Y-%m-%d %H:%M} UTC ({operation.cleanup_id}); "
                "nothing was changed. Let it end, then run this again; if it is dead, a cleanup on its own server "
                f"closes it at once, and any other one {LONGEST.total_seconds() / 3600:g} hours after its beginning"
            )


def _reconcile(run: Run, warehouse: Warehouse, operation: Operation, there: set[str]) -> Operation:
    """Return the row that a run did not come to write, by what the table lacks of its backup now."""
    is_restore, name = operation.cleanup_type == "restore", BackupName.parse(operation.backup)
    deleted, restored, backup_name = 0, 0, None
    if name is None or operation.backup not in there:
        what = "no backup of it is there: nothing was deleted, or the backup has expired"
    else:
        try:
            preview = count_missing_rows(run, warehouse, name)
        except TerminalError as error:
            what = f"its backup cannot be compared with the table: {describe_error(error)}"
        else:
            what = f"{preview.missing} of the backup's {preview.row_count} rows are gone"
            if is_restore:
                restored = max((operation.previewed or 0) - preview.missing, 0)
                what = f"{restored} rows were put back; {what}"
            else:
                deleted, backup_name = preview.missing, str(name)
                what = what if deleted else "nothing is gone"
    now = datetime.now(UTC)
    return operation.ended(
        now,
        deleted=deleted,
        restored=restored,
        backup_name=backup_name,
        cleanup_type=None if is_restore else "interrupted",
        errors=f"the run ended before it wrote this row; {what}",
        notes=f"written by run {run.id}",
        started_at=now,  # how long it took is unknown
    )

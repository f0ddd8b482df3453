"""Clean up the tables that have a time to live: preview, back up, delete and verify, one table after the other."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.cleanup.audit import Operation
from tasks.cleanup.backups import count_missing, restore_rows
from tasks.cleanup.record import begin_operations, count_attempts, record_operation
from tasks.cleanup.rules import Approval, CleanupRequest, Confirmed, DayRows, Deletion, TablePreview, confirm, verify
from tasks.errors import FullcourtError, SchemaError, StreamingBufferError, describe_error
from tasks.runtime.limits import writing
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.tables import cleanup as queries
from tasks.tables.spec import TableSpec
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.base import Warehouse
from tasks.warehouse.schema import differences


def preview_tables(run: Run, request: CleanupRequest) -> tuple[TablePreview, ...]:
    """Preview every table that has a time to live; one that cannot be read stops no other.

    Returns:
        One preview for each table, by name.
    """
    previews = []
    for table in run.catalogue.with_ttl:
        blank = TablePreview(
            table=table.name,
            full_name=table.full_name,
            ttl_days=request.ttl(table.ttl_days),
            cutoff=request.cutoff(table.ttl_days),
            started_at=datetime.now(UTC),
        )
        try:
            previews.append(retrying(preview_table)(run, blank))
        except FullcourtError as error:
            previews.append(blank.model_copy(update={"error": describe_error(error)}))
    return tuple(previews)


def clean_tables(
    run: Run, request: CleanupRequest, previews: Sequence[TablePreview], approval: Approval
) -> tuple[Operation, ...]:
    """Delete what is stale and approved, while no backfill reads the tables; nothing in a dry run.

    Returns:
        What came of each table. Grain: table.

    Raises:
        WarehouseBusyError: A backfill did not release the tables in time; nothing was deleted.
    """
    if request.previews_only:
        return ()
    attempt = retrying(count_attempts)(run)
    names = [BackupName(table=each.table, cutoff=each.cutoff, run_id=run.id, attempt=attempt) for each in previews]
    planned = [_plan(request, preview, approval, name) for preview, name in zip(previews, names, strict=True)]
    with writing(run.settings, [] if approval.refusal else [preview.table for preview in previews]):
        if not approval.refusal:
            retrying(begin_operations)(run, planned)
        states = [
            clean_table(run, preview, approval, name, operation, return_state=True)
            for preview, name, operation in zip(previews, names, planned, strict=True)
        ]
    return tuple(_result(state) for state in states)


@step("preview", run_name="preview {blank.table}")
def preview_table(run: Run, blank: TablePreview) -> TablePreview:
    """Count the stale rows of a table by day, and those that have no day.

    Raises:
        SchemaError: The table or a column is missing or has another type.
        TransientError: Another attempt can succeed; the task is retried.
    """
    table = run.catalogue.table(blank.table)
    with run.warehouse("preview", table=table.name) as warehouse:
        if problems := differences(table, warehouse.schema([table])):
            raise SchemaError("; ".join(problems))
        stale = _stale_days(warehouse, table, blank.cutoff)
        (undated,) = warehouse.fetch(queries.undated_rows(table))
    preview = blank.model_copy(update={"stale": stale, "undated_rows": undated["row_count"]})
    get_run_logger().info(
        "%s: %d rows of %d days are before %s (%s to %s)",
        preview.full_name,
        preview.row_count,
        len(stale),
        preview.cutoff,
        preview.oldest,
        preview.newest,
    )
    return preview


@step("clean", run_name="clean {preview.table}")
def clean_table(
    run: Run, preview: TablePreview, approval: Approval, name: BackupName, planned: Operation
) -> State[Operation]:
    """Clean up one table and write its audit row; what goes wrong with it is its result, and stops no other table.

    Returns:
        A Completed state if nothing went wrong, otherwise a Failed one; either holds the Operation.
    """
    cleaned = _clean(run, preview, approval, name, planned)
    try:
        retrying(record_operation)(run, cleaned)
    except FullcourtError as error:
        said = f"the audit row was not written, the next cleanup writes it: {describe_error(error)}"
        cleaned = cleaned.model_copy(update={"errors": "; ".join(filter(None, [cleaned.errors, said]))})
    logger = get_run_logger()
    if cleaned.errors is None:
        logger.info("%s", cleaned.line)
        return Completed(message=cleaned.line, data=cleaned)
    logger.error("%s", cleaned.line)
    return Failed(message=cleaned.line, data=cleaned)


def _plan(request: CleanupRequest, preview: TablePreview, approval: Approval, name: BackupName) -> Operation:
    """Return what is about to be done with a table."""
    return Operation(
        cleanup_id=str(name),
        cleanup_type=request.cleanup_type,
        table_name=preview.full_name,
        ttl_days=preview.ttl_days,
        cutoff=preview.cutoff,
        previewed=None if preview.error else preview.row_count,
        run_id=name.run_id,
        approved_by=approval.approved_by,
        cleanup_time=datetime.now(UTC),
    )


def _result(state: State[Any]) -> Operation:
    """Return what came of a table; what is wrong with it does not make its task raise."""
    value: Any = state.result(raise_on_failure=False)
    if not isinstance(value, Operation):
        raise value
    return value


def _clean(run: Run, preview: TablePreview, approval: Approval, name: BackupName, planned: Operation) -> Operation:
    """Return what came of a table."""
    ended = partial(planned.ended, started_at=preview.started_at)
    notes, problems = list(preview.notes), list[str]()
    if problem := preview.error or approval.refusal:
        return ended(datetime.now(UTC), errors=problem, notes=_joined(notes))
    if not preview.stale:
        return ended(datetime.now(UTC), notes=_joined(notes))
    backup_name, deleted, restored, verified = None, None, 0, None
    try:
        confirmed = retrying(back_up_rows)(run, preview, name)
        backup_name = str(name)
        notes += confirmed.notes
        problems += [confirmed.error] if confirmed.error else []
        if confirmed.days:
            deletion = retrying(delete_rows)(run, preview, confirmed)
            deleted = deletion.deleted
            notes += deletion.notes
            problems += retrying(verify_rows)(run, preview, confirmed, deletion)
            verified = not problems
            if problems:
                restored = retrying(restore_rows)(run, name)
                problems.append(f"{restored} rows were put back from the backup")
    except FullcourtError as error:
        problems.append(describe_error(error))
        if backup_name and deleted is None:
            deleted = retrying(count_missing)(run, name).missing
    return ended(
        datetime.now(UTC),
        deleted=deleted or 0,
        restored=restored,
        verified=verified,
        backup_name=backup_name,
        errors=_joined(problems),
        notes=_joined(notes),
    )


def _joined(texts: Sequence[str]) -> str | None:
    return "; ".join(texts) or None


@step("back-up", run_name="back up {preview.table}")
def back_up_rows(run: Run, preview: TablePreview, name: BackupName) -> Confirmed:
    """Keep the stale rows, read them back, and say which days are the same in preview, table and backup.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    table = run.catalogue.table(preview.table)
    expires_at = datetime.now(UTC) + timedelta(days=run.settings.backup_days)
    with run.warehouse("back-up", table=table.name) as warehouse:
        backup = warehouse.back_up(table, str(name), before=preview.cutoff, expires_at=expires_at)
        kept = _stale_days(warehouse, table, preview.cutoff, backup.location)
        now = _stale_days(warehouse, table, preview.cutoff)
        return confirm(preview.stale, now, kept, streamed_rows=warehouse.streamed_rows(table))


@step("delete", run_name="delete from {preview.table}")
def delete_rows(run: Run, preview: TablePreview, confirmed: Confirmed) -> Deletion:
    """Delete the confirmed days that are still what they were, each as a whole.

    Raises:
        TransientError: Another attempt can succeed; the task is retried. Nothing is half-deleted.
        WarehouseError: The warehouse refused.
    """
    table = run.catalogue.table(preview.table)
    with run.warehouse("delete", table=table.name) as warehouse:
        kept = _kept_rows(warehouse, table, preview.cutoff)
        try:
            return Deletion(deleted=_delete(warehouse, table, preview.cutoff, confirmed.days), kept=kept)
        except StreamingBufferError:
            deleted, notes = 0, []
        for day in confirmed.days:
            try:
                deleted += _delete(warehouse, table, preview.cutoff, [day])
            except StreamingBufferError as error:
                notes.append(f"{day.game_date} is left for the next run: {error}")
        return Deletion(deleted=deleted, kept=kept, notes=tuple(notes))


@step("verify", run_name="verify {preview.table}")
def verify_rows(run: Run, preview: TablePreview, confirmed: Confirmed, deletion: Deletion) -> tuple[str, ...]:
    """Read both sides back: that no confirmed row is left, and that every other row is still there.

    Returns:
        What is wrong; nothing if all is well.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    table = run.catalogue.table(preview.table)
    with run.warehouse("verify", table=table.name) as warehouse:
        stale_now = _stale_days(warehouse, table, preview.cutoff)
        kept_now = _kept_rows(warehouse, table, preview.cutoff)
    return verify(deletion, confirmed, stale_now=stale_now, kept_now=kept_now)


def _delete(warehouse: Warehouse, table: TableSpec, cutoff: date, days: Sequence[DayRows]) -> int:
    confirmed = [day.fingerprint for day in days]
    return warehouse.change(table, queries.delete_days(table), {"cutoff": cutoff, "confirmed": confirmed})


def _stale_days(
    warehouse: Warehouse, table: TableSpec, cutoff: date, location: str | None = None
) -> tuple[DayRows, ...]:
    rows = warehouse.fetch(queries.stale_days(table, location), {"cutoff": cutoff})
    return tuple(DayRows.model_validate(row) for row in rows)


def _kept_rows(warehouse: Warehouse, table: TableSpec, cutoff: date) -> Mapping[str, int]:
    return {row["digest"]: row["copies"] for row in warehouse.fetch(queries.kept_rows(table), {"cutoff": cutoff})}

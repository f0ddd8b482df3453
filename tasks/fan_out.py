"""Run one date task a day, concurrently, with no more than a window of them in flight."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from tasks.backfill_date import DayOptions, backfill_date
from tasks.domain.checkpoint import Checkpoint
from tasks.domain.plan import DayPlan
from tasks.domain.request import BackfillRequest
from tasks.domain.result import DayResult, TableResult
from tasks.origin import current_origin, current_run
from tasks.progress import Progress
from tasks.settings import Settings
from tasks.warehouse.open import open_warehouse


def run_days(settings: Settings, request: BackfillRequest, plan: Sequence[DayPlan]) -> list[DayResult]:
    """Do every day that needs work.

    After ``stop_after_identical_failures`` days in a row that failed of the same cause, in the order in which they
    ended, the rest is not tried: what broke them would break the others too.

    Returns:
        One result for each day of the plan, in order.
    """
    run_id, attempt = current_run()
    options = DayOptions(
        as_of=request.as_of,
        run_id=run_id,
        attempt=attempt,
        force=request.force,
        dry_run=request.dry_run,
        context_source=request.context_source,
    )
    todo = [day for day in plan if day.needs_work]
    results = {day.game_date: _settled(day) for day in plan if not day.needs_work}
    # The connection is not used: holding one keeps the file, and what is cached of it, open between tasks.
    with open_warehouse(settings.connection(), current_origin("hold")), Progress(settings, total=len(todo)) as progress:
        for result in _run_window(settings, options, todo, request):
            results[result.game_date] = result
            progress.advance(result)
    return [results.get(day.game_date) or DayResult(game_date=day.game_date, settled="not_tried") for day in plan]


def _run_window(
    settings: Settings, options: DayOptions, todo: Sequence[DayPlan], request: BackfillRequest
) -> Iterator[DayResult]:
    ended: SimpleQueue[PrefectFuture[Any]] = SimpleQueue()
    waiting = list(reversed(todo))
    in_flight, same = 0, 0
    last_cause: str | None = None
    days: dict[UUID, DayPlan] = {}
    while waiting or in_flight:
        while waiting and in_flight < request.max_concurrency:
            day = waiting.pop()
            future = backfill_date.submit(settings, options, day)
            days[future.task_run_id] = day
            future.add_done_callback(lambda done: ended.put(done))
            in_flight += 1
        future = ended.get()
        in_flight -= 1
        result = _result(future, days.pop(future.task_run_id), options)
        yield result
        same = same + 1 if result.cause is not None and result.cause == last_cause else int(result.cause is not None)
        last_cause = result.cause
        if same >= request.stop_after_identical_failures and waiting:
            get_run_logger().error(
                "%d days in a row failed with %s; %d days are not tried: mend the cause, then run the range again",
                same,
                last_cause,
                len(waiting),
            )
            waiting.clear()


def _result(future: PrefectFuture[Any], day: DayPlan, options: DayOptions) -> DayResult:
    """Return what came of a day, also if its task itself broke."""
    value = future.result(raise_on_failure=False)
    if isinstance(value, DayResult):
        return value
    now = datetime.now(UTC)
    tables = [
        TableResult(
            is_new=True,
            checkpoint=Checkpoint(
                table_name=table.table,
                game_date=day.game_date,
                run_id=options.run_id,
                attempt=options.attempt,
                outcome="failed",
                reason=type(value).__name__,
                message=f"{value}; no checkpoint was written, the next run does the day again",
                inputs=table.inputs,
                code_version=table.code_version,
                started_at=now,
                recorded_at=now,
            ),
        )
        for table in day.tables
        if table.action == "build"
    ]
    return DayResult(game_date=day.game_date, tables=tuple(tables))


def _settled(day: DayPlan) -> DayResult:
    """Return what is known of a day that needs no work."""
    kept = [TableResult(checkpoint=table.checkpoint, is_new=False) for table in day.tables if table.checkpoint]
    return DayResult(game_date=day.game_date, settled=day.settled, tables=() if day.settled else tuple(kept))

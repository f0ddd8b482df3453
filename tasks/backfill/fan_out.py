"""Run one date task a day, concurrently, with no more than a window of them in flight."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from tasks.backfill.batch import Batch, batched
from tasks.backfill.one_day import backfill_date, failure, kept
from tasks.backfill.plan import DayPlan
from tasks.backfill.progress import Progress
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.backfill.stopping import Failures
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import quoted


def run_days(run: Run, request: BackfillRequest, plan: Sequence[DayPlan]) -> list[DayResult]:
    """Do every day that needs work.

    After ``stop_after_identical_failures`` days in a row that failed of the same cause the rest is not tried, if what
    broke them would break the others too.

    Returns:
        One result for each day of the plan, in order.
    """
    todo = [day for day in plan if day.needs_work]
    waiting, stretch = list(todo), run.settings.connection().days_per_hold
    results = {day.game_date: _without_work(day) for day in plan if not day.needs_work}
    failures = Failures(request.stop_after_identical_failures)
    with Progress(run.settings, total=len(todo)) as progress:
        while waiting and not failures.are_enough:
            # The connection is not used: holding one keeps the file, and what is cached of it, open between tasks.
            with run.warehouse("hold"), batched(run, waiting, request, at_most=stretch) as batch:
                for result in _run_window(run, request, waiting, failures, batch):
                    results[result.game_date] = result
                    progress.advance(result)
    if len(results) < len(plan):
        get_run_logger().error(
            "%d days in a row failed with %s; %d days are not tried: fix the cause, then run the range again",
            failures.in_a_row,
            failures.cause,
            len(plan) - len(results),
        )
    return [results.get(day.game_date) or DayResult(game_date=day.game_date, skipped="not_tried") for day in plan]


def _run_window(
    run: Run,
    request: BackfillRequest,
    waiting: list[DayPlan],
    failures: Failures,
    batch: Batch,
) -> Iterator[DayResult]:
    """Do days that wait, no more than a window of them at once, until enough have ended or enough have failed.

    Args:
        run: The current one.
        request: What it was asked.
        waiting: The days to do; those that are begun are removed.
        failures: Those of the run.
        batch: What is known already of the first of them; no more days are begun than it has.
    """
    ended: SimpleQueue[PrefectFuture[Any]] = SimpleQueue()
    days, begun, probe = dict[UUID, DayPlan](), 0, UUID(int=0)

    def may_begin() -> bool:
        window = 1 if failures.are_in_doubt else request.max_concurrency
        return bool(waiting) and begun < batch.size and len(days) < window and not failures.are_enough

    while days or may_begin():
        while may_begin():
            is_probe, day = failures.are_in_doubt, waiting.pop(failures.place(len(waiting)))
            batch.turns.begin(day.game_date, [table.table for table in day.tables if table.needs_work])
            future = backfill_date.submit(quoted(run), quoted(request), quoted(day), quoted(batch))
            days[future.task_run_id], begun = day, begun + 1
            probe = future.task_run_id if is_probe else probe
            future.add_done_callback(lambda done: ended.put(done))
        future = ended.get()
        result = _result(run, future, days.pop(future.task_run_id))
        batch.turns.decide(result.game_date)
        failures.count(result, is_probe=future.task_run_id == probe)
        yield result


def _result(run: Run, future: PrefectFuture[Any], day: DayPlan) -> DayResult:
    """Return what came of a day, also if its task itself broke."""
    value = future.result(raise_on_failure=False)
    if isinstance(value, DayResult):
        return value
    problem = understand(value) if isinstance(value, Exception) else value
    message, now = f"{problem}; no checkpoint was written, the next run does the day again", datetime.now(UTC)
    tried = [failure(run, day, table, type(problem).__name__, message, now) for table in day.tables if table.needs_work]
    return DayResult(game_date=day.game_date, tried=tuple(tried))


def _without_work(day: DayPlan) -> DayResult:
    """Return the result of a day that needs no work."""
    return DayResult(game_date=day.game_date, skipped=day.skipped, kept=() if day.skipped else kept(day))

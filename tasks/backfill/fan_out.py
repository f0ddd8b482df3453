"""Run one date task a day, concurrently, with no more than a window of them in flight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from tasks.backfill.one_day import backfill_date, failure, kept
from tasks.backfill.plan import DayPlan
from tasks.backfill.progress import Progress
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import quoted


def run_days(run: Run, request: BackfillRequest, plan: Sequence[DayPlan]) -> list[DayResult]:
    """Do every day that needs work.

    After ``stop_after_identical_failures`` days in a row that failed of the same cause, in the order in which they
    ended, the rest is not tried: what broke them would break the others too.

    Returns:
        One result for each day of the plan, in order.
    """
    todo = [day for day in plan if day.needs_work]
    results = {day.game_date: _without_work(day) for day in plan if not day.needs_work}
    failures = _Failures(request.stop_after_identical_failures)
    with Progress(run.settings, total=len(todo)) as progress:
        for days in _stretches(todo, run.settings.connection().days_per_hold):
            if failures.are_enough:
                break
            # The connection is not used: holding one keeps the file, and what is cached of it, open between tasks.
            with run.warehouse("hold"):
                for result in _run_window(run, request, days, failures):
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


@dataclass
class _Failures:
    """How many days failed in a row of one cause; once there are enough, later ones change nothing."""

    limit: int
    cause: str | None = None
    in_a_row: int = 0

    def count(self, result: DayResult) -> None:
        if self.are_enough:
            return
        is_same = result.cause is not None and result.cause == self.cause
        self.in_a_row = self.in_a_row + 1 if is_same else int(result.cause is not None)
        self.cause = result.cause

    @property
    def are_enough(self) -> bool:
        return self.in_a_row >= self.limit


def _stretches(days: Sequence[DayPlan], length: int | None) -> Iterator[Sequence[DayPlan]]:
    length = length or max(1, len(days))  # a warehouse that gathers nothing is held throughout
    for start in range(0, len(days), length):
        yield days[start : start + length]


def _run_window(
    run: Run, request: BackfillRequest, todo: Sequence[DayPlan], failures: _Failures
) -> Iterator[DayResult]:
    """Do days, no more than a window of them at once, until they have ended or enough of them have failed."""
    ended: SimpleQueue[PrefectFuture[Any]] = SimpleQueue()
    waiting, days = list(reversed(todo)), dict[UUID, DayPlan]()
    while days or (waiting and not failures.are_enough):
        while waiting and len(days) < request.max_concurrency and not failures.are_enough:
            day = waiting.pop()
            future = backfill_date.submit(quoted(run), quoted(request), quoted(day))
            days[future.task_run_id] = day
            future.add_done_callback(lambda done: ended.put(done))
        future = ended.get()
        result = _result(run, future, days.pop(future.task_run_id))
        failures.count(result)
        yield result


def _result(run: Run, future: PrefectFuture[Any], day: DayPlan) -> DayResult:
    """Return what came of a day, also if its task itself broke."""
    value = future.result(raise_on_failure=False)
    if isinstance(value, DayResult):
        return value
    problem = understand(value) if isinstance(value, Exception) else value
    message, now = f"{problem}; no checkpoint was written, the next run does the day again", datetime.now(UTC)
    tried = [
        failure(run, day, table, type(problem).__name__, message, now)
        for table in day.tables
        if table.action == "build"
    ]
    return DayResult(game_date=day.game_date, tried=tuple(tried))


def _without_work(day: DayPlan) -> DayResult:
    """Return the result of a day that needs no work."""
    return DayResult(game_date=day.game_date, skipped=day.skipped, kept=() if day.skipped else kept(day))

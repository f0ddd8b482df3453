"""Close the failures of days on which nothing is to be built any more."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.plan import DayPlan
from tasks.backfill.records import read_histories, record_checkpoints
from tasks.backfill.request import BackfillRequest
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step

OPEN_FAILURES = """SELECT DISTINCT table_name, game_date
FROM nba_orchestration.failure_history
WHERE resolution_status = 'open' AND game_date BETWEEN @from_date AND @game_date
ORDER BY game_date, table_name"""


def close_failures(run: Run, request: BackfillRequest, plan: Sequence[DayPlan]) -> None:
    """Record of each skipped day of which a failure is open that nothing is to be built: that closes it.

    Raises:
        TransientError: Another attempt can succeed.
        WarehouseError: The warehouse refused.
    """
    skipped = {day.game_date: day for day in plan if day.skipped is not None}
    if not skipped or run.dry_run:
        return
    found = retrying(read_open_failures)(run, min(skipped), max(skipped))
    for game_date, tables in found.items():
        named = [table for table in tables if table in request.tables]
        if game_date in skipped and named:
            checkpoints = [_closed(run, skipped[game_date], table) for table in named]
            retrying(record_off_day)(run, game_date, checkpoints)


@step("record-checkpoints", run_name="record {game_date}")
def record_off_day(run: Run, game_date: date, checkpoints: Sequence[Checkpoint]) -> None:
    """Write the checkpoints of a day on which nothing is to be built.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    with run.warehouse("histories", game_date=game_date) as warehouse:
        others = [history.last for history in read_histories(run, warehouse, [game_date]).values()]
    record_checkpoints(run, game_date, checkpoints, others=others)


@step("read-open-failures", run_name="read-open-failures")
def read_open_failures(run: Run, first: date, last: date) -> dict[date, list[str]]:
    """Return the tables of which a failure is open, by day.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    tables: defaultdict[date, list[str]] = defaultdict(list)
    with run.warehouse("failures") as warehouse:
        for row in warehouse.fetch(OPEN_FAILURES, {"from_date": first, "game_date": last}):
            tables[row["game_date"]].append(row["table_name"])
    return dict(tables)


def _closed(run: Run, day: DayPlan, table: str) -> Checkpoint:
    why = {
        "no_games": "the schedule says that no game was played",
        "skipped_bootstrap": "it is one of the first days of its season, on which nothing is built",
    }[str(day.skipped)]
    now = datetime.now(UTC)
    return Checkpoint(
        table_name=table,
        game_date=day.game_date,
        run_id=run.id,
        attempt=run.attempt,
        outcome=day.skipped or "no_games",
        message=f"{why}; the failures of the day are closed",
        row_count=0,
        code_version=run.catalogue.code_version(table),
        started_at=now,
        recorded_at=now,
    )

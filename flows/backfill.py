"""The backfill: plan the range, do every day that needs work, report."""

from datetime import UTC, datetime

from prefect.client.schemas.objects import State
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.backfill.choose_tables import choose_tables
from tasks.backfill.cost import capped, refuse_if_too_expensive
from tasks.backfill.day import ContextSource
from tasks.backfill.fan_out import run_days
from tasks.backfill.interlock import reading_sources
from tasks.backfill.moment import at_one_moment
from tasks.backfill.off_days import close_failures
from tasks.backfill.progress import name_run
from tasks.backfill.report import Report, report_run
from tasks.backfill.request import MAX_CONCURRENCY, BackfillRequest, Bytes, Concurrency, Days, Failures, Why
from tasks.backfill.season_page import publish_seasons
from tasks.backfill.survey import plan_backfill, publish_plan
from tasks.calendar import league_day
from tasks.parameters import Day, check
from tasks.runtime.boundary import main_flow, state_of
from tasks.runtime.clock import check_clock
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue


@main_flow("backfill", run_name=name_run, task_runner=ThreadPoolTaskRunner(max_workers=MAX_CONCURRENCY))
def backfill(
    start_date: Day | None = None,
    end_date: Day | None = None,
    dates: list[Day] | None = None,
    tables: list[str] | None = None,
    force: bool = False,
    force_reason: Why | None = None,
    waive_reason: Why | None = None,
    adopt: bool = False,
    dry_run: bool = False,
    resume: bool = True,
    context_source: ContextSource = "auto",
    max_concurrency: Concurrency = 8,
    stop_after_identical_failures: Failures = 3,
    max_bytes_billed: Bytes | None = None,
    max_days: Days = 2000,
) -> State[Report]:
    """Backfill derived tables day by day; a day is published whole or not at all.

    Args:
        start_date: First day, in the league's calendar and not before its first, as in 2023-01-20.
        end_date: Last day, not after today in New York; without it, the first day alone.
        dates: A list of days instead of a range.
        tables: Derived tables to build; without them, player_composite_factors and what it depends on.
        force: Publish days that the gate would block for their coverage, with a warning; never against integrity.
        force_reason: Why; kept with each day that is forced.
        waive_reason: Why the days that are blocked for data that will never come are to count as waived, and no longer
            fail their runs; kept with each of them. A waiver ends by itself when what it was given for changes.
        adopt: Validate the rows of days that a table holds and no run published, and record those that pass as done,
            as they are; the others are built.
        dry_run: Do everything but publish and record; nothing is created.
        resume: Keep days that are done; false builds every day again.
        context_source: auto takes the pre-game table where it covers a day, and box scores elsewhere; the others insist
            on one of the two.
        max_concurrency: Days at work at once.
        stop_after_identical_failures: Days in a row that fail of one cause before the rest is not tried; a cause that
            may be of just these days must first stop as many others, far from them, too.
        max_bytes_billed: Bytes that the run, its plan included, and each of its queries may read, where reading costs;
            a run that would read more is refused. Without it, the setting FULLCOURT_MAX_BYTES_BILLED.
        max_days: Days that the run may plan; a longer range is refused before anything is read.

    Returns:
        A Completed state with the report if every day is done; a Failed one with an IncompleteError, which has it too,
        if any is blocked or failed.

    Raises:
        RequestError: A parameter is invalid, or the run would cost too much; nothing was started.
        SettingsError: A setting is invalid; nothing was started.
        ClockError: The clock is not the Prefect server's; nothing was started.
        SchemaError: A table or column is missing or has another type; nothing was written.
        WarehouseBusyError: A cleanup did not release the pre-game tables in time; nothing was written.
    """
    settings, started_at = load_settings(), datetime.now(UTC)
    request = check(
        BackfillRequest,
        as_of=league_day(started_at),
        start_date=start_date,
        end_date=end_date,
        dates=dates,
        tables=choose_tables(load_catalogue(settings), tables),
        force=force,
        force_reason=force_reason,
        waive_reason=waive_reason,
        adopt=adopt,
        dry_run=dry_run,
        resume=resume,
        context_source=context_source,
        max_concurrency=max_concurrency,
        stop_after_identical_failures=stop_after_identical_failures,
        max_bytes_billed=max_bytes_billed,
        max_days=max_days,
    )
    check_clock(started_at)
    run = Run.begin(capped(settings, request), dry_run=request.dry_run)
    with reading_sources(run, request), at_one_moment(run, request) as fixed:
        plan = retrying(plan_backfill)(fixed, request)
        retrying(publish_plan)(run, plan)
        refuse_if_too_expensive(run.settings, plan)
        results = run_days(fixed, request, plan.days)
        close_failures(run, request, plan.days)
    report = retrying(report_run)(run, request, plan.days, results)
    publish_seasons(run, request, results)
    return state_of(report, is_done=report.is_done)

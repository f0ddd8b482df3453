"""Heal: find the days that are not as they should be, and ask for a backfill of just these."""

from datetime import UTC, datetime

from prefect.client.schemas.objects import State

from tasks.backfill.choose_tables import choose_tables
from tasks.backfill.heal import begin_backfill, look, name_heal, report_heal
from tasks.backfill.heal_rules import HealReport, HealRequest, WindowDays
from tasks.calendar import league_day
from tasks.parameters import Day, check
from tasks.runtime.boundary import main_flow, state_of
from tasks.runtime.clock import check_clock
from tasks.runtime.run import Run
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue


@main_flow("heal", run_name=name_heal)
def heal(
    window_days: WindowDays = 14,
    end_date: Day | None = None,
    tables: list[str] | None = None,
    dry_run: bool = False,
) -> State[HealReport]:
    """Ask for a backfill of the days that are missing, stale, failed, or blocked for a cause that has gone.

    It looks at the last days, and at every day of their season that needs somebody. It never forces. A day that would
    end as its last attempt did is parked: a blocked one at once, a failed one after three failures of one kind. It
    waits until its inputs change, or until somebody runs it.

    Args:
        window_days: Days to look at, the last one included.
        end_date: The last of them; without it, yesterday in New York.
        tables: Derived tables; without them, player_composite_factors and what it depends on.
        dry_run: Say what would be mended, and ask for nothing.

    Returns:
        A Completed state with the report, whether or not anything was to be mended. What comes of the days is the
        backfill's own result.

    Raises:
        RequestError: A parameter is invalid; nothing was started.
        SettingsError: A setting is invalid; nothing was started.
        ClockError: The clock is not the Prefect server's; nothing was started.
        SchemaError: A table or column is missing or has another type; nothing was started.
        ApiError: Prefect did not accept the backfill; nothing was started.
    """
    settings, started_at = load_settings(), datetime.now(UTC)
    request = check(
        HealRequest,
        as_of=league_day(started_at),
        window_days=window_days,
        end_date=end_date,
        tables=choose_tables(load_catalogue(settings), tables),
        dry_run=dry_run,
    )
    check_clock(started_at)
    run = Run.begin(settings, dry_run=True)  # what changes anything is the backfill
    found, seasons = look(run, request)
    report = found if request.dry_run else begin_backfill(found, request)
    report_heal(run, request, report, seasons)
    return state_of(report, is_done=True)

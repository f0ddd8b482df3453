"""``fullcourt day``: everything that is recorded of one day."""

from datetime import UTC, date, datetime

from rich.console import Console

from deployments.commands.output import make_console, say
from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.ledger import read_attempts, read_recorded_days
from tasks.backfill.season import Season, SeasonDay
from tasks.backfill.season_survey import read_seasons
from tasks.calendar import LEAGUE_BEGAN, league_day
from tasks.errors import RequestError
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.text import count_of, first_of
from tasks.warehouse.dry_run import open_for_run

_MOST_NAMES = 50


def show_day(written: str) -> int:
    """Print a day: what it is now, table by table, and every attempt at it.

    Args:
        written: The day, as in 2023-02-23.

    Returns:
        The exit code: 0 if no table of it needs anybody.

    Raises:
        RequestError: It is no day, or is not over.
    """
    try:
        day = date.fromisoformat(written)
    except ValueError:
        raise RequestError(f"{written}: must be a day, as in 2023-02-23") from None
    settings, console, as_of = load_settings(), make_console(), league_day(datetime.now(UTC))
    if day < LEAGUE_BEGAN:
        raise RequestError(f"{written}: must not be before the league's first day, {LEAGUE_BEGAN}")
    if day >= as_of:
        raise RequestError(f"{written}: must be before today in New York, {as_of}: the day is not over")
    catalogue = load_catalogue(settings)
    with open_for_run(settings, None, dry_run=True) as warehouse:
        if read_recorded_days(warehouse, catalogue) is None:
            say(console, "No day has been recorded yet: run a backfill first.")
            return 0
        seasons = read_seasons(
            warehouse,
            catalogue,
            catalogue.derived,
            first=day,
            last=day,
            as_of=as_of,
            bootstrap_days=settings.bootstrap_days,
        )
        attempts = read_attempts(warehouse, catalogue, day)
    found = [(season, each) for season in seasons for each in season.days if each.game_date == day]
    if not found:
        say(console, f"{day}: the schedule has no game of it, and no run has recorded anything.")
        return 0
    say(console, f"{day}: {count_of(found[0][1].games, 'game')} in the schedule", style="bold")
    for season, each in found:
        console.print()
        _print_table(console, season, each, [attempt for attempt in attempts if attempt.table_name == season.table])
    return 1 if any(each.needs_somebody for _, each in found) else 0


def _print_table(console: Console, season: Season, day: SeasonDay, attempts: list[Checkpoint]) -> None:
    style = "bold red" if day.needs_somebody else "bold green"
    say(console, f"{season.table}: {day.state.replace('_', ' ')}", style=style)
    if day.cause:
        say(console, day.cause, indent=2)
    if day.checkpoint and day.checkpoint.missing:
        names = first_of(day.checkpoint.missing, _MOST_NAMES)
        say(console, f"missing ({len(day.checkpoint.missing)}): {names}", indent=2)
    if day.needs_somebody:
        say(console, season.command(day), indent=2)
    for attempt in attempts:
        say(console, _attempt(attempt), indent=2, style="dim")


def _attempt(checkpoint: Checkpoint) -> str:
    said = f"{checkpoint.recorded_at:%Y-%m-%d %H:%M:%S} UTC  {checkpoint.outcome}"
    if checkpoint.covered is not None:
        said += f", {checkpoint.covered} of {checkpoint.expected} ({checkpoint.coverage_percent})"
    if checkpoint.reason:
        said += f", {checkpoint.reason}"
    if checkpoint.decided_by or checkpoint.decision_reason:
        said += f", decided by {checkpoint.decided_by or 'somebody unknown'}: {checkpoint.decision_reason}"
    return f"{said}, run {checkpoint.run_id}"

"""``fullcourt status``: seasons as calendars, and the days that need somebody; it reads the ledger and the schedule."""

from datetime import UTC, date, datetime, timedelta

from rich.console import Console
from rich.text import Text

from deployments.commands.output import make_console, say
from tasks.backfill.choose_tables import DEFAULT_TABLE, choose_tables
from tasks.backfill.ledger import read_recorded_days
from tasks.backfill.season import DayState, Season
from tasks.backfill.season_picture import by_month, legend, letter
from tasks.backfill.season_survey import read_seasons
from tasks.calendar import LEAGUE_BEGAN, league_day
from tasks.errors import RequestError
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.dry_run import open_for_run

_STYLES: dict[DayState, str] = {
    "complete": "green",
    "complete_with_warning": "yellow",
    "forced": "blue",
    "waived": "magenta",
    "blocked": "bold white on red",
    "failed": "bold white on red",
    "left_out": "bold red",
}
_MARGIN = 10


def show_status(season: int | None, *, all_seasons: bool, table: str | None) -> int:
    """Print the seasons of a table.

    Args:
        season: The year in which it began; None for the last one that has a record.
        all_seasons: Whether to print every season that has a record.
        table: The derived table; None for the main one.

    Returns:
        The exit code: 0 if no day needs anybody.

    Raises:
        RequestError: There is no such season or table.
    """
    settings, console, as_of = load_settings(), make_console(), league_day(datetime.now(UTC))
    catalogue, yesterday = load_catalogue(settings), as_of - timedelta(days=1)
    (name,) = choose_tables(catalogue, [table or DEFAULT_TABLE])
    if season is not None and not LEAGUE_BEGAN.year <= season <= as_of.year:
        raise RequestError(f"--season {season}: must be a year from {LEAGUE_BEGAN.year} to {as_of.year}")
    with open_for_run(settings, None, dry_run=True) as warehouse:
        recorded = read_recorded_days(warehouse, catalogue)
        if recorded is None:
            say(console, "No day has been recorded yet: run a backfill first.")
            return 0
        first, last = recorded[0], min(recorded[1], yesterday)
        if season is not None:
            first = last = min(date(season, 12, 31), yesterday)
        elif not all_seasons:
            first = last
        found = read_seasons(
            warehouse,
            catalogue,
            [name],
            first=first,
            last=last,
            as_of=as_of,
            bootstrap_days=settings.bootstrap_days,
        )
    found = [each for each in found if each.days and season in (None, each.year)]
    if not found:
        which = f"--season {season}: " if season is not None else ""
        raise RequestError(f"{which}neither the schedule nor the ledger has a day of it that is over")
    for each in found:
        print_season(console, each)
    return 1 if any(each.needing for each in found) else 0


def print_season(console: Console, season: Season) -> None:
    """Print the calendar of a season, then the days that need somebody."""
    style = "bold red" if season.needing else "bold green"
    say(console, f"{season.table} {season.name}: {season.headline}", style=style)
    console.print("\n" + " " * _MARGIN + " ".join(f"{number:2}" for number in range(1, 32)), style="dim", markup=False)
    for month, days in by_month(season):
        line = Text(f"{month:{_MARGIN}}" + "   " * (days[0].game_date.day - 1))
        for day in days:
            line.append(f"{letter(day.state):>2}", _STYLES.get(day.state, "dim")).append(" ")
        console.print(line, soft_wrap=True)
    states = frozenset(day.state for day in season.days)
    console.print()
    say(console, "   ".join(f"{letter(state)} {says}" for state, says in legend(states)))
    console.print()
    for day in season.needing:
        say(console, f"{day.game_date} {day.state.replace('_', ' ')}", style="red")
        say(console, day.cause, indent=2)
        say(console, season.command(day), indent=2)
    for what, fact in season.facts:
        say(console, f"{what}: {fact}")
    console.print()

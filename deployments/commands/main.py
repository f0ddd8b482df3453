"""``fullcourt``: every command of the project.

A command imports what it needs when it runs: importing Prefect takes seconds, and Prefect reads its settings meanwhile.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from deployments.commands.boundary import ends_clearly
from deployments.local import stack
from tasks.errors import SettingsError
from tasks.settings import PROJECT_ROOT, load_settings

DEMO_WAREHOUSE = PROJECT_ROOT / ".fullcourt" / "demo.duckdb"

_FOLDER = click.Path(path_type=Path, resolve_path=True, file_okay=False)
_FILE = click.Path(path_type=Path, resolve_path=True, dir_okay=False)
_home = click.option("--home", type=_FOLDER, default=stack.HOME, help="Folder of the local services' state and logs.")
_dry_run = click.option("--dry-run", is_flag=True, help="Show the rows and change nothing.")
_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fullcourt", message="%(prog)s %(version)s")
def fullcourt() -> None:
    """Backfill derived NBA tables, gated on coverage, on Prefect.

    The main door to the flows is `prefect deployment run`; these commands set up, check and watch what it uses.
    """
    _refuse_another_checkout()


@fullcourt.command()
@_home
@click.option("--warehouse", type=_FILE, default=DEMO_WAREHOUSE, help="DuckDB file that the demo writes.")
def demo(home: Path, warehouse: Path) -> int:
    """Replay the incident on a synthetic league.

    Exits with 0 if every day is done.
    """
    from deployments.commands.demo import run_demo

    return run_demo(home, warehouse)


@fullcourt.command()
@_home
def up(home: Path) -> int:
    """Start a Prefect server and a worker, and register.

    Whatever runs already is kept. The server listens on the port PORT (default: 4200; 0: any free port).
    """
    stack.up(home)
    return 0


@fullcourt.command()
@_home
def down(home: Path) -> int:
    """Stop what `up` started, and nothing else."""
    stack.down(home)
    return 0


@fullcourt.command()
@_home
def services(home: Path) -> int:
    """Say which local services are running.

    Exits with 1 unless all are.
    """
    return 0 if stack.status(home) else 1


@fullcourt.command()
def register() -> int:
    """Register deployments, limits and alerts.

    They go to the configured Prefect API (PREFECT_API_URL, or a profile). It is safe to repeat: what exists is
    updated, and what an operator paused or added stays.
    """
    from deployments.registered.register import register_all

    for line in register_all(load_settings()):
        print(line)
    return 0


@fullcourt.command()
@click.argument("name", help="FLOW/DEPLOYMENT as in prefect.yaml; FLOW alone if it has only one; or the id of a run.")
@click.option("--from", "start_date", metavar="DAY", help="Backfill: first day.")
@click.option("--to", "end_date", metavar="DAY", help="Backfill: last day (default: the first day).")
@click.option("-p", "--param", multiple=True, metavar="NAME=VALUE", help="Parameter of the flow; lists are JSON.")
@_home
def run(name: str, start_date: str | None, end_date: str | None, param: Sequence[str], home: Path) -> int:
    """Run a deployment on the worker and watch it.

    Exits with 0 if the run completed, with 130 if you stop watching it with Ctrl-C: the run goes on.
    """
    from deployments.commands.run import run_and_watch

    days = {"start_date": start_date, "end_date": end_date}
    return run_and_watch(name, {name: day for name, day in days.items() if day is not None}, param, home)


@fullcourt.command()
@click.option("--season", type=int, metavar="YEAR", help="The year in which it began (default: the last recorded one).")
@click.option("--all", "all_seasons", is_flag=True, help="Every season that has a record.")
@click.option("--table", metavar="NAME", help="The derived table (default: player_composite_factors).")
def status(season: int | None, *, all_seasons: bool, table: str | None) -> int:
    """Show a season as a calendar, and the days that need you.

    It reads the ledger and the schedule, and nothing of Prefect. Exits with 1 if any day needs you.
    """
    from deployments.commands.status import show_status

    if season is not None and all_seasons:
        raise click.UsageError("--season, --all: give one of them")
    return show_status(season, all_seasons=all_seasons, table=table)


@fullcourt.command()
@click.argument("game_date", metavar="DAY", help="As in 2023-02-23.")
def day(game_date: str) -> int:
    """Show everything that is recorded of a day.

    Exits with 1 if it needs you.
    """
    from deployments.commands.day import show_day

    return show_day(game_date)


@fullcourt.command()
@click.option("--days", type=int, help="Age in days from which a row is stale (default: ttl_days of its table).")
@_dry_run
@_yes
@_home
def cleanup(days: int | None, dry_run: bool, yes: bool, home: Path) -> int:
    """Delete stale rows of the upcoming tables, backed up first.

    It shows them and asks first. Exits with 1 if anything failed or was not confirmed.
    """
    from deployments.commands.cleanup import clean_up

    _refuse_both(dry_run=dry_run, yes=yes)
    return clean_up(home, days=days, dry_run=dry_run, yes=yes)


@fullcourt.command()
@click.argument("backup", help="A name that `fullcourt backups` lists.")
@_dry_run
@_yes
@_home
def restore(backup: str, dry_run: bool, yes: bool, home: Path) -> int:
    """Put back the rows of a cleanup's backup that are missing.

    It shows them and asks first. Exits with 1 if anything failed or was not confirmed.
    """
    from deployments.commands.cleanup import put_back

    _refuse_both(dry_run=dry_run, yes=yes)
    return put_back(home, backup, dry_run=dry_run, yes=yes)


@fullcourt.command()
def backups() -> int:
    """List the backups of the cleanups, oldest first."""
    from deployments.commands.cleanup import list_backups

    return list_backups()


@fullcourt.command()
@_home
def doctor(home: Path) -> int:
    """Say what is missing, and how to get it.

    It checks the settings, Prefect, the warehouse and its tables, writes nothing and costs nothing. Exits with 1 if
    anything is missing.
    """
    from deployments.commands.doctor.doctor import print_findings

    return print_findings(home)


@fullcourt.command("alert-test")
@_home
def alert_test(home: Path) -> int:
    """Send a test message the way alerts are sent.

    Exits with 0 once it was accepted.
    """
    from deployments.commands.alert_test import send_test_alert

    return send_test_alert(home)


@fullcourt.command()
@click.argument("action", type=click.Choice(["write", "apply"]), help="What to do with the statements.")
@click.option("--dry-run", is_flag=True, help="Show what would be created and added, and change nothing.")
@_yes
def ddl(action: str, dry_run: bool, yes: bool) -> int:
    """Write or apply the statements of the tables.

    `write` writes deployments/bigquery/; `apply` creates the tables that the configured warehouse lacks. Where a table
    that Fullcourt writes lacks columns, it shows them, asks, and adds them. Nothing is ever dropped or changed: what
    differs otherwise is named, and the exit code is 1.
    """
    from deployments.commands import ddl

    _refuse_both(dry_run=dry_run, yes=yes)
    return ddl.write() if action == "write" else ddl.apply(dry_run=dry_run, yes=yes)


@ends_clearly
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns its exit code."""
    return int(fullcourt.main(arguments, prog_name="fullcourt", standalone_mode=False) or 0)


def _refuse_both(*, dry_run: bool, yes: bool) -> None:
    if dry_run and yes:
        raise click.UsageError("--dry-run, --yes: give one of them")


def _refuse_another_checkout() -> None:
    """Refuse to run in the .venv of a copy of this checkout: the command would act on this one instead.

    Raises:
        SettingsError: It does.
    """
    program = Path(sys.argv[0]).absolute()
    if program.parts[-3:] == (".venv", "bin", "fullcourt") and program.parents[2].resolve() != PROJECT_ROOT:
        raise SettingsError(
            f"{program.parents[1]} was set up for {PROJECT_ROOT}, where this command would act: remove it and run "
            f"`make setup` in {program.parents[2]}"
        )

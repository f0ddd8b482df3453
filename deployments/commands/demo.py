"""``fullcourt demo``: the incident, replayed on a synthetic league, in a warehouse of its own.

It rebuilds .fullcourt/demo.duckdb, backfills the incident's days, and prints what came of each. It replaces a file only
if an earlier demo made it and nothing has changed it since: beside the file it notes how it left it.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from rich.console import Console

from deployments.commands.demo_league import DemoLeague, generate, load
from deployments.commands.demo_league.play import INCIDENT_PLAYERS
from deployments.commands.demo_league.upcoming import STALE_PLAYERS
from deployments.commands.output import make_console, print_report
from deployments.local.access import write_private
from deployments.local.api import use_server
from deployments.local.prefect_server import HOST, prefect_server, ui_url, usable_server
from deployments.local.stack import DEFAULT_PORT, short
from tasks.errors import SettingsError
from tasks.folders import make_folder
from tasks.settings import load_settings
from tasks.warehouse.open import open_warehouse

SEASON = 2022
FIRST_DAY, LAST_DAY = date(2023, 2, 16), date(2023, 3, 1)
TABLE = "nba_precompute.player_composite_factors"


class Run(NamedTuple):
    """A backfill that has ended."""

    flow_run_id: UUID | None
    is_done: bool
    message: str
    rows: Sequence[Mapping[str, object]]


def run_demo(home: Path, warehouse: Path) -> int:
    """Build the demo league, backfill the incident's days, and print the result of each.

    Args:
        home: The folder of the local Prefect server's state.
        warehouse: The file to write.

    Returns:
        The exit code: 0 if every day is done.

    Raises:
        SettingsError: There is a file that is not as a demo left it.
    """
    console = make_console()
    os.environ |= {
        "FULLCOURT_WAREHOUSE": "duckdb",
        "FULLCOURT_DUCKDB_PATH": str(warehouse),
        "FULLCOURT_PROGRESS_BAR": "true",
    }
    _remove_earlier(warehouse)
    league = _build(warehouse)
    leftovers = (f"{players} of {INCIDENT_PLAYERS[day]} players on {day}" for day, players in STALE_PLAYERS.items())
    console.print(
        f"Demo league: season {SEASON}-{(SEASON + 1) % 100}, {league.schedule.num_rows:,} games, "
        f"{league.box_scores.num_rows:,} box-score rows, {league.upcoming.num_rows:,} pre-game rows.\n"
        f"As in the incident, the pre-game table has leftovers: {', '.join(leftovers)}."
    )
    stays = usable_server(home)
    with ExitStack() as stack:
        with console.status("Starting a Prefect server ..."):
            api_url = stack.enter_context(prefect_server(home))
        console.print(f"Backfill of {FIRST_DAY} to {LAST_DAY}:")
        run = _backfill(home, api_url)
    _sign(warehouse)
    console.print()
    print_report(console, run.rows)
    console.print(f"\n{run.message}\n", style="green" if run.is_done else "red", markup=False)
    _say_where(console, warehouse, run, ui_url(stays) if stays else None)
    return 0 if run.is_done else 1


def _backfill(home: Path, api_url: str) -> Run:
    """Run the backfill in this process, against a server."""
    with use_server(home, api_url):
        # imported here, because Prefect reads its settings when it is imported
        from flows.backfill import backfill
        from tasks.backfill.report import Report
        from tasks.runtime.boundary import report_of

        state = backfill(start_date=FIRST_DAY, end_date=LAST_DAY, return_state=True)
    report = report_of(state)
    rows = [row.model_dump() for row in report.rows] if isinstance(report, Report) else []
    return Run(state.state_details.flow_run_id, state.is_completed(), state.message or state.name or "", rows)


def _say_where(console: Console, warehouse: Path, run: Run, running_ui: str | None) -> None:
    python = short(Path(sys.executable))
    query = f"duckdb.connect('{short(warehouse)}', read_only=True).sql('FROM {TABLE}').show()"
    season = f"FULLCOURT_DUCKDB_PATH={shlex.quote(str(short(warehouse)))} {python.with_name('fullcourt')} status"
    page = f"{running_ui or f'http://{HOST}:{DEFAULT_PORT}'}/runs/flow-run/{run.flow_run_id}"
    console.print(
        f"The table    {TABLE}, in {short(warehouse)}\n"
        f'Query it     {python} -c "import duckdb; {query}"\n'
        f"Its season   {season}\n"
        f"See the run  {'' if running_ui else 'make up, then '}{page}",
        markup=False,
        soft_wrap=True,
    )


def _build(warehouse: Path) -> DemoLeague:
    """Write the demo league to a new file."""
    make_folder(warehouse.parent)
    league = generate([SEASON])
    with open_warehouse(load_settings().connection()) as connection:
        load(connection, league)
    return league


def _remove_earlier(warehouse: Path) -> None:
    """Remove the file of an earlier demo.

    Raises:
        SettingsError: There is a file that is not as a demo left it; nothing was removed.
    """
    there = [file for file in (warehouse, _log(warehouse)) if os.path.lexists(file)]
    if there and (_log(warehouse) in there or _note(warehouse) != _look(warehouse)):
        files = shlex.join(map(str, (warehouse, _log(warehouse))))
        raise SettingsError(
            f"{warehouse} is not as a demo left it: another program made it or has changed it, or a demo was killed; "
            f"it is left alone. Move it away to keep it, or remove it: rm -f {files}"
        )
    for file in (*there, _signature(warehouse)):
        file.unlink(missing_ok=True)


def _sign(warehouse: Path) -> None:
    """Note how the demo left its file."""
    if (look := _look(warehouse)) is not None and not _log(warehouse).exists():
        write_private(_signature(warehouse), json.dumps(look))


def _note(warehouse: Path) -> dict[str, int | str] | None:
    with suppress(FileNotFoundError, ValueError):
        noted: dict[str, int | str] = json.loads(_signature(warehouse).read_text(encoding="utf-8"))
        return noted
    return None


def _look(warehouse: Path) -> dict[str, int | str] | None:
    """Return what identifies a file and its content."""
    if warehouse.is_symlink() or not warehouse.is_file():
        return None
    return {"inode": warehouse.stat().st_ino, "sha256": sha256(warehouse.read_bytes()).hexdigest()}


def _log(warehouse: Path) -> Path:
    """Return DuckDB's file of changes that are not in the warehouse's own file yet."""
    return warehouse.with_name(f"{warehouse.name}.wal")


def _signature(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.demo")

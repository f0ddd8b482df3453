"""``fullcourt cleanup``: the cleanup and the restore from a terminal, without a UI.

It asks before it deletes: ``--dry-run`` only shows what is stale, ``--yes`` does not ask. It uses the Prefect API that
is configured, else the server of ``make up``, else it runs one meanwhile.
"""

import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from deployments.commands.output import ask
from deployments.local.api import use_prefect
from tasks.settings import load_settings
from tasks.warehouse.open import open_warehouse


def list_backups() -> int:
    """Print the backups by name, oldest first."""
    with open_warehouse(load_settings().connection()) as warehouse:
        for backup in warehouse.backups():
            print(backup.name)
    return 0


def clean_up(home: Path, *, days: int | None, dry_run: bool, yes: bool) -> int:
    """Delete stale rows; asks first unless told not to.

    Args:
        home: The folder of the local Prefect server's state.
        days: The age from which a row is stale; None for what the tables say.
        dry_run: Whether to show the rows only.
        yes: Whether not to ask.

    Returns:
        The exit code: 0 if all is well, 1 if anything failed or nobody approved.
    """
    os.environ["FULLCOURT_APPROVAL_PROMPT"] = "true"
    with use_prefect(home):
        # imported here, because Prefect reads its settings when it is imported
        from flows.cleanup import cleanup

        asks = not dry_run and not yes
        return _say(cleanup(ttl_days=days, dry_run=dry_run, approval=asks, return_state=True))


def put_back(home: Path, backup: str, *, dry_run: bool, yes: bool) -> int:
    """Put the rows of a backup back; asks first unless told not to.

    Args:
        home: The folder of the local Prefect server's state.
        backup: Its name.
        dry_run: Whether to show the rows only.
        yes: Whether not to ask.

    Returns:
        The exit code: 0 if all is well, 1 if anything failed or the answer was not yes.
    """
    with use_prefect(home):
        from flows.restore import restore

        if not yes:
            code = _say(restore(backup, dry_run=True, return_state=True))
            if code or dry_run:
                return code
            if ask("Type yes to put these rows back: ") != "yes":
                print("Nothing was put back.")
                return 1
        return _say(restore(backup, dry_run=False, return_state=True))


def _say(state: Any) -> int:
    """Show what a run reported; returns the exit code."""
    from tasks.runtime.boundary import report_of

    report = report_of(state)
    if isinstance(report, BaseException):
        print(f"error: {report}", file=sys.stderr)
        return 1
    console = Console()
    console.print(Markdown(report.markdown))
    console.print(f"\n{report.summary}", markup=False, highlight=False, soft_wrap=True)
    return 0 if state.is_completed() else 1

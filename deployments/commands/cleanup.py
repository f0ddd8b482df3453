"""``python -m deployments.commands.cleanup``: the cleanup and the restore from a terminal, without a UI.

It asks before it deletes: ``--dry-run`` only shows what is stale, ``--yes`` does not ask. It uses the Prefect API that
is configured, else the server of ``make up``, else it runs one meanwhile.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from deployments.commands.command import command
from deployments.local.api import use_prefect
from deployments.local.stack import HOME
from tasks.settings import load_settings
from tasks.warehouse.open import open_warehouse


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 if all is well, 1 if anything failed or nobody approved."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.commands.cleanup", description="Clean up the upcoming tables, or put a backup back."
    )
    parser.add_argument("--days", type=int, help="age in days that a row may have; by default what table.yaml says")
    parser.add_argument("--dry-run", action="store_true", help="only show what is stale, or missing")
    parser.add_argument("--yes", action="store_true", help="delete, or put back, without asking")
    parser.add_argument("--restore", metavar="BACKUP", help="put the rows of a backup back, instead of cleaning up")
    parser.add_argument("--backups", action="store_true", help="list the backups by name, oldest first, and do nothing")
    parser.add_argument("--home", type=Path, default=HOME, help="folder of the Prefect server's state")
    chosen = parser.parse_args(arguments)
    if chosen.dry_run and chosen.yes:
        parser.error("--dry-run, --yes: give one of them")
    if chosen.restore is not None and (chosen.backups or chosen.days is not None):
        parser.error(f"--restore, {'--backups' if chosen.backups else '--days'}: give one of them")
    if chosen.backups and (chosen.yes or chosen.dry_run or chosen.days is not None):
        parser.error("--backups: it takes no other option")
    home = chosen.home.resolve()
    if chosen.backups:
        return _list_backups()
    with use_prefect(home):
        return _clean_up(chosen) if chosen.restore is None else _restore(chosen)


def _list_backups() -> int:
    with open_warehouse(load_settings().connection()) as warehouse:
        for backup in warehouse.backups():
            print(backup.name)
    return 0


def _clean_up(chosen: argparse.Namespace) -> int:
    os.environ["FULLCOURT_APPROVAL_PROMPT"] = "true"
    # imported here, after Prefect was told of its server
    from flows.cleanup import cleanup

    asks = not chosen.dry_run and not chosen.yes
    return _say(cleanup(ttl_days=chosen.days, dry_run=chosen.dry_run, approval=asks, return_state=True))


def _restore(chosen: argparse.Namespace) -> int:
    from flows.restore import restore

    if not chosen.yes:
        code = _say(restore(chosen.restore, dry_run=True, return_state=True))
        if code or chosen.dry_run:
            return code
        if _ask("Type yes to put these rows back: ") != "yes":
            print("Nothing was put back.")
            return 1
    return _say(restore(chosen.restore, dry_run=False, return_state=True))


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""


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


if __name__ == "__main__":
    sys.exit(main())

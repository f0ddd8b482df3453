"""``python -m deployments.commands.local up|down|status``: the local Prefect services."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deployments.commands.command import command
from deployments.local.stack import HOME, down, status, up


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.commands.local", description="The local Prefect services."
    )
    parser.add_argument("action", choices=["up", "down", "status"])
    parser.add_argument("--home", type=Path, default=HOME, help="folder of their state, logs and process ids")
    chosen = parser.parse_args(arguments)
    home = chosen.home.resolve()
    if chosen.action == "up":
        up(home)
    elif chosen.action == "down":
        down(home)
    else:
        return 0 if status(home) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

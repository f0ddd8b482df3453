"""``python -m deployments.commands.register``: put everything into service on the Prefect API that is configured."""

import sys

from deployments.commands.command import command
from deployments.registered.register import register
from tasks.settings import load_settings


@command
def main() -> int:
    """Run the command line; returns the exit code."""
    for line in register(load_settings()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The edge of the command line: whatever goes wrong ends as a message on stderr and an exit code."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from tasks.explain import explain

INTERRUPTED = 130
P = ParamSpec("P")


def ends_clearly(main: Callable[P, int]) -> Callable[P, int]:
    """Let ``main`` return an exit code whatever it raises: 2 for a usage error, else 1 with a line ``error: ...``."""

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except Exception as error:  # noqa: BLE001 - this is the edge; explain keeps what is known of it
            print(f"error: {explain(error)}", file=sys.stderr)
            return 1

    return run

"""The edge of a command: whatever goes wrong ends as one line on stderr and an exit code."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from tasks.explain import explain

INTERRUPTED = 130
P = ParamSpec("P")


def command(main: Callable[P, int]) -> Callable[P, int]:
    """Let a command's ``main`` return 1 with a line that begins with ``error:``, whatever it raises."""

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # whoever read the output has gone, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as error:  # noqa: BLE001 - this is the edge; explain keeps what is known of it
            print(f"error: {explain(error)}", file=sys.stderr)
            return 1

    return run

"""The edge of a command: whatever goes wrong ends as one line on stderr and an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps

from tasks.explain import explain

INTERRUPTED = 130
Main = Callable[[Sequence[str] | None], int]


def command(main: Main) -> Callable[..., int]:
    """Let a command's ``main`` return 1 with a line that begins with ``error:``, whatever it raises."""

    @wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        try:
            return main(arguments)
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

"""``python tests/isolation/sweep.py RUN``: wait for the end of a test run, however it ends, and stop what it left.

The run holds the other end of this program's input, so that its end is noticed even if it was killed.
"""

import os
import sys
from collections.abc import Iterator

import psutil

GRACE_SECONDS = 10


def left_by(run: str) -> Iterator[psutil.Process]:
    """Yield the processes that were started by a run, or by one of those."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("TESTS_RUN") == run:
                yield process
        except psutil.Error:
            continue  # another user's, or gone


def main(run: str) -> None:
    """Stop what is left of a run."""
    sys.stdin.read()
    for process in (left := list(left_by(run))):
        process.terminate()
    psutil.wait_procs(left, timeout=GRACE_SECONDS)
    for process in left_by(run):
        process.kill()


if __name__ == "__main__":
    main(sys.argv[1])

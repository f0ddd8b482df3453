"""Runs that are killed at a statement, each in a process of its own: ``python -m tests.proof.killed``.

The clock of a kill counts statements, and not the time: a number is the same moment again. A moment is right before a
statement, or right after it: also between the last one of a transaction and its commit.

The program reads requests, a line of JSON each, and answers each with a line: the signal that killed the run, 0 if it
came to its end, and how many moments it had until then.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import wraps
from mmap import mmap
from pathlib import Path
from typing import Any

from tasks.settings import PROJECT_ROOT, Settings
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.proof.bench import do, without_prefect

Kill = Callable[..., tuple[int, int]]
# Arrow has a thread of its own, which only frees memory.
_COMMAND = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.proof.killed"]


@contextmanager
def killer() -> Iterator[Kill]:
    """Start the program; yields what asks it for one run, and returns its answer."""
    with subprocess.Popen(
        _COMMAND, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, answers = process.stdin, process.stdout

        def kill(path: Path, days: Sequence[date], *, at: int, sizes: Sequence[int | None], at_once: int) -> Any:
            """Backfill days, and be killed at a moment; the first one is 1, and at 0 there is none."""
            request = {"path": str(path), "days": list(map(str, days)), "at": at, "sizes": sizes, "at_once": at_once}
            to.write(f"{json.dumps(request)}\n")
            to.flush()
            by, moments = map(int, answers.readline().split())
            return by, moments

        yield kill
        to.close()


def settings_of(path: Path) -> Settings:
    """Return the settings of a file, and of nothing else."""
    return Settings(duckdb_path=path, extra_tables_dir=None)


class _Clock:
    """Counts moments, also for the process that forked this one, and kills this one at one of them."""

    def __init__(self, at: int = 0) -> None:
        self._at, self._shared, self._lock = at, mmap(-1, 8), threading.Lock()

    @property
    def moments(self) -> int:
        return int.from_bytes(self._shared[:8], "big")

    def tick(self) -> None:
        with self._lock:
            self._shared[:8] = (self.moments + 1).to_bytes(8, "big")
            if self.moments == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


_clock = _Clock()


def _timed(statement: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(statement)
    def timed(*args: Any, **kwargs: Any) -> Any:
        _clock.tick()
        found = statement(*args, **kwargs)
        _clock.tick()
        return found

    return timed


def _serve() -> None:
    global _clock
    for name in ("_run", "fetch"):
        setattr(DuckDBWarehouse, name, _timed(getattr(DuckDBWarehouse, name)))
    for line in sys.stdin:
        request = json.loads(line)
        _clock, by = _Clock(request["at"]), 0
        if request["at"]:
            by = _forked(request)
        else:
            _do(request)  # in this process: those that are forked from it find every query translated
        print(by, _clock.moments, flush=True)


def _forked(request: dict[str, Any]) -> int:
    """Backfill in a process of its own; returns the signal that killed it, 0 if none did."""
    child = os.fork()  # no file is open
    if not child:
        exit_code = 1
        try:
            _do(request)
            exit_code = 0
        finally:
            os._exit(exit_code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.waitstatus_to_exitcode(status) == 0
    return 0


def _do(request: dict[str, Any]) -> None:
    days = list(map(date.fromisoformat, request["days"]))
    with without_prefect():
        do(settings_of(Path(request["path"])), days, sizes=request["sizes"], at_once=request["at_once"])


if __name__ == "__main__":
    _serve()

"""A Prefect server to measure against, and the processes that are measured, one at a time."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measured import Measurement
from deployments.local.prefect_server import environment, find_server
from tasks.errors import TerminalError
from tasks.settings import PROJECT_ROOT

_WATCH_SECONDS, _BUSY_SHARE, _SETTLE_SECONDS = 0.5, 0.2, 60.0  # a server at rest uses some percent of a core
_FLUSH_SECONDS = 6.0  # Prefect's server writes the last events of a run up to 5 s after they came


class ProcessError(TerminalError):
    """A measuring process ended with an error, or the results of two variants are not the same."""


@dataclass(frozen=True)
class Bench:
    """Where to measure, and how to say what is being measured."""

    folder: Path
    home: Path
    """The folder of the server's state."""
    api_url: str
    say: Callable[[str], None]

    def measure(self, variant: str, warehouse: Path, *options: object, database: bool = False) -> Measurement:
        """Measure one variant, and what it costs the server.

        Args:
            variant: What the process does.
            warehouse: The file that it works on.
            options: Further options of the process.
            database: Measure how the server's database grows, too: it takes some seconds more.
        """
        server, size = self._server(), self._database_bytes()
        before = _processor_seconds(server)
        found = Measurement.model_validate(self.run(variant, warehouse, *options))
        settle(lambda: _processor_seconds(server))
        costs: dict[str, float] = {"server_seconds": _processor_seconds(server) - before}
        if database:
            time.sleep(_FLUSH_SECONDS)
            costs["database_bytes"] = self._database_bytes() - size
        return found.model_copy(update=costs)

    def run(self, variant: str, warehouse: Path, *options: object) -> Any:
        """Run one process; returns what it has printed."""
        return run_step(environment(self.home, api_url=self.api_url), variant, warehouse, *options)

    def _server(self) -> psutil.Process:
        service = find_server(self.home)
        if service is None or (process := service.id.process) is None:
            raise ProcessError("the Prefect server has ended")
        return process

    def _database_bytes(self) -> int:
        """Return the bytes of all pages in use of the server's database, whether they are in its file or its log."""
        with closing(sqlite3.connect(f"{(self.home / 'prefect.db').as_uri()}?mode=ro", uri=True)) as connection:
            pages, free, size = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size


def run_step(env: Mapping[str, str], step: str, warehouse: Path, *options: object) -> Any:
    """Run one step of the benchmark in a process of its own; returns what it has printed.

    Args:
        env: Its environment; settings of Fullcourt are left out.
        step: What the process does.
        warehouse: The file that it works on.
        options: Further options of the process.

    Raises:
        ProcessError: It failed; the message has the end of what it said.
    """
    kept = {name: text for name, text in env.items() if not name.startswith("FULLCOURT_")}
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.process", step, *map(str, options)],
        cwd=PROJECT_ROOT,
        env=kept | {"FULLCOURT_DUCKDB_PATH": str(warehouse), "PREFECT_LOGGING_LEVEL": "WARNING"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        tail = "\n".join(process.stderr.splitlines()[-20:])
        raise ProcessError(f"{step} ended with exit code {process.returncode}:\n{tail}")
    return json.loads(process.stdout.splitlines()[-1])


def settle(used: Callable[[], float], *, busy_share: float = _BUSY_SHARE) -> None:
    """Wait until services have worked off what a variant has left them; else it would slow the next one.

    Args:
        used: Returns the processor seconds that they have used so far.
        busy_share: The share of a core that they use at most when they are at rest.
    """
    deadline, busy = time.monotonic() + _SETTLE_SECONDS, True
    while busy and time.monotonic() < deadline:
        before = used()
        time.sleep(_WATCH_SECONDS)
        busy = used() - before > busy_share * _WATCH_SECONDS


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

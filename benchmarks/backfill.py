"""``make bench``: the backfill against the least that its result can cost.

For a number of seasons of the demo league, four variants take turns, each in a process of its own, against one server:

- limit: the same rows by the same queries, for the whole range at once, without Prefect, audit or gate;
- floor: the same task runs and artifacts, in Prefect alone;
- empty: the backfill of a warehouse that has none of the derived tables, and of which Prefect has no checkpoint;
- nothing: the same again, right after it.

Everything is written to a temporary folder, which is removed.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from benchmarks.results import Measurement, Round, Size, make_console, print_results
from deployments.local.prefect_server import environment, find_server, prefect_server
from tasks.errors import FullcourtError, RequestError, TerminalError
from tasks.settings import PROJECT_ROOT

LAST_SEASON, INCIDENT_SEASON, MAX_SEASONS = 2024, 2022, 20

_WATCH_SECONDS, _BUSY_SHARE, _SETTLE_SECONDS = 0.5, 0.2, 60.0  # a server at rest uses some percent of a core


class ProcessError(TerminalError):
    """A measuring process ended with an error, or the results of two variants are not the same."""


@dataclass(frozen=True)
class Bench:
    """Where to measure, and how to say what is being measured."""

    folder: Path
    api_url: str
    server: psutil.Process
    say: Callable[[str], None]

    def measure(self, variant: str, warehouse: Path, *options: object) -> Measurement:
        """Measure one variant, and what it costs the server."""
        before = _processor_seconds(self.server)
        found = Measurement.model_validate(self.run(variant, warehouse, *options))
        return found.model_copy(update={"server_seconds": _processor_seconds(self.server) - before})

    def run(self, variant: str, warehouse: Path, *options: object) -> Any:
        """Run one process, and wait until the server is at rest again; returns what the process has printed."""
        kept = {name: text for name, text in self._environment().items() if not name.startswith("FULLCOURT_")}
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.process", variant, *map(str, options)],
            cwd=PROJECT_ROOT,
            env=kept | {"FULLCOURT_DUCKDB_PATH": str(warehouse), "PREFECT_LOGGING_LEVEL": "WARNING"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            tail = "\n".join(process.stderr.splitlines()[-20:])
            raise ProcessError(f"{variant} ended with exit code {process.returncode}:\n{tail}")
        self._settle()
        return json.loads(process.stdout.splitlines()[-1])

    def _environment(self) -> Mapping[str, str]:
        return environment(self.folder / "prefect", api_url=self.api_url)

    def _settle(self) -> None:
        """Wait until the server has worked off what a variant has left it; else it would slow the next one."""
        deadline, busy = time.monotonic() + _SETTLE_SECONDS, True
        while busy and time.monotonic() < deadline:
            before = _processor_seconds(self.server)
            time.sleep(_WATCH_SECONDS)
            busy = _processor_seconds(self.server) - before > _BUSY_SHARE * _WATCH_SECONDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description="Measure the backfill.")
    parser.add_argument("--seasons", type=int, nargs="+", default=[1, 4], help="numbers of seasons (default: 1 4)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--days", type=int, help="only the first so many days after bootstrap")
    chosen = parser.parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    try:
        _check(chosen)
        with (
            tempfile.TemporaryDirectory(prefix="fullcourt-bench-") as name,
            progress.status("Starting a Prefect server ...") as status,
            prefect_server(Path(name) / "prefect") as api_url,
        ):
            bench = Bench(Path(name), api_url, _server(Path(name) / "prefect"), status.update)
            sizes = _measure(bench, sorted(set(chosen.seasons)), chosen.rounds, chosen.days)
    except FullcourtError as error:
        progress.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    print_results(make_console(), sizes)
    return 0


def years(seasons: int) -> list[int]:
    """Return the seasons to measure: the incident's alone, or the last ones."""
    return [INCIDENT_SEASON] if seasons == 1 else list(range(LAST_SEASON - seasons + 1, LAST_SEASON + 1))


def _check(chosen: argparse.Namespace) -> None:
    if not all(1 <= number <= MAX_SEASONS for number in chosen.seasons):
        raise RequestError(f"--seasons {chosen.seasons}: must be numbers of seasons, from 1 to {MAX_SEASONS}")
    if chosen.rounds < 1:
        raise RequestError(f"--rounds {chosen.rounds}: must be at least 1")
    if chosen.days is not None and chosen.days < 1:
        raise RequestError(f"--days {chosen.days}: must be at least 1")


@dataclass
class _League:
    """Seasons of the demo league to measure with."""

    seasons: int
    warehouse: Path
    first: str
    last: str
    days: int
    rows: int = 0
    tables: int = 0


def _measure(bench: Bench, seasons: Sequence[int], rounds: int, most_days: int | None) -> list[Size]:
    leagues = [_write_league(bench, number, most_days) for number in seasons]
    found: dict[int, list[Round]] = {league.seasons: [] for league in leagues}
    for number in range(1, rounds + 1):
        for league in leagues:
            bench.say(f"Round {number} of {rounds}, {league.seasons} season(s), {league.days} days ...")
            found[league.seasons].append(_round(bench, league))
    return [
        Size(
            seasons=league.seasons,
            days=league.days,
            tables=league.tables,
            rows=league.rows,
            rounds=found[league.seasons],
        )
        for league in leagues
    ]


def _write_league(bench: Bench, seasons: int, most_days: int | None) -> _League:
    bench.say(f"Writing {seasons} season(s) of the demo league ...")
    warehouse = bench.folder / f"league-{seasons}.duckdb"
    league = bench.run("league", warehouse, "--years", *years(seasons))
    days = league["days"][:most_days]
    first = days[0] if most_days else league["opening"]  # bootstrap's days are asked for as well
    return _League(seasons=seasons, warehouse=warehouse, first=first, last=days[-1], days=len(days))


def _round(bench: Bench, league: _League) -> Round:
    """Measure every variant once; in a league's first round, also compare their rows."""
    empty, limit = (_copy(league.warehouse, f"{name}-{time.monotonic_ns()}") for name in ("backfill", "limit"))
    range_ = ("--first", league.first, "--last", league.last)
    shape = bench.folder / "shape.json"
    from_empty = bench.measure("empty", empty, *range_, "--days", league.days)
    nothing = bench.measure("nothing", empty, *range_)
    bench.run("shape", empty, "--run", from_empty.flow_run_id, "--days", league.days, "--shape", shape)
    floor = bench.measure("floor", empty, "--shape", shape)
    set_based = bench.measure("limit", limit, *range_)
    if not league.rows:
        tables = bench.run("compare", empty, "--other", limit)
        if different := {name: count for name, (_, count) in tables.items() if count}:
            raise ProcessError(f"the rows of limit and backfill are not the same: {different}")
        league.rows, league.tables = sum(rows for rows, _ in tables.values()), len(tables)
    for file in (empty, limit):
        file.unlink()
    return Round(limit=set_based, floor=floor, empty=from_empty, nothing=nothing)


def _copy(warehouse: Path, name: str) -> Path:
    """Copy a warehouse under a name that no other has had: a warehouse's checkpoints are told apart by its path."""
    return Path(shutil.copy(warehouse, warehouse.with_name(f"{name}.duckdb")))


def _server(home: Path) -> psutil.Process:
    service = find_server(home)
    process = service.id.process if service else None
    if process is None:
        raise ProcessError(f"the Prefect server in {home} has ended")
    return process


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops and the folder goes then as well
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)

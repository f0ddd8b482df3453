"""One measurement, in a process of its own: what it measures, peak memory too, is of one variant alone.

``python -m benchmarks.process league|limit|empty|nothing|shape|floor|compare``; the warehouse is that of the settings.
It prints one line of JSON.
"""

import argparse
import json
import os
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from benchmarks.limit import compare, run_limit
from benchmarks.results import Measurement
from deployments.commands.demo_league import generate, load
from tasks.errors import FullcourtError, TerminalError
from tasks.runtime import run
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Origin, Warehouse
from tasks.warehouse.dry_run import open_for_run
from tasks.warehouse.open import open_warehouse

_OF_THE_RUN = {"plan", "report", "hold"}


class BenchmarkError(TerminalError):
    """A variant did not do what it is measured for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one variant; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.process", description="Measure one variant.")
    parser.add_argument("variant", choices=["league", "limit", "empty", "nothing", "shape", "floor", "compare"])
    parser.add_argument("--years", type=int, nargs="+", help="league: the seasons to write")
    parser.add_argument("--first", type=date.fromisoformat, help="first day")
    parser.add_argument("--last", type=date.fromisoformat, help="last day")
    parser.add_argument("--days", type=int, default=0, help="days of the range that are built from empty")
    parser.add_argument("--run", type=UUID, help="shape: the flow run")
    parser.add_argument(
        "--shape", type=Path, help="file of what the run asked of Prefect: shape writes it, floor reads"
    )
    parser.add_argument("--other", type=Path, help="compare: the warehouse that the limit has written")
    chosen = parser.parse_args(arguments)
    try:
        print(_measure(chosen, load_settings()), flush=True)
    except FullcourtError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _measure(chosen: argparse.Namespace, settings: Settings) -> str:
    if chosen.variant == "league":
        opening, built = _write_league(settings, chosen.years)
        return json.dumps({"opening": opening.isoformat(), "days": [day.isoformat() for day in built]})
    if chosen.variant == "compare":
        return json.dumps(compare(load_catalogue(settings), chosen.other, settings.duckdb_path))
    if chosen.variant == "shape":
        from benchmarks.floor import read_shape

        chosen.shape.write_text(read_shape(chosen.run, days=chosen.days).model_dump_json(), encoding="utf-8")
        return json.dumps(None)
    if chosen.variant == "limit":
        clock = _Clock()
        run_limit(settings, chosen.first, chosen.last)
        return clock.read().model_dump_json()
    if chosen.variant == "floor":
        return _floor(chosen.shape).model_dump_json()
    days = chosen.days if chosen.variant == "empty" else 0
    return _backfill(chosen.first, chosen.last, days).model_dump_json()


class _Clock:
    """What this process uses, from now on."""

    def __init__(self) -> None:
        self._start, self._processor = time.perf_counter(), _processor_seconds()

    def read(self) -> Measurement:
        return Measurement(
            seconds=time.perf_counter() - self._start,
            processor_seconds=_processor_seconds() - self._processor,
            peak_mib=_peak_mib(),
        )


def _write_league(settings: Settings, years: Sequence[int]) -> tuple[date, list[date]]:
    """Write seasons of the demo league to a new warehouse; returns its first day, and the days that are built."""
    league = generate(years)
    with open_warehouse(settings.connection()) as warehouse:
        load(warehouse, league)
    games = [game for game in league.schedule.to_pylist() if not game["is_all_star"]]
    starts = {year: min(game["game_date"] for game in games if game["season_year"] == year) for year in years}
    bootstrap = timedelta(days=settings.bootstrap_days)
    days = {game["game_date"] for game in games if game["game_date"] >= starts[game["season_year"]] + bootstrap}
    return min(starts.values()), sorted(days)


def _backfill(first: date, last: date, days: int) -> Measurement:
    """Run the backfill as a user does, and check that it has built so many days."""
    from prefect.client.orchestration import get_client

    from flows.backfill import backfill
    from tasks.backfill.report import Report

    with _counted_statements() as statements:
        clock = _Clock()
        state = backfill(start_date=first, end_date=last, return_state=True)
        found = clock.read()
    _drain()
    report: Any = state.result(raise_on_failure=False)
    flow_run_id = state.state_details.flow_run_id
    if not isinstance(report, Report) or not report.is_done or flow_run_id is None:
        raise BenchmarkError(f"the backfill of {first} to {last} did not complete: {state.message}")
    built = sum(row.work == "built" for row in report.rows)
    if built != days:
        raise BenchmarkError(f"the backfill of {first} to {last} built {built} days instead of {days}")
    flow_run = get_client(sync_client=True).read_flow_run(flow_run_id)
    return found.model_copy(
        update={
            "flow_run_id": flow_run_id,
            "flow_seconds": flow_run.total_run_time.total_seconds(),
            "statements_of_days": sum(n for step, n in statements.items() if step not in _OF_THE_RUN),
            "statements_of_run": sum(n for step, n in statements.items() if step in _OF_THE_RUN),
        }
    )


def _floor(shape_file: Path) -> Measurement:
    from benchmarks.floor import Shape, run_floor

    shape = Shape.model_validate_json(shape_file.read_text(encoding="utf-8"))
    clock = _Clock()
    run_floor(shape)
    found = clock.read()
    _drain()
    return found.model_copy(update={"task_runs": shape.task_runs, "artifacts": shape.artifact_count})


@contextmanager
def _counted_statements() -> Iterator[Counter[str]]:
    """Count the warehouse statements of every step."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    @contextmanager
    def counted(settings: Settings, origin: Origin, **how: Any) -> Iterator[Warehouse]:
        with open_for_run(settings, origin, **how) as warehouse:
            try:
                yield warehouse
            finally:
                with lock:
                    counts[origin.step] += warehouse.statements

    with patch.object(run, "open_for_run", counted):
        yield counts


def _drain() -> None:
    """Wait until the server has got what was to be sent to it."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all()


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding reports leaks on the terminal when the interpreter shuts down in the usual way

"""One step of the benchmark, in a process of its own: what it measures, peak memory too, is of one variant alone.

``python -m benchmarks.process STEP``; the warehouse is that of the settings. It prints one line of JSON.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from benchmarks.clock import counted_statements, timed
from benchmarks.limit import run_limit
from benchmarks.measured import Difference, Measurement, Written
from benchmarks.rows import compare, correct
from deployments.commands.demo_league import generate, load
from tasks.errors import FullcourtError, TerminalError
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse

_OF_THE_RUN = {"plan", "report", "seasons", "hold"}


class BenchmarkError(TerminalError):
    """A variant did not do what it is measured for."""


def main(arguments: list[str] | None = None) -> int:
    """Do one step; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.process", description="Do one step of the benchmark.")
    parser.add_argument("step", choices=_STEPS)
    parser.add_argument("--years", type=int, nargs="+", help="league: the seasons to write")
    parser.add_argument("--first", type=date.fromisoformat, nargs="+", help="first day of each season")
    parser.add_argument("--last", type=date.fromisoformat, nargs="+", help="last day of each season")
    parser.add_argument("--day", type=date.fromisoformat, help="correct: the day whose box score is corrected")
    parser.add_argument("--days", type=int, help="backfill: days that it must build; shape: days that it built")
    parser.add_argument("--run", type=UUID, help="shape: the flow run")
    parser.add_argument("--shape", type=Path, help="what the run asked of Prefect: shape writes it, floor reads it")
    parser.add_argument("--other", type=Path, help="compare: the other warehouse")
    chosen = parser.parse_args(arguments)
    try:
        print(to_json(_STEPS[chosen.step](load_settings(), chosen)).decode(), flush=True)
    except FullcourtError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def asked(firsts: Sequence[date], lasts: Sequence[date]) -> dict[str, Any]:
    """Return the backfill's parameters for seasons, without summers: the league has no playoffs to bound them."""
    if len(firsts) == 1:
        return {"start_date": firsts[0], "end_date": lasts[0]}
    seasons = zip(firsts, lasts, strict=True)
    dates = [first + timedelta(days=number) for first, last in seasons for number in range((last - first).days + 1)]
    return {"dates": dates, "max_days": len(dates)}


def _league(settings: Settings, chosen: argparse.Namespace) -> Written:
    """Write seasons of the demo league to a new warehouse."""
    league = generate(chosen.years)
    with open_warehouse(settings.connection()) as warehouse:
        load(warehouse, league)
    games = [game for game in league.schedule.to_pylist() if not game["is_all_star"]]
    played = [{game["game_date"] for game in games if game["season_year"] == year} for year in sorted(chosen.years)]
    bootstrap = timedelta(days=settings.bootstrap_days)
    return Written(
        tables=len(load_catalogue(settings).derived),
        seasons=[(min(days), max(days)) for days in played],
        days=sorted(day for days in played for day in days if day >= min(days) + bootstrap),
    )


def _backfill(_: Settings, chosen: argparse.Namespace) -> Measurement:
    """Run the backfill as a user does, and check that it is done and has built as many days as it must."""
    from prefect.client.orchestration import get_client

    from flows.backfill import backfill
    from tasks.backfill.report import Report

    range_ = f"the backfill of {chosen.first[0]} to {chosen.last[-1]}"
    run: Callable[[], Any] = partial(backfill, **asked(chosen.first, chosen.last), return_state=True)
    with counted_statements() as statements:
        state, found = timed(run)
    _drain()
    report, flow_run_id = state.result(raise_on_failure=False), state.state_details.flow_run_id
    if not isinstance(report, Report) or not report.is_done or flow_run_id is None:
        raise BenchmarkError(f"{range_} did not complete: {state.message}")
    built = sum(row.work == "built" for row in report.rows)
    if chosen.days is not None and built != chosen.days:
        raise BenchmarkError(f"{range_} built {built} days instead of {chosen.days}")
    flow_run = get_client(sync_client=True).read_flow_run(flow_run_id)
    return found.model_copy(
        update={
            "flow_run_id": flow_run_id,
            "flow_seconds": flow_run.total_run_time.total_seconds(),
            "days_built": built,
            "statements_of_days": sum(n for step, n in statements.items() if step not in _OF_THE_RUN),
            "statements_of_run": sum(n for step, n in statements.items() if step in _OF_THE_RUN),
        }
    )


def _shape(_: Settings, chosen: argparse.Namespace) -> None:
    from benchmarks.floor import read_shape

    chosen.shape.write_text(read_shape(chosen.run, days=chosen.days).model_dump_json(), encoding="utf-8")


def _floor(_: Settings, chosen: argparse.Namespace) -> Measurement:
    from benchmarks.floor import Shape, run_floor

    shape = Shape.model_validate_json(chosen.shape.read_text(encoding="utf-8"))
    found = timed(partial(run_floor, shape))[1]
    _drain()
    return found.model_copy(update={"task_runs": shape.task_runs, "artifacts": shape.artifact_count})


def _prefect(*_: object) -> Measurement:
    from benchmarks.floor import run_empty_flow  # which imports the backfill too: what it loads is not counted twice

    found = timed(run_empty_flow)[1]
    _drain()
    return found


def _limit(settings: Settings, chosen: argparse.Namespace) -> Measurement:
    return timed(partial(run_limit, settings, chosen.first[0], chosen.last[-1]))[1]


def _correct(settings: Settings, chosen: argparse.Namespace) -> None:
    correct(settings.duckdb_path, chosen.day)


def _compare(settings: Settings, chosen: argparse.Namespace) -> Mapping[str, Difference]:
    return compare(load_catalogue(settings), settings.duckdb_path, chosen.other)


def _drain() -> None:
    """Wait until the server has got what was to be sent to it."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all()


_STEPS: Mapping[str, Callable[[Settings, argparse.Namespace], object]] = {
    "league": _league,
    "backfill": _backfill,
    "shape": _shape,
    "floor": _floor,
    "prefect": _prefect,
    "limit": _limit,
    "correct": _correct,
    "compare": _compare,
}

if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding reports leaks on the terminal when the interpreter shuts down in the usual way

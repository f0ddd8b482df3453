"""``make bench`` and ``make bench-growth``: the backfill against the least that its result can cost.

For a number of seasons of the demo league, the variants take turns, each in a process of its own, against one server:

- empty: the backfill of a warehouse that has none of the derived tables, and of which Prefect has no checkpoint;
- nothing: the same again, right after it;
- prefect: a flow of Prefect that does nothing;
- corrected: the same backfill again, after one box score in the middle of the last season was corrected;
- floor: the task runs and artifacts of the run from empty, in Prefect alone;
- limit: the same rows by the same queries, for the whole range at once, without Prefect, audit or gate.

Growth is measured by the first two alone. Everything is written to a temporary folder, which is removed.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from benchmarks.bench import Bench, ProcessError
from benchmarks.measured import Difference, Measurement, Written
from benchmarks.results import Size, make_console, print_results
from deployments.local.prefect_server import prefect_server
from tasks.errors import FullcourtError, RequestError

LAST_SEASON, INCIDENT_SEASON, MAX_SEASONS = 2024, 2022, 20

_DIFFERENCES = TypeAdapter(dict[str, Difference])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description="Measure the backfill.")
    parser.add_argument("--growth", action="store_true", help="only what says how the backfill grows with the seasons")
    parser.add_argument("--seasons", type=int, nargs="+", help="numbers of seasons (default: 1 4; growth: 1 2 4 8 16)")
    parser.add_argument("--rounds", type=int, help="rounds (default: 3; growth: 1)")
    parser.add_argument("--days", type=int, help="only the first so many days after bootstrap")
    chosen = parser.parse_args(arguments)
    seasons = [1, 2, 4, 8, 16] if chosen.growth else [1, 4]
    seasons, rounds = chosen.seasons or seasons, (1 if chosen.growth else 3) if chosen.rounds is None else chosen.rounds
    progress = Console(stderr=True, highlight=False)
    try:
        _check(seasons, rounds, chosen.days)
        with (
            tempfile.TemporaryDirectory(prefix="fullcourt-bench-") as name,
            progress.status("Starting a Prefect server ...") as status,
            prefect_server(Path(name) / "prefect") as api_url,
        ):
            bench = Bench(Path(name), Path(name) / "prefect", api_url, status.update)
            sizes = _measure(bench, sorted(set(seasons)), rounds, chosen.days, growth=chosen.growth)
    except FullcourtError as error:
        progress.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    print_results(make_console(), sizes)
    return 0


def years(seasons: int) -> list[int]:
    """Return the seasons to measure: the incident's alone, or the last ones."""
    return [INCIDENT_SEASON] if seasons == 1 else list(range(LAST_SEASON - seasons + 1, LAST_SEASON + 1))


def _check(seasons: Sequence[int], rounds: int, days: int | None) -> None:
    if not all(1 <= number <= MAX_SEASONS for number in seasons):
        raise RequestError(f"--seasons {seasons}: must be numbers of seasons, from 1 to {MAX_SEASONS}")
    if rounds < 1:
        raise RequestError(f"--rounds {rounds}: must be at least 1")
    if days is not None and days < 1:
        raise RequestError(f"--days {days}: must be at least 1")


@dataclass
class _League:
    """Seasons of the demo league to measure with."""

    seasons: int
    warehouse: Path
    ranges: list[tuple[date, date]]
    """The days that are asked for: of each season, from the first to the last with a game."""
    days: list[date]
    """Those that are built."""
    corrected: date
    """The day whose box score is corrected: in the middle of the last season."""
    tables: int
    rows: int = 0
    """As many were found to be equal in limit and backfill."""


def _measure(bench: Bench, seasons: Sequence[int], rounds: int, most_days: int | None, *, growth: bool) -> list[Size]:
    leagues = [_write_league(bench, number, most_days) for number in seasons]
    found: dict[int, list[Mapping[str, Measurement]]] = {league.seasons: [] for league in leagues}
    for number in range(1, rounds + 1):
        for league in leagues:
            bench.say(f"Round {number} of {rounds}, {league.seasons} season(s), {len(league.days)} days ...")
            found[league.seasons].append(_round(bench, league, growth=growth))
    return [
        Size(
            seasons=league.seasons,
            days=len(league.days),
            tables=league.tables,
            rows=league.rows,
            rounds=found[league.seasons],
        )
        for league in leagues
    ]


def _write_league(bench: Bench, seasons: int, most_days: int | None) -> _League:
    bench.say(f"Writing {seasons} season(s) of the demo league ...")
    warehouse = bench.folder / f"league-{seasons}.duckdb"
    league = Written.model_validate(bench.run("league", warehouse, "--years", *years(seasons)))
    days = league.days[:most_days]
    ranges = [(first, min(last, days[-1])) for first, last in league.seasons if first <= days[-1]]
    if most_days:  # bootstrap's days are asked for otherwise
        ranges[0] = (days[0], ranges[0][1])
    last_season = [day for day in days if day >= ranges[-1][0]]
    return _League(
        seasons=seasons,
        warehouse=warehouse,
        ranges=ranges,
        days=days,
        corrected=last_season[(len(last_season) - 1) // 2],
        tables=league.tables,
    )


def _round(bench: Bench, league: _League, *, growth: bool) -> Mapping[str, Measurement]:
    """Measure every variant once; in a league's first round, also compare the rows of backfill and limit."""
    firsts, lasts = zip(*league.ranges, strict=True)
    range_, days = ("--first", *firsts, "--last", *lasts), ("--days", len(league.days))
    ours = _copy(league.warehouse)
    empty = bench.measure("backfill", ours, *range_, *days, database=True)
    found = {"empty": empty, "nothing": bench.measure("backfill", ours, *range_, "--days", 0)}
    if growth:
        ours.unlink()
        return found
    found["prefect"] = bench.measure("prefect", ours)
    before, limit, shape = _copy(ours), _copy(league.warehouse), bench.folder / "shape.json"
    bench.run("correct", ours, "--day", league.corrected)
    corrected = bench.measure("backfill", ours, *range_)
    changed = {day for table in _compare(bench, ours, before).values() for day in table.days}
    found["corrected"] = corrected.model_copy(update={"days_changed": len(changed)})
    bench.run("shape", ours, "--run", empty.flow_run_id, *days, "--shape", shape)
    found["floor"] = bench.measure("floor", ours, "--shape", shape)
    found["limit"] = bench.measure("limit", limit, *range_)
    if not league.rows:
        league.rows = _equal_rows(bench, before, limit)
        of_corrected = _copy(league.warehouse)
        bench.run("correct", of_corrected, "--day", league.corrected)
        bench.run("limit", of_corrected, *range_)
        _equal_rows(bench, ours, of_corrected)
        of_corrected.unlink()
    for file in (ours, before, limit):
        file.unlink()
    return found


def _compare(bench: Bench, one: Path, other: Path) -> Mapping[str, Difference]:
    return _DIFFERENCES.validate_python(bench.run("compare", one, "--other", other))


def _equal_rows(bench: Bench, backfill: Path, limit: Path) -> int:
    """Return how many rows of the derived tables are equal in two warehouses: all of them."""
    tables = _compare(bench, backfill, limit)
    if different := {name: table.different for name, table in tables.items() if table.different}:
        raise ProcessError(f"the rows of limit and backfill are not the same: {different}")
    return sum(table.rows for table in tables.values())


def _copy(warehouse: Path) -> Path:
    """Copy a warehouse under a name that no other has had: a warehouse's checkpoints are told apart by its path."""
    return Path(shutil.copy(warehouse, warehouse.with_name(f"copy-{time.monotonic_ns()}.duckdb")))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops and the folder goes then as well
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)

"""What the tests of the backfill look at: the tables, the ledger, and what Prefect's API says of a run."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.records import artifact_key, parse_artifact
from tasks.backfill.report import Report
from tasks.settings import PROJECT_ROOT, Settings
from tests.fixtures.warehouses import AddTable
from tests.league import League, fetch

MAIN = "player_composite_factors"
ZONES = ("player_shot_zone_analysis", "team_defense_zone_analysis")
TABLES = (*ZONES, MAIN)
ENTITY = {MAIN: "player_lookup", ZONES[0]: "player_lookup", ZONES[1]: "team_abbr"}
DAY_COLUMN = {MAIN: "game_date", ZONES[0]: "analysis_date", ZONES[1]: "analysis_date"}
OPENING = date(2022, 10, 18)
_BACKFILL = """
import json, sys
from flows.backfill import backfill
backfill(**json.loads(sys.argv[1]))
"""
_HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""
DAY = date(2022, 11, 8)  # an ordinary day, past the first fourteen of the season
MOST = "most"


def days(count: int, first: date = DAY) -> list[date]:
    """Return consecutive days."""
    return [first + timedelta(days=n) for n in range(count)]


def play(league: League, *game_days: date) -> None:
    """Let BOS and NYK, LAL and MIA play on each day: 4 teams, 40 players."""
    for day in game_days:
        league.game(day, "BOS", "NYK")
        league.game(day, "LAL", "MIA")


def open_season(league: League, *game_days: date) -> None:
    """Play two rounds among the season's first days, so that later ones have a past; then the days given."""
    play(league, OPENING, OPENING + timedelta(days=7), *game_days)


def add_most(add_table: AddTable, day: date) -> None:
    """Add a table that covers 37 of the 40 players of a day, and everybody on any other."""
    add_table(
        MOST,
        "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected "
        f"WHERE NOT (player_lookup IN ('nyk7', 'nyk8', 'nyk9') AND @game_date = DATE '{day}')",
    )


def lookups(league: League, day: date) -> list[str]:
    """Return the players of a day's box scores, each once, by name."""
    return sorted({row["player_lookup"] for row in league.box if row["game_date"] == day})


def outcomes(report: Report) -> dict[date, str]:
    """Return each day's outcome."""
    return {row.day: row.outcome for row in report.rows}


def built(report: Report) -> set[date]:
    """Return the days that the run worked on."""
    return {row.day for row in report.rows if row.work == "built"}


def published(settings: Settings, table: str = MAIN) -> dict[date, list[str]]:
    """Return the players or teams that a table holds for each day, once for each row."""
    found = defaultdict(list)
    for row in fetch(
        settings, f"SELECT {DAY_COLUMN[table]} AS day, {ENTITY[table]} AS entity FROM nba_precompute.{table}"
    ):
        found[row["day"]].append(row["entity"])
    return {day: sorted(entities) for day, entities in found.items()}


def content(settings: Settings) -> list[tuple[Any, ...]]:
    """Return what every derived row says, but not when or by whom it was written."""
    return sorted(
        (table, row["day"], row["entity"], row["data_hash"])
        for table in TABLES
        for row in fetch(
            settings,
            f"SELECT {DAY_COLUMN[table]} AS day, {ENTITY[table]} AS entity, data_hash FROM nba_precompute.{table}",
        )
    )


def ledger(settings: Settings, **equal: Any) -> list[dict[str, Any]]:
    """Return the ledger's rows, oldest first, of those with the values given."""
    return _record(settings, "backfill_ledger", equal)


def failures(settings: Settings, **equal: Any) -> list[dict[str, Any]]:
    """Return the failure rows, oldest first, of those with the values given."""
    return _record(settings, "precompute_failures", equal)


def _record(settings: Settings, table: str, equal: dict[str, Any]) -> list[dict[str, Any]]:
    rows = fetch(settings, f"SELECT * FROM nba_orchestration.{table} ORDER BY recorded_at, table_name")
    return [row for row in rows if all(row[name] == value for name, value in equal.items())]


def artifacts(**filters: Any) -> list[dict[str, Any]]:
    """Return the last artifact of each key, over Prefect's API, that the filter of artifacts lets through."""
    with get_client(sync_client=True) as client:
        body = {"artifacts": filters, "limit": 200}
        found: list[dict[str, Any]] = client.request("POST", "/artifacts/latest/filter", json=body).json()
        return found


def checkpoint(settings: Settings, day: date, table: str = MAIN) -> Checkpoint | None:
    """Return the checkpoint that a day's artifact holds; None if there is no artifact."""
    found = artifacts(key={"any_": [artifact_key(settings, day)]})
    read = (each for artifact in found for each in parse_artifact(artifact["data"]))
    return next((each for each in read if each.table_name == table), None)


def checkpointed(settings: Settings, *some: date) -> set[date]:
    """Return those of the days that have an artifact."""
    keys = {artifact_key(settings, day): day for day in some}
    return {keys[artifact["key"]] for artifact in artifacts(key={"any_": list(keys)})}


def run_artifact(flow_run_id: object, key: str) -> dict[str, Any] | None:
    """Return what a run published under a key; None if it did not."""
    with get_client(sync_client=True) as client:
        body = {"artifacts": {"flow_run_id": {"any_": [str(flow_run_id)]}, "key": {"any_": [key]}}}
        found = client.request("POST", "/artifacts/filter", json=body).json()
        return found[0] if found else None


def task_runs(flow_run_id: object, *names: str) -> list[dict[str, Any]]:
    """Return a run's task runs; Prefect records them a little later, so wait until those of the names have ended."""

    def read() -> list[dict[str, Any]]:
        with get_client(sync_client=True) as client:
            body = {"flow_runs": {"id": {"any_": [str(flow_run_id)]}}, "limit": 200, "sort": "EXPECTED_START_TIME_ASC"}
            found: list[dict[str, Any]] = client.request("POST", "/task_runs/filter", json=body).json()
            return found

    found: list[dict[str, Any]] = []

    def are_recorded() -> bool:
        found[:] = read()
        return {run["name"] for run in found if run["end_time"] is not None} >= set(names)

    wait_until(are_recorded)
    return found


def wait_until(is_so: Callable[[], bool], *, seconds: float = 300) -> None:
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@contextmanager
def held(settings: Settings) -> Iterator[int]:
    """Let another process hold the warehouse file as long as the block lasts; yields its process id."""
    command = [sys.executable, "-c", _HOLD, str(settings.duckdb_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate("")


def start_python(code: str, api_url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python process of its own in the project, with this test's settings and Prefect server."""
    environment = {
        **os.environ,
        "PREFECT_API_URL": api_url,
        "PREFECT_API_AUTH_STRING": str(PREFECT_API_AUTH_STRING.value()),
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_backfill(api_url: str, *, before: str = "", **parameters: Any) -> subprocess.Popen[str]:
    """Start a backfill in a process of its own, that ends with a non-zero exit code if a day is not done.

    Args:
        api_url: The Prefect server's API.
        before: Python code to run in the process first.
        parameters: Those of the flow.
    """
    return start_python(before + _BACKFILL, api_url, json.dumps(parameters, default=str))


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a process; returns its exit code and what it wrote."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, output

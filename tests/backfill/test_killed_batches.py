"""A run that is killed at any statement of a batch, and the one that continues it; on both warehouses."""

import signal
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import duckdb  # noqa: TID251 - what is in the file is read behind the application's back
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.gate import PUBLISHED
from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import server_of
from tests.backfill.observe import (
    TABLES,
    checkpoint,
    content,
    days,
    end_of,
    failures,
    ledger,
    lookups,
    open_season,
    start_backfill,
    wait_until,
)
from tests.fixtures.warehouses import Elsewhere
from tests.league import League

pytestmark = pytest.mark.slow

RunBackfill = Callable[..., Report]
KILLS = 4

# Statements are the clock: a moment is right before one, right after it, or while BigQuery works on it.
_CLOCK = """
import os, signal, threading
from functools import wraps
from tasks.warehouse.bigquery.jobs import Jobs
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse

lock, moments = threading.Lock(), 0

def moment():
    global moments
    with lock:
        moments += 1
        if moments == {at}:
            os.kill(os.getpid(), signal.SIGKILL)

def timed(statement):
    @wraps(statement)
    def call(*args, **how):
        moment()
        found = statement(*args, **how)
        moment()
        return found
    return call

for owner, name in ((DuckDBWarehouse, "_run"), (DuckDBWarehouse, "fetch"), (Jobs, "run"), (Jobs, "_wait")):
    setattr(owner, name, timed(getattr(owner, name)))
"""
_COUNTED = """
import atexit
atexit.register(lambda: print("moments", moments, flush=True))
"""
_NOT_COMPARED = ("run_id", "started_at", "recorded_at")


@dataclass(frozen=True)
class Stored:
    """What is there of some days."""

    rows: dict[tuple[str, date], list[tuple[str, str]]]
    """Of each table and day: who, and the content."""
    records: set[str]
    """The rows of the ledger and of the failures: a day that is not done may be tried, and recorded, again."""
    done: list[tuple[str, date]]
    """The tables and days of which the ledger says that they are published, as often as it says so."""
    artifacts: dict[tuple[str, date], str]
    staged: list[str]
    """What waits to be published."""


def said(record: dict[str, Any]) -> str:
    return str({name: value for name, value in record.items() if name not in _NOT_COMPARED})


def stored(settings: Settings, some: list[date]) -> Stored:
    rows = defaultdict(list)
    for table, day, entity, data_hash in content(settings):
        rows[table, day].append((entity, data_hash))
    recorded = ledger(settings)
    found: dict[tuple[str, date], Checkpoint | None] = {
        (table, day): checkpoint(settings, day, table) for table in TABLES for day in some
    }
    return Stored(
        dict(rows),
        {said(row) for row in (*recorded, *failures(settings))},
        sorted((row["table_name"], row["game_date"]) for row in recorded if row["outcome"] in PUBLISHED),
        {of: said(each.model_dump()) for of, each in found.items() if each is not None},
        staged(settings),
    )


def staged(settings: Settings) -> list[str]:
    """Return the tables, beside those that are meant to last, that the warehouse holds."""
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        tables = server.project(project).tables.values()
        return [table.name for table in tables if table.dataset == settings.bigquery_staging_dataset]
    with duckdb.connect(settings.duckdb_path) as file:
        found = file.execute("SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(schema_name, 'nba_')")
        return [name for (name,) in found.fetchall()]


def mark_crashed(settings: Settings) -> None:
    """Let Prefect know that the run was killed, when the warehouse has ended what it was asked for."""
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        wait_until(lambda: all(job["status"]["state"] == "DONE" for job in server.jobs(project)))
    at_work = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
    with get_client(sync_client=True) as client:
        for flow_run in client.read_flow_runs(flow_run_filter=at_work):
            client.set_flow_run_state(flow_run.id, Crashed(message="its process was killed"), force=True)


def test_a_run_that_is_killed_at_any_statement_has_written_whole_days_and_is_continued_as_if_it_had_not_been(
    league: League, settings: Settings, run: RunBackfill, elsewhere: Elsewhere, api_url: str
) -> None:
    some = days(5)
    first, last = some[0], some[-1]
    open_season(league, *some[:-1])
    league.game(last, "BOS", "NYK", loaded=False)
    league.expect_upcoming(some[1], lookups(league, some[1]))

    undisturbed = elsewhere("undisturbed")
    league.write(undisturbed)
    clock = _CLOCK.format(at=0) + _COUNTED
    exit_code, written = end_of(start_backfill(api_url, before=clock, start_date=first, end_date=last))
    assert exit_code == 1, written  # the last day is blocked
    moments = int(written.rpartition("moments ")[2].split()[0])
    expected = stored(undisturbed, some)
    assert len(expected.rows) == len(expected.done) == len(TABLES) * (len(some) - 1)
    assert expected.staged == []

    for number in range(KILLS):
        at = Random(number).randint(1, moments)  # noqa: S311
        killed = elsewhere(f"killed-{number}")
        league.write(killed)
        process = start_backfill(api_url, before=_CLOCK.format(at=at), start_date=first, end_date=last)
        exit_code, written = end_of(process)
        assert exit_code == -signal.SIGKILL, written
        mark_crashed(killed)
        now = stored(killed, some)
        assert {of: expected.rows.get(of) for of in now.rows} == now.rows, at
        assert now.records <= expected.records, at
        run((first, last))
        assert stored(killed, some) == expected, at

"""Staging tables: where rows wait, and what becomes of them when a run dies."""

import os
import signal
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from google.cloud import bigquery  # noqa: TID251 - the real client
from prefect.client.orchestration import get_client
from prefect.states import Crashed

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    ZONES,
    content,
    days,
    open_season,
    outcomes,
    published,
    start_backfill,
    wait_until,
)
from tests.bigquery.asking import query
from tests.bigquery_server.server import BigQueryServer, Fault
from tests.league import League

pytestmark = pytest.mark.slow

RunBackfill = Callable[..., Report]


def staged(server: BigQueryServer, project: str) -> list[str]:
    return sorted(
        table.name for table in server.project(project).tables.values() if table.dataset == "fullcourt_staging"
    )


def test_nothing_stays_staged_after_a_run_and_what_was_staged_would_have_expired(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    run(DAY)
    assert staged(server, project) == []
    created = [
        job["configuration"]["query"]["query"]
        for job in server.jobs(project)
        if job["statistics"].get("query", {}).get("statementType") == "CREATE_TABLE_AS_SELECT"
    ]
    assert len(created) == len(TABLES)
    assert all("expiration_timestamp = TIMESTAMP" in statement for statement in created)


def test_nothing_stays_staged_of_a_batch_that_was_given_up_at_its_second_table(
    league: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    some = days(3)
    open_season(league, *some)
    league.write(settings)
    place = f"-batch-{ZONES[1]}-{some[0]}-keep-"
    fault = Fault(lambda r: r.project == project and place in str(r.job_id), job_error="timeout")
    server.faults.add(fault)
    assert set(outcomes(run((some[0], some[-1]))).values()) == {"complete"}
    assert fault.times == 0
    assert any(f"-batch-{ZONES[0]}-{some[0]}-keep-" in job["jobReference"]["jobId"] for job in server.jobs(project))
    assert staged(server, project) == []


@pytest.mark.parametrize("step", ["stage", "fetch", "publish", "append"])
def test_a_run_that_is_killed_at_any_step_is_continued_and_what_it_staged_is_swept(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    api_url: str,
    step: str,
) -> None:
    place = "-record-" if step == "append" else f"-build-{MAIN}-"
    fault = Fault(
        lambda r: r.project == project and place in str(r.job_id) and f"-{step}-" in str(r.job_id), job_delay_seconds=4
    )
    server.faults.add(fault)
    process = start_backfill(api_url, start_date=DAY)
    wait_until(lambda: fault.times == 0 or process.poll() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (run_id,) = {
        job["configuration"]["labels"]["run"] for job in server.jobs(project) if place in job["jobReference"]["jobId"]
    }
    wait_until(lambda: all(job["status"]["state"] == "DONE" for job in server.jobs(project)))
    left = staged(server, project)
    named = f"{MAIN}__{DAY:%Y%m%d}__{run_id.replace('-', '_')}__"
    assert [name[: len(named)] for name in left] == ([] if step == "append" else [named])
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(run_id), Crashed(message="its process was killed"), force=True)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert staged(server, project) == []
    assert {len(players) for players in published(settings).values()} == {40}
    assert len(content(settings)) == len(set(content(settings))) == 84


def test_a_table_with_other_columns_in_another_order_gets_its_rows_by_name(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    run(DAY)
    before = content(settings)
    table = f"nba_precompute.{MAIN}"
    server.sql(
        project,
        f"ALTER TABLE {table} DROP COLUMN universal_player_id",
        f"ALTER TABLE {table} ADD COLUMN note VARCHAR",
        f"ALTER TABLE {table} ADD COLUMN universal_player_id VARCHAR",
    )
    assert outcomes(run(DAY, resume=False)) == {DAY: "complete"}
    assert content(settings) == before
    rows = server.sql(project, f"SELECT player_lookup = universal_player_id, note FROM {table}")
    assert set(rows) == {(True, None)}


def test_what_another_run_has_staged_is_left_alone_while_it_runs_and_expires_by_itself(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str, api_url: str
) -> None:
    fault = Fault(lambda r: r.project == project and "-publish-" in str(r.job_id), job_delay_seconds=30)
    server.faults.add(fault)
    process = start_backfill(api_url, start_date=DAY, tables=["team_defense_zone_analysis"])
    wait_until(lambda: fault.times == 0 or process.poll() is not None)
    (left,) = staged(server, project)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert staged(server, project) == [left]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert staged(server, project) == [left]
    server.project(project).clock.advance(hours=25)
    assert staged(server, project) == []


def test_a_run_drops_no_table_of_others_not_even_where_the_staging_dataset_is_one_of_its_own(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    client: bigquery.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(DAY)
    before, there = content(settings), set(server.project(project).tables)
    for dataset in ("nba_precompute", "fullcourt_staging"):
        query(client, f"CREATE TABLE {dataset}.sales__2023 (n INT64)")
        query(client, f"CREATE TABLE {dataset}.seen__20230223__{uuid4()} (n INT64)".replace("-", "_"))
    mine = set(server.project(project).tables) - there
    monkeypatch.setenv("FULLCOURT_BIGQUERY_STAGING_DATASET", "nba_precompute")
    assert outcomes(run(DAY, resume=False)) == {DAY: "complete"}
    assert set(server.project(project).tables) == there | mine
    assert content(settings) == before

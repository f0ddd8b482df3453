"""A run that is suspended and resumed starts anew in another process, and keeps its run count."""

import os
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect.states import Suspended

from flows.backfill import backfill
from tasks.settings import PROJECT_ROOT, Settings
from tests.backdoor import run_sql
from tests.backfill.observe import DAY, ZONES, end_of, published, wait_until
from tests.bigquery_server.server import BigQueryServer, Fault
from tests.league import League

pytestmark = pytest.mark.slow

TEAMS = ZONES[1]


def execute(api_url: str, run_id: UUID) -> subprocess.Popen[str]:
    """Start a run of a deployment as a worker does, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "prefect", "flow-run", "execute", str(run_id)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PREFECT_API_URL": api_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_run_that_is_resumed_asks_anew_and_takes_no_answer_of_its_first_start(
    season: League, settings: Settings, server: BigQueryServer, project: str, api_url: str
) -> None:
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            client.create_flow(backfill), "suspended", entrypoint="flows/backfill.py:backfill", path=str(PROJECT_ROOT)
        )
        parameters = {"start_date": str(DAY), "tables": [TEAMS]}
        run_id = client.create_flow_run_from_deployment(deployment, parameters=parameters).id
        fault = Fault(lambda r: r.project == project and "-publish-" in str(r.job_id), job_delay_seconds=5)
        server.faults.add(fault)
        process = execute(api_url, run_id)
        wait_until(lambda: fault.times == 0 or process.poll() is not None)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        client.set_flow_run_state(run_id, Suspended(timeout_seconds=600), force=True)
        before = client.read_flow_run(run_id)
        wait_until(lambda: all(job["status"]["state"] == "DONE" for job in server.jobs(project)))
        first = {job["jobReference"]["jobId"] for job in server.jobs(project)}
        run_sql(settings, f"DELETE FROM nba_precompute.{TEAMS}")
        resume_flow_run(run_id)
        exit_code, written = end_of(execute(api_url, run_id))
        after = client.read_flow_run(run_id)
    assert exit_code == 0, written
    assert after.state is not None
    assert after.state.is_completed(), after.state
    assert before.run_count == 1
    assert published(settings, TEAMS) == {DAY: ["BOS", "LAL", "MIA", "NYK"]}
    steps = ("-build-", "-plan-", "-check-", "-report-")
    ids = [job["jobReference"]["jobId"] for job in server.jobs(project) if str(run_id) in job["jobReference"]["jobId"]]
    second = [job_id for job_id in ids if job_id not in first]
    for step in steps:
        assert any(step in job_id for job_id in second), step
    assert not [path for method, path, status in server.requests(project) if method == "POST" and status == 409]

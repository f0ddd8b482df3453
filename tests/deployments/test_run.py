"""The command that runs a deployment: what its user reads, and the exit code; only the worker's process is left out."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow

from deployments.commands.main import main
from flows.backfill import backfill
from tasks.settings import Settings
from tests.backfill.observe import DAY, open_season, wait_until
from tests.league import League

NEXT = DAY + timedelta(days=1)


@pytest.fixture
def deployment() -> str:
    """A deployment of the backfill, by its full name."""
    name = f"test-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        client.create_deployment(client.create_flow(backfill), name=name, tags=[name])
    return f"backfill/{name}"


def runs_of(deployment: str) -> list[Any]:
    body = {"deployments": {"name": {"any_": [deployment.split("/")[1]]}}}
    with get_client(sync_client=True) as client:
        found: list[Any] = client.request("POST", "/flow_runs/filter", json=body).json()
        return found


def run_and_watch(deployment: str, home: Path, *arguments: str) -> int:
    """Let the command start a run and watch it, and do the run meanwhile, as a worker would."""
    before = len(runs_of(deployment))
    with ThreadPoolExecutor(max_workers=1) as executor:
        code = executor.submit(
            contextvars.copy_context().run, lambda: main(["run", deployment, *arguments, "--home", str(home)])
        )
        wait_until(lambda: len(runs_of(deployment)) > before or code.done())
        if not code.done():
            (newest, *_) = sorted(runs_of(deployment), key=lambda run: run["created"], reverse=True)
            with get_client(sync_client=True) as client:
                run = client.read_flow_run(newest["id"])
            run_flow(backfill, flow_run=run, parameters=run.parameters, return_type="state")
        return code.result(timeout=300)


def test_the_plan_the_days_and_the_reasons_are_shown_and_the_code_says_whether_all_is_done(
    deployment: str, league: League, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_season(league, DAY)
    league.game(NEXT, "BOS", "NYK", loaded=False)
    league.write(settings)
    assert run_and_watch(deployment, tmp_path, "--from", str(DAY), "--to", str(NEXT)) == 1
    shown = capsys.readouterr().out
    for said in (
        "/runs/flow-run/",
        "Plan: 2 days, 2 of them need work",
        f"{DAY}      2",
        f"{NEXT} blocked: ",
        "reference_incomplete: ",
        "NYK at BOS",
        "2 days, 2 of them worked on: 1 blocked, 1 complete",
    ):
        assert said in shown
    assert run_and_watch(deployment, tmp_path, "-p", f'dates=["{DAY}"]') == 0


def test_what_cannot_be_run_is_said_in_one_line(
    deployment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path)
    for arguments, said in (
        (["backfil"], "error: backfil: no such deployment; there are "),
        ([deployment, "-p", "start_date"], "error: -p start_date: must be NAME=VALUE"),
        ([str(uuid4()), "-p", "force=true"], "has its parameters already: force cannot be given"),
        ([str(uuid4())], "error: Prefect's API answered GET "),
    ):
        assert main(["run", *arguments, "--home", home]) == 1
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1

"""``make test-bigquery``: a server that knows nothing of these tests stands in for Google's; the rest is for real."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING
from prefect_gcp import GcpCredentials

from tasks.settings import PROJECT_ROOT, Settings
from tests.bigquery_server.server import BigQueryServer

SUITE = "tests/bigquery/contract"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(server: BigQueryServer) -> Run:
    """Run a command in the environment of a person who has an account."""

    def _run(*command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FULLCOURT_", "GOOGLE_"))}
        stand_in = {"BIGQUERY_EMULATOR_HOST": server.url, "HTTPS_PROXY": server.url, "NO_PROXY": "127.0.0.1,localhost"}
        return subprocess.run(
            command, cwd=PROJECT_ROOT, env={**kept, **stand_in, **more}, capture_output=True, text=True, check=False
        )

    return _run


@pytest.fixture
def key_file(server: BigQueryServer, project: str, tmp_path: Path) -> str:
    """A key of the project, as a file: application default credentials."""
    file = tmp_path / "key.json"
    file.write_text(json.dumps(server.service_account(project, "person")), encoding="utf-8")
    return str(file)


def test_every_contract_test_runs_on_the_project_that_is_named_and_leaves_it_empty(
    run: Run, server: BigQueryServer, project: str, key_file: str
) -> None:
    collected = run(sys.executable, "-m", "pytest", SUITE, "--collect-only", "-q")
    tests = sum("::test_" in line for line in collected.stdout.splitlines())
    assert tests > 30
    done = run("make", "test-bigquery", f"PROJECT={project}", GOOGLE_APPLICATION_CREDENTIALS=key_file)
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(rf"=+ {tests} passed in ", done.stdout), done.stdout[-1000:]
    assert len(server.jobs(project)) > tests
    assert {job["user_email"].partition("@")[0] for job in server.jobs(project)} == {"person"}
    assert server.project(project).datasets == {}


def test_a_project_that_is_in_use_is_refused_and_left_as_it_is(
    run: Run, server: BigQueryServer, project: str, key_file: str
) -> None:
    server.project(project).create_dataset("nba_precompute")
    done = run("make", "test-bigquery", f"PROJECT={project}", GOOGLE_APPLICATION_CREDENTIALS=key_file)
    assert done.returncode != 0
    assert f"the project {project} holds nba_precompute: these tests write to datasets of those names" in (
        done.stdout + done.stderr
    )
    assert server.jobs(project) == []
    assert server.project(project).datasets.keys() == {"nba_precompute"}


def test_a_credentials_block_is_taken_from_the_users_own_prefect(
    run: Run, server: BigQueryServer, project: str, settings: Settings, api_url: str
) -> None:
    block = f"{project}-person"
    GcpCredentials(service_account_info=server.service_account(project, "owner")).save(block)
    done = run(
        *(sys.executable, "-m", "pytest", SUITE, "-k", "test_a_used_job_id_is_refused"),
        PREFECT_API_URL=api_url,
        PREFECT_API_AUTH_STRING=str(PREFECT_API_AUTH_STRING.value()),
        FULLCOURT_TEST_BIGQUERY_PROJECT=project,
        FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK=block,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert {job["user_email"].partition("@")[0] for job in server.jobs(project)} == {"owner"}


def test_without_a_project_nothing_runs(run: Run) -> None:
    done = run("make", "test-bigquery")
    assert done.returncode != 0
    assert "error: name an empty project: make test-bigquery PROJECT=my-project" in done.stderr

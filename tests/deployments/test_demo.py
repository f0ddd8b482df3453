"""make demo, for real, against a server that runs already."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.prefect_server import free_port, request, start_server
from deployments.services import Service
from tasks.settings import PROJECT_ROOT

Demo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = start_server(tmp_path_factory.mktemp("prefect"), free_port())
    yield server
    server.stop()


@pytest.fixture
def demo(server: Service, tmp_path: Path) -> Demo:
    def _demo(**env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deployments.demo", "--home", str(server.folder)]
        return subprocess.run(
            [*command, "--warehouse", str(tmp_path / "demo.duckdb")],
            cwd=PROJECT_ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return _demo


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    return {
        line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if re.match(r"2023-\d\d-\d\d ", line)
    }


def test_the_demo_ends_with_every_player_of_the_incident(demo: Demo, server: Service, tmp_path: Path) -> None:
    mine = tmp_path / "mine.duckdb"
    mine.write_bytes(b"the user's own warehouse")
    done = demo(FULLCOURT_DUCKDB_PATH=str(mine))
    assert done.returncode == 0, done.stdout + done.stderr
    table = rows(done)
    assert len(table) == 14
    assert table["2023-02-23"] == ["9", "187", "1", "synthetic", "187", "100.0", "%", "complete"]
    assert table["2023-02-24"] == ["8", "175", "68", "synthetic", "175", "100.0", "%", "complete"]
    assert table["2023-02-19"] == ["0", "0", "no_games"]  # the All-Star game
    assert mine.read_bytes() == b"the user's own warehouse"

    assert "8/8 days" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr

    (run_id,) = re.findall(rf"See the run  http://127\.0\.0\.1:{server.facts['port']}/runs/flow-run/(\S+)", done.stdout)
    assert request(int(server.facts["port"]), "GET", f"/api/flow_runs/{run_id}")["state_type"] == "COMPLETED"
    (query,) = re.findall(r"Query it     (.*)", done.stdout)
    shown = subprocess.run(query, shell=True, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)  # noqa: S602
    assert "player_lookup" in shown.stdout


def test_the_demo_fails_when_a_day_is_blocked(demo: Demo) -> None:
    done = demo(FULLCOURT_MIN_PLAYERS_PER_TEAM="20")
    assert done.returncode == 1
    assert "blocked" in rows(done)["2023-02-23"]

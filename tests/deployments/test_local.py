"""make up, for real: a server, a worker, the deployments, and a run of one of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments import services
from deployments.alerts import alerts
from deployments.prefect_server import request
from deployments.services import Service
from tasks.demo_league import generate, load
from tasks.limits import limits_of
from tasks.settings import PROJECT_ROOT, Settings
from tasks.warehouse.open import open_warehouse


class Local:
    """The local services in a folder of their own, on a port of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warehouse = home / "first.duckdb"
        self.said = ""

    def __call__(self, action: str) -> str:
        done = self._run([sys.executable, "-m", "deployments.local", action, "--home", str(self.home)])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "prefect", *arguments], PREFECT_API_URL=f"{self.url}/api")

    def ask(self, path: str, body: dict[str, object] | None = None) -> Any:
        return request(self.port, "GET" if body is None else "POST", path, body)

    def service(self, name: str) -> Service:
        service = services.find(self.home, name)
        assert service is not None
        return service

    @property
    def port(self) -> int:
        return int(self.service("server").facts["port"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FULLCOURT_"))}
        # as in a shell that is set up for another Prefect
        other = {"PREFECT_HOME": str(self.home / "user"), "PREFECT_API_URL": "http://127.0.0.1:9/api", "PORT": "0"}
        ours = {"FULLCOURT_DUCKDB_PATH": str(self.warehouse)}
        return subprocess.run(
            command, cwd=PROJECT_ROOT, env=clean | other | ours | env, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = Local(tmp_path_factory.mktemp("local"))
    try:
        local.said = local("up")
        yield local
    finally:
        running = [service for name in ("server", "worker") if (service := services.find(local.home, name))]
        local("down")
    assert len(running) == 2
    assert not any(service.is_running for service in running)


def test_up_registers_every_deployment_for_its_pool(local: Local) -> None:
    described = yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    deployments = local.ask("/api/deployments/filter", {})
    assert sorted(d["entrypoint"] + d["name"] for d in deployments) == sorted(
        d["entrypoint"] + d["name"] for d in described
    )
    for deployment in deployments:
        assert deployment["work_pool_name"] == "fullcourt"
        (step,) = deployment["pull_steps"]
        # looked up where a run takes place, so that no machine's folder is in the deployment
        assert step["prefect.deployments.steps.set_working_directory"] == {"directory": "{{ $FULLCOURT_PROJECT_DIR }}"}
    assert local.ask("/api/work_pools/fullcourt")["type"] == "process"


def test_up_registers_the_limits_of_its_warehouse_and_the_alerts(local: Local) -> None:
    ours = limits_of(Settings(duckdb_path=local.home / "first.duckdb"))
    there = {limit["name"] for limit in local.ask("/api/v2/concurrency_limits/filter", {})}
    assert {limit.name for limit in ours} <= there
    assert {alert["name"] for alert in local.ask("/api/automations/filter", {})} == {
        a.name for a in alerts(Settings(duckdb_path=local.home / "first.duckdb"))
    }
    assert "nobody will be told" in local.said


def test_up_says_where_the_ui_is_and_what_to_type_next(local: Local) -> None:
    assert f"Prefect UI  {local.url}\n" in local.said
    assert f"export PREFECT_API_URL={local.url}/api\n" in local.said
    assert "prefect deployment run 'backfill/player-composite-factors' -p start_date=2023-02-20" in local.said
    assert str(local.warehouse) in local.said
    assert f"server: process {local.service('server').id.pid}, {local.url}\n" in local("status")


def test_the_ui_talks_to_its_own_server_and_nobody_is_told_of_it(local: Local) -> None:
    assert local.ask("/ui-settings")["api_url"] == f"{local.url}/api"
    settings = local.ask("/api/admin/settings")
    assert settings["server"]["analytics_enabled"] is False
    assert settings["home"] == str(local.home)


def test_slots_are_not_taken_for_ever_if_the_server_is_restarted_while_a_run_has_them(local: Local) -> None:
    # leases in memory are forgotten, and nothing frees their slots
    storage = local.ask("/api/admin/settings")["server"]["concurrency"]["lease_storage"]
    assert storage == "prefect.server.concurrency.lease_storage.filesystem"


def test_up_again_reuses_what_runs(local: Local) -> None:
    before = [local.service(name).id for name in ("server", "worker")]
    local("up")
    assert [local.service(name).id for name in ("server", "worker")] == before


def test_a_run_does_its_job_in_the_warehouse_that_up_was_given_last(local: Local) -> None:
    before = local.service("worker").id
    local.warehouse = local.home / "second.duckdb"
    with open_warehouse(Settings(duckdb_path=local.warehouse).connection()) as warehouse:
        load(warehouse, generate([2022]))
    local("up")
    assert local.service("worker").id != before

    deployment = ("deployment", "run", "backfill/player-composite-factors", "--watch")
    done = local.prefect(*deployment, "-p", "start_date=2023-02-22", "-p", "end_date=2023-02-24")
    assert done.returncode == 0, done.stdout + done.stderr + local.service("worker").log_tail()
    with open_warehouse(Settings(duckdb_path=local.warehouse).connection()) as warehouse:
        published = warehouse.fetch(
            "SELECT CAST(game_date AS STRING) AS day, COUNT(DISTINCT player_lookup) AS players "
            "FROM nba_precompute.player_composite_factors GROUP BY game_date ORDER BY game_date"
        )
    assert published == [{"day": "2023-02-23", "players": 187}, {"day": "2023-02-24", "players": 175}]

    refused = local.prefect(*deployment, "-p", "start_date=2099-01-01")
    assert refused.returncode != 0

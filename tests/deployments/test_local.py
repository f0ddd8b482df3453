"""make up, for real: a server, a worker, the deployments, and a run of one of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from deployments.commands.demo_league import generate, load
from deployments.local import services
from deployments.local.keeper import KEEPER, WORKER, end_dead_runs
from deployments.local.services import ProcessId
from deployments.registered.alerts import alerts
from deployments.registered.prefect_yaml import POOL
from tasks.runtime.limits import limits_of
from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backfill.observe import wait_until
from tests.deployments.local import Local
from tests.fixtures.prefect import NewHome


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Local]:
    local = Local(new_home(tmp_path_factory.mktemp("local")))
    try:
        local.said = local("up")
        yield local
    finally:
        running = [service for name in ("server", "worker", "keeper") if (service := services.find(local.home, name))]
        local("down")
    assert len(running) == 3
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
    assert "nobody will be notified" in local.said


def test_up_says_where_the_ui_is_and_what_to_type_next(local: Local) -> None:
    assert f"Prefect UI  {local.url}\n" in local.said
    assert f"  source {local.home / 'env'}\n" in local.said
    assert "prefect deployment run 'backfill/player-composite-factors' -p start_date=2023-02-20" in local.said
    assert str(local.warehouse) in local.said
    assert f"server: process {local.service('server').id.pid}, {local.url}\n" in local("services")


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


@pytest.fixture(scope="module")
def replaced(local: Local) -> ProcessId:
    """Give `make up` another warehouse, which holds the demo league; returns the worker of the first one."""
    before = local.service("worker").id
    local.warehouse = local.home / "second.duckdb"
    with open_warehouse(Settings(duckdb_path=local.warehouse).connection()) as warehouse:
        load(warehouse, generate([2022]))
    local("up")
    return before


def test_a_run_does_its_job_in_the_warehouse_that_up_was_given_last(local: Local, replaced: ProcessId) -> None:
    assert local.service("worker").id != replaced
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


@pytest.mark.usefixtures("replaced")
def test_a_deployment_whose_schedule_is_seconds_away_is_run_to_its_end_without_anybodys_hand(local: Local) -> None:
    deployments = {each["name"]: each["id"] for each in local.ask("/api/deployments/filter", {})}
    backfill = deployments["player-composite-factors"]
    at = datetime.now(UTC) + timedelta(seconds=45)
    schedule = {"schedule": {"interval": 86_400, "anchor_date": at.isoformat()}, "active": True}
    days = {"start_date": "2023-02-23", "end_date": "2023-02-24"}
    local.ask(
        f"/api/deployments/{backfill}",
        {"schedules": [{**schedule, "parameters": days}], "paused": False},
        method="PATCH",
    )

    def ended() -> list[dict[str, Any]]:
        of_it = {"deployment_id": {"any_": [backfill]}, "end_time": {"is_null_": False}}
        runs = local.ask("/api/flow_runs/filter", {"flow_runs": of_it})
        return [run for run in runs if run["auto_scheduled"]]

    wait_until(lambda: bool(ended()))
    (run,) = ended()
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert datetime.fromisoformat(run["expected_start_time"]) == at


@pytest.mark.usefixtures("replaced")
def test_heal_mends_by_its_schedule_what_was_deleted_corrected_and_never_asked_for(local: Local) -> None:
    deployment = ("deployment", "run", "backfill/player-composite-factors", "--watch")
    done = local.prefect(*deployment, "-p", "start_date=2023-02-22", "-p", "end_date=2023-03-01")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = load_catalogue(Settings())
    factors, box_scores = tables.table("player_composite_factors"), tables.table("player_game_summary")
    with open_warehouse(Settings(duckdb_path=local.warehouse).connection()) as warehouse:
        of_the_day = f"DELETE FROM {factors.full_name} WHERE game_date = @day"
        assert warehouse.change(factors, of_the_day, {"day": date(2023, 2, 23)}) == 187
        corrected = f"UPDATE {box_scores.full_name} SET minutes_played = minutes_played + 1 WHERE game_date = @day"
        assert warehouse.change(box_scores, corrected, {"day": date(2023, 2, 24)}) > 0
    deployments = {each["name"]: each["id"] for each in local.ask("/api/deployments/filter", {})}
    at = datetime.now(UTC) + timedelta(seconds=30)
    schedule = {"schedule": {"interval": 86_400, "anchor_date": at.isoformat()}, "active": True}
    days = {"end_date": "2023-03-02", "window_days": 9}
    local.ask(
        f"/api/deployments/{deployments['hourly']}",
        {"schedules": [{**schedule, "parameters": days}], "paused": False},
        method="PATCH",
    )

    def ended() -> list[dict[str, Any]]:
        of_it = {"tags": {"all_": ["heal"]}, "end_time": {"is_null_": False}}
        found: list[dict[str, Any]] = local.ask("/api/flow_runs/filter", {"flow_runs": of_it})
        return [run for run in found if run["deployment_id"] == deployments["player-composite-factors"]]

    wait_until(lambda: bool(ended()))
    (mended,) = ended()
    assert mended["state_type"] == "COMPLETED", mended["state"]["message"]
    asked_for = mended["parameters"]["dates"]
    assert {"2023-02-23", "2023-02-24", "2023-03-02"} <= set(asked_for)
    assert "2023-02-22" not in asked_for
    with open_warehouse(Settings(duckdb_path=local.warehouse).connection()) as warehouse:
        counted = warehouse.fetch(
            f"SELECT CAST(game_date AS STRING) AS day, COUNT(*) AS players FROM {factors.full_name} "
            "WHERE game_date IN ('2023-02-23', '2023-03-02') GROUP BY game_date ORDER BY game_date"
        )
    assert [row["day"] for row in counted] == ["2023-02-23", "2023-03-02"]
    assert counted[0]["players"] == 187
    again = local.prefect("deployment", "run", "heal/hourly", "--watch", "-p", "end_date=2023-03-02")
    assert again.returncode == 0, again.stdout + again.stderr
    of_heal = {"deployment_id": {"any_": [deployments["hourly"]]}, "end_time": {"is_null_": False}}
    runs = local.ask("/api/flow_runs/filter", {"flow_runs": of_heal, "sort": "END_TIME_DESC", "limit": 1})
    assert runs[0]["state"]["message"] == "nothing to mend"


WORK = """
import os, sys, time
sys.path.insert(0, os.environ["FULLCOURT_PROJECT_DIR"])
from prefect import flow, get_run_logger, pause_flow_run, suspend_flow_run
from prefect.states import Completed
from tasks.errors import RequestError
from tasks.runtime.boundary import ends_clearly

@flow
@ends_clearly
def work(how: str):
    while how == "speak":
        get_run_logger().info("it goes on")
        time.sleep(0.2)
    if how == "pause":
        pause_flow_run(timeout=3600)
    if how == "suspend":
        suspend_flow_run(timeout=3600)
    if how == "fail":
        raise RequestError("it was to fail")
    return Completed()
"""


@pytest.fixture
def start(local: Local, tmp_path: Path) -> Callable[[str], str]:
    """Start a run of a flow of the test's own through the pool; returns its id."""
    (tmp_path / "work.py").write_text(WORK, encoding="utf-8")
    flow = local.ask("/api/flows/", {"name": "work"})
    deployment = local.ask(
        "/api/deployments/",
        {
            "name": tmp_path.name,
            "flow_id": flow["id"],
            "entrypoint": "work.py:work",
            "work_pool_name": POOL,
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}],
            "parameters": {"how": "end"},
        },
    )

    def _start(how: str) -> str:
        body: dict[str, object] = {"parameters": {"how": how}, "state": {"type": "SCHEDULED"}}
        return str(local.ask(f"/api/deployments/{deployment['id']}/create_flow_run", body)["id"])

    return _start


def processes_of(run: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found.append(process)
    return found


def has_spoken(local: Local, run: str, *, since: datetime) -> bool:
    wanted = {"flow_run_id": {"any_": [run]}, "timestamp": {"after_": since.isoformat()}}
    said = local.ask("/api/logs/filter", {"logs": wanted, "limit": 200})
    return any(line["message"] == "it goes on" for line in said)


def retry(local: Local, run: str) -> None:
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry, from the UI"}
    local.ask(f"/api/flow_runs/{run}/set_state", {"state": state, "force": True})


def test_a_retry_right_after_the_end_of_a_run_leaves_the_worker_alive(
    local: Local, start: Callable[[str], str]
) -> None:
    worker = local.service(WORKER).id
    run = start("fail")
    for attempt in (1, 2, 3):
        local.wait_for(run, "Failed", attempt=attempt)
        retry(local, run)  # while the process of the attempt before is still there
    local.wait_for(run, "Failed", attempt=4)
    local.wait_for(start("end"), "Completed")
    assert local.service(WORKER).id == worker
    assert local.ask(f"/api/work_pools/{POOL}")["concurrency_limit"] == 1


@pytest.mark.slow
def test_a_killed_worker_is_back_and_its_run_goes_on_and_ends_as_crashed_only_without_a_process(
    local: Local, start: Callable[[str], str]
) -> None:
    killed, run = local.service(WORKER), start("speak")
    wait_until(lambda: has_spoken(local, run, since=datetime.min.replace(tzinfo=UTC)))
    killed.id.process.kill()  # type: ignore[union-attr]
    killed_at = datetime.now(UTC)
    while (worker := services.find(local.home, WORKER)) is None or worker.id == killed.id:
        time.sleep(0.1)
    waits = start("end")
    wait_until(lambda: has_spoken(local, run, since=killed_at))  # nobody reads what it prints
    assert end_dead_runs(local.service("server")) == []
    assert local.ask(f"/api/flow_runs/{run}")["state_name"] == "Running", "its process is alive, whatever its worker is"
    for process in processes_of(run):
        process.kill()
    crashed = local.wait_for(run, "Crashed")
    assert "Its process is gone" in crashed["state"]["message"]
    local.wait_for(waits, "Completed")  # the place in the pool is free again


def test_after_down_and_up_a_waiting_run_has_ended_and_a_suspended_one_still_waits(
    local: Local, start: Callable[[str], str]
) -> None:
    suspended = start("suspend")
    local.wait_for(suspended, "Suspended")
    paused = start("pause")
    local.wait_for(paused, "Paused")
    local("down")
    assert local.home.exists()
    local("up")
    local.wait_for(paused, "Crashed")
    assert local.ask(f"/api/flow_runs/{suspended}")["state_name"] == "Suspended"
    assert local.ask(f"/api/flow_runs/{suspended}/resume", {})["status"] == "ACCEPT"
    local.wait_for(suspended, "Completed")


@pytest.mark.slow
def test_a_keeper_that_was_killed_is_replaced_and_its_worker_taken_over(local: Local) -> None:
    keeper, worker = local.service(KEEPER), local.service(WORKER)
    keeper.id.process.kill()  # type: ignore[union-attr]
    local("up")
    assert local.service(KEEPER).id != keeper.id
    assert local.service(WORKER).id == worker.id

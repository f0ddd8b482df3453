"""The doctor's check of Prefect: what would not run is missing, however well it is registered."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.commands.doctor import runs as run_checks
from deployments.commands.main import main
from deployments.local import services
from deployments.registered.prefect_yaml import POOL
from tasks.settings import Settings
from tests.backfill.observe import wait_until
from tests.deployments.checkup import Doctor, create
from tests.prefect_api import call

DAILY = "cleanup/daily-ttl"
SCHEDULE = f"schedule {DAILY}"


@pytest.fixture
def client(api_url: str) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def change(client: SyncPrefectClient, path: str, body: dict[str, Any]) -> None:
    call(client, "PATCH", path, json=body)


def schedule_of(client: SyncPrefectClient, deployment: str) -> str:
    """Return the path of a deployment's only schedule."""
    (schedule,) = call(client, "GET", f"/deployments/{deployment}").json()["schedules"]
    return f"/deployments/{deployment}/schedules/{schedule['id']}"


def test_without_an_api_it_is_noted_that_nothing_fires_and_one_that_is_named_must_answer(
    settings: Settings, ask_alone: Doctor, tmp_path: Path
) -> None:
    create(settings, "input")
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert ask_alone("--home", str(tmp_path)) == 0, ask_alone.text
        assert "so no schedule fires" in ask_alone.of("note")["Prefect API"]
        server = services.start(tmp_path, "server", ["sleep", "600"], cwd=tmp_path, env={}, facts={"port": 4200})
        assert server.id.process is not None
        server.id.process.kill()
        wait_until(lambda: not server.is_running)
        assert ask_alone("--home", str(tmp_path)) == 1
        assert "has ended by itself: no schedule fires; `make up`" in ask_alone.of("missing")["Prefect API"]
        assert main(["down", "--home", str(tmp_path)]) == 0
        assert ask_alone("--home", str(tmp_path)) == 0, "what was stopped is not missed"
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert ask_alone() == 1
    assert "http://127.0.0.1:9/api does not answer as it should" in ask_alone.of("missing")["Prefect API"]


def test_where_nothing_is_registered_or_no_worker_ever_polled_everything_is_missing(
    settings: Settings, ask_alone: Doctor, client: SyncPrefectClient
) -> None:
    create(settings, "input")
    assert ask_alone() == 1
    missing = ask_alone.of("missing")
    assert missing.keys() >= {"deployments", "work pool", SCHEDULE}
    assert missing["deployments"].startswith("not registered: backfill/player-composite-factors, ")
    assert f"`prefect work-pool create {POOL} --type process`" in missing["work pool"]
    client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    try:
        # a worker that is registered and calls, and never asks for work
        call(
            client,
            "POST",
            f"/work_pools/{POOL}/workers/heartbeat",
            json={"name": "one", "heartbeat_interval_seconds": 30},
        )
        assert ask_alone() == 1
    finally:
        client.delete_work_pool(POOL)
    assert ask_alone.of("missing")["worker"].startswith(f"none has polled the work pool {POOL}, and no run starts")


@pytest.mark.usefixtures("told")
def test_what_is_in_service_is_said_with_the_next_run_of_every_schedule(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    assert ask() == 0, ask.text
    there = ask.of("ok")
    assert re.fullmatch(
        r"the next run is on \w{3} \d{4}-\d\d-\d\d 04:00 E[SD]T \(\d{4}-\d\d-\d\d 0[89]:00 UTC\)", there[SCHEDULE]
    )
    assert there["worker"] == f"one polls the work pool {POOL}"
    assert there["work pool"] == f"{POOL} lets runs start"
    assert there["runs"] == "none is in progress"


@pytest.mark.parametrize(
    ("path", "off", "on", "subject", "words"),
    [
        ("schedule", {"active": False}, {"active": True}, SCHEDULE, f"`prefect deployment schedule resume {DAILY} "),
        ("deployment", {"paused": True}, {"paused": False}, SCHEDULE, "the deployment is paused"),
        ("pool", {"is_paused": True}, {"is_paused": False}, "work pool", f"`prefect work-pool resume {POOL}`"),
        ("pool", {"concurrency_limit": 0}, {"concurrency_limit": 1}, "work pool", "has a limit of 0 runs"),
        ("queue", {"is_paused": True}, {"is_paused": False}, "work pool", "`prefect work-queue resume default --pool"),
    ],
    ids=["schedule", "deployment", "pool", "limit", "queue"],
)
def test_what_is_paused_is_missing_with_the_command_that_resumes_it(
    ask: Doctor,
    client: SyncPrefectClient,
    deployments: dict[str, str],
    path: str,
    off: dict[str, Any],
    on: dict[str, Any],
    subject: str,
    words: str,
) -> None:
    daily = deployments[DAILY]
    where = {
        "schedule": schedule_of(client, daily),
        "deployment": f"/deployments/{daily}",
        "pool": f"/work_pools/{POOL}",
        "queue": f"/work_pools/{POOL}/queues/default",
    }[path]
    change(client, where, off)
    try:
        assert ask() == 1
        assert words in ask.of("missing")[subject]
    finally:
        change(client, where, on)


def test_a_schedule_that_makes_no_run_or_whose_run_has_not_begun_is_missing(
    ask: Doctor, client: SyncPrefectClient, deployments: dict[str, str]
) -> None:
    daily = deployments[DAILY]
    path = schedule_of(client, daily)
    three_days_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    call(client, "POST", f"/deployments/{daily}/schedule", json={"start_time": three_days_ago, "min_runs": 1})
    ask()
    assert re.match(
        r"overdue: the run [\w-]+ of \w{3} \S+ 04:00 E[SD]T .* has not begun \(\w+\)", ask.of("missing")[SCHEDULE]
    )
    for run in client.request("POST", "/flow_runs/filter", json={"deployments": {"id": {"any_": [daily]}}}).json():
        client.delete_flow_run(run["id"])
    cron = call(client, "GET", f"/deployments/{daily}").json()["schedules"][0]["schedule"]
    change(client, path, {"schedule": {"rrule": "DTSTART:20200101T090000Z\nRRULE:FREQ=DAILY;COUNT=1"}})
    ask()
    assert ask.of("missing")[SCHEDULE].startswith("no run is scheduled, although it is on")
    call(client, "DELETE", schedule_of(client, daily))
    ask()
    assert ask.of("missing")[SCHEDULE].startswith("there is none, and it never runs by itself")
    call(client, "POST", f"/deployments/{daily}/schedules", json=[{"schedule": cron, "active": True}])


def test_a_run_at_work_of_which_nothing_is_heard_is_named_and_its_heartbeat_is_heard(
    ask: Doctor, client: SyncPrefectClient, deployments: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = client.create_flow_run_from_deployment(UUID(deployments[DAILY]))
    state = {"state": {"type": "RUNNING"}, "force": True}
    call(client, "POST", f"/flow_runs/{run.id}/set_state", json=state)
    (now,) = ask_runs(client, [str(run.id)])
    try:
        ask()
        assert ask.of("ok")["runs"] == "all 1 in progress have sent a heartbeat lately"
        monkeypatch.setattr(run_checks, "SILENT_AFTER", timedelta(minutes=-1))  # instead of waiting for minutes
        assert ask() == 1
        said = ask.of("missing")["runs"]
        assert said.startswith(f"{run.name} is Running since ")
        assert f"(/runs/flow-run/{run.id})" in said
        emit_event("prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{run.id}"})
        began = datetime.fromisoformat(now["state"]["timestamp"])
        wait_until(lambda: run_checks._last_heartbeat(client, now) > began)
    finally:
        client.delete_flow_run(run.id)


def ask_runs(client: SyncPrefectClient, ids: list[str]) -> list[dict[str, Any]]:
    return run_checks.first_page(client, "/flow_runs/filter", {"flow_runs": {"id": {"any_": ids}}})

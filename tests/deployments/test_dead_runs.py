"""A run that is killed is found dead, told of, and gives its place to the next one: a real server, worker and kill."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from deployments.local.keeper import KEEPER, WORKER
from tasks.settings import Settings
from tests.backfill.observe import held, wait_until
from tests.deployments.inbox import Inbox
from tests.deployments.local import Local
from tests.fixtures.prefect import NewHome

pytestmark = pytest.mark.slow

SOON = timedelta(seconds=45)  # longer than from one heartbeat to the next


@pytest.fixture
def local(tmp_path: Path, inbox: Inbox, new_home: NewHome) -> Iterator[Local]:
    """`make up`, with somebody who is told, on a warehouse that another process holds: a run of the backfill waits."""
    waits = {"FULLCOURT_ALERT_WEBHOOK_URL": inbox.url, "FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS": "3600"}
    local = Local(new_home(tmp_path), **waits)
    try:
        local("up")
        with held(Settings(duckdb_path=local.warehouse)):
            yield local
    finally:
        local("down")


def start(local: Local) -> str:
    deployment = local.ask("/api/deployments/name/backfill/player-composite-factors")["id"]
    body: dict[str, object] = {"parameters": {"start_date": "2023-02-20"}}
    return str(local.ask(f"/api/deployments/{deployment}/create_flow_run", body)["id"])


def wait_for_heartbeat(local: Local, run: str) -> None:
    wanted: dict[str, object] = {
        "filter": {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{run}"]},
        }
    }
    wait_until(lambda: local.ask("/api/events/filter", wanted)["total"] > 0)


def kill(local: Local, *names: str) -> None:
    """Kill services, or only what runs below the worker."""
    worker = psutil.Process(local.service(WORKER).id.pid)
    family = [*worker.children(recursive=True), *(psutil.Process(local.service(name).id.pid) for name in names)]
    for process in reversed(family):  # nobody is left who could say how its child ended
        with suppress(psutil.NoSuchProcess):
            process.kill()


def hasten(local: Local, name: str, wait: timedelta) -> None:
    (alert,) = local.ask("/api/automations/filter", {"automations": {"name": {"any_": [name]}}})
    known = {key: alert[key] for key in ("name", "description", "enabled", "tags", "actions")}
    trigger = alert["trigger"] | {"within": wait.total_seconds()}
    local.ask(f"/api/automations/{alert['id']}", {**known, "trigger": trigger}, method="PUT")


def test_a_killed_process_is_told_and_the_next_run_begins(local: Local, inbox: Inbox) -> None:
    killed = start(local)
    local.wait_for(killed, "Running")
    following = start(local)
    kill(local)
    crashed = local.wait_for(killed, "Crashed")
    assert inbox.wait().startswith(
        f"Fullcourt: a run of backfill failed\n\nThe run of backfill ended as Crashed: {crashed['state']['message']}"
    )
    local.wait_for(following, "Running")


def test_a_lost_machine_is_told_and_the_next_run_begins_on_another(local: Local, inbox: Inbox) -> None:
    hasten(local, "fullcourt-run-dead", SOON)
    lost = start(local)
    local.wait_for(lost, "Running")
    wait_for_heartbeat(local, lost)
    kill(local, WORKER, KEEPER)
    following = start(local)
    crashed = local.wait_for(lost, "Crashed")
    assert crashed["state"]["message"].startswith("No sign of life for ")
    text = inbox.wait()
    assert "ended as Crashed: No sign of life for " in text
    assert "The artifact backfill-report names every day" in text
    local("up")  # a new worker
    local.wait_for(following, "Running")
    assert "a-secret" not in (local.home / "server.log").read_text(encoding="utf-8")

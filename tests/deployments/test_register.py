"""fullcourt register, for real: against a server of its own, from an environment like a user's."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from deployments.local.prefect_server import access, api_url, free_port, request, start_server
from deployments.local.services import Service
from deployments.registered.alerts import alerts as described_alerts
from tasks.runtime.limits import READERS, limits_of
from tasks.settings import PROJECT_ROOT, Settings
from tests.backfill.observe import wait_until
from tests.fixtures.prefect import NewHome

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Service]:
    """A Prefect server on which nothing is registered."""
    server = start_server(new_home(tmp_path_factory.mktemp("register")), free_port())
    yield server
    server.stop()


@pytest.fixture
def python(server: Service, tmp_path: Path) -> Run:
    """Run a module as a user does whose Prefect API is the server."""

    def _python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        ours = {"PREFECT_HOME": str(tmp_path / "user"), **access(server.folder, api_url(server))}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=PROJECT_ROOT,
            env={name: value for name, value in (clean | ours | env).items() if value},
            capture_output=True,
            text=True,
            check=False,
        )

    return _python


def ask(server: Service, path: str) -> list[dict[str, Any]]:
    """Return all of one kind that the server knows."""
    return list(request(server, "POST", f"/api/{path}/filter", {}))


def test_it_says_what_to_do_without_a_pool_and_registers_everything_once_however_often_it_runs(
    python: Run, server: Service, settings: Settings
) -> None:
    refused = python("deployments.commands", "register")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: there is no work pool fullcourt; ")
    assert ask(server, "deployments") == []
    remedy = refused.stderr.partition("for example: ")[2].split()
    assert python(*remedy).returncode == 0

    for _ in range(2):
        done = python("deployments.commands", "register")
        assert done.returncode == 0, done.stderr
        assert "kept" not in done.stdout
        assert "nobody will be notified: set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK" in done.stdout
    for _ in range(2):
        done = python("deployments.commands", "register", FULLCOURT_ALERT_WEBHOOK_URL="https://hook.example/a-secret")
        assert done.returncode == 0, done.stderr
        assert "through custom-webhook/fullcourt-alerts" in done.stdout
        assert "a-secret" not in done.stdout

    flows = {flow["id"]: flow["name"] for flow in ask(server, "flows")}
    there = [f"{flows[deployment['flow_id']]}/{deployment['name']}" for deployment in ask(server, "deployments")]
    described = yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    wanted = [f"{each['entrypoint'].split(':')[1]}/{each['name']}" for each in described]
    assert sorted(there) == sorted(wanted)
    assert f"deployments  {', '.join(wanted)}\n" in done.stdout
    (daily,) = [each for each in ask(server, "deployments") if each["name"] == "daily-ttl"]
    (schedule,) = daily["schedules"]
    assert (schedule["active"], schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == (
        True,
        "0 4 * * *",
        "America/New_York",
    )

    limits = {limit["name"]: limit["limit"] for limit in ask(server, "v2/concurrency_limits")}
    ours = {limit.name: limit.slots for limit in limits_of(settings)}
    assert ours.items() <= limits.items()
    assert set(ours.values()) == {1, READERS}
    alerts = ask(server, "automations")
    assert sorted(alert["name"] for alert in alerts) == sorted(wanted.name for wanted in described_alerts(settings))
    acts = {alert["name"]: alert["actions"][0]["type"] for alert in alerts}
    assert {kind for name, kind in acts.items() if "dead" not in name} == {"send-notification"}
    assert {kind for name, kind in acts.items() if "dead" in name} == {"change-flow-run-state"}
    assert [block["name"] for block in ask(server, "block_documents")] == ["fullcourt-alerts"]


def test_the_next_three_runs_of_every_schedule_exist_at_its_local_time_on_both_sides_of_a_clock_change(
    python: Run, server: Service
) -> None:
    python("prefect", "work-pool", "create", "fullcourt", "--type", "process")
    assert python("deployments.commands", "register").returncode == 0
    scheduled = [each for each in ask(server, "deployments") if each["schedules"]]
    assert sorted(each["name"] for each in scheduled) == ["daily-ttl", "hourly"]
    (hourly,) = [each for each in scheduled if each["name"] == "hourly"]
    wait_until(lambda: len(times_of(server, hourly)) >= 3)
    runs = times_of(server, hourly)
    assert {later - earlier for earlier, later in pairwise(runs)} == {timedelta(hours=1)}
    assert {run.minute for run in runs} == {20}
    for each in (each for each in scheduled if each is not hourly):
        wait_until(lambda deployment=each: len(times_of(server, deployment)) >= 3)  # type: ignore[misc]
        zone = ZoneInfo(each["schedules"][0]["schedule"]["timezone"])
        runs = [moment.astimezone(zone) for moment in times_of(server, each)]
        assert [run.date() - runs[0].date() for run in runs] == [timedelta(days=n) for n in range(len(runs))]
        assert runs[0] - datetime.now(UTC) < timedelta(days=1)
        changes = clock_changes(zone)
        for change in changes:
            start, end = (change + timedelta(days=days) for days in (-2, 2))
            around = {"start_time": start.isoformat(), "end_time": end.isoformat(), "min_runs": 4, "max_runs": 4}
            request(server, "POST", f"/api/deployments/{each['id']}/schedule", around)
        runs = [moment.astimezone(zone) for moment in times_of(server, each)]
        for change in changes:
            near = [run for run in runs if abs(run - change) < timedelta(days=3)]
            assert len({run.utcoffset() for run in near}) == 2
            assert {run.date() for run in near} >= {change.date() - timedelta(days=1), change.date()}
        assert {(run.hour, run.minute) for run in runs} == {(4, 0)}


def times_of(server: Service, deployment: dict[str, Any]) -> list[datetime]:
    """Return when the runs that wait for their time are to begin."""
    body = {
        "flow_runs": {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
    }
    runs = request(server, "POST", "/api/flow_runs/filter", body)
    return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]


def clock_changes(zone: ZoneInfo) -> list[datetime]:
    """Return the noons after the next two changes of a zone's clock: one in spring, one in autumn."""
    today = datetime.now(zone).replace(hour=12, minute=0, second=0, microsecond=0)
    noons = [today + timedelta(days=n) for n in range(2, 370)]
    changes = [noon for before, noon in pairwise(noons) if before.utcoffset() != noon.utcoffset()]
    assert len(changes) == 2
    return changes


def test_registering_from_a_shell_that_knows_nothing_changes_nothing_that_an_operator_decided(
    python: Run, server: Service
) -> None:
    python("prefect", "work-pool", "create", "fullcourt", "--type", "process")
    done = python("deployments.commands", "register", FULLCOURT_ALERT_WEBHOOK_URL="https://hook.example/a-secret")
    assert done.returncode == 0, done.stderr
    daily, backfill = "cleanup/daily-ttl", "backfill/player-composite-factors"
    (schedule,) = deployment(server, daily)["schedules"]
    added = ("--interval", "86400", "--timezone", "Europe/Paris", "--no-active")
    for command in (
        ("schedule", "pause", daily, schedule["id"]),
        ("schedule", "create", backfill, *added),
    ):
        changed = python("prefect", "--no-prompt", "deployment", *command)
        assert changed.returncode == 0, changed.stderr
    path = f"deployments/{deployment(server, backfill)['id']}"
    assert request(server, "PATCH", f"/api/{path}", {"paused": True}) is not None
    paused = next(alert for alert in ask(server, "automations") if alert["name"] == "fullcourt-run-waits")
    assert request(server, "PATCH", f"/api/automations/{paused['id']}", {"enabled": False}) is not None
    before = state_of(server)

    done = python("deployments.commands", "register")
    assert done.returncode == 0, done.stderr
    assert state_of(server) == before
    assert f"kept         paused: the schedule 0 4 * * * of {daily}\n" in done.stdout
    assert f"kept         paused: the deployment {backfill}\n" in done.stdout
    assert "kept         added by hand: the schedule " in done.stdout
    assert "kept         switched off: fullcourt-run-waits\n" in done.stdout
    assert "through custom-webhook/fullcourt-alerts, as before" in done.stdout
    assert "warning" not in done.stdout


def deployment(server: Service, label: str) -> dict[str, Any]:
    """Return a deployment as the server has it."""
    there: dict[str, Any] = request(server, "GET", f"/api/deployments/name/{label}")
    return there


def state_of(server: Service) -> object:
    """Return what an operator can decide of deployments and alerts."""
    deployments = [
        (
            each["name"],
            each["paused"],
            sorted((str(schedule["schedule"]), schedule["active"]) for schedule in each["schedules"]),
        )
        for each in ask(server, "deployments")
    ]
    alerts = sorted((each["name"], each["enabled"], str(each["actions"])) for each in ask(server, "automations"))
    return sorted(deployments), alerts


def test_it_refuses_without_an_api_and_says_if_it_does_not_answer(python: Run) -> None:
    without = python("deployments.commands", "register", PREFECT_API_URL="")
    assert without.returncode == 1
    assert without.stderr.startswith("error: PREFECT_API_URL is not set: ")
    dead = python("deployments.commands", "register", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert dead.returncode == 1
    assert dead.stderr.startswith("error: Prefect's API does not answer at http://127.0.0.1:9/api/")
    assert "Traceback" not in dead.stderr


def test_a_setting_that_is_invalid_is_refused_before_anything_is_registered(python: Run) -> None:
    refused = python("deployments.commands", "register", FULLCOURT_ALERT_BLOCK="no slash")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: FULLCOURT_ALERT_BLOCK='no slash': ")

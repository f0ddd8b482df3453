"""The alerts, for real: a Prefect server watches, and an HTTP server is told."""

import time
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from prefect import Flow, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.events.schemas.automations import AutomationCore, EventTrigger
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.runtime import flow_run
from prefect.states import Pending, Suspended

from deployments.registered.alert_registration import register_alerts
from deployments.registered.alerts import DEAD_AFTER_SECONDS, HEARTBEAT_SECONDS, TAG, WAITING_MINUTES, watched_flows
from deployments.registered.prefect_yaml import described_deployments, flow_of
from flows.backfill import backfill
from flows.heal import heal
from tasks.cleanup.announce import announce_large_deletion, announce_success
from tasks.runtime.boundary import ends_clearly
from tasks.settings import Settings, load_settings
from tests.backfill.observe import wait_until
from tests.deployments.inbox import Inbox, registered

SHORT = timedelta(seconds=10)  # the shortest that Prefect allows
SCHEDULED: Literal["upcoming_tables_ttl"] = "upcoming_tables_ttl"


def test_a_large_deletion_is_told_with_its_numbers_its_run_and_what_to_do(inbox: Inbox, api_url: str) -> None:
    register_alerts(load_settings())

    @flow(flow_run_name="the morning's")
    def anything() -> None:
        summary = "10,001 of 10,001 stale rows deleted from 2 tables"
        announce_large_deletion(load_settings(), "by_hand", summary, 10_001)

    run_id = anything(return_state=True).state_details.flow_run_id
    text = inbox.wait()
    assert text.startswith("Fullcourt: a cleanup deleted many rows\n\nA cleanup deleted 10001 rows, and ")
    assert "and 10000 may go unseen.\n10,001 of 10,001 stale rows deleted from 2 tables\n" in text
    assert f"Run: the morning's, {api_url.removesuffix('/api')}/runs/flow-run/{run_id}" in text
    assert "restore/backup puts them back" in text


def test_a_run_that_fails_is_told_with_its_reason(inbox: Inbox) -> None:
    register_alerts(load_settings())
    assert backfill(start_date="2099-01-01", return_state=True).is_failed()
    text = inbox.wait()
    assert text.startswith("Fullcourt: a run of backfill failed\n\nThe run of backfill ended as Failed: ")
    assert "2099-01-01" in text
    assert "/runs/flow-run/" in text


ADVICE = {
    "backfill": "The artifact backfill-report names every day that is blocked or failed",
    "ingest": "The artifacts ingest-report and ingest-rejections name every file and row",
    "heal": "the next run looks at the same days",
    "cleanup": "Its last rows say which table failed",
    "restore": "it puts back what is still missing",
}


def test_a_bad_end_of_any_flow_of_prefect_yaml_is_told_whatever_it_is_called_and_one_that_somebody_wanted_is_not(
    inbox: Inbox,
) -> None:
    register_alerts(load_settings())
    flows = sorted({flow_of(deployment) for deployment in described_deployments()})
    assert watched_flows() == flows
    ends = [("CANCELLED", "Cancelled"), ("COMPLETED", "Completed")]
    bad_ends = [("FAILED", "Failed"), ("FAILED", "TimedOut"), ("CRASHED", "Crashed"), ("FAILED", "Anything")]
    with get_client(sync_client=True) as client:
        for number, name in enumerate(flows):
            for kind, state in (*ends, bad_ends[number % len(bad_ends)]):
                put(client, pending(client, name), kind, state)
    inbox.wait(len(flows))
    for number, name in enumerate(flows):
        state = bad_ends[number % len(bad_ends)][1]
        (text,) = [text for text in inbox.texts if text.startswith(f"Fullcourt: a run of {name} failed\n")]
        assert f"The run of {name} ended as {state}: it was so\nRun: " in text
        assert ADVICE[name] in text
        assert not any(advice in text for other, advice in ADVICE.items() if other != name)


def pending(client: SyncPrefectClient, flow_name: str, **more: object) -> UUID:
    """Create a run of a flow that a worker has taken and not begun."""
    body: dict[str, Any] = {"flow_id": str(client.create_flow_from_name(flow_name)), "state": {"type": "PENDING"}}
    return UUID(client.request("POST", "/flow_runs/", json=body | more).json()["id"])


def put(client: SyncPrefectClient, run: UUID, kind: str, state: str) -> None:
    """Put a run into a state."""
    body = {"state": {"type": kind, "name": state, "message": "it was so"}, "force": True}
    client.request("POST", "/flow_runs/{id}/set_state", path_params={"id": run}, json=body).raise_for_status()


def test_every_deployment_sends_the_heartbeats_that_its_alert_waits_for() -> None:
    for deployment in described_deployments():
        assert deployment["work_pool"]["job_variables"]["env"] == {
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)
        }
        assert TAG in deployment["tags"]
    assert DEAD_AFTER_SECONDS > 2 * HEARTBEAT_SECONDS


def hasten(client: SyncPrefectClient, name: str) -> timedelta:
    """Let an alert wait for the shortest time there is; returns how long it would wait."""
    (alert,) = [each for each in registered() if each.name == name]
    assert isinstance(alert.trigger, EventTrigger)
    core = AutomationCore.model_validate(alert.model_dump(include={*AutomationCore.model_fields} - {"owner_resource"}))
    soon = core.model_copy(update={"trigger": alert.trigger.model_copy(update={"within": SHORT})})
    client.update_automation(alert.id, soon)
    return alert.trigger.within


def test_a_run_that_is_suspended_is_not_taken_for_dead_whenever_its_last_heartbeat_came(inbox: Inbox) -> None:
    register_alerts(load_settings())

    def beat() -> None:
        emit_event("prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{flow_run.id}"})
        wait_until(lambda: is_heard(client, "prefect.flow-run.heartbeat"))

    @flow
    @ends_clearly
    def suspended() -> State[None]:
        client.set_flow_run_state(flow_run.id, Suspended(timeout_seconds=600), force=True)
        wait_until(lambda: is_heard(client, "prefect.flow-run.Suspended"))
        beat()
        raise Pause

    @flow
    def dead() -> None:
        beat()
        raise Pause

    def start(function: Flow[[], Any]) -> UUID:
        deployment = client.create_deployment(client.create_flow(function), function.name, tags=[TAG])
        run = client.create_flow_run_from_deployment(deployment, state=Pending())
        with pytest.raises(Pause):
            run_flow(function, flow_run=run)
        return run.id

    with get_client(sync_client=True) as client:
        assert hasten(client, "fullcourt-run-dead") == timedelta(seconds=DEAD_AFTER_SECONDS)
        waits, lost = start(suspended), start(dead)
        wait_until(lambda: client.read_flow_run(lost).state_name == "Crashed")
        assert client.read_flow_run(waits).state_name == "Suspended"


def is_heard(client: SyncPrefectClient, event: str) -> bool:
    """Whether the server has an event of the current run."""
    wanted = {"event": {"name": [event]}, "resource": {"id": [f"prefect.flow-run.{flow_run.id}"]}}
    return bool(client.request("POST", "/events/filter", json={"filter": wanted}).json()["total"])


def test_a_run_that_nobody_begins_is_told(inbox: Inbox) -> None:
    register_alerts(load_settings())
    with get_client(sync_client=True) as client:
        assert hasten(client, "fullcourt-run-waits") == timedelta(minutes=WAITING_MINUTES)
        waits, begun = [pending(client, "backfill", tags=[TAG], name=name) for name in ("waits", "begun")]
        put(client, begun, "RUNNING", "Running")
    text = inbox.wait()
    assert text.startswith("Fullcourt: a run of backfill waits\n\nA run of backfill has waited for 60 minutes")
    assert "Run: waits, http" in text
    assert str(waits) in text


def test_a_cleanup_that_never_ran_is_told_and_told_again(inbox: Inbox, settings: Settings) -> None:
    started = time.monotonic()
    register_alerts(load_settings(), silence=SHORT)
    text = inbox.wait()
    assert inbox.arrived[0] - started >= SHORT.total_seconds()
    assert text.startswith("Fullcourt: no cleanup has succeeded\n\nNo scheduled cleanup of ")
    assert str(settings.duckdb_path) in text
    assert "None has succeeded since this alert was registered." in text
    assert "look at the runs of cleanup/daily-ttl" in text
    assert inbox.wait(2) == text


def test_nobody_is_told_as_long_as_cleanups_succeed_and_somebody_soon_after_the_last_one(inbox: Inbox) -> None:
    register_alerts(load_settings(), silence=SHORT)
    for number in range(10):
        time.sleep(3)  # what must not happen here is an alert: there is nothing to wait for
        announce_success(load_settings(), SCHEDULED, f"success {number}", 0)
    assert inbox.texts == []
    last = time.monotonic()
    text = inbox.wait()
    assert inbox.arrived[0] - last >= SHORT.total_seconds() - 1
    assert ": success 9\n" in text


@pytest.mark.parametrize("other", ["by hand", "another warehouse"])
def test_a_success_by_hand_or_in_another_warehouse_does_not_pass_for_the_one_that_is_waited_for(
    inbox: Inbox, settings: Settings, other: str
) -> None:
    register_alerts(load_settings(), silence=SHORT)
    elsewhere = settings.model_copy(update={"duckdb_path": settings.duckdb_path.with_name("other.duckdb")})
    until = time.monotonic() + 2 * SHORT.total_seconds() - 2
    while not inbox.texts and time.monotonic() < until:
        if other == "by hand":
            announce_success(settings, "by_hand", "by hand", 0)
        else:
            announce_success(elsewhere, SCHEDULED, "elsewhere", 0)
        time.sleep(2)
    assert "None has succeeded since this alert was registered." in inbox.wait()


def test_a_heal_that_does_not_run_is_told_and_nobody_as_long_as_it_does(inbox: Inbox, settings: Settings) -> None:
    register_alerts(load_settings(), heal_silence=SHORT)
    for _ in range(4):
        assert heal(return_state=True).is_completed()
        time.sleep(3)  # what must not happen here is an alert: there is nothing to wait for
    assert inbox.texts == []
    text = inbox.wait()
    assert text.startswith("Fullcourt: heal has not succeeded\n\nNobody has looked at the days of ")
    assert str(settings.duckdb_path) in text
    assert ": nothing to mend\n" in text
    assert "look at the runs of heal/hourly" in text


def test_a_heal_of_other_days_or_a_dry_run_does_not_pass_for_the_one_that_is_waited_for(inbox: Inbox) -> None:
    register_alerts(load_settings(), heal_silence=SHORT)
    until = time.monotonic() + 2 * SHORT.total_seconds() - 2
    while not inbox.texts and time.monotonic() < until:
        assert heal(dry_run=True, return_state=True).is_completed()
        assert heal(end_date="2023-02-23", return_state=True).is_completed()
    assert "None has succeeded since this alert was registered." in inbox.wait()

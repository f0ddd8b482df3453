"""The doctor's check of what Prefect does: the next run of every schedule, and runs that have gone silent."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient

from tasks.warehouse.diagnosis import Finding

OVERDUE_AFTER = timedelta(minutes=5)
"""How long after its time a run may begin; a worker polls every 15 seconds, and starts a process."""
SILENT_AFTER = timedelta(minutes=5)
"""How long a run may be silent; by default its process sends a heartbeat every 3 minutes."""

_RUNS = "runs"
_PAGE = 200


@dataclass(frozen=True)
class Deployment:
    """A deployment, as prefect.yaml describes it or as the server has it."""

    id: str
    label: str
    """Its flow and its own name, which alone is not unique."""
    pool: str
    is_paused: bool
    schedules: Sequence[Mapping[str, Any]]


def first_page(client: SyncPrefectClient, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first page of what a filter finds."""
    found: list[dict[str, Any]] = client.request("POST", path, json={**body, "limit": _PAGE}).json()  # type: ignore[arg-type]
    return found


def examine_schedule(client: SyncPrefectClient, label: str, deployment: Deployment | None, now: datetime) -> Finding:
    """Say when a deployment runs next, or why it does not.

    Args:
        client: Of the server.
        label: Which deployment.
        deployment: As the server has it; None if it has none.
        now: The time by the server's clock.
    """
    subject = f"schedule {label}"
    if deployment is None or not deployment.schedules:
        text = "there is none, and it never runs by itself: `fullcourt register` registers it"
        return Finding("missing", subject, text)
    if deployment.is_paused:
        text = f"the deployment is paused, and never runs by itself: resume it on its page in Prefect's UI ({label})"
        return Finding("missing", subject, text)
    if off := [schedule for schedule in deployment.schedules if not schedule["active"]]:
        several = len(deployment.schedules) > 1
        text = f"{len(off)} of its {len(deployment.schedules)} schedules are paused" if several else "it is paused"
        resume = "; ".join(f"`prefect deployment schedule resume {label} {schedule['id']}`" for schedule in off)
        return Finding("missing", subject, f"{text}, and starts no run: {resume}")
    zone = ZoneInfo(deployment.schedules[0]["schedule"].get("timezone") or "UTC")
    waiting = _waiting(client, deployment)
    if late := [(due, run) for due, run in waiting if due < now - OVERDUE_AFTER]:
        due, run = late[0]
        text = f"overdue: the run {run['name']} of {_time(due, zone)} has not begun ({run['state_name']})"
        return Finding("missing", subject, f"{text}; see below for the pool, the worker and the runs before it")
    if not waiting:
        text = (
            "no run is scheduled, although it is on: the server makes one within a minute of a change; if none comes, "
            "its scheduler does not work: read the server's log"
        )
        return Finding("missing", subject, text)
    return Finding("ok", subject, f"the next run is on {_time(waiting[0][0], zone)}")


def _waiting(client: SyncPrefectClient, deployment: Deployment) -> list[tuple[datetime, dict[str, Any]]]:
    """Return the runs of a deployment's schedules that have not begun, each with its time, the earliest first."""
    body = {
        "flow_runs": {"deployment_id": {"any_": [deployment.id]}, "state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
    }
    runs = [run for run in first_page(client, "/flow_runs/filter", body) if run["auto_scheduled"]]
    return sorted(((_due(client, run), run) for run in runs), key=lambda each: each[0])


def _due(client: SyncPrefectClient, run: Mapping[str, Any]) -> datetime:
    """Return when a run was first due: one that waits for a slot is rescheduled again and again."""
    times = [run["next_scheduled_start_time"] or run["expected_start_time"]]
    if run["state_name"] == "AwaitingConcurrencySlot":
        states = client.request("GET", "/flow_run_states/", params={"flow_run_id": run["id"]}).json()
        times += [state["state_details"]["scheduled_time"] for state in states]
    return min(datetime.fromisoformat(time) for time in times if time)


def examine_runs(
    client: SyncPrefectClient, flows: AbstractSet[str], deployments: Sequence[str], now: datetime
) -> Iterator[Finding]:
    """Name the runs that are in progress by their state, and have been silent for too long.

    Args:
        client: Of the server.
        flows: The names of the flows, for runs that were started without a deployment.
        deployments: The ids of the deployments.
        now: The time by the server's clock.
    """
    state = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    runs = first_page(client, "/flow_runs/filter", {"flows": {"name": {"any_": sorted(flows)}}, "flow_runs": state})
    ours = [run for run in runs if run["deployment_id"] is None or run["deployment_id"] in deployments]
    silent = 0
    for run in ours:
        last = _last_heartbeat(client, run)
        if now - last > SILENT_AFTER:
            silent += 1
            began = datetime.fromisoformat(run["state"]["timestamp"])
            yield Finding(
                "missing",
                _RUNS,
                f"{run['name']} is {run['state_name']} since {_time(began)}, and has sent no heartbeat since "
                f"{_time(last)}: its process is gone or hangs. Look at its log; then set its state to Crashed, in "
                f"the menu of its page in Prefect's UI (/runs/flow-run/{run['id']}), and run it again",
            )
    if not silent:
        text = f"all {len(ours)} in progress have sent a heartbeat lately" if ours else "none is in progress"
        yield Finding("ok", _RUNS, text)


def _last_heartbeat(client: SyncPrefectClient, run: Mapping[str, Any]) -> datetime:
    """Return the time of a run's last event: its heartbeats and those of its task runs come from its process."""
    body = {"filter": {"any_resource": {"id": [f"prefect.flow-run.{run['id']}"]}, "order": "DESC"}, "limit": 1}
    events = client.request("POST", "/events/filter", json=body).json()["events"]
    return max(datetime.fromisoformat(time) for time in [run["state"]["timestamp"], *(e["received"] for e in events)])


def _time(moment: datetime, zone: ZoneInfo | None = None) -> str:
    utc = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return utc if zone is None else f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z} ({utc})"

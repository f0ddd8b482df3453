"""Put everything into service on the Prefect API that is configured.

That is every deployment of prefect.yaml, the concurrency limits, the alerts and the block that they use. It is safe to
repeat: what is there is updated, never doubled, and never removed. What an operator decided on the server stays: a
schedule, deployment or alert that is paused, a schedule that was added by hand, and where alerts are
sent unless the settings say so. The output names each.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from deployments.errors import ServiceError
from deployments.registered.alert_registration import AlertRegistration, register_alerts
from deployments.registered.prefect_yaml import POOL, described_deployments, label_of, read_prefect_yaml
from tasks.errors import SettingsError
from tasks.runtime.limits import register_limits
from tasks.settings import PROJECT_ROOT, Settings


def register_all(settings: Settings) -> list[str]:
    """Register the deployments, the limits and the alerts.

    Returns:
        What was registered: a line for each kind, and one for whatever was left as an operator has set it.

    Raises:
        SettingsError: Prefect's API is not configured, or a setting is invalid.
        ServiceError: There is no work pool, or prefect.yaml cannot be deployed.
    """
    kept = _register_deployments()
    limits = register_limits(settings)
    alerts = register_alerts(settings)
    return [
        f"deployments  {', '.join(map(label_of, described_deployments()))}",
        *(f"kept         {line}" for line in kept),
        f"limits       {', '.join(limit.name for limit in limits)}",
        *_said_of(alerts),
    ]


def _said_of(alerts: AlertRegistration) -> list[str]:
    lines = ["alerts       a large deletion; a run that failed, died or waits; no success for too long"]
    if alerts.through:
        how = ", as before: the settings name no other block" if alerts.kept else ""
        lines.append(f"notify       through {', '.join(alerts.through)}{how}")
    if alerts.notifying_nobody:
        remedy = "set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK, then run this again"
        who = (
            "nobody will be notified"
            if not alerts.through
            else f"nobody will be notified by {', '.join(alerts.notifying_nobody)}"
        )
        lines.append(f"warning      {who}: {remedy}")
    if alerts.off:
        lines.append(f"kept         switched off: {', '.join(alerts.off)}")
    return lines


def _register_deployments() -> list[str]:
    """Register every deployment of prefect.yaml; returns a line for each difference that the server keeps."""
    if get_current_settings().api.url is None:
        raise SettingsError("PREFECT_API_URL is not set: name the Prefect API to register on; make up has its own")
    content, kept = read_prefect_yaml(), []
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(POOL)
        except ObjectNotFound as error:
            raise ServiceError(
                f"there is no work pool {POOL}; create one of the type of your workers, for example: "
                f"prefect work-pool create {POOL} --type process"
            ) from error
        for described in content["deployments"]:
            kept += _keep(client, described)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        _deploy(file)
    return kept


def _keep(client: SyncPrefectClient, described: dict[str, Any]) -> list[str]:
    """Add to the description of a deployment what an operator decided on the server; returns a line for each."""
    label = label_of(described)
    try:
        there = client.read_deployment_by_name(label)
    except ObjectNotFound:
        return []
    kept = [f"paused: the deployment {label}"] if there.paused else []
    described["paused"] = there.paused
    schedules = list(described.get("schedules", []))
    left = list(there.schedules)
    for ours in schedules:
        theirs = _counterpart(ours, there)
        if theirs is None:
            continue
        left.remove(theirs)
        if not theirs.active and ours.get("active", True):
            ours["active"] = False
            kept.append(f"paused: the schedule {ours['cron']} of {label}")
    for theirs in left:
        added = _described(theirs)
        schedules.append(added)
        when = next((str(added[kind]) for kind in ("cron", "interval", "rrule") if kind in added), "without a time")
        kept.append(f"added by hand: the schedule {when} of {label}{'' if theirs.active else ' (paused)'}")
    if schedules:
        described["schedules"] = schedules
    return kept


def _counterpart(ours: Mapping[str, Any], there: DeploymentResponse) -> DeploymentSchedule | None:
    """Return the schedule of a deployment that prefect.yaml describes: the same one, or the only one."""
    same = [theirs for theirs in there.schedules if _described(theirs).get("cron") == ours["cron"]]
    return next(iter(same or (there.schedules if len(there.schedules) == 1 else [])), None)


def _described(schedule: DeploymentSchedule) -> dict[str, Any]:
    """Return a schedule as prefect.yaml would describe it."""
    facts: dict[str, Any] = schedule.schedule.model_dump(mode="json", exclude_none=True) | {"active": schedule.active}
    if schedule.parameters:
        facts["parameters"] = schedule.parameters
    if schedule.slug:
        facts["slug"] = schedule.slug
    return facts


def _deploy(file: Path) -> None:
    env = os.environ | get_current_settings().to_environment_variables(exclude_unset=True, include_secrets=True)
    env.pop("FULLCOURT_PROJECT_DIR", None)  # it is looked up where a run takes place, and must not be filled in here
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        cwd=PROJECT_ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-20:])
        raise ServiceError(f"the deployments of prefect.yaml cannot be registered:\n{end}")

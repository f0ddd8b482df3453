"""The first check of the alerts: each must be registered, on, and tell somebody."""

from collections.abc import Iterator

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import DoNothing

from deployments.alerts import alerts
from tasks.settings import load_settings
from tasks.warehouse.diagnosis import Finding

_ALERTS = "alerts"


def examine_alerts(client: SyncPrefectClient) -> Iterator[Finding]:
    """Look at the alerts that a server has.

    Args:
        client: Of the server.
    """
    found = {alert.name: client.read_automations_by_name(alert.name) for alert in alerts(load_settings())}
    if absent := [name for name, there in found.items() if not there]:
        said = f"not registered: {', '.join(absent)}; `python -m deployments.register` registers them"
        yield Finding("note", _ALERTS, said)
    elif off := [name for name, there in found.items() if not any(each.enabled for each in there)]:
        yield Finding("note", _ALERTS, f"switched off: {', '.join(off)}; switch them on under Automations")
    elif any(isinstance(action, DoNothing) for there in found.values() for each in there for action in each.actions):
        said = "registered, and nobody is told: set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK, and run "
        yield Finding("note", _ALERTS, f"{said}`python -m deployments.register`")
    else:
        yield Finding("ok", _ALERTS, f"all {len(found)} are registered, and tell somebody")

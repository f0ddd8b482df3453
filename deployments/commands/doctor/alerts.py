"""The doctor's check of the alerts: each is registered, on and notifies somebody; its last message was delivered."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import SendNotification

from deployments.registered.alert_outcomes import last_outcomes, problem_of
from deployments.registered.alerts import TEST_ALERT, alerts
from tasks.settings import load_settings
from tasks.warehouse.diagnosis import Finding

_ALERTS, _TEST = "alerts", "alert test"


def examine_alerts(client: SyncPrefectClient) -> Iterator[Finding]:
    """Check the alerts that a server has, and the delivery of their messages.

    Args:
        client: Of the server.
    """
    wanted = alerts(load_settings())
    found = {alert.name: client.read_automations_by_name(alert.name) for alert in wanted}
    if absent := [name for name, there in found.items() if not there]:
        text = f"not registered: {', '.join(absent)}; `fullcourt register` registers them"
        yield Finding("missing", _ALERTS, text)
    notifying = {alert.name for alert in wanted if isinstance(alert.actions[0], SendNotification)}
    there = [automation for name in notifying for automation in found[name]]
    problems: dict[str, list[str]] = {}
    for name, registered in found.items():
        for automation in registered:
            if problem := problem_of(client, automation, notifies=name in notifying):
                problems.setdefault(problem, []).append(name)
    for problem, having in problems.items():
        yield Finding("missing", _ALERTS, f"{', '.join(having)}: {problem}")
    outcomes = last_outcomes(client, there, datetime.now(UTC))
    last_delivered = max((each.at for each in outcomes if each.what == "delivered"), default=None)
    lost = [each for each in outcomes if each.what == "failed" and (last_delivered is None or each.at > last_delivered)]
    for each in lost:
        text = f"{each.alert} was triggered at {each.at:%Y-%m-%d %H:%M} UTC, and nobody was notified: {each.reason}"
        yield Finding("missing", _ALERTS, f"{text}. Fix it, and check with `make alert-test` that messages arrive")
    is_well = not absent and not problems and not lost
    if is_well:
        yield Finding("ok", _ALERTS, f"all {len(found)} are registered, and notify somebody")
    last_test = max(
        (each.at for each in outcomes if each.alert == TEST_ALERT and each.what == "delivered"), default=None
    )
    if last_test is not None:
        yield Finding("ok", _TEST, f"the last one was delivered at {last_test:%Y-%m-%d %H:%M} UTC")
    elif is_well:
        yield Finding("note", _TEST, "none was delivered that Prefect still has on record: `make alert-test` sends one")

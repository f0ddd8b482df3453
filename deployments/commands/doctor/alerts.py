"""The first check of the alerts: each must be registered, on, and tell somebody, and the last message been taken."""

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
    """Look at the alerts that a server has, and at what came of them.

    Args:
        client: Of the server.
    """
    wanted = alerts(load_settings())
    found = {alert.name: client.read_automations_by_name(alert.name) for alert in wanted}
    if absent := [name for name, there in found.items() if not there]:
        text = f"not registered: {', '.join(absent)}; `fullcourt register` registers them"
        yield Finding("missing", _ALERTS, text)
    tells = {alert.name for alert in wanted if isinstance(alert.actions[0], SendNotification)}
    there = [automation for name in tells for automation in found[name]]
    problems: dict[str, list[str]] = {}
    for name, registered in found.items():
        for automation in registered:
            if problem := problem_of(client, automation, tells=name in tells):
                problems.setdefault(problem, []).append(name)
    for problem, having in problems.items():
        yield Finding("missing", _ALERTS, f"{', '.join(having)}: {problem}")
    outcomes = last_outcomes(client, there, datetime.now(UTC))
    last_told = max((each.at for each in outcomes if each.what == "told"), default=None)
    lost = [each for each in outcomes if each.what == "failed" and (last_told is None or each.at > last_told)]
    for each in lost:
        text = f"{each.alert} was to tell at {each.at:%Y-%m-%d %H:%M} UTC, and nobody was told: {each.reason}"
        yield Finding("missing", _ALERTS, f"{text}. Mend it, and see with `make alert-test` that messages arrive")
    is_well = not absent and not problems and not lost
    if is_well:
        yield Finding("ok", _ALERTS, f"all {len(found)} are registered, and tell somebody")
    last_test = max((each.at for each in outcomes if each.alert == TEST_ALERT and each.what == "told"), default=None)
    if last_test is not None:
        yield Finding("ok", _TEST, f"one was taken last at {last_test:%Y-%m-%d %H:%M} UTC")
    elif is_well:
        yield Finding("note", _TEST, "none was taken that Prefect still knows of: `make alert-test` sends one")

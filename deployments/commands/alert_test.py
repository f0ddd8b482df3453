"""``fullcourt alert-test``: send a test the way that alerts are sent.

The test is an event that triggers a registered automation; Prefect's server sends its message through the block of the
alerts. The command succeeds when the server says that it was delivered. Nothing else would show that alerts arrive.
"""

import time
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from socket import gethostname

from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.settings import get_current_settings

from deployments.errors import ServiceError
from deployments.local.api import connect
from deployments.registered.alert_outcomes import outcome_of, problem_of
from deployments.registered.alerts import TEST_ALERT, TEST_EVENT, TEST_RESOURCE
from tasks.errors import SettingsError

LIMIT_SECONDS = 90.0
_POLL_SECONDS = 1.0


def send_test_alert(home: Path) -> int:
    """Send a test, and say when it was delivered.

    Args:
        home: The folder of the local Prefect server's state.

    Returns:
        The exit code, 0.

    Raises:
        SettingsError: Prefect's API is not configured.
        ServiceError: The alerts are not registered or notify nobody, or the message was not delivered in time.
    """
    connect(home)
    at = _send(LIMIT_SECONDS)
    print(f"The test was delivered at {at:%H:%M:%S} UTC: check that it has arrived.")
    return 0


def _send(limit_seconds: float) -> datetime:
    """Send a test, wait for the outcome, and return when the message was delivered."""
    if get_current_settings().api.url is None:
        raise SettingsError("no Prefect API is configured, and no local one runs: set PREFECT_API_URL, or `make up`")
    with get_client(sync_client=True) as client:
        there = client.read_automations_by_name(TEST_ALERT)
        if not there:
            raise ServiceError("the alerts are not registered: run `fullcourt register` first")
        alert = there[0]
        if problem := problem_of(client, alert):
            raise ServiceError(f"{alert.name}: {problem}")
        event = Event(
            event=TEST_EVENT,
            resource={"prefect.resource.id": TEST_RESOURCE},
            payload={"message": f"{getuser()} sent it from {gethostname()}."},
            occurred=datetime.now(UTC),
        )
        client.request("POST", "/events", json=[event.model_dump(mode="json")])
        until = time.monotonic() + limit_seconds
        while (outcome := outcome_of(client, alert, event.id)) is None and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
    if outcome is None:
        raise ServiceError(
            f"the message was not delivered within {limit_seconds:g} s: the webhook refuses it or does not answer; the "
            "log of Prefect's server says why. Configure a webhook that accepts it, and run `fullcourt register`"
        )
    if outcome.what == "failed":
        raise ServiceError(f"the message was not delivered: {outcome.reason}")
    return outcome.at

"""``python -m deployments.commands.alert_test``, or ``make alert-test``: send a test the way that the alerts go.

The test is an event that a registered automation waits for; Prefect's server tells through the block of the alerts.
The command ends well when the server says that the message was taken. Nothing else would show that alerts arrive.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from socket import gethostname

from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.settings import get_current_settings

from deployments.commands.command import command
from deployments.errors import ServiceError
from deployments.local.api import connect
from deployments.local.stack import HOME
from deployments.registered.alert_outcomes import outcome_of, problem_of
from deployments.registered.alerts import TEST_ALERT, TEST_EVENT, TEST_RESOURCE
from tasks.errors import SettingsError

LIMIT_SECONDS = 90.0
_POLL_SECONDS = 1.0


def send_test_alert(*, limit_seconds: float) -> datetime:
    """Send a test, and wait until the server says what came of it.

    Args:
        limit_seconds: How long to wait.

    Returns:
        When the message was taken.

    Raises:
        SettingsError: Prefect's API is not configured.
        ServiceError: The alerts are not registered or tell nobody, or the message was refused or not taken in time.
    """
    if get_current_settings().api.url is None:
        raise SettingsError("no Prefect API is configured, and no local one runs: set PREFECT_API_URL, or `make up`")
    with get_client(sync_client=True) as client:
        there = client.read_automations_by_name(TEST_ALERT)
        if not there:
            raise ServiceError("the alerts are not registered: run `python -m deployments.commands.register` first")
        alert = there[0]
        if problem := problem_of(client, alert):
            raise ServiceError(f"{alert.name}: {problem}")
        event = Event(
            event=TEST_EVENT,
            resource={"prefect.resource.id": TEST_RESOURCE},
            payload={"message": f"{getuser()} asked for it on {gethostname()}."},
            occurred=datetime.now(UTC),
        )
        client.request("POST", "/events", json=[event.model_dump(mode="json")])
        until = time.monotonic() + limit_seconds
        while (outcome := outcome_of(client, alert, event.id)) is None and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
    if outcome is None:
        raise ServiceError(
            f"the message was not taken within {limit_seconds:g} s: the webhook refuses it or does not answer; the log "
            "of Prefect's server says why. Name a webhook that takes it, and run "
            "`python -m deployments.commands.register`"
        )
    if outcome.what == "failed":
        raise ServiceError(f"the message was not taken: {outcome.reason}")
    return outcome.at


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deployments.commands.alert_test", description="Send a test alert.")
    parser.add_argument("--home", type=Path, default=HOME, help="folder of the local Prefect server's state")
    chosen = parser.parse_args(arguments)
    connect(chosen.home.resolve())
    at = send_test_alert(limit_seconds=LIMIT_SECONDS)
    print(f"The test was taken at {at:%H:%M:%S} UTC: look whether it has arrived.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

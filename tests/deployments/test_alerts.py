"""The alerts, for real: a Prefect server watches, and an HTTP server is told."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prefect import flow
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.events.actions import DoNothing, SendNotification
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound

from deployments import prefect_diagnosis
from deployments.alerts import SILENCE_HOURS, alerts, register_alerts
from flows.backfill import backfill
from flows.cleanup import cleanup
from flows.restore import restore
from tasks.alert import announce_large_deletion, announce_success
from tasks.domain.errors import SettingsError
from tasks.settings import Settings, load_settings
from tests.backfill.observe import wait_until

NAMES = [alert.name for alert in alerts(None)]
SHORT = timedelta(seconds=10)  # the shortest that Prefect allows
LONG = timedelta(hours=SILENCE_HOURS)
BLOCKS = [f"{kind}/fullcourt-alerts" for kind in ("custom-webhook", "slack-webhook")]


class Inbox(HTTPServer):
    """A webhook's end: it keeps the text of every message, and when it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.arrived: list[float] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hook?token=a-secret"

    def wait(self, count: int = 1, *, seconds: float = 40) -> str:
        """Wait for so many messages; returns the last."""
        wait_until(lambda: len(self.texts) >= count, seconds=seconds)
        assert len(self.texts) == count
        return self.texts[-1]


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.arrived.append(time.monotonic())
        self.server.texts.append(message["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Where the settings say that alerts go."""
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("FULLCOURT_ALERT_WEBHOOK_URL", server.url)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _remove() -> Iterator[None]:
    """Leave no automation and no block behind."""
    yield
    with get_client(sync_client=True) as client:
        for automation in registered():
            client.delete_automation(automation.id)
        for block in BLOCKS:
            kind, _, name = block.partition("/")
            try:
                client.delete_block_document(client.read_block_document_by_name(name, kind).id)
            except ObjectNotFound:
                continue


def registered() -> list[Automation]:
    """Return the automations of those names, in their order."""
    with get_client(sync_client=True) as client:
        return [automation for name in NAMES for automation in client.read_automations_by_name(name)]


def is_there(block: str) -> bool:
    """Whether there is a block."""
    kind, _, name = block.partition("/")
    with get_client(sync_client=True) as client:
        try:
            client.read_block_document_by_name(name, kind)
        except ObjectNotFound:
            return False
    return True


def test_a_large_deletion_is_told_with_its_numbers_its_run_and_what_to_do(inbox: Inbox, api_url: str) -> None:
    register_alerts(load_settings(), silence=LONG)

    @flow(flow_run_name="the morning's")
    def anything() -> None:
        announce_large_deletion("10,001 of 10,001 stale rows deleted from 2 tables", 10_001, 10_000)

    run_id = anything(return_state=True).state_details.flow_run_id
    text = inbox.wait()
    assert text.startswith("Fullcourt: a cleanup deleted many rows\n\nA cleanup deleted 10001 rows, and ")
    assert "and 10000 may go unseen.\n10,001 of 10,001 stale rows deleted from 2 tables\n" in text
    assert f"Run: the morning's, {api_url.removesuffix('/api')}/runs/flow-run/{run_id}" in text
    assert "restore/by-hand puts them back" in text


def test_a_cleanup_or_restore_that_fails_is_told_and_another_flow_is_not(inbox: Inbox, settings: Settings) -> None:
    register_alerts(load_settings(), silence=LONG)
    assert backfill(return_state=True).is_failed()
    assert cleanup(ttl_days=0, return_state=True).is_failed()
    text = inbox.wait()
    assert text.startswith("Fullcourt: a cleanup run failed\n\nThe run of cleanup ended as Failed: ")
    assert "ttl_days=0" in text
    assert "/runs/flow-run/" in text
    assert "What to do: read the run's log" in text
    assert restore("never-made", return_state=True).is_failed()
    assert inbox.wait(2).startswith("Fullcourt: a restore run failed\n\nThe run of restore ended as Failed: ")


@pytest.mark.parametrize("state", ["Crashed", "TimedOut"])
def test_a_run_that_crashes_or_takes_too_long_is_told_too(inbox: Inbox, state: str) -> None:
    register_alerts(load_settings(), silence=LONG)
    kind = {"Crashed": "CRASHED", "TimedOut": "FAILED"}[state]
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(cleanup, parameters={})
        body = {"state": {"type": kind, "name": state, "message": "it was killed"}, "force": True}
        client.request("POST", "/flow_runs/{id}/set_state", path_params={"id": run.id}, json=body)
    assert f"The run of cleanup ended as {state}: it was killed\nRun: {run.name}, http" in inbox.wait()


def test_a_cleanup_that_never_ran_is_told_and_told_again(inbox: Inbox) -> None:
    started = time.monotonic()
    register_alerts(load_settings(), silence=SHORT)
    text = inbox.wait()
    assert inbox.arrived[0] - started >= SHORT.total_seconds()
    assert text.startswith("Fullcourt: no cleanup has succeeded\n\nNo cleanup has succeeded for ")
    assert "None has succeeded since this alert was registered." in text
    assert "look at the runs of cleanup/daily-ttl" in text
    assert inbox.wait(2) == text


def test_nobody_is_told_as_long_as_cleanups_succeed_and_somebody_soon_after_the_last_one(inbox: Inbox) -> None:
    register_alerts(load_settings(), silence=SHORT)
    for number in range(5):
        time.sleep(6)  # what must not happen here is an alert: there is nothing to wait for
        announce_success(f"success {number}", 0)
    assert inbox.texts == []
    last = time.monotonic()
    text = inbox.wait()
    assert SHORT.total_seconds() - 1 <= inbox.arrived[0] - last < 2 * SHORT.total_seconds()
    assert ": success 4\n" in text


def test_registering_again_doubles_nothing_and_leaves_what_has_not_changed_alone(inbox: Inbox) -> None:
    register_alerts(load_settings())
    before = [(automation.id, automation.name) for automation in registered()]
    assert [name for _, name in before] == NAMES
    times = updated()
    assert register_alerts(load_settings()) == BLOCKS[0]
    assert updated() == times  # an update would start the wait for a success anew
    register_alerts(load_settings(), silence=LONG / 2)
    assert [(automation.id, automation.name) for automation in registered()] == before
    changed = {name for name, time_ in updated().items() if time_ != times[name]}
    assert changed == {"fullcourt-no-cleanup"}


def test_an_alert_that_was_doubled_or_switched_off_is_mended(inbox: Inbox) -> None:
    with get_client(sync_client=True) as client:
        for wanted in (*alerts(None), *alerts(None)):
            client.create_automation(wanted.model_copy(update={"enabled": False}))
    register_alerts(load_settings())
    assert [automation.name for automation in registered()] == NAMES
    assert all(automation.enabled for automation in registered())
    assert all(isinstance(automation.actions[0], SendNotification) for automation in registered())


def test_without_a_way_to_tell_anybody_the_alerts_are_registered_and_it_is_said(settings: Settings) -> None:
    assert register_alerts(settings) is None
    assert [automation.actions for automation in registered()] == [[DoNothing()]] * len(NAMES)


def test_the_address_of_the_webhook_is_a_secret(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings()
    register_alerts(settings)
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("fullcourt-alerts", "custom-webhook", include_secrets=False)
    assert "a-secret" not in document.model_dump_json() + repr(settings) + settings.model_dump_json() + caplog.text


@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")  # apprise imports it
def test_slack_is_told_through_slacks_own_block_and_one_of_another_kind_goes(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_alerts(load_settings())
    assert [is_there(block) for block in BLOCKS] == [True, False]
    monkeypatch.setenv(
        "FULLCOURT_ALERT_WEBHOOK_URL", "https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/" + "a" * 24
    )
    assert register_alerts(load_settings()) == BLOCKS[1]
    assert [is_there(block) for block in BLOCKS] == [False, True]
    actions = [automation.actions[0] for automation in registered()]
    assert len({action.block_document_id for action in actions if isinstance(action, SendNotification)}) == 1


def test_an_existing_block_is_used_if_the_settings_name_one(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    CustomWebhookNotificationBlock(name="ops", url=inbox.url, json_data={"text": "ops: {{subject}}"}).save(
        "ops", overwrite=True
    )
    monkeypatch.delenv("FULLCOURT_ALERT_WEBHOOK_URL")
    monkeypatch.setenv("FULLCOURT_ALERT_BLOCK", "custom-webhook/ops")
    assert register_alerts(load_settings()) == "custom-webhook/ops"
    announce_large_deletion("many", 2, 1)
    assert inbox.wait() == "ops: Fullcourt: a cleanup deleted many rows"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"FULLCOURT_ALERT_BLOCK": "slack-webhook/nobody"}, "there is no such block"),
        ({"FULLCOURT_ALERT_WEBHOOK_URL": "hooks.example/a-secret"}, "must be the address of a webhook"),
        ({"FULLCOURT_ALERT_WEBHOOK_URL": "https://a", "FULLCOURT_ALERT_BLOCK": "slack-webhook/b"}, "give one of them"),
    ],
    ids=["no such block", "no address", "both"],
)
def test_a_way_that_leads_nowhere_is_refused_before_anything_is_registered(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message) as raised:
        register_alerts(load_settings())
    assert "a-secret" not in str(raised.value)
    assert registered() == []


def updated() -> dict[str, object]:
    """Return when each automation was last changed."""
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/automations/filter", json={}).json()
    return {automation["name"]: automation["updated"] for automation in found if automation["name"] in NAMES}


def test_the_first_check_notes_alerts_that_are_missing_tell_nobody_or_are_off(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    assert said_of_alerts() == (
        "note",
        f"not registered: {', '.join(NAMES)}; `python -m deployments.register` registers them",
    )
    register_alerts(settings)
    level, text = said_of_alerts()
    assert (level, "nobody is told: set FULLCOURT_ALERT_WEBHOOK_URL" in text) == ("note", True)
    request.getfixturevalue("inbox")
    register_alerts(load_settings())
    assert said_of_alerts() == ("ok", "all 3 are registered, and tell somebody")
    with get_client(sync_client=True) as client:
        client.pause_automation(registered()[1].id)
    assert said_of_alerts() == ("note", f"switched off: {NAMES[1]}; switch them on under Automations")


def said_of_alerts() -> tuple[str, str]:
    """What the first check says of the alerts: the level and the text."""
    (finding,) = (found for found in prefect_diagnosis.examine() if found.subject == "alerts")
    return finding.level, finding.text

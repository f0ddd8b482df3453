"""Registering the alerts: what is registered, and what an operator decided stays."""

from datetime import timedelta

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.events.actions import DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore

from deployments.registered.alert_registration import register_alerts
from deployments.registered.alerts import alerts, notifying
from tasks.cleanup.announce import announce_large_deletion
from tasks.errors import SettingsError
from tasks.settings import Settings, load_settings
from tests.deployments.inbox import BLOCKS, Inbox, is_there, names, registered, remove_block

pytestmark = pytest.mark.usefixtures("alerts_removed")


def updated() -> dict[str, object]:
    """Return when each automation was last changed."""
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/automations/filter", json={}).json()
    return {automation["name"]: automation["updated"] for automation in found if automation["name"] in names()}


def told_through() -> set[object]:
    """Return the blocks through which the alerts that tell somebody do so; None for one that tells nobody."""
    with_text = {alert.name for alert in alerts(load_settings()) if isinstance(alert.actions[0], SendNotification)}
    return {
        getattr(action, "block_document_id", None)
        for automation in registered()
        if automation.name in with_text
        for action in automation.actions
    }


@pytest.mark.usefixtures("inbox")
def test_registering_again_doubles_nothing_and_leaves_what_has_not_changed_alone() -> None:
    register_alerts(load_settings())
    before = [(automation.id, automation.name) for automation in registered()]
    assert [name for _, name in before] == names()
    times = updated()
    assert register_alerts(load_settings()).through == (BLOCKS[0],)
    assert updated() == times  # an update would start the wait for a success anew
    register_alerts(load_settings(), silence=timedelta(hours=13))
    assert [(automation.id, automation.name) for automation in registered()] == before
    changed = {name for name, time in updated().items() if time != times[name]}
    assert changed == {f"fullcourt-no-cleanup-{load_settings().warehouse_digest}"}


def test_without_a_way_in_the_settings_alerts_go_where_they_went_and_those_that_are_off_stay_off(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_alerts(load_settings())
    blocks = told_through()
    with get_client(sync_client=True) as client:
        client.pause_automation(registered()[0].id)
    times = updated()
    monkeypatch.delenv("FULLCOURT_ALERT_WEBHOOK_URL")
    done = register_alerts(load_settings())
    assert (done.through, done.kept, done.notifying_nobody) == ((BLOCKS[0],), True, ())
    assert done.off == ("fullcourt-large-deletion",)
    assert told_through() == blocks
    assert updated() == times
    assert [automation.enabled for automation in registered()] == [False, *[True] * (len(names()) - 1)]
    with get_client(sync_client=True) as client:
        client.delete_automation(registered()[1].id)
    register_alerts(load_settings())  # a new alert goes where the others go
    assert told_through() == blocks
    with get_client(sync_client=True) as client:
        client.resume_automation(registered()[0].id)
    announce_large_deletion(load_settings(), "by_hand", "many", 2)
    assert "many" in inbox.wait()


@pytest.mark.usefixtures("inbox")
def test_a_block_that_is_gone_is_said_and_mended_by_the_next_registration_that_names_one(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    register_alerts(load_settings())
    remove_block(BLOCKS[0])
    monkeypatch.undo()
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(settings.duckdb_path))
    done = register_alerts(load_settings())
    assert (done.through, set(done.notifying_nobody)) == ((), {name for name in names() if "dead" not in name})
    with Inbox() as server:
        monkeypatch.setenv("FULLCOURT_ALERT_WEBHOOK_URL", server.url)
        assert register_alerts(load_settings()).notifying_nobody == ()


def test_alerts_that_were_doubled_or_have_the_name_of_an_earlier_version_become_one(inbox: Inbox) -> None:
    wanted = [notifying(None, alert) for alert in alerts(load_settings())]
    former = AutomationCore.model_validate(wanted[2].model_dump() | {"name": "fullcourt-no-cleanup"})
    with get_client(sync_client=True) as client:
        for alert in (*wanted[:2], *wanted[:2], former):
            client.create_automation(alert)
    assert register_alerts(load_settings()).notifying_nobody == ()
    assert [automation.name for automation in registered()] == names()
    with get_client(sync_client=True) as client:
        assert client.read_automations_by_name("fullcourt-no-cleanup") == []
    assert None not in told_through()


def test_a_second_warehouse_has_an_alert_of_its_own_for_its_cleanups(inbox: Inbox, settings: Settings) -> None:
    register_alerts(load_settings())
    first = registered()
    other = load_settings().model_copy(update={"duckdb_path": settings.duckdb_path.with_name("other.duckdb")})
    register_alerts(other)
    assert registered() == first
    with get_client(sync_client=True) as client:
        (second,) = client.read_automations_by_name(f"fullcourt-no-cleanup-{other.warehouse_digest}")
        client.delete_automation(second.id)


def test_without_a_way_to_tell_anybody_the_alerts_are_registered_and_it_is_said(settings: Settings) -> None:
    done = register_alerts(settings)
    assert (done.through, set(done.notifying_nobody)) == ((), {name for name in names() if "dead" not in name})
    assert [a.actions for a in registered() if "dead" not in a.name] == [[DoNothing()]] * len(done.notifying_nobody)
    assert len(registered()) == len(names())


def test_the_address_of_the_webhook_is_a_secret(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings()
    said = repr(register_alerts(settings))
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("fullcourt-alerts", "custom-webhook", include_secrets=False)
    everything = document.model_dump_json() + repr(settings) + settings.model_dump_json() + caplog.text + said
    assert "a-secret" not in everything


@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")  # apprise imports it
def test_slack_is_told_through_slacks_own_block_and_one_of_another_kind_goes(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_alerts(load_settings())
    assert [is_there(block) for block in BLOCKS] == [True, False]
    monkeypatch.setenv(
        "FULLCOURT_ALERT_WEBHOOK_URL", "https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/" + "a" * 24
    )
    assert register_alerts(load_settings()).through == (BLOCKS[1],)
    assert [is_there(block) for block in BLOCKS] == [False, True]
    assert len(told_through()) == 1
    assert None not in told_through()


def test_an_existing_block_is_used_if_the_settings_name_one(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    CustomWebhookNotificationBlock(name="ops", url=inbox.url, json_data={"text": "ops: {{subject}}"}).save(
        "ops", overwrite=True
    )
    monkeypatch.delenv("FULLCOURT_ALERT_WEBHOOK_URL")
    monkeypatch.setenv("FULLCOURT_ALERT_BLOCK", "custom-webhook/ops")
    assert register_alerts(load_settings()).through == ("custom-webhook/ops",)
    announce_large_deletion(load_settings(), "by_hand", "many", 2)
    assert inbox.wait() == "ops: Fullcourt: a cleanup deleted many rows"
    remove_block("custom-webhook/ops")


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
    for name in variables:
        monkeypatch.delenv(name)
    assert registered() == []

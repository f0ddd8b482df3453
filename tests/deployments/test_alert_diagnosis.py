"""What the first check says of the alerts, and the test alert that it speaks of: a real server, a real webhook."""

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.commands import alert_test
from deployments.commands.doctor.alerts import examine_alerts
from deployments.commands.main import main
from deployments.registered.alert_registration import register_alerts
from deployments.registered.alerts import TEST_ALERT
from tasks.settings import Settings, load_settings
from tests.deployments.inbox import BLOCKS, Inbox, names, registered, remove_block

pytestmark = pytest.mark.usefixtures("alerts_removed")


def said() -> list[tuple[str, str, str]]:
    """Return what the first check says of the alerts."""
    with get_client(sync_client=True) as client:
        return [(finding.level, finding.subject, finding.text) for finding in examine_alerts(client)]


def test_alerts_that_are_missing_or_tell_nobody_are_red(settings: Settings) -> None:
    assert said() == [
        (
            "missing",
            "alerts",
            f"not registered: {', '.join(names())}; `fullcourt register` registers them",
        )
    ]
    register_alerts(settings)
    ((level, _, text),) = said()
    telling = [name for name in names() if "dead" not in name]
    assert level == "missing"
    assert text.startswith(f"{', '.join(telling)}: nobody is notified: set FULLCOURT_ALERT_WEBHOOK_URL")


def test_a_test_that_was_taken_is_said_and_an_alert_that_is_off_or_has_lost_its_block_is_red(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    register_alerts(load_settings())
    assert [(level, subject) for level, subject, _ in said()] == [("ok", "alerts"), ("note", "alert test")]
    assert main(["alert-test", "--home", str(tmp_path)]) == 0
    assert "The test was delivered at " in capsys.readouterr().out
    assert inbox.wait().startswith("Fullcourt: a test\n\nAlerts arrive here. ")
    assert [(level, subject) for level, subject, _ in said()] == [("ok", "alerts"), ("ok", "alert test")]
    assert "the last one was delivered at " in said()[1][2]

    off = registered()[0]
    with get_client(sync_client=True) as client:
        client.pause_automation(off.id)
    ((level, _, text), _) = said()
    assert (level, text.partition(";")[0]) == ("missing", f"{off.name}: switched off")
    remove_block(BLOCKS[0])
    assert any("its notification block is gone, and nobody is notified" in text for _, _, text in said())
    assert main(["alert-test", "--home", str(tmp_path)]) == 1
    assert "its notification block is gone" in capsys.readouterr().err


def test_a_webhook_that_refuses_fails_the_test_and_is_red_and_its_address_is_said_nowhere(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    register_alerts(load_settings())
    inbox.status = 500
    monkeypatch.setattr(alert_test, "LIMIT_SECONDS", 15.0)
    assert main(["alert-test", "--home", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the message was not delivered")
    assert "a-secret" not in error


def test_a_test_without_a_server_or_alerts_says_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["alert-test", "--home", str(tmp_path)]) == 1
    assert "error: the alerts are not registered: run `fullcourt register` first" in capsys.readouterr().err
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert main(["alert-test", "--home", str(tmp_path)]) == 1
    assert "error: no Prefect API is configured, and no local one runs" in capsys.readouterr().err
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert main(["alert-test", "--home", str(tmp_path)]) == 1
    assert "error: Prefect's API does not answer at http://127.0.0.1:9/api/" in capsys.readouterr().err
    assert TEST_ALERT in names()

"""What the tests of the first check, of the alerts and of what a browser shows share."""

import threading
from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client

from deployments.registered.alert_registration import register_alerts
from tasks.settings import Settings, load_settings
from tests.deployments.browser import DRIVER, Browser, open_browser
from tests.deployments.checkup import Doctor, in_service, poll, settle_leftovers
from tests.deployments.inbox import Inbox, remove_alerts


@pytest.fixture(scope="module")
def _in_service(api_url: str) -> Iterator[dict[str, str]]:
    with in_service() as ids:
        yield ids


@pytest.fixture
def deployments(_in_service: dict[str, str]) -> dict[str, str]:
    """The ids of the deployments, which are in service: a worker has just polled for their runs."""
    with get_client(sync_client=True) as client:
        settle_leftovers(client)
        poll(client)
    return _in_service


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], deployments: dict[str, str]) -> Doctor:
    """The first check, to be called where the deployments are in service."""
    return Doctor(capsys)


@pytest.fixture
def ask_alone(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The first check, to be called where nothing is in service."""
    return Doctor(capsys)


@pytest.fixture
def alerts_removed(settings: Settings) -> Iterator[None]:
    """Leave no alert behind."""
    yield
    remove_alerts()


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch, alerts_removed: None) -> Iterator[Inbox]:
    """Where the settings say that alerts go."""
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("FULLCOURT_ALERT_WEBHOOK_URL", server.url)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(inbox: Inbox) -> Inbox:
    """A webhook that the registered alerts tell, so that the first check finds nothing to say of them."""
    register_alerts(load_settings())
    return inbox


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if DRIVER is None:
        pytest.skip("chromedriver is not installed (on Debian: apt-get install chromium chromium-driver)")
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser

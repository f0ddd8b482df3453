"""A webhook's end, and what the tests of the alerts ask of Prefect's server."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound

from deployments.registered.alerts import alerts
from tasks.settings import load_settings
from tests.backfill.observe import wait_until

BLOCKS = [f"{kind}/fullcourt-alerts" for kind in ("custom-webhook", "slack-webhook")]


class Inbox(ThreadingHTTPServer):
    """A webhook's end: it keeps the text of every message, and when it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.arrived: list[float] = []
        self.status = 200

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hook?token=a-secret"

    def wait(self, count: int = 1) -> str:
        """Wait for so many messages; returns the last."""
        wait_until(lambda: len(self.texts) >= count)
        assert len(self.texts) == count, self.texts
        return self.texts[-1]


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.arrived.append(time.monotonic())
            self.server.texts.append(message["text"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def names() -> list[str]:
    """Return what the alerts are called."""
    return [alert.name for alert in alerts(load_settings())]


def registered() -> list[Automation]:
    """Return the alerts that the server has, in their order."""
    with get_client(sync_client=True) as client:
        return [automation for name in names() for automation in client.read_automations_by_name(name)]


def is_there(block: str) -> bool:
    """Whether there is a block."""
    kind, _, name = block.partition("/")
    with get_client(sync_client=True) as client:
        try:
            client.read_block_document_by_name(name, kind)
        except ObjectNotFound:
            return False
    return True


def remove_block(block: str) -> None:
    """Remove a block; it may be gone."""
    kind, _, name = block.partition("/")
    if is_there(block):
        with get_client(sync_client=True) as client:
            client.delete_block_document(client.read_block_document_by_name(name, kind).id)


def remove_alerts() -> None:
    """Leave no automation and no block behind."""
    with get_client(sync_client=True) as client:
        for automation in client.read_automations():
            if automation.name.startswith("fullcourt-"):
                client.delete_automation(automation.id)
    for block in BLOCKS:
        remove_block(block)

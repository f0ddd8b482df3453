"""A real browser, over the WebDriver protocol of its own driver."""

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deployments.local.prefect_server import free_port

DRIVER = shutil.which("chromedriver")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1400,900"
)
REBOUND = "rebound.example"
"""A name of another site, which leads to this machine: what a site does that rebinds its name."""


class Browser:
    """One window of a browser that starts with an empty profile."""

    def __init__(self, session: httpx.Client) -> None:
        self._session = session

    def open(self, url: str) -> None:
        self._post("url", {"url": url})

    def script(self, code: str, *arguments: object) -> Any:
        """Run a script in the page, and wait for what its promise gives."""
        wrapped = f"const done = arguments[arguments.length - 1]; (async (...args) => {{ {code} }})(...arguments)"
        wrapped += ".then(done, error => done('error: ' + error))"
        return self._post("execute/async", {"script": wrapped, "args": list(arguments)})

    def wait_for_text(self, *texts: str, seconds: float = 120) -> str:
        deadline = time.monotonic() + seconds
        while True:
            shown = str(self.script("return document.body.innerText + ' ' + location.href"))
            if any(text in shown for text in texts):
                return shown
            assert time.monotonic() < deadline, f"none of {texts} in: {shown}"
            time.sleep(0.2)

    def type_into(self, css: str, text: str) -> None:
        """Type into the first field that a selector finds, as a person does, and press Enter."""
        found = self._post("element", {"using": "css selector", "value": css})
        (element,) = found.values()
        self._post(f"element/{element}/value", {"text": text + "\ue007"})

    def picture(self) -> bytes:
        return base64.b64decode(self._session.get("screenshot").raise_for_status().json()["value"])

    def _post(self, path: str, body: dict[str, object]) -> Any:
        answer = self._session.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Run a browser as long as the block lasts."""
    port = free_port()
    with (
        subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL) as driver,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as client,
    ):
        try:
            while True:
                try:
                    client.get("/status")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            options = {
                "args": [
                    *_FLAGS.split(),
                    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
                    f"--user-data-dir={profile}",
                ]
            }
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "timeouts": {"script": 60_000}}}}
            session = client.post("/session", json=wanted).json()["value"]["sessionId"]
            client.base_url = httpx.URL(f"http://127.0.0.1:{port}/session/{session}/")
            yield Browser(client)
            client.delete(str(client.base_url).rstrip("/"))
        finally:
            driver.terminate()

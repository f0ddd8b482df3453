"""Who gets at the local server, and at what is kept of it."""

import base64
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_HOME, PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.utilities.importtools import import_object
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deployments.local.access import auth_string, make_private, password_file
from deployments.local.prefect_server import access, api_url, free_port, request, start_server, ui_url
from deployments.local.services import Service
from tasks.errors import SettingsError
from tasks.settings import PROJECT_ROOT
from tests.deployments.browser import REBOUND, Browser
from tests.fixtures.prefect import NewHome
from tests.prefect_api import call

FLOWS = sorted(
    {each["entrypoint"] for each in yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}
)
POOL = {"name": "planted", "type": "process"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Service]:
    """A local server, in a folder that an earlier version left open to everybody."""
    home = tmp_path_factory.mktemp("access") / "prefect"
    (home / "storage").mkdir(parents=True, mode=0o755)
    (home / "storage" / "earlier").write_text("a result")
    (home / "storage" / "earlier").chmod(0o644)
    server = start_server(new_home(home), free_port())
    yield server
    server.stop()


def headers_of(server: Service) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(auth_string(server.folder).encode()).decode()}"}


@pytest.mark.parametrize("host", ["127.0.0.1", "rebound.example"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_answered_without_the_password_under_any_name(server: Service, host: str, method: str) -> None:
    headers = {"Host": f"{host}:{server.facts['port']}"}
    path = {"GET": "flow_runs/count", "POST": "work_pools/"}[method]
    for wrong in ({}, {"Authorization": f"Basic {base64.b64encode(b'fullcourt:guess').decode()}"}):
        answer = httpx.request(method, f"{api_url(server)}/{path}", headers=headers | wrong, json=POOL)
        assert answer.status_code in (401, 403)
    assert [pool["name"] for pool in request(server, "POST", "/api/work_pools/filter", {})] == []


def test_what_the_runbook_says_to_answer_without_the_password_does(server: Service) -> None:
    public = {"/docs", "/redoc", "/openapi.json", "/api/health", "/api/ready"}
    for path in public:
        assert httpx.get(f"{ui_url(server)}{path}", timeout=60).status_code == 200, path
        assert f"`{path}`" in (PROJECT_ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_the_password_alone_changes_nothing(server: Service) -> None:
    # what a browser adds by itself to a form of another page does not do: it takes a token that only scripts here get
    answer = httpx.post(f"{api_url(server)}/work_pools/", headers=headers_of(server), json=POOL)
    assert (answer.status_code, answer.json()["detail"]) == (403, "Missing CSRF token.")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("http://127.0.0.1", True), ("http://localhost", True), ("https://harmless.example", False), ("null", False)],
)
def test_only_the_ui_may_read_answers_in_a_browser(server: Service, origin: str, allowed: bool) -> None:
    origin += f":{server.facts['port']}" if allowed else ""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{api_url(server)}/work_pools/", headers=asked)
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    assert answer.headers.get("access-control-allow-origin") != "*"


def test_a_websocket_hears_nothing_without_the_password(server: Service) -> None:
    address = f"{api_url(server).replace('http', 'ws', 1)}/events/out"
    with connect(address, subprotocols=["prefect"], origin="https://harmless.example") as socket:  # type: ignore[arg-type,list-item]
        socket.send('{"type": "auth", "token": "guess"}')
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=20)


def test_programs_that_are_told_get_in_and_the_password_is_kept(server: Service) -> None:
    assert auth_string(server.folder) == auth_string(server.folder)
    assert auth_string(server.folder) != auth_string(server.folder.parent / "other")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-m", "prefect", "work-pool", "create", "told", "--type", "process"]
    done = subprocess.run(
        command, env=clean | access(server.folder, api_url(server)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert request(server, "GET", "/api/work_pools/told")["type"] == "process"


def test_a_damaged_password_is_said_and_never_replaced(tmp_path: Path) -> None:
    password_file(tmp_path).write_text("fullcourt:")
    with pytest.raises(SettingsError, match="does not hold the server's password any more: make down, remove it"):
        auth_string(tmp_path)
    assert password_file(tmp_path).read_text() == "fullcourt:"


def test_everything_in_the_home_is_its_owners_alone(server: Service) -> None:
    open_to_others = [
        path
        for path in (server.folder, *server.folder.rglob("*"))
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []
    assert (server.folder / "prefect.db").exists()
    assert (server.folder / "storage" / "earlier").read_text() == "a result"


def test_making_private_does_not_follow_links_out_of_the_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("another's")
    elsewhere.chmod(0o644)
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "link").symlink_to(elsewhere)
    make_private(folder)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("entrypoint", FLOWS)
def test_a_run_that_fails_of_a_refused_request_keeps_no_password(entrypoint: str, tmp_path: Path) -> None:
    flow: Flow[..., object] = import_object(entrypoint.replace("/", ".").replace(".py:", "."))
    kept = flow.with_options(name="refused", flow_run_name="refused")

    def refused() -> None:
        with get_client(sync_client=True) as client:
            call(client, "GET", "/flow_runs/not-an-id")

    kept.fn, kept.parameters.properties, kept.parameters.required = refused, {}, []
    auth = os.environ["PREFECT_API_AUTH_STRING"]
    with temporary_settings({PREFECT_HOME: tmp_path, PREFECT_LOCAL_STORAGE_PATH: tmp_path / "storage"}):
        state: Any = kept(return_state=True)
    assert state.is_failed()
    error = state.result(raise_on_failure=False)
    assert isinstance(error, httpx.HTTPStatusError), error
    assert "Authorization" in error.request.headers  # it is there to be kept
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written, "the failure was not kept at all: this test sees nothing"
    for secret in (auth, base64.b64encode(auth.encode()).decode()):
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


def test_the_ui_asks_for_the_password_once_and_shows_the_runs(server: Service, browser: Browser) -> None:
    flow = request(server, "POST", "/api/flows/", {"name": "shown"})
    request(server, "POST", "/api/flow_runs/", {"flow_id": flow["id"], "name": "a-run-to-see"})
    browser.open(ui_url(server))
    browser.wait_for_text("Login")
    browser.type_into("input", auth_string(server.folder))
    browser.wait_for_text("/dashboard")
    browser.open(f"{ui_url(server)}/runs")
    browser.wait_for_text("a-run-to-see")


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
@pytest.mark.parametrize("rebinds", [False, True], ids=["another site", "another site that rebinds its name"])
def test_a_page_of_another_site_can_plant_nothing(
    server: Service, browser: Browser, tmp_path: Path, mode: str, rebinds: bool
) -> None:
    port = server.facts["port"]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as site:
        threading.Thread(target=site.serve_forever).start()
        try:
            browser.open(f"http://{REBOUND}:{port if rebinds else site.server_port}/")
            address = f"http://{REBOUND if rebinds else '127.0.0.1'}:{port}/api"
            got = browser.script(_PLANT, address, mode)
        finally:
            site.shutdown()
    assert got in ("error: TypeError: Failed to fetch", "0 opaque", "401 basic", "403 basic"), got
    assert "planted" not in [pool["name"] for pool in request(server, "POST", "/api/work_pools/filter", {})]


class Quiet(SimpleHTTPRequestHandler):
    """The other site."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_PLANT = """
const [address, mode] = args;
const body = JSON.stringify({name: "planted", type: "process"});
const answer = await fetch(address + "/work_pools/", {method: "POST", mode, body, credentials: "include"});
return answer.status + " " + answer.type;
"""

"""A Prefect server of the project's own: its state in a folder of its own, its API on 127.0.0.1, with a password.

It knows nothing of the user's Prefect profiles, and sends no telemetry. A page of another site in a browser on this
machine can reach it, under any host name: without the password it can read nothing and start nothing.
"""

import base64
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from deployments.errors import ServiceError
from deployments.local import services
from deployments.local.access import auth_string, make_private
from deployments.local.services import ProcessId, Service

HOST = "127.0.0.1"
START_LIMIT_SECONDS = 240.0  # usually 10; a busy machine takes minutes

_SERVER = "server"
_PROGRAM = Path(__file__).with_name("server_process.py")  # by its path: it runs in the folder of its state
_FREE_PORTS = range(20_000, 32_000)  # below those that systems hand out by themselves
_numbers = count(os.getpid() * 7)
_PRIVATE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}


def environment(home: Path, *, api_url: str | None = None) -> dict[str, str]:
    """Return this program's environment without its PREFECT_ settings, and with those of the server in ``home``.

    Args:
        home: The folder of the server's state.
        api_url: The server's API; None for the server itself.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | _PRIVATE | {"PREFECT_HOME": str(home)} | (access(home, api_url) if api_url else {})


def access(home: Path, api_url: str) -> dict[str, str]:
    """Return the variables with which a program gets at the server in ``home``: its address and its password."""
    return {"PREFECT_API_URL": api_url, "PREFECT_API_AUTH_STRING": auth_string(home)}


def api_url(server: Service) -> str:
    """Return the address of a server's API."""
    return f"{ui_url(server)}/api"


def ui_url(server: Service) -> str:
    """Return the address of a server's UI."""
    return f"http://{HOST}:{server.facts['port']}"


@contextmanager
def prefect_server(home: Path, port: int | None = None) -> Iterator[str]:
    """Run a server as long as the block lasts, or use the one that runs in ``home`` already; yields its API's address.

    Args:
        home: The folder of its state; made if it is missing.
        port: Its port; None for a free one.

    Raises:
        ServiceError: The port is taken, another program's server uses the folder, or the server does not start; the
            message has the end of its log.
    """
    if (running := usable_server(home)) is not None:
        yield api_url(running)
        return
    owner = ProcessId.of(os.getpid())
    server = start_server(home, free_port() if port is None else port, owner=owner)
    try:
        yield api_url(server)
    finally:
        server.stop()


def find_server(home: Path) -> Service | None:
    """Return the server that runs in ``home``, if there is one; one whose owner was killed is stopped first."""
    server = services.find(home, _SERVER)
    if server is not None and (owner := _owner(server)) is not None and owner.process is None:
        server.stop()
        return None
    return server


def usable_server(home: Path) -> Service | None:
    """Return the server that runs in ``home`` until it is stopped, if there is one.

    Raises:
        ServiceError: There is one, but it ends with the program that started it.
    """
    server = find_server(home)
    if server is not None and is_temporary(server):
        raise ServiceError(f"process {server.id.pid}, the Prefect server of another program, uses {home}; wait for it")
    return server


def has_password(server: Service) -> bool:
    """Whether a server was started with a password."""
    return server.facts.get("access") == "password"


def has_died(home: Path) -> bool:
    """Whether a server that was to run in ``home`` until it is stopped has died."""
    server = services.recall(home, _SERVER)
    return server is not None and not is_temporary(server) and not server.is_running


def forget_dead(home: Path) -> None:
    """Forget a server that has died: from now on `has_died` is false."""
    if has_died(home) and (server := services.recall(home, _SERVER)) is not None:
        server.stop()


def is_temporary(server: Service) -> bool:
    """Whether a server ends with the program that started it, instead of running until it is stopped."""
    return _owner(server) is not None


def start_server(home: Path, port: int, *, owner: ProcessId | None = None) -> Service:
    """Start a server and wait until it answers.

    Args:
        home: The folder of its state; made if it is missing.
        port: Its port, which must be free.
        owner: The program that will stop it; None if it is to stay.

    Raises:
        ServiceError: The port is taken, or the server does not start; the message has the end of its log.
    """
    if problem := _port_problem(port):
        raise ServiceError(f"port {port} cannot be used: {problem}; choose another one with PORT=")
    home = home.resolve()
    make_private(home)
    facts: dict[str, str | int] = {"port": port, "access": "password"}
    if owner is not None:
        facts |= {"owner_pid": owner.pid, "owner_created": repr(owner.created)}
    server = services.start(
        home,
        _SERVER,
        [sys.executable, "-P", str(_PROGRAM), "server", "start", "--host", HOST, "--port", str(port)],
        cwd=home,
        env=environment(home)
        | {
            "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api",
            "PREFECT_UI_URL": f"http://{HOST}:{port}",  # for the links of notifications
            "PREFECT_SERVER_API_AUTH_STRING": auth_string(home),
            "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
            # one transaction for the states of many task runs, not one for each: a third of the server's work
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
            # kept over a restart: a slot whose lease is forgotten would be taken for ever
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        },
        facts=facts,
    )
    try:
        wait_for(lambda: request(server, "GET", "/api/health") is not None, [server])
    except BaseException:
        server.stop()
        raise
    return server


def wait_for(
    is_ready: Callable[[], bool], running: list[Service], *, limit_seconds: float = START_LIMIT_SECONDS
) -> None:
    """Wait until ``is_ready`` says so, as long as the services that it depends on are running.

    Raises:
        ServiceError: One of them has ended, or the time is up; the message has the end of a log.
    """
    deadline = time.monotonic() + limit_seconds
    while not is_ready():
        for service in running:
            if not service.is_running:
                raise ServiceError(f"the Prefect {service.name} has ended while it started:\n{service.log_tail()}")
        if time.monotonic() > deadline:
            last = running[-1]
            raise ServiceError(f"the Prefect {last.name} is not ready after {limit_seconds:g} s:\n{last.log_tail()}")
        time.sleep(0.2)


def request(
    server: Service,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    timeout_seconds: float = 10,
) -> Any:
    """Ask a server; returns what it answers, None if it does not answer or not with a success, {} for no content."""
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Basic {base64.b64encode(auth_string(server.folder).encode()).decode()}",
    }
    with closing(HTTPConnection(HOST, int(server.facts["port"]), timeout=timeout_seconds)) as connection:
        if method != "GET":
            client = str(uuid4())
            token = _ask(connection, "GET", f"/api/csrf-token?client={client}", None, headers)
            if token is None:
                return None
            headers |= {"Prefect-Csrf-Token": token["token"], "Prefect-Csrf-Client": client}
        return _ask(connection, method, path, json.dumps(body) if body is not None else None, headers)


def _ask(connection: HTTPConnection, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Any:
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        answer = response.read()
    except (OSError, HTTPException):
        return None
    return json.loads(answer or b"{}") if response.status in range(200, 300) else None


def free_port() -> int:
    """Return a free port, and another one each time; the search starts elsewhere in every process.

    Raises:
        ServiceError: There is none.
    """
    for number in islice(_numbers, len(_FREE_PORTS)):
        port = _FREE_PORTS[number % len(_FREE_PORTS)]
        if _port_problem(port) is None:
            return port
    raise ServiceError(f"no free port from {_FREE_PORTS.start} to {_FREE_PORTS.stop - 1}; choose one with PORT=")


def _port_problem(port: int) -> str | None:
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((HOST, port)) == 0:
            return "another program listens there"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror
    return None


def _owner(server: Service) -> ProcessId | None:
    pid, created = server.facts.get("owner_pid"), server.facts.get("owner_created")
    return None if pid is None or created is None else ProcessId(int(pid), float(created))

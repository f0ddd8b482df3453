"""Processes of one's own: started, found again, told from strangers, stopped with all they started."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments.errors import ServiceError
from deployments.local import services
from deployments.local.prefect_server import find_server, free_port, start_server, wait_for
from deployments.local.services import ProcessId, Service
from tasks.settings import PROJECT_ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
IGNORE_SIGTERM = """
import signal, subprocess, sys, time
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"])
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
time.sleep(120)
"""


def start(folder: Path, name: str, command: list[str], facts: dict[str, str | int] | None = None) -> Service:
    return services.start(folder, name, command, cwd=folder, env=os.environ, facts=facts or {})


def local(action: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deployments.commands", action, "--home", str(home)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_service_is_found_again_by_what_was_written_of_it(tmp_path: Path) -> None:
    service = start(tmp_path, "worker", SLEEP, {"port": 4200})
    try:
        assert services.find(tmp_path, "worker") == service
        assert services.find(tmp_path, "server") is None
    finally:
        service.stop()
    assert services.find(tmp_path, "worker") is None
    assert not service.is_running


def test_stopping_a_service_ends_the_processes_that_it_started_even_stubborn_ones(tmp_path: Path) -> None:
    program = tmp_path / "stubborn.py"
    program.write_text(IGNORE_SIGTERM, encoding="utf-8")
    service = start(tmp_path, "worker", [sys.executable, str(program)])
    while "ready" not in service.log_tail():
        time.sleep(0.05)
    (child,) = psutil.Process(service.id.pid).children()
    service.stop(timeout_seconds=0.5)
    assert not service.is_running
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_later_process_with_the_same_number_is_a_stranger(tmp_path: Path) -> None:
    ours = start(tmp_path, "worker", SLEEP)
    try:
        stranger = Service(tmp_path, "worker", ProcessId(ours.id.pid, ours.id.created - 60), {})
        stranger.stop()
        assert ours.is_running
    finally:
        ours.stop()


def test_down_stops_what_is_on_record_and_leaves_others_alone(tmp_path: Path) -> None:
    server = start(tmp_path, "server", SLEEP, {"port": 4200})
    foreign = start(tmp_path / "elsewhere", "worker", SLEEP)
    reused = {"pid": foreign.id.pid, "created": foreign.id.created - 3600}
    (tmp_path / "worker.json").write_text(json.dumps({"id": reused, "facts": {}}), encoding="utf-8")
    try:
        assert local("services", tmp_path).returncode == 1
        first, second = local("down", tmp_path), local("down", tmp_path)
        assert (first.returncode, first.stdout) == (0, f"Stopped the server (process {server.id.pid}).\n")
        assert (second.returncode, second.stdout) == (0, "Nothing is running.\n")
        assert not server.is_running
        assert foreign.is_running
    finally:
        server.stop()
        foreign.stop()


def test_down_leaves_the_server_of_another_program_alone(tmp_path: Path) -> None:
    owner = ProcessId.of(os.getpid())
    facts: dict[str, str | int] = {"port": 4200, "owner_pid": owner.pid, "owner_created": repr(owner.created)}
    server = start(tmp_path, "server", SLEEP, facts)
    try:
        assert local("down", tmp_path).stdout == "Nothing is running.\n"
        refused = local("up", tmp_path)
        assert refused.returncode == 1
        assert f"process {server.id.pid}, the Prefect server of another program, uses {tmp_path}" in refused.stderr
        assert server.is_running
    finally:
        server.stop()


def test_the_server_of_a_program_that_was_killed_is_stopped(tmp_path: Path) -> None:
    facts: dict[str, str | int] = {"port": 4200, "owner_pid": os.getpid(), "owner_created": "12.5"}
    server = start(tmp_path, "server", SLEEP, facts)
    assert find_server(tmp_path) is None
    assert not server.is_running


def test_a_taken_port_is_named_and_the_way_out_too(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = local("up", tmp_path, PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: port {port} cannot be used: another program listens there; choose another one with PORT=\n"
    )
    assert not (tmp_path / "server.json").exists()


@pytest.mark.parametrize("port", ["http", "-1", "65536", "4200.0"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    refused = local("up", tmp_path, PORT=port)
    assert refused.returncode == 1
    assert f"PORT={port!r}: must be a number from 1 to 65535" in refused.stderr


def test_a_server_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"this is not a database " * 100)
    with pytest.raises(ServiceError, match=r"the Prefect server has ended while it started:\n(.*\n)*.*not a database"):
        start_server(tmp_path, free_port())
    assert services.find(tmp_path, "server") is None
    (tmp_path / "server.log").unlink()  # its errors are the test's own


def test_waiting_ends_when_the_time_is_up(tmp_path: Path) -> None:
    service = start(tmp_path, "worker", SLEEP)
    try:
        with pytest.raises(ServiceError, match=r"the Prefect worker is not ready after 0\.3 s"):
            wait_for(lambda: False, [service], limit_seconds=0.3)
    finally:
        service.stop()

"""A test run asks nobody outside this machine and leaves no process behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tasks.settings import PROJECT_ROOT
from tests.backfill.observe import wait_until

pytestmark = pytest.mark.no_server

ELSEWHERE = "192.0.2.1"  # of no machine: https://www.rfc-editor.org/rfc/rfc5737
STARTS = """
import subprocess, sys, time
def test_it():
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print(started.pid, flush=True)
    {then}
"""


def begin(tmp_path: Path, test: str) -> subprocess.Popen[str]:
    """Begin a test run of its own, of one test."""
    (tmp_path / "test_it.py").write_text(test)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TESTS_", "PYTHONPATH"))}
    return subprocess.Popen(
        [
            *[sys.executable, "-m", "pytest", "-q", "-s", "-c", "/dev/null", "-p", "tests.isolation.plugin"],
            *["--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "base"), str(tmp_path / "test_it.py")],
        ],
        cwd=PROJECT_ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("then", ["time.sleep(600)", "pass"], ids=["killed", "ended"])
def test_what_a_run_started_ends_with_it_however_that_ends(tmp_path: Path, then: str) -> None:
    with begin(tmp_path, STARTS.format(then=then)) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        if then != "pass":
            run.kill()
        wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize(
    "code",
    [
        f"socket.create_connection(('{ELSEWHERE}', 80), timeout=1)",
        f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{ELSEWHERE}', 53))",
        "socket.getaddrinfo('iamcredentials.googleapis.com', 443)",
    ],
    ids=["connect", "send", "look up"],
)
@pytest.mark.parametrize("where", ["here", "in a program"])
def test_a_run_fails_in_which_another_machine_is_asked_for(tmp_path: Path, code: str, where: str) -> None:
    body = f"try:\n        {code}\n    except OSError:\n        pass"
    if where == "in a program":
        script = tmp_path / "program.py"
        script.write_text(f"import socket\n{code}\n")
        body = f"import subprocess, sys\n    subprocess.run([sys.executable, {str(script)!r}], stderr=subprocess.PIPE)"
    with begin(tmp_path, f"import socket\ndef test_it():\n    {body}\n") as run:
        said, _ = run.communicate(timeout=300)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, said
    assert "outside this machine: 1 refused" in said
    assert ELSEWHERE in said or "iamcredentials.googleapis.com: asked for by" in said


def test_this_machine_may_be_asked(tmp_path: Path) -> None:
    code = (
        "import socket\ndef test_it():\n    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(('localhost', server.getsockname()[1]), timeout=60).close()\n"
    )
    with begin(tmp_path, code) as run:
        said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said

"""A test run asks nobody outside this machine, and leaves no process behind, not even if it is killed.

This is a pytest plugin; tests/conftest.py loads it. It covers its own process and, by the environment, those that it
starts: the workers of pytest-xdist, Prefect's servers and workers, the programs of the tests. It does not reach
programs that are not Python, and lets everything pass in a run against a real BigQuery project.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

_FOLDER = Path(__file__).parent
_sweeper = pytest.StashKey["subprocess.Popen[bytes]"]()
_refused = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Mark the environment, for whatever this run starts; a run within a run is part of it."""
    if "TESTS_RUN" not in os.environ:
        os.environ["TESTS_RUN"] = uuid4().hex
        config.stash[_sweeper] = subprocess.Popen(
            [sys.executable, str(_FOLDER / "sweep.py"), os.environ["TESTS_RUN"]],
            stdin=subprocess.PIPE,
            start_new_session=True,  # what ends this run from a terminal does not end it
            env={name: value for name, value in os.environ.items() if name != "TESTS_RUN"},
        )
    if "TESTS_REFUSED" not in os.environ and "FULLCOURT_TEST_BIGQUERY_PROJECT" not in os.environ:
        handle, name = tempfile.mkstemp(prefix="refused-")
        os.close(handle)
        config.stash[_refused] = Path(name)
        os.environ["TESTS_REFUSED"] = name
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_FOLDER), os.environ.get("PYTHONPATH")]))
        sys.path.insert(0, str(_FOLDER))
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
        sys.path.remove(str(_FOLDER))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which somebody asked for another machine."""
    path = session.config.stash.get(_refused, None)
    if path is not None and path.stat().st_size and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show who was asked for, by whom."""
    path = config.stash.get(_refused, None)
    if path is not None and (lines := sorted(set(path.read_text(encoding="utf-8").splitlines()))):
        terminalreporter.section(f"outside this machine: {len(lines)} refused", red=True)
        terminalreporter.write_line("\n".join(lines))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the sweeper do its work, and clean up."""
    if (path := config.stash.get(_refused, None)) is not None:
        del os.environ["TESTS_REFUSED"]
        path.unlink()
    if (sweeper := config.stash.get(_sweeper, None)) is not None:
        del os.environ["TESTS_RUN"]
        sweeper.communicate()

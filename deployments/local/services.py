"""Processes that outlive the program that starts them: start one, find it again, stop exactly that one.

Each has a name and, in a folder, a log file ``<name>.log`` and a file that identifies it, ``<name>.json``: number and
time of creation, because a later process may have the same number. ``prefect server start --background`` knows a server
by its number alone, gives it no log and leaves it in the terminal's session, where Ctrl-C ends it.
"""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from deployments.local.access import write_private
from tasks.folders import PRIVATE_UMASK, make_folder

_CLOCK_TOLERANCE_SECONDS = 2.0  # the time of creation is computed from the time of boot, which the clock's changes move


@dataclass(frozen=True)
class ProcessId:
    """The identity of a process: its number and when it was created, in seconds since 1970."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the identity of a process that is there now."""
        return cls(pid, psutil.Process(pid).create_time())

    @property
    def process(self) -> psutil.Process | None:
        """The process; None if it has ended, whatever has its number now."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= _CLOCK_TOLERANCE_SECONDS
            return process if same and not _has_ended(process) else None
        return None


@dataclass(frozen=True)
class Service:
    """A process that was started here, and the facts that were recorded of it."""

    folder: Path
    name: str
    id: ProcessId
    facts: Mapping[str, str | int]

    @property
    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self.id.process is not None

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        return log_tail(self.folder / f"{self.name}.log", lines)

    def stop(self, *, timeout_seconds: float = 20) -> None:
        """End the process and those it started: ask first, then force. Does nothing if it has ended."""
        if (process := self.id.process) is not None:
            family = [process]
            with suppress(psutil.NoSuchProcess):
                family += process.children(recursive=True)
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.terminate()
            for member in _wait_for_end(family, timeout_seconds):
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            _wait_for_end(family, timeout_seconds)
        _file(self.folder, self.name).unlink(missing_ok=True)


def start(
    folder: Path,
    name: str,
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    facts: Mapping[str, str | int],
    keep_log: bool = False,
) -> Service:
    """Start a process in a session of its own, so that Ctrl-C in a terminal does not reach it.

    What it writes, and what is written of it, can be read by its owner alone.

    Args:
        folder: Where its log and the file that identifies it go.
        name: Its name; there is one of a name in a folder.
        command: What to run.
        cwd: Where to run it.
        env: Its whole environment.
        facts: What to remember of it.
        keep_log: Whether to append to the log of an earlier one instead of replacing it.
    """
    make_folder(folder)
    log_file = folder / f"{name}.log"
    log_file.touch(mode=0o600)
    with log_file.open("ab" if keep_log else "wb") as log:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=PRIVATE_UMASK,
        )
    process.returncode = 0  # only psutil waits for it: without this, Popen warns that it is still running
    service = Service(folder, name, ProcessId.of(process.pid), facts)
    write_private(_file(folder, name), json.dumps({"id": asdict(service.id), "facts": dict(facts)}))
    return service


def find(folder: Path, name: str) -> Service | None:
    """Return the running service of that name; None if there is none."""
    service = recall(folder, name)
    return service if service is not None and service.is_running else None


def recall(folder: Path, name: str) -> Service | None:
    """Return the service of that name that was started and not stopped, even if it has ended; None if there is none."""
    try:
        said = json.loads(_file(folder, name).read_text(encoding="utf-8"))
        return Service(folder, name, ProcessId(**said["id"]), said["facts"])
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        return None


def log_tail(file: Path, lines: int = 20) -> str:
    """Return the last lines of a log file; empty if there is none."""
    try:
        return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended, even if its exit code has not been collected yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_for_end(processes: Sequence[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait for the end of processes; returns those that are still there when the time is up."""
    deadline = time.monotonic() + timeout_seconds
    while (left := [process for process in processes if not _has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"

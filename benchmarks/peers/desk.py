"""A peer's desk: its commands run one after the other, its services beside them; their processor time is counted."""

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.bench import settle
from benchmarks.peers.install import own_environment
from benchmarks.peers.peers import Peer, PeerError
from deployments.local import services
from deployments.local.prefect_server import environment, find_server, prefect_server
from deployments.local.services import Service
from tasks.settings import PROJECT_ROOT

_POLL_SECONDS = 0.05
_BUSY_SHARE = 0.3  # of a core: Airflow's services at rest use more than a Prefect server


@dataclass(frozen=True)
class Run:
    """What one command cost."""

    seconds: float
    """Wall time of the whole command, its start included; services were up before."""
    processor_seconds: float
    """Of the command and of the services beside it, with all of their children."""


@dataclass(frozen=True)
class Desk:
    """Where a peer's commands run."""

    place: Path
    """The folder of logs."""
    cwd: Path
    words: Mapping[str, str]
    """What ``{name}`` stands for in a command."""
    env: Mapping[str, str]
    timeout: float
    """Most seconds of one command."""
    services: list[Service]

    def run(self, command: Sequence[str], name: str) -> Run:
        """Run a command to its end.

        Raises:
            PeerError: It failed, took longer than it may, or a service ended meanwhile.
        """
        before, start = self._processor_seconds(), time.perf_counter()
        log = self.place / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._filled(command),
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                usage = self._wait(process, name)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        seconds = time.perf_counter() - start
        if process.returncode:
            raise PeerError(f"{name}: exit code {process.returncode}: {_reason(log)}")
        self.settle()
        return Run(seconds, usage.ru_utime + usage.ru_stime + self._processor_seconds() - before)

    def start(self, command: Sequence[str], name: str) -> Service:
        """Start a service; who calls it stops it."""
        service = services.start(self.place, name, self._filled(command), cwd=self.cwd, env=self.env, facts={})
        self.services.append(service)
        return service

    def settle(self) -> None:
        """Wait until the services have worked off what a command has left them."""
        if self.services:
            settle(self._processor_seconds, busy_share=_BUSY_SHARE)

    def _wait(self, process: "subprocess.Popen[bytes]", name: str) -> resource.struct_rusage:
        """Return what a command has used; it may neither take too long nor wait for a service that is no more."""
        deadline = time.monotonic() + self.timeout
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return usage
            if time.monotonic() > deadline:
                raise PeerError(f"{name}: took more than {self.timeout:.0f} s")
            for service in self.services:
                if not service.is_running:
                    reason = _reason(service.folder / f"{service.name}.log")
                    raise PeerError(f"{name}: {service.name} ended: {reason}")
            time.sleep(_POLL_SECONDS)

    def _filled(self, command: Sequence[str]) -> list[str]:
        return [_filled(word, self.words) for word in command]

    def _processor_seconds(self) -> float:
        """Return what the services and all of their children, also those that have ended, have used so far."""
        used = 0.0
        for service in self.services:
            with suppress(psutil.NoSuchProcess):
                if process := service.id.process:
                    used += sum(map(_used, [process, *process.children(recursive=True)]))
        return used


@contextmanager
def open_desk(peer: Peer, place: Path, words: Mapping[str, str], timeout: float, home: Path) -> Iterator[Desk]:
    """Set a peer up, with its services running as long as the block lasts.

    Args:
        peer: The peer.
        place: Its work folder.
        words: What ``{name}`` stands for in its commands and variables.
        timeout: Most seconds of one command.
        home: The folder of a Prefect server's state, if it needs one.

    Raises:
        PeerError: A command of its setup failed.
    """
    env = own_environment() | {name: _filled(text, words) for name, text in peer.env.items()}
    with ExitStack() as stack:
        running: list[Service] = []
        if peer.prefect:
            url = stack.enter_context(prefect_server(home))
            running += filter(None, [find_server(home)])
            env |= {name: text for name, text in environment(home, api_url=url).items() if name.startswith("PREFECT_")}
        desk = Desk(place, PROJECT_ROOT if peer.is_ours else place, words, env, timeout, running)
        for number, command in enumerate(peer.setup):
            desk.run(command, f"setup {number}")
        for number, command in enumerate(peer.services):
            stack.callback(desk.start(command, f"service {number}").stop)
        desk.settle()
        yield desk


def _used(process: psutil.Process) -> float:
    """Return the processor seconds of a process and of those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)  # not on every system
    return float(times.user + times.system + children)


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text)


def _reason(log: Path) -> str:
    """Return what a log most likely says of what went wrong: the last line that names an error, and the next one."""
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [place for place, line in enumerate(lines) if "rror" in line]
    place = named[-1] if named else len(lines) - 2
    return " ".join(lines[max(place, 0) :][:2]) or "it printed nothing"

"""Faults that a test injects: what networks and services do now and then."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request as a fault sees it."""

    method: str
    path: str
    project: str
    kind: str | None
    """Of a job that is begun: query, copy or load."""
    job_id: str | None
    statement: str
    body: dict[str, Any]


@dataclass
class Fault:
    """What happens to the requests that match, so many times.

    ``after`` carries the request out first: only its answer is lost.
    """

    match: Callable[[Request], bool]
    times: int = 1
    status: int | None = None
    reason: str = "backendError"
    delay_seconds: float = 0.0
    reset: bool = False
    """The connection is closed without an answer."""
    cut: bool = False
    """Half of the answer is sent, then the connection is closed."""
    after: bool = False
    job_error: str | None = None
    """The job that the request begins ends with an error of this reason."""
    job_message: str = ""
    """What that error says; that it is injected, if nothing else."""
    job_delay_seconds: float = 0.0
    """The job that the request begins runs that long."""


@dataclass
class Faults:
    """The faults that are still to come."""

    waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        with self._lock:
            self.waiting.append(fault)

    def take(self, request: Request) -> Fault | None:
        """Return the first fault that matches, and count it."""
        with self._lock:
            for fault in self.waiting:
                if fault.times > 0 and fault.match(request):
                    fault.times -= 1
                    return fault
        return None

"""Fail a test run on an error in the log of any Prefect server or worker that the tests have started.

A server that only logs its errors looks healthy: for months no schedule fired, behind a green suite. So at the end of a
run every ``server.log``, ``worker.log`` and ``keeper.log`` below its temporary folder is read. An ERROR, a CRITICAL or
a traceback that is not in ``KNOWN`` fails the run, however its tests have ended. What the keeper quotes of the log of a
worker that ended is judged where it stands, in ``worker.log``; that a worker ended is no error, as tests kill some.

This is a pytest plugin; tests/conftest.py loads it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.local.keeper import QUOTED

_KEEPER = "keeper.log"
LOGS = ("server.log", "worker.log", _KEEPER)
_TIME = r"\d\d:\d\d:\d\d\.\d{3} \| "
_START = re.compile(  # Prefect's format, uvicorn's own, and the keeper's
    rf"{_TIME}(?P<level>[A-Z]+) +\| |(?P<bare>[A-Z]+): +|\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  "
)
_BAD_LEVELS = {"ERROR", "CRITICAL"}
_OF_A_RUN = re.compile(rf"{_TIME}ERROR +\| (Flow|Task) run '[^']*' - (?!Crash detected)")
"""What a run says of its days and files, which tests make bad; with a traceback it is an error all the same."""
_TRACEBACK = "Traceback (most recent call last)"
_SHOWN_LINES = 6


@dataclass(frozen=True)
class Known:
    """An error that may be in a log.

    Attributes:
        log: The name of the log's file.
        message: The whole first line of the record, without its time.
        exception: The whole line of the exception that ends its traceback; None for a record without one.
        reason: Why it is no fault of the application, and what becomes of the work.
        statement: What the record also contains.
    """

    log: str
    message: str
    exception: str | None
    reason: str
    statement: str = ""

    def explains(self, log: str, record: Sequence[str]) -> bool:
        """Whether a record of a log is this one."""
        exception = exception_of(record)
        return (
            log == self.log
            and self.statement in "\n".join(record)
            and re.fullmatch(self.message, re.sub(f"^{_TIME}", "", record[0])) is not None
            and (
                exception is None
                if self.exception is None
                else exception is not None and re.fullmatch(self.exception, exception) is not None
            )
        )


_CANCELLED = r"asyncio\.exceptions\.CancelledError(: Cancelled via .*)?"  # anyio says by what, and asyncio does not
_LEASE_GONE = (
    r"prefect\.exceptions\.PrefectHTTPStatusError: Client error '410 Gone' for url "
    r"'http://127\.0\.0\.1:\d+/api/v2/concurrency_limits/leases/[\w-]+/renew'.*"
)
KNOWN: tuple[Known, ...] = (
    Known(
        "server.log",
        r"ERROR   \| prefect\.server\.utilities\.messaging\.memory - Failed in consume_loop",
        r"httpx\.HTTPStatusError: Server error '500 Internal Server Error' for url "
        r"'http://127\.0\.0\.1:\d+/hook\?token=a-secret'",
        "A test lets a webhook refuse an alert. Prefect tries it four times and gives up; the test alert and the "
        "first check say so.",
    ),
    Known(
        "server.log",
        r"ERROR   \| sqlalchemy\.pool\.impl\.AsyncAdaptedQueuePool - Exception during reset or similar",
        _CANCELLED,
        "The server cancels a request whose client has gone, or a service at its end, while it gives its connection "
        "back: SQLAlchemy throws that connection away.",
    ),
    Known(
        "server.log",
        r"ERROR   \| prefect\.server - Encountered exception in request:",
        r"sqlalchemy\.exc\.IntegrityError: \(sqlite3\.IntegrityError\) UNIQUE constraint failed: "
        r"concurrency_limit_v2\.name",
        "Two runs that start at the same moment both create the limit that is missing: the second one finds it there.",
    ),
    Known(
        "server.log",
        r"ERROR   \| docket\.dependencies - ↩ \[ *\d+ms\] "
        r"evaluate_proactive_triggers_periodic\(\)\{evaluate_proactive_triggers_periodic\}",
        r"AssertionError: Trigger\._automation has been garbage collected",
        "A test removes an alert while the server looks at it. The server looks at the others at its next turn.",
    ),
    Known(
        "server.log",
        r"ERROR   \| prefect\.server\.events\.triggers - Error evaluating automation [\w-]+ trigger [\w-]+ proactively",
        r"sqlalchemy\.exc\.IntegrityError: \(sqlite3\.IntegrityError\) FOREIGN KEY constraint failed",
        "A test removes an alert while the server counts an event for it. The others count it at their next turn.",
        statement="[SQL: INSERT INTO automation_bucket ",
    ),
    Known(
        "server.log",
        r"ERROR   \| prefect\.server\.services\.task_run_recorder - "
        r"Error flushing \d+ events \(\d+ to retry, 0 dropped\)",
        _CANCELLED,
        "The server is stopped while it records the last states of task runs, of which nobody waits for any.",
    ),
    Known(
        "worker.log",
        r"ERROR   \| prefect\.concurrency - Function 'concurrency lease renewal' failed after 3 attempts",
        _LEASE_GONE,
        "A busy server did not renew a lease in its minute. The limits spare runs work, and what is right does not "
        "rest on them: whoever writes verifies.",
    ),
    Known(
        "worker.log",
        r"WARNING \| Flow run '[^']+' - Concurrency lease renewal failed - slots are no longer reserved\. .*",
        _LEASE_GONE,
        "The run says the same once more, and goes on.",
    ),
    Known(
        "worker.log",
        r"ERROR   \| GlobalEventLoopThread \| prefect\._internal\.concurrency - Service 'EventsWorker' failed to "
        r"process item Event\(.*event='prefect\.flow-run\.heartbeat'.*",
        None,
        "A busy server did not take one heartbeat; four in a row must be missing before a run is taken for dead.",
    ),
)


def errors_of(log: str, text: str) -> list[str]:
    """Return the records of a log that are errors and not known.

    Args:
        log: The name of the log's file.
        text: What it holds.
    """
    lines = [line for line in text.splitlines() if not (log == _KEEPER and line.startswith(QUOTED))]
    return ["\n".join(each) for each in _errors(lines) if not any(known.explains(log, each) for known in KNOWN)]


def logs_below(folder: Path) -> Iterator[Path]:
    """Yield the services' logs in a folder and the folders below it."""
    for parent, _, files in os.walk(folder):
        yield from (Path(parent) / name for name in sorted(files) if name in LOGS)


def exception_of(record: Sequence[str]) -> str | None:
    """Return the line of the last exception in a record: the first that is not indented after a traceback's lines."""
    last, inside = None, False
    for line in record:
        if _TRACEBACK in line:
            inside, last = True, "a traceback without an end"
        elif inside and line.strip() and not line.startswith(" "):
            inside, last = False, line
    return last


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Read the logs once: when every process of the run has ended its tests, and its services with them."""
    if hasattr(session.config, "workerinput"):
        return
    folder: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # every process's is in it
    found = {
        str(path.relative_to(folder)): errors
        for path in logs_below(folder)
        if (errors := errors_of(path.name, path.read_text(encoding="utf-8", errors="replace")))
    }
    session.config.stash[_FOUND] = found
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show each error, and the log that it stands in."""
    for path, errors in config.stash.get(_FOUND, {}).items():
        terminalreporter.section(f"errors in {path}: {len(errors)}", red=True)
        for error in errors:
            lines = error.splitlines()
            cut = [*lines[:_SHOWN_LINES], "...", *lines[-_SHOWN_LINES:]] if len(lines) > 2 * _SHOWN_LINES else lines
            terminalreporter.write_line("\n".join(cut))


_FOUND = pytest.StashKey[dict[str, list[str]]]()


def _errors(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the records that are errors: a line with a level, and the lines without one that follow it."""
    record: list[str] = []
    for line in [*lines, "INFO: the end"]:
        if _START.match(line):
            if record and _is_error(record):
                yield record
            record = []
        record.append(line)


def _is_error(record: Sequence[str]) -> bool:
    start = _START.match(record[0])
    level = (start["level"] or start["bare"]) if start else None
    if any(_TRACEBACK in line for line in record):
        return True
    return level in _BAD_LEVELS and not _OF_A_RUN.match(record[0])

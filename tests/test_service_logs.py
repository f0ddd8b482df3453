"""The log check: it fails a run on an error that nobody has explained, and each explanation explains one thing."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.local.keeper import quote
from tasks.settings import PROJECT_ROOT
from tests.service_logs import KNOWN, LOGS, errors_of

pytestmark = pytest.mark.no_server

POOL = "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"
FRAMES = 'Traceback (most recent call last):\n  File "x.py", line 1, in x\n    y()\n'
SCHEDULER = (
    "09:00:00.123 | ERROR   | docket.worker - Error executing task schedule_deployments\n"
    f"{FRAMES}sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement\n"
)
GONE = (
    "prefect.exceptions.PrefectHTTPStatusError: Client error '410 Gone' for url "
    "'http://127.0.0.1:4200/api/v2/concurrency_limits/leases/0-1/renew' - Response: {'detail': 'Lease not found'}"
)
TIME = "09:00:00.123 | "
EXPLAINED = [
    (
        "server.log",
        f"{TIME}ERROR   | {POOL} - Exception during reset or similar\n{FRAMES}asyncio.exceptions.CancelledError\n",
    ),
    (
        "server.log",
        (
            f"{TIME}ERROR   | prefect.server - Encountered exception in request:\n{FRAMES}"
            "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed: "
            "concurrency_limit_v2.name\n"
        ),
    ),
    (
        "server.log",
        (
            f"{TIME}ERROR   | docket.dependencies - ↩ [    36ms] evaluate_proactive_triggers_periodic()"
            f"{{evaluate_proactive_triggers_periodic}}\n{FRAMES}"
            "AssertionError: Trigger._automation has been garbage collected\n"
        ),
    ),
    (
        "server.log",
        (
            f"{TIME}ERROR   | prefect.server.events.triggers - "
            f"Error evaluating automation a2b6-1 trigger 482a-2 proactively\n{FRAMES}"
            "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) FOREIGN KEY constraint failed\n"
            "[SQL: INSERT INTO automation_bucket (automation_id) VALUES (:automation_id)]\n"
        ),
    ),
    (
        "server.log",
        (
            f"{TIME}ERROR   | prefect.server.services.task_run_recorder - "
            f"Error flushing 1 events (1 to retry, 0 dropped)\n{FRAMES}"
            "asyncio.exceptions.CancelledError: Cancelled via cancel scope 7f05 by <Task cancelling>\n"
        ),
    ),
    (
        "worker.log",
        (
            f"{TIME}ERROR   | prefect.concurrency - Function 'concurrency lease renewal' failed after 3 attempts\n"
            f"{FRAMES}{GONE}\n"
        ),
    ),
    (
        "worker.log",
        (
            f"{TIME}WARNING | Flow run 'a-name' - Concurrency lease renewal failed - slots are no longer reserved. "
            f"Execution will continue\n{FRAMES}{GONE}\n"
        ),
    ),
    (
        "worker.log",
        (
            f"{TIME}ERROR   | GlobalEventLoopThread | prefect._internal.concurrency - Service 'EventsWorker' failed to "
            "process item Event(occurred=DateTime(2026), event='prefect.flow-run.heartbeat', "
            "resource=Resource(root={}))\n"
        ),
    ),
    (
        "server.log",
        (
            f"{TIME}ERROR   | prefect.server.utilities.messaging.memory - Failed in consume_loop\n{FRAMES}"
            "httpx.HTTPStatusError: Server error '500 Internal Server Error' for url "
            "'http://127.0.0.1:4200/hook?token=a-secret'\n"
        ),
    ),
]
OF_A_RUN = "09:00:00.900 | ERROR   | Task run 'load a.csv' - a.csv: 5 rows rejected; the first: line 7\n"
CRASH = "09:00:00.900 | ERROR   | Flow run 'a-name' - Crash detected! Execution was aborted by a termination signal.\n"
GOOD = "09:00:01.000 | INFO    | Flow run 'a-name' - no ERROR here\nWorker 'local' started!\n"


@pytest.mark.parametrize(
    "text",
    [
        SCHEDULER,
        "09:00:00.123 | CRITICAL | prefect.server - out of space\n",
        "ERROR:    Exception in ASGI application\n",
        f"no level at all\n{FRAMES}ValueError: no\n",
        f"Exception in thread x:\n{FRAMES}ValueError: no\n",
    ],
)
@pytest.mark.parametrize("log", LOGS)
def test_an_error_or_a_traceback_is_found_among_good_lines(log: str, text: str) -> None:
    (error,) = errors_of(log, GOOD + text + GOOD)
    assert error.endswith(text.rstrip())
    assert errors_of(log, GOOD * 2) == []


def test_every_explanation_explains_its_own_error_and_no_other() -> None:
    assert len(EXPLAINED) == len(KNOWN)
    for log, record in EXPLAINED:
        explaining = [known for known in KNOWN if known.explains(log, record.splitlines())]
        assert len(explaining) == 1, record
        assert len(explaining[0].reason.split()) > 8
        assert errors_of(log, record) == []
        for other_log in set(LOGS) - {log}:
            assert errors_of(other_log, record), "in another log it means something else"


@pytest.mark.parametrize("end", ["", ": Cancelled via cancel scope 7f05 by <Task cancelling>"])
def test_a_cancellation_is_the_same_whoever_cancelled(end: str) -> None:
    cancelled = [(log, record) for log, record in EXPLAINED if "CancelledError" in record]
    assert cancelled
    for log, record in cancelled:
        assert errors_of(log, f"{record.partition('CancelledError')[0]}CancelledError{end}\n") == []


@pytest.mark.parametrize(("log", "record"), EXPLAINED)
def test_another_exception_message_or_second_traceback_is_not_explained(log: str, record: str) -> None:
    head = record.splitlines()[0]
    assert errors_of(log, f"{head}\n{FRAMES}ValueError: another one\n")
    assert errors_of(log, f"{head}\n{FRAMES}")
    assert errors_of(log, head) or record.rstrip() == head or " | Flow run '" in head
    assert errors_of(log, record.replace(" - ", " - and more: "))
    assert errors_of(log, f"{record}{FRAMES}ValueError: another one\n")
    assert errors_of(log, record + SCHEDULER) == [SCHEDULER.rstrip("\n")]


def test_what_a_run_says_of_its_data_is_no_error_and_its_crash_is_one() -> None:
    assert errors_of("worker.log", GOOD + OF_A_RUN + GOOD) == []
    assert errors_of("worker.log", GOOD + CRASH + GOOD) == [CRASH.rstrip("\n")]


def test_what_the_keeper_quotes_of_a_workers_log_is_judged_there_and_its_own_traceback_here() -> None:
    ended = (
        "2026-11-26 11:43:20 UTC  The worker (process 6444) has ended; another one starts in 1 s. The end of its log:"
    )
    began = "2026-11-26 11:43:21 UTC  Started a worker (process 8730)."
    quoted = f"{ended}\n{quote(GOOD + SCHEDULER)}\n{began}\n"
    assert errors_of("worker.log", GOOD + SCHEDULER)
    assert errors_of("keeper.log", quoted) == []
    (error,) = errors_of("keeper.log", f"{quoted}{FRAMES}OSError: no\n")
    assert error == f"{began}\n{FRAMES}OSError: no"
    assert errors_of("keeper.log", quoted + SCHEDULER) == [SCHEDULER.rstrip("\n")]


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that is not read at the end of the run that this test is part of."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_whose_tests_pass_fails_for_a_log_that_is_not_clean(elsewhere: Path, processes: str) -> None:
    (elsewhere / "test_one.py").write_text(
        f"def test_it(tmp_path):\n    home = tmp_path / '.fullcourt' / 'prefect'\n    home.mkdir(parents=True)\n"
        f"    (home / 'server.log').write_text({SCHEDULER!r})\n    (home / 'worker.log').write_text({GOOD!r})\n"
    )
    (elsewhere / "test_two.py").write_text(
        "def test_it(tmp_path):\n    (tmp_path / 'other.log').write_text('ERROR: no')\n"
    )

    def run(file: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            *["-m", "pytest", "-c", "/dev/null", "-p", "tests.service_logs", "--dist", "loadfile", "-n"],
            processes,
        ]
        base = ["--rootdir", str(elsewhere), "--basetemp", str(elsewhere / f"base-{file}")]
        return subprocess.run(
            [*command, *base, str(elsewhere / file)], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
        )

    failed, clean = run("test_one.py"), run("test_two.py")
    assert "1 passed" in failed.stdout, failed.stdout + failed.stderr
    assert failed.returncode == 1
    assert "test_it0/.fullcourt/prefect/server.log: 1" in failed.stdout
    assert "Can't evaluate bulk DML statement" in failed.stdout
    assert clean.returncode == 0, clean.stdout + clean.stderr

"""Keep the local worker running, and end the runs whose process has died.

`make up` starts it, as ``python -m deployments.local.keeper HOME FACTS``. A worker that ends is started again, after
a delay that grows if it keeps ending. A worker that an earlier, killed keeper left running is taken over.

One run at a time is the work pool's limit, not the worker's: with ``--limit``, Prefect's worker exits when a run is
retried right after its end. A run holds its slot of the pool until it has ended, so a run whose process is gone would
hold it for ever. Such a run is set to Crashed, which triggers the alerts.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil

from deployments.local import services
from deployments.local.prefect_server import find_server, request
from deployments.local.services import Service
from deployments.registered.prefect_yaml import POOL
from tasks.settings import PROJECT_ROOT

WORKER, KEEPER = "worker", "keeper"
NAME = "local"
"""The worker's name, which it records on every run that it takes."""

QUOTED = "  | "
"""What a line of the worker's log begins with in the keeper's."""

_RUNS_AT_ONCE = 1  # one process at a time can write to the embedded warehouse
_LOOK_SECONDS = 10.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0
_STARTING = timedelta(minutes=2)  # between the moment that a worker takes a run and that in which its process is there
_NOT_ENDED = ("RUNNING", "PENDING", "PAUSED", "CANCELLING")
_RUN_ID = "PREFECT__FLOW_RUN_ID"  # in the environment of every process of a run
_PAGE = 200


def set_up_pool(server: Service) -> bool:
    """Create the work pool with its limit; one that is there without a limit gets it, and any other limit stays.

    Returns:
        Whether the server says that the pool is there with a limit; if not, ask again.
    """
    there = request(server, "GET", f"/api/work_pools/{POOL}")
    if there is not None and there["concurrency_limit"] is not None:
        return True
    limit = {"concurrency_limit": _RUNS_AT_ONCE}
    if there is not None:
        request(server, "PATCH", f"/api/work_pools/{POOL}", limit)
    else:  # or it did not answer: then this does nothing
        request(server, "POST", "/api/work_pools/", {"name": POOL, "type": "process", **limit})
    return False


def keep(home: Path, facts: Mapping[str, str | int]) -> None:
    """Keep a worker running, and end the runs of dead processes, until this process is stopped."""
    wait = _FIRST_WAIT_SECONDS
    while True:
        _end_dead_runs(home)
        worker = services.find(home, WORKER) or _start(home, facts)
        began = time.monotonic()
        while worker.is_running:
            if process := worker.id.process:
                with suppress(psutil.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
            _end_dead_runs(home)
        if time.monotonic() - began > _LONGEST_WAIT_SECONDS:
            wait = _FIRST_WAIT_SECONDS
        _say(f"The worker (process {worker.id.pid}) has ended; another one starts in {wait:g} s. The end of its log:")
        print(quote(worker.log_tail()), flush=True)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def quote(log: str) -> str:
    """Mark lines of another log, to tell them from the keeper's own."""
    return indent(log, QUOTED, lambda _: True)


def end_dead_runs(server: Service) -> list[str]:
    """End the runs that a local worker took and whose process is gone; returns their names.

    A run is left alone if any process works on it, whoever started that; if another worker took it; or if it is
    suspended, as it then has no process.
    """
    found = [run for run in _not_ended(server) if _is_ours(run)]
    alive = _runs_with_a_process() if found else set()
    ended = []
    for run in (run for run in found if run["id"] not in alive):
        now = request(server, "GET", f"/api/flow_runs/{run['id']}")
        if now is None or now["state_id"] != run["state_id"]:
            continue  # it has continued: a process reports how its run ended before it exits
        cancelled = run["state_type"] == "CANCELLING"
        state = {
            "type": "CANCELLED" if cancelled else "CRASHED",
            "name": "Cancelled" if cancelled else "Crashed",
            "message": "Its process is gone, and cannot go on: the worker, or the machine, was stopped. Run it again.",
        }
        if request(server, "POST", f"/api/flow_runs/{run['id']}/set_state", {"state": state, "force": True}):
            ended.append(f"{run['name']} ({run['state_name']})")
    return ended


def _start(home: Path, facts: Mapping[str, str | int]) -> Service:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    command += ["--name", NAME, "--install-policy", "never"]
    worker = services.start(home, WORKER, command, cwd=PROJECT_ROOT, env=os.environ, facts=facts, keep_log=True)
    _say(f"Started a worker (process {worker.id.pid}).")
    return worker


def _end_dead_runs(home: Path) -> None:
    server = find_server(home)
    for run in end_dead_runs(server) if server else ():
        _say(f"The run {run} had no process any more, and was ended.")


def _not_ended(server: Service) -> Iterator[dict[str, Any]]:
    body = {
        "flow_runs": {"state": {"type": {"any_": list(_NOT_ENDED)}}},
        "work_pools": {"name": {"any_": [POOL]}},
        "limit": _PAGE,
    }
    yield from request(server, "POST", "/api/flow_runs/filter", body) or ()


def _is_ours(run: Mapping[str, Any]) -> bool:
    """Whether a local worker took a run, so that it must have a process."""
    if run["state"]["state_details"]["pause_reschedule"]:
        return False
    if run["state_type"] == "PENDING":
        return datetime.fromisoformat(run["state"]["timestamp"]) < datetime.now(UTC) - _STARTING
    return bool((run.get("labels") or {}).get("prefect.worker.name") == NAME)


def _runs_with_a_process() -> set[str]:
    """Return the runs on which any process of this user works."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            found.add(process.environ().get(_RUN_ID, ""))
    return found


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {text}", flush=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), json.loads(sys.argv[2]))

"""``fullcourt run``: run a deployment and watch it.

It is a thin door to the deployments of prefect.yaml: the worker does the work, and goes on if the terminal is closed.
The server is the one that PREFECT_API_URL names, or else the one of ``make up``.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from rich.console import Console
from rich.markdown import Markdown

from deployments.commands.boundary import INTERRUPTED
from deployments.commands.output import make_console, print_report
from deployments.local.api import connect
from tasks.backfill.gate import NOT_DONE
from tasks.errors import RequestError
from tasks.runtime import markdown

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 20.0
"""After this, a run that does not start is said to wait, and for what."""
_SUMMARIES = ("backfill-report", "ingest-report", "cleanup-summary", "restore-summary")


def run_and_watch(name: str, days: Mapping[str, str], given: Sequence[str], home: Path) -> int:
    """Run a deployment, or find a run, and watch it until it has ended.

    Args:
        name: FLOW/DEPLOYMENT, FLOW alone, or the id of a run.
        days: Parameters that are days.
        given: Further parameters, each as NAME=VALUE.
        home: The folder of the local Prefect server's state.

    Returns:
        The exit code: 0 if the run completed, 1 if not, 130 if it was no longer watched.

    Raises:
        RequestError: There is no such deployment, a parameter is invalid, or there is no Prefect server.
    """
    parameters = {**days, **dict(_parameter(text) for text in given)}
    if connect(home) is None:
        raise RequestError("no Prefect server: start the local one with make up, or set PREFECT_API_URL")
    # imported here, because Prefect reads its settings when it is imported
    from prefect.client.orchestration import get_client

    console = make_console()
    with get_client(sync_client=True) as client:
        run_id = _given_run(name, parameters) or _start(client, name, parameters)
        console.print(f"Run {run_id}: {_page(client, run_id)}", soft_wrap=True)
        try:
            run = _Watch(client, run_id, console).until_its_end()
        except KeyboardInterrupt:
            console.print(
                f"\nThe run goes on.\nWatch it   fullcourt run {run_id}\nCancel it  prefect flow-run cancel {run_id}",
                soft_wrap=True,
            )
            return INTERRUPTED
        return _say_what_came(client, run, console)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise RequestError(f"-p {text}: must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _given_run(name: str, parameters: Mapping[str, object]) -> UUID | None:
    try:
        run_id = UUID(name)
    except ValueError:
        return None
    if parameters:
        raise RequestError(f"{name} is a run that has its parameters already: {', '.join(parameters)} cannot be given")
    return run_id


def _start(client: "SyncPrefectClient", name: str, parameters: dict[str, Any]) -> UUID:
    deployments = {}
    for found in client.read_deployments(limit=200):
        deployments[f"{client.read_flow(found.flow_id).name}/{found.name}"] = found.id
    matching = [full for full in deployments if name in (full, full.split("/")[0])]
    if len(matching) != 1:
        there = ", ".join(sorted(matching or deployments)) or "none: make up registers them"
        raise RequestError(
            f"{name}: {'more than one deployment' if matching else 'no such deployment'}; there are {there}"
        )
    try:
        return client.create_flow_run_from_deployment(deployments[matching[0]], parameters=parameters).id
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in (409, 422):
            raise
        raise RequestError(f"{matching[0]}: {error.response.json().get('detail', error.response.text)}") from error


def _page(client: "SyncPrefectClient", run_id: UUID) -> str:
    base = os.environ.get("PREFECT_UI_URL") or str(client.api_url).rstrip("/").removesuffix("/api")
    return f"{base}/runs/flow-run/{run_id}"


def _artifacts(client: "SyncPrefectClient", run_id: UUID) -> dict[str, dict[str, Any]]:
    """Return what a run has published, by key; the last of each."""
    body = {"artifacts": {"flow_run_id": {"any_": [str(run_id)]}, "key": {"any_": [*_SUMMARIES, *_Watch.KEYS]}}}
    found = client.request("POST", "/artifacts/filter", json=body | {"sort": "CREATED_DESC", "limit": 200}).json()
    return {artifact["key"]: artifact for artifact in reversed(found)}


class _Watch:
    """Says what is new of a run, until it has ended."""

    KEYS = ("backfill-plan", "backfill-progress")

    def __init__(self, client: "SyncPrefectClient", run_id: UUID, console: Console) -> None:
        self._client, self._run_id, self._console = client, run_id, console
        self._said: set[str] = set()
        self._began = time.monotonic()

    def until_its_end(self) -> "FlowRun":
        with self._console.status("Waiting for the worker ...") as status:
            while True:
                run = self._client.read_flow_run(self._run_id)
                state = run.state
                if state is not None and state.is_final():
                    self._look(status.update)
                    return run
                if state is not None and state.is_paused():
                    self._once(f"It waits for an answer in the UI: {_page(self._client, self._run_id)}")
                elif state is not None and state.is_running():
                    self._look(status.update)
                elif time.monotonic() - self._began > _PATIENCE_SECONDS:
                    self._once(_why_it_waits(state.name if state else None))
                time.sleep(_POLL_SECONDS)

    def _look(self, show: Any) -> None:
        found = _artifacts(self._client, self._run_id)
        if plan := found.get("backfill-plan"):
            self._once(f"Plan: {markdown.plain(plan['description'])}")
        progress = found.get("backfill-progress")
        show(f"{progress['data']:.0f} % of the days have ended" if progress else "Running ...")

    def _once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._console.print(line, markup=False, soft_wrap=True)


def _why_it_waits(state: str | None) -> str:
    if state == "AwaitingConcurrencySlot":
        return "It waits for another run of this deployment to end."
    return f"No worker has taken it yet ({state}): see make doctor, and make up starts one."


def _say_what_came(client: "SyncPrefectClient", run: "FlowRun", console: Console) -> int:
    found = _artifacts(client, run.id)
    if report := found.get("backfill-report"):
        rows = [
            {name: markdown.plain(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
            for row in json.loads(report["data"])
        ]
        print_report(console, rows)
        for row in rows:
            if row["outcome"] in NOT_DONE:
                console.print(f"{row['day']} {row['outcome']}: {row['reason']}", markup=False, soft_wrap=True)
    for key in _SUMMARIES[1:]:
        if key in found:
            console.print(Markdown(found[key]["data"]))
    state = run.state
    is_done = state is not None and state.is_completed()
    said = (state.message or state.name) if state is not None else "unknown"
    console.print(f"\n{said}", style="green" if is_done else "red", markup=False, soft_wrap=True)
    return 0 if is_done else 1

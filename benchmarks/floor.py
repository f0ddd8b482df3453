"""The Prefect floor: what a run of the backfill asks of Prefect, with nothing done inside.

It repeats a run that took place: the same tree of task runs, and the same artifacts under other keys, through the same
task runner, with as many days in flight.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from queue import SimpleQueue
from typing import Any, Literal
from uuid import UUID, uuid4

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict

from flows.backfill import backfill
from tasks.backfill.request import MAX_CONCURRENCY
from tasks.errors import TransientError

_PAGE = 200  # the most that Prefect's API returns at once
_RECORDING_SECONDS = 120.0
_DAY, _RECORDED = "backfill_date", ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Artifact(BaseModel):
    """An artifact to create."""

    model_config = ConfigDict(frozen=True)

    type: str
    data: Any
    description: str | None


class TaskRun(BaseModel):
    """A task run without sub-tasks: the artifacts that it creates."""

    model_config = ConfigDict(frozen=True)

    artifacts: tuple[Artifact, ...] = ()


class Shape(BaseModel):
    """What a run of the backfill asked of Prefect."""

    model_config = ConfigDict(frozen=True)

    artifacts: tuple[Artifact, ...]
    """Those that belong to no task run."""
    before: tuple[TaskRun, ...]
    """Task runs before the days."""
    days: tuple[tuple[TaskRun, ...], ...]
    """The sub-tasks of each day."""
    after: tuple[TaskRun, ...]

    @property
    def task_runs(self) -> int:
        """All of them, the days' own included."""
        return len(self.before) + len(self.after) + len(self.days) + sum(len(day) for day in self.days)

    @property
    def artifact_count(self) -> int:
        """All of them."""
        runs = [*self.before, *self.after, *(run for day in self.days for run in day)]
        return len(self.artifacts) + sum(len(run.artifacts) for run in runs)


def read_shape(flow_run_id: UUID, *, days: int) -> Shape:
    """Ask the server what a run of the backfill consisted of.

    Args:
        flow_run_id: The run, which has ended.
        days: How many days it did.

    Raises:
        TransientError: The server has not recorded them all, although it had time to.
    """
    client = get_client(sync_client=True)
    artifacts: defaultdict[str | None, list[Artifact]] = defaultdict(list)
    for found in _read(client, "/artifacts/filter", {"flow_runs": {"id": {"any_": [str(flow_run_id)]}}}):
        data = json.loads(found["data"]) if found["type"] == "table" else found["data"]
        artifacts[found["task_run_id"]].append(
            Artifact(type=found["type"], data=data, description=found["description"])
        )
    runs = _recorded_task_runs(client, flow_run_id, days)
    inside: dict[str, list[TaskRun]] = {run["id"]: [] for run in runs if run["task_key"].startswith(_DAY)}
    before: list[TaskRun] = []
    after: list[TaskRun] = []
    for run in runs:
        task_run = TaskRun(artifacts=tuple(artifacts[run["id"]]))
        parents = (parent.get("id") for parent in run["task_inputs"].get("__parents__", []))
        if (day := next((parent for parent in parents if parent in inside), None)) is not None:
            inside[day].append(task_run)
        elif run["id"] not in inside:
            (after if any(inside.values()) else before).append(task_run)
    return Shape(
        artifacts=tuple(artifacts[None]),
        before=tuple(before),
        days=tuple(tuple(runs) for runs in inside.values()),
        after=tuple(after),
    )


def run_floor(shape: Shape) -> None:
    """Ask of Prefect what a run of the backfill did."""
    prefix = f"floor-{uuid4().hex[:8]}"
    keys = iter(range(shape.artifact_count))

    def create(artifacts: Sequence[Artifact]) -> None:
        for artifact in artifacts:
            _create(artifact, f"{prefix}-{next(keys)}")

    # The tasks take numbers, not what they create: Prefect looks into every argument.
    @task(cache_policy=NO_CACHE, persist_result=False)
    def sub_task(day: int, number: int) -> None:
        create(shape.days[day][number].artifacts)

    @task(cache_policy=NO_CACHE, persist_result=False)
    def one_day(day: int) -> None:
        for number in range(len(shape.days[day])):
            sub_task(day, number)

    @task(cache_policy=NO_CACHE, persist_result=False)
    def before(number: int) -> None:
        create(shape.before[number].artifacts)

    @task(cache_policy=NO_CACHE, persist_result=False)
    def after(number: int) -> None:
        create(shape.after[number].artifacts)

    @flow(
        name="benchmark-floor",
        persist_result=False,
        task_runner=ThreadPoolTaskRunner(max_workers=MAX_CONCURRENCY),  # type: ignore[arg-type] # as in the backfill
    )
    def floor() -> None:
        for number in range(len(shape.before)):
            before(number)
        create(shape.artifacts)
        ended: SimpleQueue[PrefectFuture[Any]] = SimpleQueue()
        window: int = signature(backfill.fn).parameters["max_concurrency"].default
        for day in range(len(shape.days)):
            if day >= window:
                ended.get()
            one_day.submit(day).add_done_callback(ended.put)
        for _ in shape.days[:window]:
            ended.get()
        for number in range(len(shape.after)):
            after(number)

    floor()


def run_empty_flow() -> None:
    """Run Prefect's own empty flow."""

    @flow(name="benchmark-empty-flow")
    def empty_flow() -> None:
        pass

    empty_flow()


def _create(artifact: Artifact, key: str) -> None:
    if artifact.type == "table":
        create_table_artifact(artifact.data, key=key, description=artifact.description)
    elif artifact.type == "progress":
        create_progress_artifact(0.0, key=key, description=artifact.description)
    else:
        create_markdown_artifact(artifact.data, key=key, description=artifact.description)


def _recorded_task_runs(client: SyncPrefectClient, flow_run_id: UUID, days: int) -> list[dict[str, Any]]:
    """Return a run's task runs in the order in which they started, once the server has recorded them all."""
    ours = {"flow_runs": {"id": {"any_": [str(flow_run_id)]}}}
    recorded = {**ours, "task_runs": {"state": {"type": {"any_": _RECORDED}}}}
    deadline, before = time.monotonic() + _RECORDING_SECONDS, -1
    while True:  # it records them from a queue, some time after they have ended
        now = client.request("POST", "/task_runs/count", json=recorded).json()
        every = client.request("POST", "/task_runs/count", json=ours).json()
        if now == every == before and now > days:
            break
        if time.monotonic() > deadline:
            raise TransientError(f"the server recorded {now} of {every} task runs of {days} days; run it again")
        before = now
        time.sleep(1)
    return sorted(_read(client, "/task_runs/filter", ours), key=lambda run: str(run["start_time"]))


def _read(
    client: SyncPrefectClient, path: Literal["/artifacts/filter", "/task_runs/filter"], chosen: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = {**chosen, "sort": "ID_DESC", "limit": _PAGE, "offset": offset}
        rows = client.request("POST", path, json=page).json()
        yield from rows
        if len(rows) < _PAGE:
            return
        offset += _PAGE

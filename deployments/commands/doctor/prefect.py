"""The doctor's check of Prefect: whether it answers, and would start a run.

What is alive is known by its effect: a worker by its last poll, a schedule by its next run, a run by its last
heartbeat. What is registered and does nothing is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import prefect
from prefect.client.orchestration import SyncPrefectClient, get_client

from deployments.commands.doctor.alerts import examine_alerts
from deployments.commands.doctor.runs import Deployment, examine_runs, examine_schedule, first_page
from deployments.local import prefect_server
from deployments.local.api import connect
from deployments.registered.prefect_yaml import described_deployments, label_of
from tasks.errors import FullcourtError
from tasks.warehouse.diagnosis import Finding

_API, _DEPLOYMENTS, _POOL, _WORKER = "Prefect API", "deployments", "work pool", "worker"
_POLL_LIMIT = timedelta(seconds=90)  # a worker polls every 15 seconds


def examine(home: Path) -> Iterator[Finding]:
    """Check the configured server, or the local one; if there is none, say what that means.

    Args:
        home: The folder of the local server's state.
    """
    try:
        url = connect(home)
    except FullcourtError as error:
        yield Finding("missing", _API, str(error))
        return
    if url is None:
        yield _without_server(home)
        return
    try:
        yield from _examine(url)
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        yield Finding("missing", _API, f"{url} does not answer as it should ({said}): start it, or set PREFECT_API_URL")


def _without_server(home: Path) -> Finding:
    if prefect_server.has_died(home):
        return Finding(
            "missing", _API, f"the local server of {home} has ended by itself: no schedule fires; `make up` starts it"
        )
    return Finding(
        "note",
        _API,
        "none is configured and no local one runs, so no schedule fires: set PREFECT_API_URL, or `make up` starts one",
    )


def _examine(url: str) -> Iterator[Finding]:
    with get_client(sync_client=True, httpx_settings={"timeout": 10.0}) as client:
        response = client.request("GET", "/admin/version")
        version, now = response.json(), _time_of(response)
        if version == prefect.__version__:
            yield Finding("ok", _API, f"{url} answers, in version {version}")
        else:
            yield Finding(
                "missing",
                _API,
                f"{url} is of version {version}, and {prefect.__version__} is pinned here: run the server from the "
                "same requirements.txt",
            )
        wanted = _described()
        pools = sorted({deployment.pool for deployment in wanted})
        found = {each.label: each for each in _registered(client, pools)}
        if absent := sorted(each.label for each in wanted if each.label not in found):
            yield Finding(
                "missing",
                _DEPLOYMENTS,
                f"not registered: {', '.join(absent)}; `fullcourt register` registers them",
            )
        else:
            yield Finding("ok", _DEPLOYMENTS, f"all {len(wanted)} are registered")
        for pool in pools:
            yield from _examine_pool(client, pool, now)
        must = {each.label for each in wanted if each.schedules}
        for label in sorted(must | {label for label, each in found.items() if each.schedules}):
            yield examine_schedule(client, label, found.get(label), now)
        flows = {each.label.partition("/")[0] for each in wanted}
        yield from examine_runs(client, flows, [each.id for each in found.values()], now)
        yield from examine_alerts(client)


def _time_of(response: httpx.Response) -> datetime:
    """Return the time by the server's clock, so that a wrong clock here changes nothing."""
    said = response.headers.get("date")
    return parsedate_to_datetime(said).astimezone(UTC) if said else datetime.now(UTC)


def _examine_pool(client: SyncPrefectClient, name: str, now: datetime) -> Iterator[Finding]:
    pools = first_page(client, "/work_pools/filter", {"work_pools": {"name": {"any_": [name]}}})
    if not pools:
        text = f"there is none of the name {name}: `prefect work-pool create {name} --type process` creates it"
        yield Finding("missing", _POOL, f"{text}; then run `fullcourt register`")
        return
    queues = first_page(client, f"/work_pools/{name}/queues/filter", {})
    paused = [queue["name"] for queue in queues if queue["is_paused"]]
    if pools[0]["is_paused"]:
        yield Finding("missing", _POOL, f"{name} is paused, and no run starts: `prefect work-pool resume {name}`")
    elif pools[0]["concurrency_limit"] == 0:
        text = f"{name} has a limit of 0 runs, and none starts: `prefect work-pool set-concurrency-limit {name} 1`"
        yield Finding("missing", _POOL, text)
    elif paused:
        remedy = "; ".join(f"`prefect work-queue resume {queue} --pool {name}`" for queue in paused)
        yield Finding("missing", _POOL, f"{name} has paused queues, whose runs do not start: {remedy}")
    else:
        yield Finding("ok", _POOL, f"{name} lets runs start")
    yield _examine_worker(name, queues, now)


def _examine_worker(pool: str, queues: Sequence[Mapping[str, Any]], now: datetime) -> Finding:
    polls = [datetime.fromisoformat(queue["last_polled"]) for queue in queues if queue["last_polled"]]
    last = max(polls, default=None)
    if last is not None and now - last <= _POLL_LIMIT:
        return Finding("ok", _WORKER, f"one polls the work pool {pool}")
    since = f" since {last:%Y-%m-%d %H:%M} UTC" if last else ""
    return Finding(
        "missing",
        _WORKER,
        f"none has polled the work pool {pool}{since}, and no run starts: start one, with `make up` or "
        f"`prefect worker start --pool {pool}`",
    )


def _described() -> list[Deployment]:
    """Return the deployments of prefect.yaml."""
    return [
        Deployment(
            "", label_of(each), str(each["work_pool"]["name"]), is_paused=False, schedules=each.get("schedules", [])
        )
        for each in described_deployments()
    ]


def _registered(client: SyncPrefectClient, pools: Sequence[str]) -> list[Deployment]:
    """Return the deployments whose runs go to the pools, those of others too."""
    there = first_page(client, "/deployments/filter", {"work_pools": {"name": {"any_": list(pools)}}})
    ids = sorted({each["flow_id"] for each in there})
    flows = {each["id"]: each["name"] for each in first_page(client, "/flows/filter", {"flows": {"id": {"any_": ids}}})}
    return [
        Deployment(
            id=each["id"],
            label=f"{flows[each['flow_id']]}/{each['name']}",
            pool=each["work_pool_name"],
            is_paused=each["paused"],
            schedules=each["schedules"],
        )
        for each in there
    ]

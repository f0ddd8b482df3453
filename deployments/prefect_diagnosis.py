"""The first check of Prefect: its API and version; the deployments, a worker and the alerts, for information."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import prefect
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from deployments.alert_diagnosis import examine_alerts
from tasks.settings import PROJECT_ROOT
from tasks.warehouse.diagnosis import Finding

_API, _DEPLOYMENTS, _WORKER = "Prefect API", "deployments", "worker"
_HEARTBEAT_LIMIT = timedelta(seconds=90)  # a worker calls every 30 seconds
_PAGE = 200


def examine() -> Iterator[Finding]:
    """Look at the server that this environment names; without one, only say so."""
    url = PREFECT_API_URL.value()
    if url is None:
        yield Finding("note", _API, "PREFECT_API_URL names none: `make up` starts one, and says its address")
        return
    try:
        yield from _examine(url)
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        yield Finding("missing", _API, f"{url} does not answer as it should ({said}): start it, or set PREFECT_API_URL")


def _examine(url: str) -> Iterator[Finding]:
    with get_client(sync_client=True, httpx_settings={"timeout": 10.0}) as client:
        version = client.request("GET", "/admin/version").json()
        if version == prefect.__version__:
            yield Finding("ok", _API, f"{url} answers, in version {version}")
        else:
            yield Finding(
                "missing",
                _API,
                f"{url} is of version {version}, and {prefect.__version__} is pinned here: run the server from the "
                "same requirements.txt",
            )
        wanted = _deployments()
        body: dict[str, Any] = {"work_pools": {"name": {"any_": sorted(set(wanted.values()))}}, "limit": _PAGE}
        answer = client.request("POST", "/deployments/filter", json=body).json()
        found = {_label(each) for each in answer}
        if absent := sorted(wanted.keys() - found):
            yield Finding(
                "note",
                _DEPLOYMENTS,
                f"not registered: {', '.join(absent)}; `python -m deployments.register` registers them",
            )
        else:
            yield Finding("ok", _DEPLOYMENTS, f"all {len(wanted)} are registered")
        for pool in sorted(set(wanted.values())):
            heard = _last_call(client, pool)
            if heard is not None and heard > datetime.now(UTC) - _HEARTBEAT_LIMIT:
                yield Finding("ok", _WORKER, f"one polls the work pool {pool}")
            else:
                since = f" since {heard:%Y-%m-%d %H:%M} UTC" if heard else ""
                yield Finding(
                    "note",
                    _WORKER,
                    f"none has polled the work pool {pool}{since}: runs of deployments wait; "
                    f"`prefect worker start --pool {pool}` starts one",
                )
        yield from examine_alerts(client)


def _deployments() -> dict[str, str]:
    """Return the deployments of prefect.yaml, each with its work pool."""
    text = (PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8")
    return {_label(each): str(each["work_pool"]["name"]) for each in yaml.safe_load(text)["deployments"]}


def _label(deployment: Mapping[str, Any]) -> str:
    """Return how a deployment is named on the command line: its flow and its own name, which alone is not unique."""
    return f"{str(deployment['entrypoint']).rpartition(':')[2]}/{deployment['name']}"


def _last_call(client: SyncPrefectClient, pool: str) -> datetime | None:
    """Return when a worker of a pool last called; None if there is no pool, or none ever did."""
    pools = client.request("POST", "/work_pools/filter", json={}).json()
    if pool not in {each["name"] for each in pools}:
        return None
    workers = client.request(
        "POST", "/work_pools/{work_pool_name}/workers/filter", path_params={"work_pool_name": pool}, json={}
    ).json()
    calls = [datetime.fromisoformat(each["last_heartbeat_time"]) for each in workers if each["last_heartbeat_time"]]
    return max(calls, default=None)

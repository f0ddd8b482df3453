"""Run the first check, and compare what it may not have changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Cancelled

from deployments.commands.main import main
from deployments.registered.prefect_yaml import POOL
from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backdoor import server_of
from tests.backfill.observe import wait_until
from tests.prefect_api import call

SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
UPCOMING = "nba_analytics.upcoming_player_game_context"
LEDGER, MAIN = "nba_orchestration.backfill_ledger", "nba_precompute.player_composite_factors"
_LINE = re.compile(r"(ok|note|missing) +([^:]+): (.+)")


class Doctor:
    """Runs the check in this process, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said: list[tuple[str, str, str]] = []
        self.text = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        exit_code = main(["doctor", *arguments])
        self.text = self._capsys.readouterr().out
        lines = self.text.splitlines()[:-2]
        self.said = [found.groups() for line in lines if (found := _LINE.fullmatch(line))]  # type: ignore[misc]
        assert len(self.said) == len(lines), "a line that cannot be read"
        return exit_code

    def of(self, level: str) -> dict[str, str]:
        """What was said of each subject, at a level."""
        found: dict[str, str] = {}
        for said, subject, text in self.said:
            if said == level:
                found[subject] = f"{found[subject]}; {text}" if subject in found else text
        return found


@contextmanager
def in_service() -> Iterator[dict[str, str]]:
    """Have the deployments of prefect.yaml on the session's server, with a worker's poll; yields their ids."""
    described = yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        ids = {}
        for each in described:
            flow = each["entrypoint"].rpartition(":")[2]
            ids[f"{flow}/{each['name']}"] = str(
                client.create_deployment(
                    client.create_flow_from_name(flow),
                    each["name"],
                    entrypoint=each["entrypoint"],
                    work_pool_name=POOL,
                    schedules=[
                        DeploymentScheduleCreate(
                            active=schedule["active"],
                            schedule=CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]),
                        )
                        for schedule in each.get("schedules", [])
                    ],
                )
            )
        try:
            poll(client)
            wait_until(lambda: scheduled(client, ids["cleanup/daily-ttl"]) >= 3)
            yield ids
        finally:
            for deployment in ids.values():
                client.delete_deployment(UUID(deployment))
            client.delete_work_pool(POOL)


def poll(client: SyncPrefectClient) -> None:
    """Ask for work, as a worker does, and wait until the server has noted it."""

    def polled() -> str | None:
        path = "/work_pools/{work_pool_name}/queues/{name}"
        last: str | None = call(client, "GET", path, path_params={"work_pool_name": POOL, "name": "default"}).json()[
            "last_polled"
        ]
        return last

    before = polled()
    call(client, "POST", f"/work_pools/{POOL}/get_scheduled_flow_runs", json={})
    wait_until(lambda: polled() != before)


def scheduled(client: SyncPrefectClient, deployment: str) -> int:
    """Return how many runs of a deployment wait for their time."""
    runs = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    return len(client.request("POST", "/flow_runs/filter", json={"flow_runs": runs}).json())


def create(settings: Settings, *roles: str) -> None:
    """Create the tables of some roles."""
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(table for table in load_catalogue(settings).tables.values() if table.role in roles)


def state_of(settings: Settings) -> object:
    """Everything that a check could have changed: the file's bytes, or the project's jobs, datasets and tables."""
    if settings.warehouse == "duckdb":
        path = settings.duckdb_path
        return {file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*")}
    server, name = server_of(settings)
    project = server.project(name)
    tables = {table: repr(server.table(name, table)) for table in sorted(project.tables)}
    return len(server.jobs(name)), dict(project.datasets), tables


def settle_leftovers(client: SyncPrefectClient) -> None:
    """End the runs that other tests have left at work on the server: nothing is heard of them any more."""
    at_work = {"state": {"type": {"any_": [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]}}}
    for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(at_work)):
        client.set_flow_run_state(run.id, Cancelled(message="left by another test"), force=True)

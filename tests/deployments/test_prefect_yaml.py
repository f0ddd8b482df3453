"""prefect.yaml: what it names exists, and a person can fill in its forms."""

import asyncio
import copy
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema

from tasks.settings import PROJECT_ROOT

pytestmark = pytest.mark.no_server

TEXT = (PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8")
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(TEXT)["deployments"]


@pytest.fixture(params=DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def deployment(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = request.param
    return chosen


@pytest.fixture
def flow(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Flow[..., Any]:
    monkeypatch.chdir(PROJECT_ROOT)
    return load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)


def test_the_entrypoint_is_a_flow(deployment: dict[str, Any], flow: Flow[..., Any]) -> None:
    assert isinstance(flow, Flow)
    assert flow.name == deployment["entrypoint"].split(":")[1]


def test_every_parameter_of_the_form_is_typed_and_described(flow: Flow[..., Any]) -> None:
    for name, field in parameter_schema(flow).properties.items():
        assert field.get("description"), f"{name} has no description; Prefect reads it from the docstring's Args"
        assert {"type", "anyOf", "enum", "$ref", "allOf"} & field.keys(), f"{name} has no type"


def test_a_deployment_is_described_tagged_and_runs_in_the_pool(deployment: dict[str, Any]) -> None:
    assert deployment["description"]
    assert "fullcourt" in deployment["tags"]
    assert deployment["work_pool"]["name"] == "fullcourt"


@pytest.mark.parametrize("around", ["2023-03-11", "2023-11-04", "2023-07-01"], ids=["spring", "autumn", "summer"])
def test_the_cleanup_runs_by_itself_every_day_at_four_in_new_york(around: str) -> None:
    (daily,) = [each for each in DEPLOYMENTS if each["name"] == "daily-ttl"]
    assert daily["entrypoint"] == "flows/cleanup.py:cleanup"
    assert daily["parameters"] == {"dry_run": False, "cleanup_type": "upcoming_tables_ttl"}
    schedule = copy.copy(daily["schedules"][0])
    assert schedule.pop("active") is True
    dates = asyncio.run(CronSchedule(**schedule).get_dates(n=3, start=datetime.fromisoformat(f"{around}T12:00Z")))
    there = [each.astimezone(ZoneInfo("America/New_York")) for each in dates]
    assert [(each.hour, each.minute) for each in there] == [(4, 0)] * 3
    assert [each.date() - there[0].date() for each in there] == [timedelta(days=n) for n in range(3)]


def test_what_is_done_by_hand_only_looks_unless_one_says_otherwise() -> None:
    by_hand = {
        each["entrypoint"]: each.get("parameters", {})
        for each in DEPLOYMENTS
        if each["name"] in {"on-demand", "backup"}
    }
    assert by_hand.keys() == {"flows/cleanup.py:cleanup", "flows/restore.py:restore"}
    assert all("dry_run" not in parameters for parameters in by_hand.values())


def test_the_file_names_no_folder_of_any_machine() -> None:
    assert "{{ $FULLCOURT_PROJECT_DIR }}" in TEXT
    assert str(PROJECT_ROOT) not in TEXT
    assert "/home/" not in TEXT

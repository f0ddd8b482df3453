"""prefect.yaml: what it names exists, and a person can fill in its forms."""

from typing import Any

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from tasks.settings import PROJECT_ROOT

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


def test_the_file_names_no_folder_of_any_machine() -> None:
    assert "{{ $FULLCOURT_PROJECT_DIR }}" in TEXT
    assert str(PROJECT_ROOT) not in TEXT
    assert "/home/" not in TEXT

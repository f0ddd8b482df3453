"""What prefect.yaml describes: the one list of the deployments, for whoever registers, watches or looks for them."""

from collections.abc import Mapping
from typing import Any

import yaml

from tasks.settings import PROJECT_ROOT

FILE = PROJECT_ROOT / "prefect.yaml"
POOL = "fullcourt"
"""The work pool of every deployment."""


def read_prefect_yaml() -> dict[str, Any]:
    """Return the whole file."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def described_deployments() -> list[dict[str, Any]]:
    """Return the deployments, in the file's order."""
    deployments: list[dict[str, Any]] = read_prefect_yaml()["deployments"]
    return deployments


def flow_of(deployment: Mapping[str, Any]) -> str:
    """Return the name of a deployment's flow."""
    return str(deployment["entrypoint"]).rpartition(":")[2]


def label_of(deployment: Mapping[str, Any]) -> str:
    """Return how a deployment is named on the command line: its flow and its own name, which alone is not unique."""
    return f"{flow_of(deployment)}/{deployment['name']}"

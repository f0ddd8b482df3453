"""The guides' tables of parameters: what each flow's signature and docstring say."""

from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.utilities.callables import parameter_schema

from flows.backfill import backfill
from flows.cleanup import cleanup
from flows.heal import heal
from flows.ingest import ingest
from flows.restore import restore

pytestmark = pytest.mark.no_server

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDES: list[tuple[str, Flow[..., Any]]] = [
    ("backfill.md", ingest),
    ("backfill.md", backfill),
    ("backfill.md", heal),
    ("cleanup.md", cleanup),
    ("cleanup.md", restore),
]


def table(flow: Flow[..., Any]) -> str:
    """Return the table of a flow's parameters, from the schema that Prefect makes its form of."""
    schema = parameter_schema(flow)
    lines = ["| parameter | default | allowed | meaning |", "|---|---|---|---|"]
    for name, field in schema.properties.items():
        default = field.get("default")
        shown = "" if default in (None, []) else str(default).lower()
        meaning = " ".join(field["description"].split()).removesuffix(".")
        lines.append(f"| `{name}` | {shown} | {allowed(field)} | {meaning} |")
    return "\n".join(lines)


def allowed(field: dict[str, Any]) -> str:
    """Return the bounds of a number, or the values of a choice; a parameter that may be missing has them further in."""
    for each in [field, *field.get("anyOf", [])]:
        if "minimum" in each:
            return f"{each['minimum']} to {each['maximum']:,}" if "maximum" in each else f"{each['minimum']} or more"
        if "enum" in each:
            return ", ".join(f"`{value}`" for value in each["enum"])
    return ""


@pytest.mark.parametrize(("guide", "flow"), GUIDES, ids=[flow.name for _, flow in GUIDES])
def test_a_guide_has_the_table_of_the_flows_parameters(guide: str, flow: Flow[..., Any]) -> None:
    text = (DOCS / guide).read_text(encoding="utf-8")
    assert table(flow) in text, f"put this into docs/{guide}:\n{table(flow)}"

"""What a run is asked with: the defaults of its flow, and what a test gives instead."""

from inspect import Parameter, signature
from typing import Any

from prefect import Flow

from flows.backfill import backfill
from tasks.backfill.choose_tables import choose_tables
from tasks.backfill.request import BackfillRequest
from tasks.parameters import check
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue


def asked(flow: Flow[..., Any], **given: Any) -> dict[str, Any]:
    """Return every parameter of a flow: as it is given, or else its default."""
    parameters = signature(flow.fn).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not Parameter.empty} | given


def backfill_request(settings: Settings, **given: Any) -> BackfillRequest:
    """Return the request that the backfill makes of its parameters."""
    parameters = asked(backfill, **given)
    parameters["tables"] = choose_tables(load_catalogue(settings), parameters["tables"])
    return check(BackfillRequest, **parameters)

"""Turn a flow's parameters into a valid request."""

from collections.abc import Sequence
from typing import Any

from prefect.runtime import flow_run

from tasks.domain.errors import RequestError
from tasks.domain.printable import printable, shown
from tasks.domain.request import BackfillRequest
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue

DEFAULT_TABLE = "player_composite_factors"


def read_request(settings: Settings, *, tables: Sequence[str] | None, **parameters: Any) -> BackfillRequest:
    """Check every parameter, and put the tables in the order in which they need each other.

    Args:
        settings: The application's; they say where the catalogue is.
        tables: Derived tables; None for the main one and all that it depends on.
        parameters: The other parameters of the flow.

    Raises:
        RequestError: A parameter is invalid; the message names it, its value and what is allowed.
        CatalogueError: A table folder is incomplete.
    """
    catalogue = load_catalogue(settings)
    if tables is None:
        chosen = catalogue.with_dependencies([DEFAULT_TABLE])
    elif not isinstance(tables, list | tuple) or not all(isinstance(name, str) for name in tables):
        raise RequestError(f"tables={shown(tables)}: give a list of names, of {', '.join(catalogue.derived)}")
    elif not tables:
        raise RequestError(f"tables=[]: name at least one of {', '.join(catalogue.derived)}")
    else:
        chosen = catalogue.in_order(set(tables))
    return BackfillRequest.of(tables=chosen, **parameters)


def name_run() -> str:
    """Return the name of the current run: the days that it was asked for."""
    given = flow_run.get_parameters()
    dates, first, last = given.get("dates"), given.get("start_date"), given.get("end_date")
    if isinstance(dates, list | tuple) and dates:
        days = f"{len(dates)} days"
    else:
        days = f"{first} to {last}" if last else str(dates or first)
    marks = [name for name in ("force", "dry_run") if given.get(name)]
    return printable(" ".join([days, *marks]))

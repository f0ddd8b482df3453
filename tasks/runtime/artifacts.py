"""Write artifacts and events: no other module does.

They inform, and never fail a run. One that Prefect does not accept is retried, then logged, and named in the message
of the run's final state.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TypeVar, cast
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.exceptions import MissingContextError, PrefectException
from prefect.logging import get_logger, get_run_logger
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from tasks.runtime import markdown

T = TypeVar("T")

_WAITS_SECONDS = (0.2, 1.0)
"""Before each retry of a request that the server failed; Prefect's client retries the errors that it knows itself."""
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, PrefectException, OSError, ValueError, TypeError, RuntimeError)
_MOST_NAMED = 5
_PAGE = 200  # the most that Prefect's API returns at once

_failures_by_run: dict[str, dict[str, str]] = {}
_lock = Lock()


def write_markdown(key: str, text: str, *, description: str) -> None:
    """Write a version of a markdown artifact.

    Args:
        key: Its key.
        text: The document; use tasks/runtime/markdown.py for everything that comes from data.
        description: One line.
    """
    _inform(key, lambda: create_markdown_artifact(text, key=key, description=markdown.text(description)))


def write_table(key: str, rows: Sequence[Mapping[str, object]], *, description: str) -> None:
    """Write a version of a table artifact. Prefect renders its texts as markdown: they are escaped.

    Args:
        key: Its key.
        rows: A mapping a row.
        description: One line.
    """
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    _inform(key, lambda: create_table_artifact(cells, key=key, description=markdown.text(description)))


def start_progress(key: str, percentage: float, *, description: str) -> UUID | None:
    """Write a progress artifact; returns its id, or None if Prefect did not accept it."""
    # outside of an event loop, Prefect returns no coroutine
    return cast(UUID | None, _inform(key, lambda: create_progress_artifact(percentage, key, description)))


def update_progress(key: str, artifact: UUID, percentage: float) -> bool:
    """Update a progress artifact; returns whether it exists."""
    return _inform(key, lambda: update_progress_artifact(artifact, percentage)) is not None


def emit(event: str, resource: Mapping[str, str], payload: Mapping[str, object]) -> None:
    """Emit an event; Prefect adds the flow run to it, and sends it in the background."""
    _inform(event, lambda: emit_event(event, resource=dict(resource), payload=dict(payload)))


def read_markdown(keys: Collection[str]) -> dict[str, str] | None:
    """Return the latest text of each existing artifact, 200 keys a request; None if Prefect does not answer."""
    wanted, found = sorted(keys), dict[str, str]()
    for start in range(0, len(wanted), _PAGE):
        page = _inform("checkpoints", partial(_read_page, wanted[start : start + _PAGE]), "read")
        if page is None:
            return None
        found |= page
    return found


def address(key: str) -> str | None:
    """Return the page of an artifact in Prefect's UI; None if its address is not known."""
    base = get_current_settings().ui_url
    return f"{base.rstrip('/')}/artifacts/key/{key}" if base else None


def take_failures() -> str:
    """Return a sentence about what Prefect did not accept in the current run, once; empty if it accepted everything."""
    with _lock:
        failures = _failures_by_run.pop(str(flow_run.get_id()), {})
    if not failures:
        return ""
    named = ", ".join([*list(failures)[:_MOST_NAMED], *(["..."] if len(failures) > _MOST_NAMED else [])])
    return f"Prefect did not accept {named} ({next(iter(failures.values()))}); the rows are not affected"


def _read_page(keys: Sequence[str]) -> dict[str, str]:
    body = {"artifacts": {"key": {"any_": keys}}, "limit": _PAGE}
    latest = get_client(sync_client=True).request("POST", "/artifacts/latest/filter", json=body).json()
    return {artifact["key"]: artifact["data"] for artifact in latest if isinstance(artifact["data"], str)}


def _cell(value: object) -> object:
    return markdown.text(value) if isinstance(value, str) else value


def _inform(what: str, send: Callable[[], T], verb: str = "written") -> T | None:
    """Make a request to Prefect; returns None if it failed."""
    for wait_seconds in (*_WAITS_SECONDS, None):
        try:
            return send()
        except _FAILURES as error:
            if wait_seconds is None or not _is_transient(error):
                _record_failure(what, error, verb)
                return None
            time.sleep(wait_seconds)
    return None


def _is_transient(error: Exception) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code in {408, 500, 504}


def _record_failure(what: str, error: Exception, verb: str) -> None:
    problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, httpx.HTTPStatusError):
        problem = f"HTTP status {error.response.status_code}"
    with _lock:
        _failures_by_run.setdefault(str(flow_run.get_id()), {})[what] = problem
    try:
        logger = get_run_logger()
    except MissingContextError:
        logger = get_logger("fullcourt")
    logger.warning("%s was not %s, which changes no row: %s", what, verb, problem)

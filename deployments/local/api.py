"""Let this program use a Prefect server: the one that is configured, or the local one, or one that runs meanwhile.

Prefect reads some of its settings when it is imported: call these before anything imports a flow.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.local.prefect_server import api_url, environment, prefect_server, usable_server
from tasks.folders import PRIVATE_UMASK


def connect(home: Path) -> str | None:
    """Let this program talk to Prefect's API from now on; returns its address, None if there is none.

    It is the one that Prefect's settings name (PREFECT_API_URL, a profile), with the user's own access to it. If they
    name none, or name the local server, it is the local server, with its password. Every command finds it this way.

    Args:
        home: The folder of the local server's state.

    Raises:
        ServiceError: The local server ends with the program that started it.
    """
    from prefect.settings import get_current_settings

    given, local = get_current_settings().api.url, usable_server(home)
    if local is not None and given in (None, api_url(local)):
        _use(home, api_url(local))
        return api_url(local)
    return given


@contextmanager
def use_prefect(home: Path) -> Iterator[str]:
    """Let flows that run in the block use Prefect's API, the one of ``connect``; yields its address.

    If there is none, a local server runs as long as the block. Their logs go to the server; the terminal is the
    caller's. At the end of the block, the server has received everything.

    Args:
        home: The folder of the local server's state.

    Raises:
        ServiceError: The local server does not start; the message has the end of its log.
    """
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    if (given := connect(home)) is None:
        with prefect_server(home) as started, use_server(home, started):
            yield started
        return
    _refresh()
    os.umask(PRIVATE_UMASK)
    yield given
    _drain()


@contextmanager
def use_server(home: Path, api_url: str) -> Iterator[None]:
    """Let flows that run in the block use the local server, whatever is configured; otherwise as ``use_prefect``.

    Args:
        home: The folder of the server's state.
        api_url: The server's API.
    """
    _use(home, api_url)
    yield
    _drain()


def _use(home: Path, api_url: str) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= environment(home, api_url=api_url) | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    os.umask(PRIVATE_UMASK)
    _refresh()


def _refresh() -> None:
    """Let Prefect read its settings again, if it has read them."""
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()


def _drain() -> None:
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):  # while the server is still there to listen
        worker.drain_all()

"""Run flows in this process, against a Prefect server that was just found or started.

Prefect reads its settings from the environment when it is imported: call ``use_server`` before anything imports it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.prefect_server import environment


@contextmanager
def use_server(home: Path, api_url: str) -> Iterator[None]:
    """Let flows that run in the block use a server; at its end, wait until the server has heard everything.

    Their logs go to the server; the terminal is the caller's.

    Args:
        home: The folder of the server's state.
        api_url: The server's API.
    """
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= environment(home, api_url=api_url) | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    yield
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):  # while the server is still there to listen
        worker.drain_all()

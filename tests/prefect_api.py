"""Ask a Prefect server for what its client has no method for."""

from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient


def call(client: SyncPrefectClient, method: Any, path: Any, **options: Any) -> httpx.Response:
    """Send a request to a path that is filled in already: the client's types know only templates of paths."""
    return client.request(method, path, **options)

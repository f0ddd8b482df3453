"""Tell a warehouse on whose behalf it works: the server, the run, the step and the attempt that Prefect knows of."""

import platform
from contextlib import suppress
from datetime import date
from hashlib import sha256
from uuid import UUID, uuid4

import httpx
from prefect import get_run_logger
from prefect.client.base import ServerType
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import VariableCreate
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.runtime import flow_run, task_run

from tasks.errors import FullcourtError, TransientError
from tasks.warehouse.base import Origin, Warehouse

SERVER_VARIABLE = "fullcourt_server_id"
"""The Prefect variable that holds a server's id; made when it is first asked for."""
_ITSELF = ("127.0.0.1", "::1", "0.0.0.0", "localhost")  # noqa: S104 - a machine's names for itself
_identities: dict[str, str] = {}


def current_run() -> tuple[str, int]:
    """Return the id of the flow run and its attempt, from 1."""
    return str(flow_run.get_id()), int(flow_run.get_run_count() or 1)


def is_over(run_id: str) -> bool:
    """Tell whether a flow run is known to have ended; one that this server does not know may be another server's."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(run_id)).state
    except (ObjectNotFound, ValueError):
        return False
    return state is not None and state.is_final()


def server_identity() -> str:
    """Return what tells this Prefect server from every other one: 16 hexadecimal digits, the same from any process.

    It is made of an id that the server keeps and of the address at which it is asked. The id alone would be shared by a
    copy of the server's database; the address alone by all servers that are reached as 127.0.0.1. A server that is
    moved or restored elsewhere becomes another one: what it left before expires.

    Raises:
        TransientError: The server did not say; another attempt can succeed.
    """
    address = _address(get_client(sync_client=True))
    if address not in _identities:
        try:
            with get_client(sync_client=True) as client:
                _identities[address] = sha256(f"{_server_id(client)} {address}".encode()).hexdigest()[:16]
        except (httpx.HTTPError, ObjectNotFound) as error:
            raise TransientError(
                f"the Prefect server at {address} did not tell its variable {SERVER_VARIABLE} "
                f"({type(error).__name__}); try again"
            ) from error
    return _identities[address]


def sweep_staged(warehouse: Warehouse) -> None:
    """Drop what runs that are over left staged; it is housekeeping, and no run ends because it cannot be done."""
    try:
        dropped = warehouse.sweep(is_over)
    except (FullcourtError, httpx.HTTPError) as error:
        get_run_logger().warning("what earlier runs left staged is not dropped now: %s", error)
    else:
        if dropped:
            get_run_logger().info("dropped what earlier runs left staged: %s", ", ".join(dropped))


def current_origin(
    step: str, *, table: str | None = None, game_date: date | None = None, part: str | None = None
) -> Origin:
    """Return the origin of what the current task does; a run of its own outside of any."""
    run_id, run_attempt, server = str(uuid4()), 1, None
    if flow_run.get_id():
        run_id, run_attempt = current_run()
        with suppress(FullcourtError):  # what is staged for no known server is dropped by none: it expires
            server = server_identity()
    return Origin(
        run_id=run_id,
        step=step,
        table=table,
        game_date=game_date,
        part=part,
        attempt=f"{run_attempt}.{task_run.get_run_count() or 1}.{_start()}",
        server=server,
    )


def _start() -> str:
    """Return what tells this start of the run from others: a run that is suspended and resumed keeps its run count."""
    context = FlowRunContext.get()
    return f"{int(context.start_time.timestamp() * 1e6):x}" if context else uuid4().hex[:8]


def _server_id(client: SyncPrefectClient) -> str:
    """Return the id that the server keeps; whoever asks first makes it."""
    kept = client.read_variable_by_name(SERVER_VARIABLE)
    if kept is None:
        with suppress(ObjectAlreadyExists):  # somebody else made it meanwhile
            return str(client.create_variable(VariableCreate(name=SERVER_VARIABLE, value=uuid4().hex)).value)
        return _server_id(client)
    return str(kept.value)


def _address(client: SyncPrefectClient) -> str:
    """Return an address that means the same on every machine."""
    url = client.api_url
    host = platform.node() if url.host in _ITSELF else url.host
    port = "" if client.server_type == ServerType.EPHEMERAL else url.port or ""  # that one's is another every time
    return f"{host}:{port}{url.path.rstrip('/')}".lower()

"""The origin of what a warehouse does: the server, run, step and attempt, from Prefect's context."""

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
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.runtime import flow_run, task_run

from tasks.errors import FullcourtError, TransientError
from tasks.warehouse.base import Origin, Warehouse

SERVER_VARIABLE = "fullcourt_server_id"
"""The Prefect variable that holds a server's id; created at its first use."""
_ITSELF = ("127.0.0.1", "::1", "0.0.0.0", "localhost")  # noqa: S104
_identities: dict[str, str] = {}


def current_run() -> tuple[str, int]:
    """Return the id of the flow run and its attempt, from 1."""
    return str(flow_run.get_id()), int(flow_run.get_run_count() or 1)


def started_by() -> str:
    """Say who started the flow run, as far as Prefect knows: an automation, a schedule, or nobody by name.

    The user of the operating system is not looked at: of a worker it is not the person's who started the run.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is not None and run.created_by is not None and run.created_by.display_value:
        return f"{(run.created_by.type or 'creator').lower()} {run.created_by.display_value}"
    of = f"of deployment {run.deployment_id}" if run is not None and run.deployment_id else "without a deployment"
    return f"somebody whom Prefect does not name, in a run {of}"


def is_over(run_id: str) -> bool:
    """Return whether a flow run is known to have ended; an unknown one may be another server's."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(run_id)).state
    except (ObjectNotFound, ValueError):
        return False
    return state is not None and state.is_final()


def server_identity() -> str:
    """Return the identity of this Prefect server: 16 hexadecimal digits, the same in every process.

    It is a hash of an id that the server stores and of its address: a copy of the server's database has the same id,
    and every local server has the address 127.0.0.1. A server that is moved or restored elsewhere gets another
    identity; the staged tables of the old one expire.

    Raises:
        TransientError: The server did not return its id; another attempt can succeed.
    """
    address = _address(get_client(sync_client=True))
    if address not in _identities:
        try:
            with get_client(sync_client=True) as client:
                _identities[address] = sha256(f"{_server_id(client)} {address}".encode()).hexdigest()[:16]
        except (httpx.HTTPError, ObjectNotFound) as error:
            raise TransientError(
                f"the Prefect server at {address} did not return its variable {SERVER_VARIABLE} "
                f"({type(error).__name__}); try again"
            ) from error
    return _identities[address]


def sweep_staged(warehouse: Warehouse) -> None:
    """Drop what ended runs left staged; a failure is logged, and does not fail the run."""
    try:
        dropped = warehouse.sweep(is_over)
    except (FullcourtError, httpx.HTTPError) as error:
        get_run_logger().warning("staged rows of earlier runs were not dropped: %s", error)
    else:
        if dropped:
            get_run_logger().info("dropped staged rows of earlier runs: %s", ", ".join(dropped))


def current_origin(
    step: str, *, table: str | None = None, game_date: date | None = None, part: str | None = None
) -> Origin:
    """Return the origin of what the current task does; outside of a run, its run id is random."""
    run_id, run_attempt, server = str(uuid4()), 1, None
    if flow_run.get_id():
        run_id, run_attempt = current_run()
        with suppress(FullcourtError):  # what is staged without an identity is not swept: it expires
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
    """Return the start time of the task run, or of the run's process: a run that is resumed keeps its run count.

    Two task runs of one step of a day, the second of which goes on where the first one failed, both begin with 1.
    """
    context = TaskRunContext.get() or FlowRunContext.get()
    return f"{int(context.start_time.timestamp() * 1e6):x}" if context else uuid4().hex[:8]


def _server_id(client: SyncPrefectClient) -> str:
    """Return the id that the server stores; create it if it is missing."""
    kept = client.read_variable_by_name(SERVER_VARIABLE)
    if kept is None:
        with suppress(ObjectAlreadyExists):  # another process created it meanwhile
            return str(client.create_variable(VariableCreate(name=SERVER_VARIABLE, value=uuid4().hex)).value)
        return _server_id(client)
    return str(kept.value)


def _address(client: SyncPrefectClient) -> str:
    """Return the server's address, the same from every machine."""
    url = client.api_url
    host = platform.node() if url.host in _ITSELF else url.host
    port = "" if client.server_type == ServerType.EPHEMERAL else url.port or ""  # its port changes with every start
    return f"{host}:{port}{url.path.rstrip('/')}".lower()

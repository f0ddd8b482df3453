"""Tell a warehouse on whose behalf it works: the run, the step and the attempt that Prefect knows of."""

from datetime import date
from uuid import UUID, uuid4

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run, task_run

from tasks.warehouse.base import Origin


def current_run() -> tuple[str, int]:
    """Return the id of the flow run and its attempt, from 1."""
    return str(flow_run.get_id()), int(flow_run.get_run_count() or 1)


def is_over(run_id: str) -> bool:
    """Tell whether a flow run has ended, or was deleted."""
    try:
        state = get_client(sync_client=True).read_flow_run(UUID(run_id)).state
    except (ObjectNotFound, ValueError):
        return True
    return state is not None and state.is_final()


def current_origin(
    step: str, *, table: str | None = None, game_date: date | None = None, part: str | None = None
) -> Origin:
    """Return the origin of what the current task does; a run of its own outside of any."""
    run_id, run_attempt = current_run() if flow_run.get_id() else (str(uuid4()), 1)
    return Origin(
        run_id=run_id,
        step=step,
        table=table,
        game_date=game_date,
        part=part,
        attempt=f"{run_attempt}.{task_run.get_run_count() or 1}",
    )

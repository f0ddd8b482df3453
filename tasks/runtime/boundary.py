"""The edge of a flow: whatever goes wrong in it ends as a Failed state with one line that says what and what to do.

An expected error is logged once, and is the message of that state. Without the edge, Prefect would log its
traceback, and keep the raw exception on disk: one of its API holds the request, with its credentials.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.logging import get_logger
from prefect.runtime import flow_run
from prefect.states import Failed

from tasks.errors import FullcourtError, UnforeseenError, describe_error
from tasks.explain import explain
from tasks.printable import printable
from tasks.runtime.artifacts import emit, take_notes

P = ParamSpec("P")
R = TypeVar("R")

LEFT_EVENT = "fullcourt.flow-run.left"
"""Says of a suspended run that its process ends."""


def ends_clearly(function: Callable[P, State[R]]) -> Callable[P, State[R]]:
    """Let a flow end with a state that says in one line what came of it, whatever it raises.

    The state of a flow that raised is Failed, with the error as its data, so that ``flow(...)`` still raises it. What
    Prefect did not take of the artifacts is added to the message.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> State[R]:
        try:
            state = function(*args, **kwargs)
        except Pause:  # suspended: by itself, or by somebody else
            _take_leave()
            raise
        except Exception as error:  # noqa: BLE001 - this is the edge, and nothing of it is lost
            problem = understand(error)
            if not isinstance(problem, UnforeseenError):
                get_run_logger().error("%s", describe_error(problem))
            state = Failed(message=describe_error(problem), data=problem)
        said = [each for each in (state.message, take_notes()) if each]
        state.message = printable("; ".join(said)) if said else None
        return state

    return run


def _take_leave() -> None:
    """Say that this process ends, and that no heartbeat is to be waited for.

    Prefect's own event comes when the state is set. A heartbeat can follow it, as long as the process is at work, and
    would be the last that is heard of a run that only waits.
    """
    run = {"prefect.resource.id": f"prefect.flow-run.{flow_run.get_id()}"}
    emit(LEFT_EVENT, run | {"prefect.resource.name": str(flow_run.get_name())}, {})


def understand(error: Exception) -> FullcourtError:
    """Return an error as one of ours; one that nobody foresaw is logged with its traceback, here and nowhere else."""
    problem = explain(error)
    if isinstance(problem, UnforeseenError):
        get_run_logger().error("%s", problem, exc_info=error)
    return problem


class _SaidByTheState(logging.Filter):
    """Leave out what Prefect logs of a task's error, with its traceback, before the line of the state says it again."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.module == "task_engine" and record.exc_info)


get_logger("task_runs").addFilter(_SaidByTheState())

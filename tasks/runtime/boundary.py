"""The boundary between a flow and Prefect: every error becomes a Failed state with a message of one line.

An expected error is logged once, and is the message of that state. Otherwise, Prefect would log its traceback and
store the raw exception on disk: an exception of its API holds the request, with its credentials.
"""

import logging
from collections.abc import Callable
from functools import wraps
from traceback import clear_frames
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.logging import get_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner
from rich.console import Console

from tasks.errors import FullcourtError, IncompleteError, Reported, UnforeseenError, describe_error
from tasks.explain import explain
from tasks.printable import printable
from tasks.runtime.artifacts import emit, take_failures

P = ParamSpec("P")
R = TypeVar("R")
ReportT = TypeVar("ReportT", bound=Reported)

LEFT_EVENT = "fullcourt.flow-run.left"
"""The event of a suspended run whose process is about to end."""


def main_flow(
    name: str,
    *,
    run_name: Callable[[], str] | None = None,
    task_runner: TaskRunner[Any] | None = None,
) -> Callable[[Callable[P, State[R]]], Flow[P, State[R]]]:
    """Make a Prefect flow that ends clearly of a function.

    The function validates its parameters, and not Prefect: its messages name the value.

    Args:
        name: The flow's name.
        run_name: Returns the name of a run; a random one of Prefect's if it is missing.
        task_runner: Runs submitted steps; Prefect's default if it is missing.
    """

    def decorate(function: Callable[P, State[R]]) -> Flow[P, State[R]]:
        make = flow(
            name=name,
            flow_run_name=run_name,
            task_runner=task_runner,
            persist_result=False,
            result_serializer="json",  # a pickled error holds what it was raised with: a request with its password
            validate_parameters=False,
        )
        return make(ends_clearly(function))

    return decorate


def ends_clearly(function: Callable[P, State[R]]) -> Callable[P, State[R]]:
    """Let a flow end with a state whose message is its result in one line, whatever it raises.

    The state of a flow that raised is Failed, with the error as its data, so that ``flow(...)`` still raises it. The
    artifacts that Prefect did not accept are named in the message.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> State[R]:
        Console.on_broken_pipe = _stop_printing  # type: ignore[method-assign]
        try:
            state = function(*args, **kwargs)
        except Pause:  # suspended, by the flow itself or from outside
            _announce_suspension()
            raise
        except Exception as error:  # noqa: BLE001 - every error is reported
            problem = understand(error)
            if not isinstance(problem, UnforeseenError):
                get_run_logger().error("%s", describe_error(problem))
            state = Failed(message=describe_error(problem), data=problem)
        sentences = [each for each in (state.message, take_failures()) if each]
        state.message = printable("; ".join(sentences)) if sentences else None
        return state

    return run


def state_of(report: ReportT, *, is_done: bool) -> State[ReportT]:
    """Return Completed with the report if everything is done; else Failed with an IncompleteError that holds it."""
    if is_done:
        return Completed(message=report.summary, data=report)
    return Failed(message=report.summary, data=IncompleteError(report))


def report_of(state: State[Any]) -> Any:
    """Return the report of a run that has ended, done or not; the error if it has none."""
    result = state.result(raise_on_failure=False)
    return result.report if isinstance(result, IncompleteError) else result


def _stop_printing(self: Console) -> None:
    """Stop printing, and go on: rich would exit, because the worker that reads the output was killed."""
    self.quiet = True


def _announce_suspension() -> None:
    """Emit an event that this process ends, so that no alert waits for its heartbeat.

    Prefect's own event comes when the state is set. A heartbeat of the process can follow it, and would be the last
    one of a run that only waits.
    """
    run = {"prefect.resource.id": f"prefect.flow-run.{flow_run.get_id()}"}
    emit(LEFT_EVENT, run | {"prefect.resource.name": str(flow_run.get_name())}, {})


def understand(error: Exception) -> FullcourtError:
    """Return an error as one of ours; an unforeseen one is logged with its traceback, here and nowhere else."""
    problem = explain(error)
    if isinstance(problem, UnforeseenError):
        get_run_logger().error("%s", problem, exc_info=error)
    _clear_frames(error)
    return problem


def _clear_frames(error: BaseException | None) -> None:
    """Release the local variables of an error's frames: Prefect keeps errors, and connections with them."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class _InState(logging.Filter):
    """Leave out the tracebacks of errors that are the message of a state."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_a_tasks = record.module == "task_engine" and bool(record.exc_info)
        is_ours = record.exc_info is not None and isinstance(record.exc_info[1], FullcourtError)
        return not is_a_tasks and not is_ours


for _name in ("task_runs", "flow_runs", "engine"):
    get_logger(_name).addFilter(_InState())

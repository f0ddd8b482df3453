"""The edge of a flow: whatever goes wrong in it ends as a Failed state with one line that says what and what to do.

An expected error is logged once, and is the message of that state. Without the edge, Prefect would log its
traceback, and keep the raw exception on disk: one of its API holds the request, with its credentials.
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
from tasks.runtime.artifacts import emit, take_notes

P = ParamSpec("P")
R = TypeVar("R")
ReportT = TypeVar("ReportT", bound=Reported)

LEFT_EVENT = "fullcourt.flow-run.left"
"""Says of a suspended run that its process ends."""


def main_flow(
    name: str,
    *,
    run_name: Callable[[], str] | None = None,
    task_runner: TaskRunner[Any] | None = None,
) -> Callable[[Callable[P, State[R]]], Flow[P, State[R]]]:
    """Make a Prefect flow of a function, one that ends clearly.

    Its parameters are validated by the function, whose messages name the value, and not by Prefect.

    Args:
        name: The flow's name.
        run_name: Names a run by its parameters; Prefect makes a name up if it is missing.
        task_runner: Runs the steps that are submitted; Prefect's own if it is missing.
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
    """Let a flow end with a state that says in one line what came of it, whatever it raises.

    The state of a flow that raised is Failed, with the error as its data, so that ``flow(...)`` still raises it. What
    Prefect did not take of the artifacts is added to the message.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> State[R]:
        Console.on_broken_pipe = _fall_silent  # type: ignore[method-assign]
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


def state_of(report: ReportT, *, is_done: bool) -> State[ReportT]:
    """Return Completed with the report if all of it is done; else Failed, with an IncompleteError that has it."""
    if is_done:
        return Completed(message=report.summary, data=report)
    return Failed(message=report.summary, data=IncompleteError(report))


def report_of(state: State[Any]) -> Any:
    """Return the report that a run has ended with, done or not; the error if it has none."""
    result = state.result(raise_on_failure=False)
    return result.report if isinstance(result, IncompleteError) else result


def _fall_silent(self: Console) -> None:
    """Print no more, and go on: rich would end the run, because the worker that read what it prints was killed."""
    self.quiet = True


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
    _let_go(error)
    return problem


def _let_go(error: BaseException | None) -> None:
    """Forget what the frames of an error hold: Prefect keeps it, and with it connections, to the process's end."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class _SaidByTheState(logging.Filter):
    """Leave out an error that Prefect logs with its traceback, and that the line of a state says, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_a_tasks = record.module == "task_engine" and bool(record.exc_info)
        is_ours = record.exc_info is not None and isinstance(record.exc_info[1], FullcourtError)
        return not is_a_tasks and not is_ours


for _name in ("task_runs", "flow_runs", "engine"):
    get_logger(_name).addFilter(_SaidByTheState())

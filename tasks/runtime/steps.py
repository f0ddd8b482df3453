"""A step is a Prefect task of this application: how one is made, given its arguments, and retried.

::

    @step("load-file", run_name="load {file.path}")
    def load_file(run: Run, file: InputFile) -> FileReport: ...

    report = load_file(run, file)  # one attempt
    report = retrying(load_file)(run, file)
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from tasks.errors import DeadlineError, StreamingBufferError, TransientError
from tasks.runtime.run import Run
from tasks.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

JITTER_FACTOR = 0.5


class RetryPolicy(TypedDict):
    """The options of a task that retries."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float
    retry_condition_fn: Any  # Prefect wants a function of a task of any signature, which no type but Any says


def step(name: str, *, run_name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a Prefect task of a function; its result is neither cached nor stored.

    Args:
        name: The task's name.
        run_name: The name of its runs, with parameters in braces; a random one of Prefect's if it is missing.
    """
    return task(name=name, task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False)


def retrying(target: Task[Concatenate[Run, P], R]) -> Callable[Concatenate[Run, P], R]:
    """Return a task as a function that calls it with the retry policy of its first argument, the run."""

    def call(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
        run_task: Any = _with_policy(target, run.settings)
        named = {name: quoted(value) for name, value in kwargs.items()}
        return cast(R, run_task(quoted(run), *map(quoted, args), **named))

    return call


def quoted(value: R) -> R:
    """Return an argument that Prefect hands to a task as it stands, instead of walking through it and copying it."""
    return cast(R, quote(value))


def retry_policy(settings: Settings) -> RetryPolicy:
    """Return the options of a task that retries.

    Only a TransientError is retried, unless only a later run can help: ``settings.retries`` times, after
    ``settings.retry_delay_seconds`` seconds, then twice that, and so on, each lengthened at random by up to half.
    """
    return RetryPolicy(
        retries=settings.retries,
        retry_delay_seconds=exponential_backoff(settings.retry_delay_seconds)(settings.retries),
        retry_jitter_factor=JITTER_FACTOR,
        retry_condition_fn=is_transient,
    )


@lru_cache(maxsize=64)  # a new task for each call would cost time and memory
def _with_policy(target: Task[..., Any], settings: Settings) -> Task[..., Any]:
    return target.with_options(**retry_policy(settings))


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's call
    """Return whether a task run failed for a transient reason."""
    only_later = (DeadlineError, StreamingBufferError)
    return isinstance(state.data, TransientError) and not isinstance(state.data, only_later)

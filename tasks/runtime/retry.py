"""The one retry policy: what is tried again, how often and after how long.

::

    result = load_file(settings, ...)  # tried once
    result = retrying(load_file)(settings, ...)
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar, cast

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from tasks.errors import DeadlineError, StreamingBufferError, TransientError
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


def retrying(step: Task[Concatenate[Settings, P], R]) -> Callable[Concatenate[Settings, P], R]:
    """Return a task as a function that runs it by the policy of the settings that it is given first."""

    def run(settings: Settings, /, *args: P.args, **kwargs: P.kwargs) -> R:
        run_task: Any = _with_policy(step, settings)
        named = {name: as_is(value) for name, value in kwargs.items()}
        return cast(R, run_task(as_is(settings), *map(as_is, args), **named))

    return run


def as_is(value: R) -> R:
    """Have Prefect hand an argument to a task without a look inside; it would walk through it, and copy it."""
    return cast(R, quote(value))


def retry_policy(settings: Settings) -> RetryPolicy:
    """Return the options of a task that may fail for a passing reason.

    Only a TransientError is tried again, unless only a later run can help: ``settings.retries`` times, after
    ``settings.retry_delay_seconds`` seconds, then twice that, and so on, each lengthened at random by up to half.
    """
    return RetryPolicy(
        retries=settings.retries,
        retry_delay_seconds=exponential_backoff(settings.retry_delay_seconds)(settings.retries),
        retry_jitter_factor=JITTER_FACTOR,
        retry_condition_fn=is_transient,
    )


@lru_cache(maxsize=64)  # a task with other options is another task: one for each call would cost time and memory
def _with_policy(step: Task[..., Any], settings: Settings) -> Task[..., Any]:
    return step.with_options(**retry_policy(settings))


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's call
    """Tell whether a task run failed for a reason that passes by itself."""
    only_later = (DeadlineError, StreamingBufferError)
    return isinstance(state.data, TransientError) and not isinstance(state.data, only_later)

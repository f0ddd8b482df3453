"""The one retry policy: what is tried again, how often and after how long.

::

    result = load_file.with_options(**retry_policy(settings))(...)
"""

from typing import Any, TypedDict

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from tasks.domain.errors import DeadlineError, StreamingBufferError, TransientError
from tasks.settings import Settings

JITTER_FACTOR = 0.5


class RetryPolicy(TypedDict):
    """The options of a task that retries."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float
    retry_condition_fn: Any  # Prefect wants a function of a task of any signature, which no type but Any says


def retry_policy(settings: Settings) -> RetryPolicy:
    """Return the options for ``Task.with_options`` of a step that may fail for a passing reason.

    Only a TransientError is tried again, unless only a later run can help: ``settings.retries`` times, after
    ``settings.retry_delay_seconds`` seconds, then twice that, and so on, each lengthened at random by up to half.
    """
    return RetryPolicy(
        retries=settings.retries,
        retry_delay_seconds=exponential_backoff(settings.retry_delay_seconds)(settings.retries),
        retry_jitter_factor=JITTER_FACTOR,
        retry_condition_fn=is_transient,
    )


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's call
    """Tell whether a task run failed for a reason that passes by itself."""
    only_later = (DeadlineError, StreamingBufferError)
    return isinstance(state.data, TransientError) and not isinstance(state.data, only_later)

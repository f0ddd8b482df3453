"""The one retry policy, through real task runs."""

from typing import Any

import pytest
from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE

from tasks.errors import FullcourtError, IngestError, QueryError, TransientError, WarehouseBusyError
from tasks.runtime.steps import retry_policy
from tasks.settings import Settings


def attempts_at(error: Exception, settings: Settings) -> tuple[int, State[None]]:
    """How often a task that always fails of this error is tried."""
    attempts = []

    @task(cache_policy=NO_CACHE, persist_result=False)
    def always_fail() -> None:
        attempts.append(1)
        raise error

    @flow(persist_result=False)
    def one_step() -> State[None]:
        state: State[None] = always_fail.with_options(**retry_policy(settings))(return_state=True)
        return state

    state: Any = one_step(return_state=True)  # a flow that returns a state ends in it
    return len(attempts), state


@pytest.mark.parametrize("error", [WarehouseBusyError("held"), TransientError("gone")], ids=repr)
def test_what_passes_by_itself_is_tried_again(error: FullcourtError, settings: Settings) -> None:
    attempts, state = attempts_at(error, settings.model_copy(update={"retries": 2, "retry_delay_seconds": 0.0}))
    assert attempts == 3
    assert state.is_failed()


@pytest.mark.parametrize("error", [IngestError("no"), QueryError("no"), ValueError("a bug")], ids=repr)
def test_what_would_fail_again_is_not_tried_again(error: Exception, settings: Settings) -> None:
    attempts, state = attempts_at(error, settings.model_copy(update={"retries": 2, "retry_delay_seconds": 0.0}))
    assert attempts == 1
    assert state.is_failed()


def test_no_retries_means_one_attempt(settings: Settings) -> None:
    attempts, state = attempts_at(WarehouseBusyError("held"), settings.model_copy(update={"retries": 0}))
    assert attempts == 1
    assert state.is_failed()


def test_each_wait_is_twice_the_one_before(settings: Settings) -> None:
    policy = retry_policy(settings.model_copy(update={"retries": 4, "retry_delay_seconds": 1.5}))
    assert policy["retry_delay_seconds"] == [1.5, 3.0, 6.0, 12.0]
    assert policy["retry_jitter_factor"] == 0.5

"""Which Prefect server a run belongs to, and which of its runs are known to be over."""

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.variables import Variable

from tasks.errors import TransientError
from tasks.runtime import origin
from tasks.runtime.origin import SERVER_VARIABLE, is_over, server_identity
from tests.backfill.observe import end_of, start_python

IDENTITY = "from tasks.runtime.origin import server_identity; print(server_identity())"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test ask the server anew."""
    monkeypatch.setattr(origin, "_identities", {})


def test_a_server_has_one_identity_in_every_process_and_by_every_name_of_its_machine(api_url: str) -> None:
    exit_code, output = end_of(start_python(IDENTITY, api_url))
    assert (exit_code, output.strip().splitlines()[-1]) == (0, server_identity())
    with temporary_settings({PREFECT_API_URL: api_url.replace("127.0.0.1", "localhost")}):
        assert server_identity() == output.strip().splitlines()[-1]


def test_all_that_ask_at_once_for_the_first_time_get_the_same_identity() -> None:
    Variable.unset(SERVER_VARIABLE)
    ask: Callable[[], str] = server_identity
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(contextvars.copy_context().run, ask) for _ in range(8)]
    assert len({each.result() for each in asked}) == 1


def test_a_copy_of_a_server_that_is_reached_elsewhere_is_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    before = server_identity()
    monkeypatch.setattr("platform.node", lambda: "another-machine")
    assert server_identity() != before


def test_another_server_at_the_same_address_is_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    before = server_identity()
    monkeypatch.setattr(origin, "_identities", {})
    Variable.set(SERVER_VARIABLE, uuid4().hex, overwrite=True)
    assert server_identity() != before


def test_a_server_that_does_not_answer_has_no_identity() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}),
        pytest.raises(TransientError, match=r"did not return its variable fullcourt_server_id .*try again"),
    ):
        server_identity()


def test_a_run_that_the_server_does_not_know_is_not_over() -> None:
    assert not is_over(str(uuid4()))
    assert not is_over("no id at all")

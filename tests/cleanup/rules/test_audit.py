"""The audit log by its rows alone: what is open, and what an attempt is called."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks.cleanup.audit import BEGUN, Operation, next_attempt, open_operations
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue

pytestmark = pytest.mark.no_server

AT = datetime(2023, 3, 1, 9, tzinfo=UTC)


def operation(**values: Any) -> Operation:
    facts = {"cleanup_id": "t__1", "cleanup_type": "by_hand", "table_name": "d.t", "ttl_days": 7, "previewed": 3}
    return Operation.model_validate(
        {**facts, "cutoff": date(2023, 2, 22), "run_id": "run", "cleanup_time": AT, **values}
    )


def test_what_has_begun_says_on_whose_behalf_and_is_an_error_until_it_says_how_it_ended() -> None:
    begun = operation().begun("a-server")
    assert (begun.server, begun.is_open, begun.errors) == ("a-server", True, BEGUN)
    ended = begun.ended(AT + timedelta(seconds=9), deleted=3, errors=None, notes=None)
    assert (ended.is_open, ended.server, ended.deleted, ended.duration_seconds) == (False, None, 3, 9.0)


@pytest.mark.parametrize("again", [1, 2])
def test_an_operation_is_open_until_any_row_of_its_id_says_how_it_ended(again: int) -> None:
    begun, other = operation().begun("s"), operation(cleanup_id="t__2").begun("s")
    log = [{**each.model_dump(), "a_column_of_the_users": 1} for each in [begun] * again + [other]]
    assert open_operations(log) == [begun, other]
    assert open_operations([operation(errors="it failed").model_dump(), *log]) == [other]
    assert open_operations([]) == []


@pytest.mark.parametrize(
    ("used", "run_count", "attempt"),
    [([], 1, 1), ([], 3, 3), (["t__1"], 1, 2), (["t__1", "restore__t__9"], 2, 10), (["no number"], 1, 1)],
)
def test_an_attempt_has_a_number_that_no_row_of_its_run_has(used: list[str], run_count: int, attempt: int) -> None:
    log = [{"run_id": "run", "cleanup_id": each} for each in used] + [{"run_id": "other", "cleanup_id": "t__77"}]
    assert next_attempt(log, "run", run_count) == attempt


def test_the_view_of_the_history_reads_the_same_words() -> None:
    assert f"'{BEGUN}'" in str(load_catalogue(Settings()).table("cleanup_history").query)

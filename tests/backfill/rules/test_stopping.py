"""When a run gives up on the days that are left."""

from collections.abc import Collection
from datetime import UTC, date, datetime

import pytest

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.gate import Outcome
from tasks.backfill.result import DayResult
from tasks.backfill.stopping import Failures

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
DAY = date(2023, 2, 23)


def ended(reason: str | None, outcome: Outcome = "failed") -> DayResult:
    checkpoint = Checkpoint(
        table_name="factors",
        game_date=DAY,
        run_id="run-1",
        outcome=outcome if reason else "complete",
        reason=reason,
        message="",
        code_version="v1",
        started_at=NOON,
        recorded_at=NOON,
    )
    return DayResult(game_date=DAY, tried=(checkpoint,))


def run(days: int, failing: Collection[int], reason: str, limit: int = 3) -> list[str]:
    """Run days one after the other, some of which fail; return what became of each."""
    found = ["not tried"] * days
    waiting, failures = list(range(days)), Failures(limit)
    while waiting and not failures.are_enough:
        is_probe, day = failures.are_in_doubt, waiting.pop(failures.place(len(waiting)))
        found[day] = "failed" if day in failing else "done"
        failures.count(ended(reason if day in failing else None), is_probe=is_probe)
    return found


@pytest.mark.parametrize("reason", ["AccessError", "SchemaError", "StorageError"])
def test_what_is_wrong_with_the_warehouse_stops_the_rest_at_once(reason: str) -> None:
    assert run(9, range(9), reason) == ["failed"] * 3 + ["not tried"] * 6


@pytest.mark.parametrize("reason", ["QueryError", "QuotaError", "UnforeseenError", "AccessError, QueryError"])
def test_what_may_be_of_a_day_stops_the_rest_only_if_days_far_from_it_fail_of_the_same(reason: str) -> None:
    found = run(20, range(20), reason)
    assert found.count("failed") == 6
    assert found[:3] == ["failed"] * 3
    assert found[-1] == "failed"
    assert found.count("not tried") == 14


@pytest.mark.parametrize("failing", [range(3), range(5), range(10), range(15), [*range(5), 19], [*range(4), 11, 19]])
def test_every_day_that_can_be_done_is_done_if_a_probe_finds_one(failing: Collection[int]) -> None:
    found = run(20, failing, "QueryError")
    assert [day for day in range(20) if found[day] == "done"] == [day for day in range(20) if day not in failing]
    assert "not tried" not in found


@pytest.mark.parametrize("reason", ["WarehouseBusyError", "ApiError", "DeadlineError", "DeadlineError, QueryError"])
def test_what_passes_by_itself_stops_nothing(reason: str) -> None:
    assert run(20, range(19), reason) == ["failed"] * 19 + ["done"]


def test_other_causes_and_days_that_are_done_or_blocked_begin_the_count_anew() -> None:
    failures = Failures(2)
    for result in (
        ended("QueryError"),
        ended("AccessError"),
        ended(None),
        ended("AccessError"),
        ended("no_rows", "blocked"),
        ended("AccessError"),
    ):
        failures.count(result)
        assert not failures.are_enough
        assert not failures.are_in_doubt
    failures.count(ended("AccessError"))
    assert failures.are_enough


def test_days_that_were_at_work_when_the_doubt_began_are_no_probes() -> None:
    failures = Failures(2)
    for _ in range(9):
        failures.count(ended("QueryError"))
    assert (failures.are_in_doubt, failures.are_enough) == (True, False)
    failures.count(ended(None))
    assert not failures.are_in_doubt


def test_probes_are_taken_far_apart() -> None:
    failures = Failures(5)
    places = []
    for _ in range(5):
        failures.count(ended("QueryError"))
    for _ in range(4):
        places.append(failures.place(101))
        failures.count(ended("QueryError"), is_probe=True)
    assert places == [100, 50, 75, 25]

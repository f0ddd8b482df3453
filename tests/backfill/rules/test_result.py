"""What comes of a day with several tables."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import Reason
from tasks.backfill.gate import Outcome
from tasks.backfill.result import DayResult, only_waits

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
DAY = date(2023, 2, 23)
WORST_FIRST: tuple[Outcome, ...] = (
    "failed",
    "blocked",
    "not_tried",
    "waived",
    "forced",
    "complete_with_warning",
    "dry_run",
    "complete",
)


def table(outcome: Outcome, name: str = "a", reason: str | None = None) -> Checkpoint:
    return Checkpoint(
        table_name=name,
        game_date=DAY,
        run_id="run-1",
        outcome=outcome,
        reason=reason,
        message=f"what {name} says",
        code_version="v1",
        started_at=NOON,
        recorded_at=NOON,
    )


def day(*tables: Checkpoint, skipped: Outcome | None = None) -> DayResult:
    return DayResult(game_date=DAY, tried=tables, skipped=skipped)


@pytest.mark.parametrize(("worse", "better"), list(pairwise(WORST_FIRST)))
def test_the_worst_table_decides_in_whatever_order(worse: Outcome, better: Outcome) -> None:
    assert day(table(worse), table(better, "b")).outcome == worse
    assert day(table(better), table(worse, "b")).outcome == worse


@pytest.mark.parametrize("outcome", WORST_FIRST)
def test_a_day_is_done_unless_a_table_is_blocked_failed_or_not_tried(outcome: Outcome) -> None:
    done = outcome not in ("failed", "blocked", "not_tried")
    assert day(table(outcome), table("complete", "b")).is_done is done


@pytest.mark.parametrize("skipped", ["skipped_bootstrap", "no_games"])
def test_a_day_without_work_is_done(skipped: Outcome) -> None:
    result = day(skipped=skipped)
    assert (result.outcome, result.is_done, result.summary) == (skipped, True, skipped)


def test_a_day_that_nobody_came_to_is_not_done() -> None:
    assert (day().outcome, day().is_done) == ("not_tried", False)


def test_the_cause_is_what_the_tables_failed_of() -> None:
    failed = day(table("failed", "a", "WarehouseBusyError"), table("failed", "b", "QueryError"), table("complete", "c"))
    assert failed.cause == "QueryError, WarehouseBusyError"


@pytest.mark.parametrize("outcome", ["blocked", "complete", "forced", "not_tried"])
def test_a_day_that_did_not_fail_has_no_cause(outcome: Outcome) -> None:
    assert day(table(outcome, reason="coverage_below_threshold")).cause is None


def test_the_summary_of_a_day_that_is_not_done_says_what_the_worst_table_says() -> None:
    result = day(table("complete"), table("blocked", "b"), table("failed", "c"))
    assert result.summary == "failed: c: what c says"


def test_the_summary_of_a_day_that_is_done_is_its_outcome() -> None:
    assert day(table("forced"), table("complete", "b")).summary == "forced"


WAITS = Reason(category="dependency_blocked", message="zones failed", overridable=True)
HOLE = Reason(category="reference_incomplete", message="a game is missing", overridable=True)


@pytest.mark.parametrize(
    ("reasons", "waits_for", "can_retry"),
    [
        ([WAITS], {"zones"}, True),
        ([WAITS, WAITS], {"zones", "defense"}, False),
        ([HOLE, WAITS], {"zones"}, False),
        ([HOLE], set(), False),
        ([], set(), False),
    ],
)
def test_a_retry_helps_a_blocked_table_only_if_it_waits_for_nothing_but_an_error_that_passes(
    reasons: list[Reason], waits_for: set[str], can_retry: bool
) -> None:
    assert only_waits(reasons, waits_for, {"zones"}) is can_retry

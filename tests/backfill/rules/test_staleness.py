"""Checkpoints: when a published day no longer counts as done, and what the plan makes of it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.checkpoint import Checkpoint, staleness
from tasks.backfill.day import SourceCoverage, SourceDecision
from tasks.backfill.gate import Outcome
from tasks.backfill.plan import TablePlan, input_digest, plan_table

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
INPUTS = {"player_game_summary": "aaa", "source upcoming": "bbb"}


OUTCOMES: tuple[Outcome, ...] = (
    "complete",
    "complete_with_warning",
    "forced",
    "blocked",
    "failed",
    "skipped_bootstrap",
    "no_games",
    "dry_run",
    "not_tried",
)


def checkpoint(outcome: Outcome = "complete", **fields: Any) -> Checkpoint:
    return Checkpoint.model_validate(
        {
            "table_name": "player_composite_factors",
            "game_date": date(2023, 2, 23),
            "run_id": "run-1",
            "outcome": outcome,
            "message": "187 of 187",
            "row_count": 187,
            "inputs": INPUTS,
            "code_version": "v1",
            "started_at": NOON,
            "recorded_at": NOON,
            **fields,
        }
    )


def stale(done: Checkpoint, **now: Any) -> tuple[str, ...]:
    return staleness(done, **{"inputs": INPUTS, "code_version": "v1", "rows_there": 187, "source": "upcoming", **now})


def test_a_day_of_which_nothing_has_changed_is_not_stale() -> None:
    assert stale(checkpoint()) == ()


@pytest.mark.parametrize("rows", [0, 186, 188])
def test_a_day_is_stale_if_its_rows_are_not_those_that_were_published(rows: int) -> None:
    assert stale(checkpoint(), rows_there=rows) == (f"the table holds {rows} rows, the checkpoint says 187",)


def test_a_day_is_stale_if_the_code_has_changed() -> None:
    assert stale(checkpoint(), code_version="v2") == ("the code changed from v1 to v2",)


def test_a_day_is_stale_if_an_input_was_repaired() -> None:
    assert stale(checkpoint(), inputs={**INPUTS, "player_game_summary": "ccc"}) == (
        "changed since: player_game_summary",
    )


def test_a_day_is_stale_if_the_source_it_was_built_from_has_changed() -> None:
    assert stale(checkpoint(), inputs={**INPUTS, "source upcoming": "ccc"}) == ("changed since: source upcoming",)


def test_a_day_is_not_stale_because_upcoming_rows_were_cleaned_up() -> None:
    assert stale(checkpoint(), inputs={"player_game_summary": "aaa"}, source="synthetic") == ()


def test_a_day_is_stale_if_upcoming_has_become_available() -> None:
    rebuilt = checkpoint(inputs={"player_game_summary": "aaa"})
    assert stale(rebuilt) == ("upcoming is available now",)


def test_a_day_is_stale_if_its_table_reads_another_input_now() -> None:
    (reason,) = stale(checkpoint(), inputs={**INPUTS, "nba_schedule": "ddd"})
    assert "nba_schedule" in reason


def test_every_reason_is_named() -> None:
    reasons = stale(checkpoint(), rows_there=0, code_version="v2", inputs={**INPUTS, "player_game_summary": "ccc"})
    assert len(reasons) == 3


def test_a_checkpoint_is_done_if_it_was_published() -> None:
    done = {outcome for outcome in OUTCOMES if checkpoint(outcome).is_done}
    assert done == {"complete", "complete_with_warning", "forced"}


def plan(done: Checkpoint | None, **now: Any) -> TablePlan:
    given: dict[str, Any] = {
        "decision": SourceDecision(source="upcoming", reason="upcoming covers 187 of 187 (100.0 %)"),
        "coverage": SourceCoverage(source="upcoming", expected=187, covered=187, players=187),
        "inputs": INPUTS,
        "code_version": "v1",
        "rows_there": 187,
        "settled": None,
        "resume": True,
    }
    return plan_table("player_composite_factors", checkpoint=done, **(given | now))


# checkpoint, what differs now; state, action when resuming, action when not
STATES: dict[str, tuple[Checkpoint | None, dict[str, Any], str, str, str]] = {
    "no checkpoint": (None, {}, "none", "build", "build"),
    "complete": (checkpoint(), {}, "done", "keep", "build"),
    "complete with a warning": (checkpoint("complete_with_warning"), {}, "done", "keep", "build"),
    "forced": (checkpoint("forced"), {}, "forced", "keep", "build"),
    "blocked": (checkpoint("blocked", row_count=0, reason="reference_incomplete"), {}, "blocked", "build", "build"),
    "failed": (checkpoint("failed", row_count=None, reason="WarehouseBusyError"), {}, "failed", "build", "build"),
    "stale by its rows": (checkpoint(), {"rows_there": 0}, "stale", "build", "build"),
    "stale by its code": (checkpoint(), {"code_version": "v2"}, "stale", "build", "build"),
    "stale by an input": (checkpoint(), {"inputs": {"player_game_summary": "ccc"}}, "stale", "build", "build"),
    "forced, and stale": (checkpoint("forced"), {"rows_there": 0}, "stale", "build", "build"),
}


@pytest.mark.parametrize("name", STATES)
def test_a_resumed_run_does_exactly_what_is_not_done_or_stale(name: str) -> None:
    done, now, state, action, _ = STATES[name]
    planned = plan(done, **now)
    assert (planned.state, planned.action) == (state, action)
    assert planned.checkpoint == (done and done.brief())


@pytest.mark.parametrize("name", STATES)
def test_a_run_that_does_not_resume_does_everything(name: str) -> None:
    done, now, state, _, action = STATES[name]
    planned = plan(done, **now, resume=False)
    assert (planned.state, planned.action) == (state, action)


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("resume", [True, False])
def test_a_bootstrap_day_needs_nothing_whatever_its_checkpoint(name: str, resume: bool) -> None:
    done, now, _, _, _ = STATES[name]
    planned = plan(done, **now, settled="skipped_bootstrap", resume=resume)
    assert (planned.action, planned.why) == ("nothing", "skipped_bootstrap")


def test_a_day_without_games_needs_nothing() -> None:
    assert plan(None, settled="no_games", rows_there=0).action == "nothing"


def test_rows_on_a_day_without_games_are_looked_at() -> None:
    planned = plan(None, settled="no_games", rows_there=5)
    assert (planned.state, planned.action) == ("stale", "build")
    assert planned.why == "the table holds 5 rows, the schedule says no games"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no checkpoint", "no checkpoint"),
        ("complete", "done before"),
        ("forced", "forced before"),
        ("blocked", "blocked before: reference_incomplete"),
        ("failed", "failed before: WarehouseBusyError"),
        ("stale by its rows", "the table holds 0 rows, the checkpoint says 187"),
    ],
)
def test_the_plan_says_why(name: str, why: str) -> None:
    done, now, _, _, _ = STATES[name]
    assert plan(done, **now).why == why


def test_a_digest_of_inputs_depends_on_every_day_and_its_content() -> None:
    monday, tuesday = date(2023, 2, 20), date(2023, 2, 21)
    digests = {
        input_digest(days)
        for days in (
            [],
            [(monday, "a")],
            [(monday, "b")],
            [(tuesday, "a")],
            [(monday, "a"), (tuesday, "a")],
            [(monday, "a"), (tuesday, "b")],
        )
    }
    assert len(digests) == 6
    assert input_digest([(monday, "a")]) == input_digest([(monday, "a")])

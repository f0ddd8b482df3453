"""Checkpoints: when a published day no longer counts as done."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.checkpoint import OTHER_ROWS, Checkpoint, History, Now, Rows, staleness
from tasks.backfill.gate import Outcome

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
INPUTS = {"player_game_summary": "aaa", "source upcoming": "bbb"}


OUTCOMES: tuple[Outcome, ...] = (
    "complete",
    "complete_with_warning",
    "forced",
    "waived",
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
            "rows_digest": "aaa",
            "expected_digest": "bbb",
            "inputs": INPUTS,
            "code_version": "v1",
            "started_at": NOON,
            "recorded_at": NOON,
            **fields,
        }
    )


def stale(done: Checkpoint, **now: Any) -> tuple[str, ...]:
    given = {"inputs": INPUTS, "code_version": "v1", "rows": Rows(187, "aaa"), "source": "upcoming", **now}
    return staleness(done, Now(**given))


def test_a_day_of_which_nothing_has_changed_is_not_stale() -> None:
    assert stale(checkpoint()) == ()


@pytest.mark.parametrize("rows", [0, 186, 188])
def test_a_day_is_stale_if_its_rows_are_not_those_that_were_published(rows: int) -> None:
    assert stale(checkpoint(), rows=Rows(rows, "ccc")) == (f"the table holds {rows} rows, the checkpoint says 187",)


def test_a_day_is_stale_if_its_table_holds_the_same_number_of_other_rows() -> None:
    assert stale(checkpoint(), rows=Rows(187, "ccc")) == (OTHER_ROWS,)


def test_of_a_day_of_before_there_were_digests_only_the_count_is_known() -> None:
    assert stale(checkpoint(rows_digest=None, expected_digest=None), rows=Rows(187, "ccc")) == ()


@pytest.mark.parametrize("now", ["ccc", ""])
def test_a_day_is_stale_if_others_are_expected_or_nobody(now: str) -> None:
    assert stale(checkpoint(), expected_digest=now) == ("other players are expected now",)
    assert stale(checkpoint(), expected_digest="bbb") == ()


def test_the_history_of_a_day_keeps_what_was_published_through_later_attempts() -> None:
    published, blocked = checkpoint(), checkpoint("blocked")
    assert History.of(published) == History(published, published)
    assert History.of(blocked, published) == History(blocked, published)
    assert History.of(blocked) == History(blocked, None)


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
    reasons = stale(checkpoint(), rows=Rows(), code_version="v2", inputs={**INPUTS, "player_game_summary": "ccc"})
    assert len(reasons) == 3


def test_a_checkpoint_is_done_if_it_was_published() -> None:
    done = {outcome for outcome in OUTCOMES if checkpoint(outcome).is_done}
    assert done == {"complete", "complete_with_warning", "forced"}

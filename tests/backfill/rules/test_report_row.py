"""A day as its report says it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.checkpoint import OTHER_ROWS, Checkpoint, Rows
from tasks.backfill.day import Reference, SourceCounts
from tasks.backfill.gate import Outcome
from tasks.backfill.plan import DayPlan, TablePlan
from tasks.backfill.report_row import ReportRow, report_row
from tasks.backfill.result import DayResult

pytestmark = pytest.mark.no_server

DAY = date(2023, 2, 23)
NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
MAIN = "player_composite_factors"
PLAYED = Reference(game_date=DAY, final_games=9, expected_players=187)


def checkpoint(outcome: Outcome = "complete", **fields: Any) -> Checkpoint:
    return Checkpoint.model_validate(
        {
            "table_name": MAIN,
            "game_date": DAY,
            "run_id": "run-1",
            "outcome": outcome,
            "message": "187 of 187",
            "source": "upcoming",
            "expected": 187,
            "coverage": 1.0,
            "row_count": 187,
            "rows_digest": "aaa",
            "code_version": "v1",
            "started_at": NOON,
            "recorded_at": NOON,
            **fields,
        }
    )


def row(result: DayResult, reference: Reference = PLAYED, rows: int = 187, digest: str = "aaa") -> ReportRow:
    table = TablePlan(
        table=MAIN,
        action="build",
        state="none",
        why="no checkpoint",
        source="upcoming",
        source_reason="",
        source_counts=SourceCounts(source="upcoming", players=186),
        inputs={},
        code_version="v1",
    )
    day = DayPlan(game_date=DAY, season_start=None, reference=reference, skipped=None, tables=(table,))
    return report_row(day, result, {(MAIN, DAY): Rows(rows, digest)} if rows else {}, MAIN)


def test_a_day_that_is_done_shows_its_counts_and_gives_no_reason() -> None:
    found = row(DayResult(game_date=DAY, tried=(checkpoint(),)))
    assert (found.games, found.expected, found.upcoming, found.published) == (9, 187, 186, 187)
    assert (found.outcome, found.work, found.source, found.coverage) == ("complete", "built", "upcoming", "100.0 %")
    assert (found.missing, found.reason) == ("", "")


def test_a_day_shows_how_complete_its_inputs_are_on_the_mean_if_its_table_says_it() -> None:
    assert row(DayResult(game_date=DAY, tried=(checkpoint(mean_completeness=62.35),))).completeness == "62.3 %"
    assert row(DayResult(game_date=DAY, tried=(checkpoint(mean_completeness=0.0),))).completeness == "0.0 %"
    assert row(DayResult(game_date=DAY, tried=(checkpoint(),))).completeness == ""


@pytest.mark.parametrize("rows", [0, 186])
def test_a_day_whose_rows_are_not_those_that_were_published_is_failed(rows: int) -> None:
    found = row(DayResult(game_date=DAY, kept=(checkpoint(),)), rows=rows)
    assert (found.outcome, found.work, found.published) == ("failed", "kept", rows)
    assert found.reason == f"{MAIN} holds {rows} rows, 187 were published"


def test_a_day_with_the_same_number_of_other_rows_is_failed() -> None:
    found = row(DayResult(game_date=DAY, kept=(checkpoint(),)), digest="another")
    assert (found.outcome, found.reason) == ("failed", f"{MAIN}: {OTHER_ROWS}")


def test_a_day_of_before_there_were_digests_is_judged_by_its_count() -> None:
    old = checkpoint(rows_digest=None)
    assert row(DayResult(game_date=DAY, kept=(old,)), digest="another").outcome == "complete"


def test_a_blocked_day_shows_the_first_names_that_are_missing_and_its_message_in_one_line() -> None:
    names = tuple(f"player{number}" for number in range(7))
    blocked = checkpoint("blocked", row_count=0, missing=names, reason="coverage_below_threshold", message="too\nfew")
    found = row(DayResult(game_date=DAY, tried=(blocked,)), rows=0)
    assert found.missing == "player0, player1, player2, player3, player4 and 2 more"
    assert (found.outcome, found.reason) == ("blocked", f"{MAIN}: too few")


def test_a_day_that_failed_before_anything_was_counted_shows_who_was_expected() -> None:
    failed = checkpoint("failed", source=None, expected=None, coverage=None, row_count=None, reason="QueryError")
    found = row(DayResult(game_date=DAY, tried=(failed,)), rows=0)
    assert (found.expected, found.source, found.coverage) == (187, "", "")


def test_a_day_that_was_not_tried_says_so() -> None:
    found = row(DayResult(game_date=DAY, skipped="not_tried"), rows=0)
    assert (found.outcome, found.work, found.expected) == ("not_tried", "", 187)
    assert found.reason.startswith("not tried: ")


def test_a_day_without_games_expects_and_counts_nothing() -> None:
    found = row(DayResult(game_date=DAY, skipped="no_games"), Reference(game_date=DAY), rows=0)
    assert (found.games, found.expected, found.published, found.outcome) == (0, None, None, "no_games")


@pytest.mark.parametrize("skipped", ["no_games", "skipped_bootstrap"])
def test_a_day_on_which_nothing_is_built_does_not_say_what_is_odd_about_the_games_before_it(skipped: Outcome) -> None:
    odd = Reference(game_date=DAY, recent_holes="2023-02-20 BOS at LAL", season_holes=1)
    assert row(DayResult(game_date=DAY, skipped=skipped), odd, rows=0).reason == ""


def test_a_day_that_is_done_says_what_is_odd_about_its_reference() -> None:
    odd = PLAYED.model_copy(update={"recent_holes": "2023-02-20 BOS at LAL", "season_holes": 1})
    assert "2023-02-20 BOS at LAL" in row(DayResult(game_date=DAY, tried=(checkpoint(),)), odd).reason

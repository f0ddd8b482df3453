"""Never worse: what a published day may be replaced by."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.checkpoint import Checkpoint, Rows
from tasks.backfill.gate import StagedFacts, judge
from tasks.backfill.replacement import Standing, standing, why_another_source, worse
from tasks.tables.spec import Build, Thresholds

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
ROWS = Rows(187, "aaa")
BUILD = Build.model_validate(
    {
        "entity": "player_lookup",
        "inputs": [{"table": "player_game_summary", "window": "day"}],
        "sources": [{"name": "upcoming", "table": "upcoming_player_game_context"}, {"name": "synthetic"}],
        "never_all_null": ["score"],
    }
)


def published(**fields: Any) -> Checkpoint:
    return Checkpoint.model_validate(
        {
            "table_name": "player_composite_factors",
            "game_date": date(2023, 2, 23),
            "run_id": "run-1",
            "outcome": "complete",
            "message": "187 of 187",
            "source": "upcoming",
            "expected": 187,
            "covered": 187,
            "coverage": 1.0,
            "look_back_coverage": 0.9,
            "row_count": 187,
            "rows_digest": "aaa",
            "code_version": "v1",
            "started_at": NOON,
            "recorded_at": NOON,
            **fields,
        }
    )


def facts(covered: int, expected: int = 187, look_back: float = 0.9) -> StagedFacts:
    return StagedFacts(
        row_count=100,
        expected=expected,
        covered=covered,
        rows_with_values=100,
        rows_without_own_games=round(100 * (1 - look_back)),
    )


def there(checkpoint: Checkpoint | None = None, rows: Rows = ROWS) -> Standing | None:
    return standing(checkpoint or published(), rows)


@pytest.mark.parametrize("covered", [187, 188])
def test_a_day_is_replaced_by_one_that_covers_as_much(covered: int) -> None:
    assert worse(facts(covered, expected=covered), there()) == ()


def test_a_day_stays_if_it_would_be_replaced_by_one_that_covers_less() -> None:
    (reason,) = worse(facts(186), there())
    assert (reason.category, reason.overridable) == ("would_be_worse", True)
    assert "would cover 186 of 187 (99.4 %) instead of 187 of 187 (100.0 %)" in reason.message
    assert "run run-1 published on 2023-02-24" in reason.message


@pytest.mark.parametrize(("look_back", "is_worse"), [(0.9, False), (0.91, False), (0.89, True)])
def test_a_day_stays_if_the_look_back_of_the_new_one_is_less_whole(look_back: float, is_worse: bool) -> None:
    reasons = worse(facts(187, look_back=look_back), there())
    assert [reason.category for reason in reasons] == ["would_be_worse"] * is_worse
    assert all("89.0 % instead of 90.0 %" in reason.message for reason in reasons)


def test_a_share_that_is_unknown_of_what_is_there_is_not_compared() -> None:
    assert worse(facts(187, look_back=0.1), there(published(look_back_coverage=None))) == ()
    assert worse(facts(1), there(published(covered=None, expected=None))) == ()


def test_what_was_published_with_less_is_replaced_by_what_covers_as_little() -> None:
    assert worse(facts(100), there(published(covered=100))) == ()


def test_nothing_is_worse_than_nothing() -> None:
    assert worse(facts(1), standing(None, ROWS)) == ()
    assert worse(facts(1), there(rows=Rows())) == ()


def test_of_rows_that_are_not_those_that_were_published_only_the_number_counts() -> None:
    assert worse(facts(3), there(rows=Rows(3, "bbb"))) == ()
    assert worse(facts(2), there(rows=Rows(3, "bbb"))) != ()
    assert worse(facts(187, look_back=0.1), there(rows=Rows(187, "bbb"))) == ()


def test_force_replaces_a_day_by_a_worse_one_and_says_so() -> None:
    better = worse(facts(180), there())
    assert judge(facts(180), Thresholds(), worse=better).outcome == "blocked"
    forced = judge(facts(180), Thresholds(), worse=better, force=True)
    assert (forced.outcome, forced.reasons[0].category) == ("forced", "would_be_worse")


def test_a_day_that_is_built_from_the_fallback_after_the_preferred_source_says_what_made_it() -> None:
    why = why_another_source(BUILD, "synthetic", there(), "changed since: player_game_summary")
    assert why is not None
    assert "built from upcoming before" in why
    assert why.endswith("because changed since: player_game_summary")


@pytest.mark.parametrize(
    ("source", "before"),
    [
        ("upcoming", published()),
        ("upcoming", published(source="synthetic")),
        ("synthetic", published(source="synthetic")),
    ],
)
def test_a_day_that_has_not_lost_its_source_has_nothing_to_say_of_it(source: str, before: Checkpoint) -> None:
    assert why_another_source(BUILD, source, there(before), "asked for") is None
    assert why_another_source(BUILD, source, None, "asked for") is None

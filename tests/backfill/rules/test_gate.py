"""The gate: what it publishes, what it never does, and exactly where its thresholds are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tasks.backfill.day import Reason
from tasks.backfill.gate import StagedFacts, Verdict, judge
from tasks.tables.spec import Thresholds

pytestmark = pytest.mark.no_server

THRESHOLDS = Thresholds(block_below=0.90, warn_below=0.95)
COVERAGE = Reason(category="reference_incomplete", message="a game is missing", overridable=True)
FINAL = Reason(category="rows_without_games", message="no game was played")
BETTER = ("blocked", "complete_with_warning", "complete")


def facts(covered: int, expected: int, **faults: Any) -> StagedFacts:
    missing = tuple(f"player{number:03d}" for number in range(expected - covered))
    values = {"row_count": max(covered, 1), "rows_with_values": max(covered, 1), "missing": missing, **faults}
    return StagedFacts.model_validate({"expected": expected, "covered": covered, **values})


def categories(verdict: Verdict) -> list[str]:
    return [reason.category for reason in verdict.reasons]


FAULTS: dict[str, dict[str, Any]] = {
    "no_rows": {"row_count": 0},
    "duplicate_keys": {"duplicate_keys": 1},
    "null_keys": {"null_keys": 1},
    "wrong_day": {"other_days": 1},
    "out_of_range": {"out_of_range": {"pace_score": 1}},
    "all_null": {"rows_with_values": 0},
}


def test_keys_that_are_double_are_named_as_far_as_they_have_a_name() -> None:
    (named,) = judge(facts(9, 9, duplicate_keys=1, duplicates=("bos1",)), THRESHOLDS).reasons
    assert named.message == "1 keys stand on more than one row: bos1; look for the same in the inputs"
    (unnamed,) = judge(facts(9, 9, duplicate_keys=1), THRESHOLDS).reasons
    assert unnamed.message == "1 keys stand on more than one row; look for the same in the inputs"


def test_a_share_of_exactly_90_or_95_percent_is_on_the_better_side_for_every_size_of_day() -> None:
    for expected in range(1, 501):
        published = -(-9 * expected // 10)  # the fewest that are not below 90 percent, in whole numbers
        complete = -(-19 * expected // 20)
        for covered in {0, published - 1, published, complete - 1, complete, expected}:
            outcome = judge(facts(covered, expected), THRESHOLDS).outcome
            assert outcome == BETTER[(covered >= published) + (covered >= complete)], (covered, expected)


@pytest.mark.parametrize(
    ("covered", "outcome"),
    [
        *((covered, "blocked") for covered in (0, 1, 68, 168)),
        *((covered, "complete_with_warning") for covered in (169, 177)),
        *((covered, "complete") for covered in (178, 186, 187)),
    ],
)
def test_the_incidents_day_of_187_players(covered: int, outcome: str) -> None:
    assert judge(facts(covered, 187), THRESHOLDS).outcome == outcome


def test_a_blocked_day_says_the_numbers_and_who_is_missing() -> None:
    (reason,) = judge(facts(1, 14), THRESHOLDS).reasons
    assert reason.category == "coverage_below_threshold"
    assert reason.message.startswith("1 of 14 expected are there (7.1 %), below 90.0 %; missing: player000, ")
    assert reason.message.endswith("player009 and 3 more")


def test_a_warning_says_the_numbers_and_who_is_missing() -> None:
    verdict = judge(facts(18, 20), THRESHOLDS)
    assert categories(verdict) == ["coverage_low"]
    assert verdict.reasons[0].message == (
        "18 of 20 expected are there (90.0 %), below 95.0 %; missing: player000, player001"
    )


def test_all_there_is_complete_without_a_word() -> None:
    assert judge(facts(187, 187), THRESHOLDS) == Verdict(facts=facts(187, 187), outcome="complete")


def test_nothing_expected_is_no_success() -> None:
    assert judge(facts(0, 0), THRESHOLDS).outcome == "blocked"
    assert facts(0, 0).coverage == 0.0


def test_nothing_expected_in_a_table_of_the_days_before_is_no_failure() -> None:
    verdict = judge(facts(0, 0, row_count=0, rows_with_values=0), THRESHOLDS, may_be_empty=True)
    assert (verdict.outcome, verdict.reasons) == ("complete", ())


@pytest.mark.parametrize("force", [False, True])
def test_no_rows_are_a_failure_where_some_are_expected_or_the_reference_is_in_doubt(force: bool) -> None:
    none = {"row_count": 0, "rows_with_values": 0}
    assert judge(facts(0, 1, **none), THRESHOLDS, may_be_empty=True, force=force).outcome == "blocked"
    doubted = judge(facts(0, 0, **none), THRESHOLDS, may_be_empty=True, before=[COVERAGE], force=force)
    assert doubted.outcome == "blocked"


def test_the_right_count_of_wrong_players_is_blocked() -> None:
    verdict = judge(facts(0, 187, row_count=187, rows_with_values=187, unexpected=187), THRESHOLDS)
    assert (verdict.outcome, verdict.publishes) == ("blocked", False)


def test_rows_of_players_who_are_not_expected_are_a_warning() -> None:
    verdict = judge(facts(187, 187, unexpected=2), THRESHOLDS)
    assert (verdict.outcome, categories(verdict)) == ("complete_with_warning", ["unexpected_rows"])


@pytest.mark.parametrize(
    ("own", "any_game", "outcome", "category"),
    [
        (0, 0, "complete", None),
        (0, 1, "complete_with_warning", "look_back_incomplete"),
        (50, 60, "complete_with_warning", "look_back_incomplete"),
        (51, 51, "blocked", "look_back_incomplete"),
    ],
)
def test_a_day_is_blocked_if_more_than_half_of_its_rows_lack_a_game_of_their_own(
    own: int, any_game: int, outcome: str, category: str | None
) -> None:
    touched = tuple(f"player{number}" for number in range(any_game))
    found = facts(100, 100, rows_without_own_games=own, rows_without_games=any_game, look_back_touched=touched)
    verdict = judge(found, THRESHOLDS)
    assert (verdict.outcome, categories(verdict)) == (outcome, [category] if category else [])
    assert all("opponent's: player0" in reason.message for reason in verdict.reasons)
    assert judge(found, THRESHOLDS, force=True).outcome == ("forced" if outcome == "blocked" else outcome)


@pytest.mark.parametrize("odd", [{"constant_columns": ("pace_score",)}, {"unknown_anew": ("pace_score",)}])
def test_values_that_the_days_before_make_hard_to_believe_block_unless_forced(odd: dict[str, Any]) -> None:
    verdict = judge(facts(187, 187, **odd), THRESHOLDS)
    assert (verdict.outcome, categories(verdict)) == ("blocked", ["values_suspicious"])
    assert "pace_score" in verdict.reasons[0].message
    assert judge(facts(187, 187, **odd), THRESHOLDS, force=True).outcome == "forced"


@pytest.mark.parametrize(
    ("known", "complete_from", "outcome"),
    [(39.9, 40, "complete_with_warning"), (40.0, 40, "complete"), (None, 40, "complete"), (0.0, None, "complete")],
)
def test_few_known_inputs_are_a_warning(known: float | None, complete_from: float | None, outcome: str) -> None:
    verdict = judge(facts(187, 187, mean_completeness=known), THRESHOLDS, complete_from=complete_from)
    assert verdict.outcome == outcome


@pytest.mark.parametrize("category", FAULTS)
@pytest.mark.parametrize("force", [False, True], ids=["as ever", "forced"])
def test_a_fault_of_integrity_blocks_a_day_that_is_covered(category: str, force: bool) -> None:
    verdict = judge(facts(187, 187, **FAULTS[category]), THRESHOLDS, force=force)
    assert (verdict.outcome, verdict.publishes, categories(verdict)) == ("blocked", False, [category])
    assert not verdict.reasons[0].overridable


def test_every_fault_is_named() -> None:
    every = {name: value for fault in list(FAULTS.values())[1:] for name, value in fault.items()}
    assert categories(judge(facts(1, 187, **every), THRESHOLDS)) == [*list(FAULTS)[1:], "coverage_below_threshold"]


def test_the_column_that_is_out_of_range_is_named() -> None:
    (reason,) = judge(facts(9, 9, out_of_range={"pace_score": 3, "fatigue_score": 0}), THRESHOLDS).reasons
    assert reason.message == "3 values of pace_score are outside the range of table.yaml"


def test_force_publishes_what_coverage_would_block_and_still_says_why() -> None:
    verdict = judge(facts(1, 187), THRESHOLDS, force=True)
    assert (verdict.outcome, verdict.publishes) == ("forced", True)
    assert categories(verdict) == ["coverage_below_threshold"]


def test_force_leaves_a_day_that_passes_as_it_is() -> None:
    assert judge(facts(187, 187), THRESHOLDS, force=True).outcome == "complete"
    assert judge(facts(170, 187), THRESHOLDS, force=True).outcome == "complete_with_warning"


def test_what_an_earlier_check_objects_to_blocks_unless_it_is_forced() -> None:
    assert judge(facts(187, 187), THRESHOLDS, before=[COVERAGE]).outcome == "blocked"
    assert judge(facts(187, 187), THRESHOLDS, before=[COVERAGE], force=True).outcome == "forced"


def test_force_does_not_override_an_objection_that_is_final() -> None:
    verdict = judge(facts(187, 187), THRESHOLDS, before=[COVERAGE, FINAL], force=True)
    assert (verdict.outcome, categories(verdict)) == ("blocked", ["reference_incomplete", "rows_without_games"])


SHARES = st.integers(1, 10_000).flatmap(lambda expected: st.tuples(st.integers(0, expected), st.just(expected)))
BELOW_WARNING = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(
    lambda pair: Thresholds(block_below=min(pair), warn_below=max(pair))
)
MAYBE = st.sampled_from([0, 0, 1, 7])
BROKEN = st.fixed_dictionaries(
    {
        "duplicate_keys": MAYBE,
        "null_keys": MAYBE,
        "other_days": MAYBE,
        "out_of_range": st.dictionaries(st.sampled_from(["fatigue_score", "pace_score"]), MAYBE),
        "rows_with_values": st.sampled_from([1, 1, 0]),
        "row_count": st.sampled_from([1, 1, 0]),
        "unexpected": MAYBE,
    }
)


@limits(deadline=None, max_examples=300)
@given(SHARES, BROKEN, BELOW_WARNING, st.booleans(), st.lists(st.sampled_from([COVERAGE, FINAL]), max_size=2))
def test_nothing_with_a_fault_of_integrity_is_ever_published(
    share: tuple[int, int], faults: dict[str, Any], thresholds: Thresholds, force: bool, before: list[Reason]
) -> None:
    verdict = judge(facts(*share, **faults), thresholds, force=force, before=before)
    counted = [faults["duplicate_keys"], faults["null_keys"], faults["other_days"], *faults["out_of_range"].values()]
    broken = any(counted) or not faults["rows_with_values"] or not faults["row_count"]
    if broken or FINAL in before:
        assert not verdict.publishes
    if not verdict.publishes:
        assert verdict.reasons
    if verdict.outcome == "forced":
        assert force


@limits(deadline=None, max_examples=300)
@given(SHARES, BELOW_WARNING, st.booleans())
def test_more_players_never_make_a_worse_verdict(share: tuple[int, int], thresholds: Thresholds, force: bool) -> None:
    covered, expected = share
    outcomes = [judge(facts(count, expected), thresholds, force=force).outcome for count in (covered, expected)]
    ranks = [("blocked", "forced", "complete_with_warning", "complete").index(outcome) for outcome in outcomes]
    assert ranks == sorted(ranks)


@limits(deadline=None, max_examples=300)
@given(SHARES, BELOW_WARNING)
def test_force_never_makes_a_worse_verdict(share: tuple[int, int], thresholds: Thresholds) -> None:
    alone, forced = (judge(facts(*share), thresholds, force=force) for force in (False, True))
    assert forced.publishes
    if alone.publishes:
        assert forced == alone

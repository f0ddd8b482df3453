"""What a person decides about a day: forced and waived."""

from datetime import UTC, date, datetime

import pytest

from tasks.backfill.checkpoint import Checkpoint, Rows
from tasks.backfill.day import Reason, Reference
from tasks.backfill.decision import NOT_WAIVED, Decision, decided, reference_digest, waiver
from tasks.backfill.gate import Outcome
from tasks.backfill.replacement import standing

pytestmark = pytest.mark.no_server

DAY = date(2023, 4, 11)
NOON = datetime(2023, 4, 12, 12, tzinfo=UTC)
HOLE = Reason(category="reference_incomplete", message="0 of 2 games; without: ATL at MIA", overridable=True)
OTHER = Reason(category="games_not_final", message="the schedule does not say final for MIN at LAL", overridable=True)
ASKED = Decision("the log has no play-in games", "schedule nightly")


def checkpoint(outcome: Outcome = "waived", *reasons: Reason) -> Checkpoint:
    return Checkpoint(
        table_name="factors",
        game_date=DAY,
        run_id="run-1",
        outcome=outcome,
        message="; ".join([*map(str, reasons or (HOLE,)), "from synthetic: the only source"]),
        row_count=0 if outcome == "waived" else 40,
        decision_reason=ASKED.reason if outcome == "waived" else None,
        decided_by=ASKED.by if outcome == "waived" else None,
        code_version="v1",
        started_at=NOON,
        recorded_at=NOON,
    )


def test_a_day_that_is_blocked_for_its_reference_is_waived_if_the_run_says_so() -> None:
    assert waiver([HOLE, OTHER], asked=ASKED, last=None, there=None) == ASKED
    assert waiver([HOLE], asked=None, last=None, there=None) is None


@pytest.mark.parametrize("category", NOT_WAIVED)
def test_a_day_that_wants_for_anything_but_data_is_not_waived(category: str) -> None:
    other = Reason(category=category, message="", overridable=True)
    assert waiver([HOLE, other], asked=ASKED, last=checkpoint(), there=None) is None


def test_a_fault_of_integrity_is_not_waived() -> None:
    fault = Reason(category="ambiguous_player", message="")
    assert waiver([fault], asked=ASKED, last=None, there=None) is None


def test_a_day_of_which_something_is_published_is_not_waived() -> None:
    there = standing(checkpoint("complete"), Rows(40))
    assert there is not None
    assert waiver([HOLE], asked=ASKED, last=None, there=there) is None


def test_a_waiver_holds_as_long_as_a_day_is_blocked_for_what_it_was_given_for() -> None:
    assert waiver([HOLE], asked=None, last=checkpoint(), there=None) == ASKED
    assert waiver([HOLE, OTHER], asked=None, last=checkpoint(), there=None) is None
    assert waiver([OTHER], asked=None, last=checkpoint(), there=None) is None
    assert waiver([HOLE], asked=None, last=checkpoint("blocked"), there=None) is None


def test_what_was_decided_names_all_that_it_overrode_who_decided_and_why() -> None:
    said = decided("forced", [HOLE, OTHER, HOLE], ASKED)
    assert said == (
        "forced over reference_incomplete, games_not_final by schedule nightly: the log has no play-in games"
    )


def test_what_only_warns_is_not_said_to_be_overridden() -> None:
    warning = Reason(category="completeness_low", message="20.0 % of the inputs are known")
    assert decided("forced", [HOLE, warning], ASKED).startswith("forced over reference_incomplete by ")


def test_the_digest_of_a_reference_changes_with_what_is_wrong_with_it_only() -> None:
    def digest(**fields: object) -> str:
        return reference_digest(Reference.model_validate({"game_date": DAY, "final_games": 2, **fields}))

    assert digest(missing_games="A") == digest(missing_games="A", expected_players=7)
    assert len({digest(), digest(missing_games="A"), digest(missing_games="B"), digest(pending_games="A")}) == 4

"""The plan: what it makes of what a survey has found, without a warehouse."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tasks.backfill.checkpoint import BEFORE, OTHER_ROWS, Checkpoint, History, Rows
from tasks.backfill.day import Reference, SourceCounts
from tests.backfill.rules.surveys import (
    DAY,
    MAIN,
    NOON,
    SURVEY,
    ZONES,
    ZONES_DONE,
    checkpoint,
    main,
    plan,
    survey,
)

pytestmark = pytest.mark.no_server

# checkpoint, what differs now; state, action when resuming, action when not
STATES: dict[str, tuple[Checkpoint | None, dict[str, Any], str, str, str]] = {
    "no checkpoint": (None, {}, "none", "build", "build"),
    "complete": (checkpoint(), {}, "done", "keep", "build"),
    "complete with a warning": (checkpoint("complete_with_warning"), {}, "done", "keep", "build"),
    "forced": (checkpoint("forced"), {}, "forced", "keep", "build"),
    "blocked": (checkpoint("blocked", row_count=0, reason="reference_incomplete"), {}, "blocked", "build", "build"),
    "failed": (checkpoint("failed", row_count=None, reason="WarehouseBusyError"), {}, "failed", "build", "build"),
    "without games before": (checkpoint("no_games", row_count=0), {}, "none", "build", "build"),
    "stale by its rows": (checkpoint(), {"rows": 0}, "stale", "build", "build"),
    "stale by what its rows say": (checkpoint(), {"digest": "another"}, "stale", "build", "build"),
    "of before there were digests": (
        checkpoint(expected_digest=None, rows_digest=None),
        {"digest": "another"},
        "done",
        "keep",
        "build",
    ),
    "stale by who is expected": (checkpoint(), {"expected_digests": {DAY: "another"}}, "stale", "build", "build"),
    "stale as nobody is expected": (checkpoint(), {"expected_digests": {}}, "stale", "build", "build"),
    "stale by its code": (checkpoint(), {"code_versions": {ZONES: "v1", MAIN: "v2"}}, "stale", "build", "build"),
    "stale by an input": (
        checkpoint(),
        {"digests": {**SURVEY.digests, "nba_schedule": [(DAY, "another")]}},
        "stale",
        "build",
        "build",
    ),
    "forced, and stale": (checkpoint("forced"), {"rows": 0}, "stale", "build", "build"),
}


@pytest.mark.parametrize("name", STATES)
def test_a_resumed_run_does_exactly_what_is_not_done_or_stale(name: str) -> None:
    done, now, state, action, _ = STATES[name]
    planned = main(plan(survey(done, **now)))
    assert (planned.state, planned.action) == (state, action)
    assert planned.checkpoint == (done and done.for_report())


@pytest.mark.parametrize("name", STATES)
def test_a_run_that_does_not_resume_does_everything(name: str) -> None:
    done, now, state, _, action = STATES[name]
    planned = main(plan(survey(done, **now), resume=False))
    assert (planned.state, planned.action) == (state, action)


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("resume", [True, False])
def test_a_bootstrap_day_needs_nothing_whatever_its_checkpoint(name: str, resume: bool) -> None:
    done, now, _, _, _ = STATES[name]
    day = plan(survey(done, **now, bootstrap_days=200), resume=resume)
    assert (day.skipped, day.needs_work) == ("skipped_bootstrap", False)
    assert (main(day).action, main(day).why) == ("nothing", "skipped_bootstrap")


OFF_DAY = {DAY: Reference(game_date=DAY, is_scheduled=True)}


def test_a_day_without_games_needs_nothing() -> None:
    day = plan(replace(survey(), references=OFF_DAY, rows={}))
    assert (day.skipped, day.needs_work, main(day).action) == ("no_games", False, "nothing")


def test_a_day_that_no_schedule_speaks_of_is_tried_and_is_no_day_without_games() -> None:
    day = plan(replace(survey(), references={}, rows={}))
    assert (day.skipped, day.needs_work, main(day).action) == (None, True, "build")


def test_rows_on_a_day_without_games_are_looked_at() -> None:
    planned = main(plan(replace(survey(), references=OFF_DAY, rows={(MAIN, DAY): Rows(5)})))
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
        ("without games before", "no_games before"),
        ("stale by its rows", "the table holds 0 rows, the checkpoint says 187"),
        ("stale by what its rows say", OTHER_ROWS),
        ("stale by who is expected", "other players are expected now"),
        ("stale by an input", "changed since: nba_schedule"),
    ],
)
def test_the_plan_says_why(name: str, why: str) -> None:
    done, now, _, _, _ = STATES[name]
    assert main(plan(survey(done, **now))).why == why


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("no checkpoint", "adopt"),
        ("blocked", "adopt"),  # nothing was published: the rows are not a run's
        ("failed", "adopt"),
        ("complete", "keep"),
        ("stale by what its rows say", "build"),
        ("stale by its code", "build"),
    ],
)
def test_rows_that_no_run_published_are_validated_if_that_is_asked_for(name: str, action: str) -> None:
    done, now, state, _, _ = STATES[name]
    planned = main(plan(survey(done, **now), adopt=True))
    assert (planned.state, planned.action) == (state, action)
    assert ("187 rows that no run published" in planned.why) == (action == "adopt")


def test_a_day_without_rows_is_built_if_adoption_is_asked_for() -> None:
    day = plan(survey(None, rows=0), adopt=True)
    assert (main(day).action, day.needs_work) == ("build", True)
    assert plan(survey(None), adopt=True).needs_work


def test_a_day_that_is_skipped_is_not_adopted() -> None:
    assert main(plan(survey(None, season_starts={2022: DAY}), adopt=True)).action == "nothing"
    assert main(plan(replace(survey(), references=OFF_DAY, rows={(MAIN, DAY): Rows(5)}), adopt=True)).action == "build"


def test_a_table_is_stale_if_one_that_it_is_built_from_is_built_again() -> None:
    planned = main(plan(survey(checkpoint(), checkpoint("blocked", ZONES, reason="games_not_final"))))
    assert (planned.action, planned.state, planned.why) == ("build", "stale", f"{ZONES} is newer")


@pytest.mark.parametrize(("later", "action"), [(0, "keep"), (1, "build")])
def test_a_table_is_stale_if_one_that_it_is_built_from_is_newer(later: int, action: str) -> None:
    zones = checkpoint(table=ZONES, recorded_at=NOON + timedelta(seconds=later))
    assert main(plan(survey(checkpoint(), zones), MAIN)).action == action


@pytest.mark.parametrize(
    ("zones", "absent"),
    [
        (ZONES_DONE, ()),
        (checkpoint(table=ZONES, row_count=3), (ZONES,)),
        (checkpoint(table=ZONES, rows_digest="another"), (ZONES,)),
    ],
    ids=["done", "less rows", "other rows"],
)
def test_what_a_table_is_built_from_must_be_done_or_be_part_of_the_run(
    zones: Checkpoint, absent: tuple[str, ...]
) -> None:
    assert plan(survey(zones), MAIN).absent_dependencies == absent
    assert plan(survey(zones)).absent_dependencies == ()


def test_a_dependency_that_was_never_published_is_not_there() -> None:
    blocked = History.of(checkpoint("blocked", ZONES))
    assert plan(replace(survey(), histories={(ZONES, DAY): blocked}), MAIN).absent_dependencies == (ZONES,)


def test_what_was_published_is_there_whatever_was_tried_after_it() -> None:
    tried = survey(checkpoint("blocked", ZONES, row_count=0, rows_digest=None, reason="would_be_worse"))
    assert plan(tried, MAIN).absent_dependencies == ()
    assert tried.published(ZONES, DAY) == ZONES_DONE


def test_a_table_that_reads_nothing_of_the_day_does_not_depend_on_who_is_expected() -> None:
    assert SURVEY.expected_digest(ZONES, DAY) is None
    (zones, _) = plan(survey(checkpoint(), expected_digests={DAY: "another"})).tables
    assert zones.action == "keep"


WAIVED = checkpoint(
    "waived",
    row_count=0,
    rows_digest=None,
    reason="reference_incomplete",
)


def test_a_waived_day_is_kept_as_waived_until_what_it_was_waived_for_changes() -> None:
    planned = main(plan(survey(WAIVED, rows=0)))
    assert (planned.state, planned.action, planned.why) == ("waived", "keep", "waived before")
    loaded = {DAY: SURVEY.reference(DAY).model_copy(update={"missing_games": "ATL at MIA", "loaded_games": 8})}
    assert main(plan(survey(WAIVED, rows=0, references=loaded))).why == "changed since: reference"
    again = main(plan(survey(WAIVED, rows=0, digests={**SURVEY.digests, "nba_schedule": [(DAY, "another")]})))
    assert (again.state, again.action, again.why) == ("waived", "build", "changed since: nba_schedule")


def test_a_new_version_of_the_code_does_not_end_a_waiver() -> None:
    assert main(plan(survey(WAIVED, rows=0, code_versions={ZONES: "v1", MAIN: "v2"}))).action == "keep"


@pytest.mark.parametrize("asked_for", [{"force": True}, {"resume": False}])
def test_a_waived_day_is_tried_again_if_it_is_asked_for(asked_for: dict[str, bool]) -> None:
    planned = main(plan(survey(WAIVED, rows=0), **asked_for))
    assert (planned.state, planned.action) == ("waived", "build")
    assert planned.checkpoint == WAIVED.for_report()


STALE_ZONES: dict[str, dict[str, Any]] = {
    f"changed since: player_game_summary{BEFORE}": {
        "digests": {**SURVEY.digests, "player_game_summary": [(DAY - timedelta(days=1), "another"), (DAY, "bbb")]}
    },
    "the code changed from v1 to v2": {"code_versions": {ZONES: "v2", MAIN: "v1"}},
}


@pytest.mark.parametrize("why", STALE_ZONES)
def test_a_table_asked_for_alone_is_not_built_from_a_stale_one(why: str) -> None:
    day = plan(survey(checkpoint(), **STALE_ZONES[why]), MAIN)
    assert day.stale_dependencies == {ZONES: f"is stale: {why}"}
    assert (main(day).state, main(day).action) == ("stale", "build")  # it is tried, and blocked for that
    assert day.absent_dependencies == ()


def test_a_table_of_the_run_is_no_stale_dependency() -> None:
    day = plan(survey(checkpoint(), **STALE_ZONES["the code changed from v1 to v2"]))
    assert day.stale_dependencies == {}
    assert [table.action for table in day.tables] == ["build", "build"]


def test_what_is_as_it_was_is_no_stale_dependency() -> None:
    day = plan(survey(checkpoint()), MAIN)
    assert (day.stale_dependencies, main(day).action) == ({}, "keep")


@pytest.mark.parametrize(
    ("built_from", "asked_for", "action"),
    [
        ("upcoming", "auto", "keep"),
        ("upcoming", "upcoming", "keep"),
        ("upcoming", "synthetic", "build"),
        ("synthetic", "synthetic", "keep"),
        ("synthetic", "upcoming", "build"),
        (None, "synthetic", "build"),
    ],
)
def test_no_day_is_kept_that_was_built_from_another_source_than_the_one_asked_for(
    built_from: str | None, asked_for: str, action: str
) -> None:
    done = checkpoint(source=built_from, inputs=SURVEY.inputs(MAIN, DAY, built_from or "synthetic"))
    assert main(plan(survey(done), context_source=asked_for)).action == action


def test_a_source_that_covers_too_little_is_replaced_by_the_fallback_and_is_no_input() -> None:
    counts = SourceCounts(source="upcoming", expected=187, covered=1, players=1)
    planned = main(plan(survey(source_counts={ZONES: {}, MAIN: {DAY: counts}})))
    assert (planned.source, planned.source_counts) == ("synthetic", counts)
    assert not any(name.startswith("source") for name in planned.inputs)


def test_a_source_without_rows_is_planned_as_one_that_lacks_everybody() -> None:
    planned = main(plan(survey(source_counts={ZONES: {}, MAIN: {}})))
    assert planned.source == "synthetic"
    assert planned.source_reason == "upcoming covers 0 of 187 (0.0 %), which is empty"

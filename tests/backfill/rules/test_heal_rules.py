"""What heal looks at, and what it leaves to somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from flows.heal import heal
from tasks.backfill.checkpoint import Attempt, Checkpoint, TableDay
from tasks.backfill.day import Reference
from tasks.backfill.gate import Outcome
from tasks.backfill.heal_rules import Diagnosis, HealReport, HealRequest, Ill, backfill_parameters, days_to_look_at
from tasks.backfill.plan import DayPlan
from tasks.backfill.replacement import WORSE
from tasks.backfill.season import Season, make_season
from tasks.errors import RequestError
from tasks.parameters import check
from tests.asked import asked
from tests.backfill.rules.surveys import DAY, MAIN, NOON, ZONES, ZONES_DONE, checkpoint, plan, survey

pytestmark = pytest.mark.no_server

TODAY = DAY + timedelta(days=1)


def request(**given: Any) -> HealRequest:
    return check(HealRequest, **{**asked(heal, as_of=TODAY, tables=(ZONES, MAIN)), **given})


def day(before: int) -> date:
    return DAY - timedelta(days=before)


def look(outcomes: dict[int, Outcome], *, goes_on: bool = True, **given: Any) -> list[int]:
    """Return the days that heal looks at, as numbers of days before the last one."""
    last = {day(before): checkpoint(outcome, game_date=day(before)) for before, outcome in outcomes.items()}
    season = make_season(
        MAIN,
        2022,
        games={day(before): 3 for before in range(60, -1, -1)},
        season_start=day(80),
        goes_on=goes_on,
        bootstrap_days=14,
        last=last,
        published={each: found for each, found in last.items() if found.is_done},
    )
    return [(DAY - each).days for each in days_to_look_at([season], request(**given))]


WINDOW = list(range(13, -1, -1))


def test_the_window_is_looked_at_whole_and_older_days_of_the_season_if_they_need_somebody() -> None:
    assert look({0: "complete"}) == WINDOW
    older: dict[int, Outcome] = {22: "complete", 21: "complete", 20: "blocked", 18: "failed", 17: "waived"}
    assert look(older, goes_on=False) == [20, 19, 18, *WINDOW]
    assert look(older) == [20, 19, 18, 16, 15, 14, *WINDOW]
    assert look(older, window_days=1, goes_on=False) == [20, 19, 18, 0]
    assert look(older, window_days=2, end_date=day(10), goes_on=False) == [20, 19, 18, 11, 10]


def test_a_season_of_which_nothing_is_recorded_is_left_to_a_first_backfill() -> None:
    assert look({}) == []


def diagnose(
    found: DayPlan, attempts: Mapping[TableDay, Sequence[Attempt]] | None = None, *seasons: Season
) -> tuple[tuple[Ill, ...], tuple[Ill, ...]]:
    return Diagnosis(seasons, {MAIN: [ZONES]}, attempts or {}).of([found])


def season_of(table: str, *checkpoints: Checkpoint, games: int = 1) -> Season:
    last = {each.game_date: each for each in checkpoints}
    return make_season(
        table,
        2022,
        games=dict.fromkeys(sorted(last), games),
        season_start=None,
        goes_on=False,
        bootstrap_days=14,
        last=last,
        published={each: checkpoint for each, checkpoint in last.items() if checkpoint.is_done},
    )


OTHER_GAMES = {
    "player_game_summary": [(DAY, "corrected")],
    "nba_schedule": [(DAY, "ddd")],
    "upcoming_player_game_context": [(DAY, "eee")],
}
BLOCKED = checkpoint("blocked", row_count=0, reason="reference_incomplete")
FAILED = checkpoint("failed", row_count=None, reason="QueryError")
OF_MAIN: TableDay = (MAIN, DAY)


def ended(outcome: str = "failed", reason: str | None = "QueryError", inputs: str = "{}") -> Attempt:
    return Attempt(outcome, reason, inputs)


@pytest.mark.parametrize(
    ("attempts", "given", "before", "expected"),
    [
        ([], {}, 0, "mends"),
        ([checkpoint()], {}, 0, "nothing"),
        ([checkpoint()], {"rows": 0}, 0, "mends"),
        ([checkpoint()], {"digest": "another"}, 0, "mends"),
        ([checkpoint("forced")], {"digests": OTHER_GAMES}, 0, "mends"),
        ([checkpoint("forced")], {}, 0, "nothing"),
        ([checkpoint("waived", row_count=0)], {"digests": OTHER_GAMES}, 0, "mends"),
        ([checkpoint("waived", row_count=0)], {}, 0, "nothing"),
        ([BLOCKED], {}, 0, "parked"),
        ([BLOCKED], {"digests": OTHER_GAMES}, 0, "mends"),
        ([BLOCKED], {"code_versions": {ZONES: "v1", MAIN: "v2"}}, 0, "mends"),
        ([BLOCKED], {"expected_digests": {DAY: "others"}}, 0, "mends"),
        ([FAILED], {}, 1, "mends"),
        ([FAILED], {}, 2, "mends"),
        ([FAILED], {}, 3, "parked"),
        ([FAILED], {"digests": OTHER_GAMES}, 3, "mends"),
    ],
    ids=[
        "never asked for",
        "done",
        "rows deleted",
        "rows changed behind its back",
        "forced, and its data has changed",
        "forced",
        "waived, and its data has changed",
        "waived",
        "blocked",
        "blocked, and its data has changed",
        "blocked, and the code has changed",
        "blocked, and others are expected",
        "failed once",
        "failed twice",
        "failed three times",
        "failed three times, and its data has changed",
    ],
)
def test_a_day_is_mended_if_another_attempt_can_end_otherwise_and_parked_if_not(
    attempts: list[Any], given: dict[str, Any], before: int, expected: str
) -> None:
    mends, parked = diagnose(plan(survey(*attempts, **given)), {OF_MAIN: [ended()] * before})
    assert {"mends": bool(mends), "parked": bool(parked)} == {
        "mends": expected == "mends",
        "parked": expected == "parked",
    }
    assert all(each.game_date == DAY and each.why for each in (*mends, *parked))


@pytest.mark.parametrize(
    "attempts",
    [
        [ended(), ended(reason="TransientError"), ended()],
        [ended(), ended("complete", None), ended()],
        [ended(), ended(inputs="others"), ended(inputs="others")],
    ],
    ids=["of another cause", "after a success", "on other inputs"],
)
def test_only_failures_of_one_kind_in_a_row_on_the_same_inputs_are_given_up(attempts: Sequence[Attempt]) -> None:
    mends, parked = diagnose(plan(survey(FAILED)), {OF_MAIN: attempts})
    assert (len(mends), parked) == (1, ())


def test_a_blocked_table_is_tried_again_when_a_table_that_it_is_built_from_is_mended() -> None:
    assert diagnose(plan(survey(BLOCKED)))[0] == ()
    (mended,), parked = diagnose(plan(survey(ZONES_DONE.model_copy(update={"row_count": 5}), BLOCKED)))
    assert (mended.game_date, parked) == (DAY, ())
    assert mended.why.startswith(f"{ZONES}: the table holds 187 rows, the checkpoint says 5; {MAIN}: ")


LATER: dict[str, Any] = {"recorded_at": NOON + timedelta(hours=1)}


@pytest.mark.parametrize(
    ("newer", "is_tried"),
    [
        (checkpoint(game_date=day(3), **LATER), True),
        (checkpoint(game_date=day(30), **LATER), True),
        (checkpoint(game_date=day(31), **LATER), False),
        (checkpoint(game_date=day(3)), False),
        (checkpoint("blocked", game_date=day(3), **LATER), False),
        (checkpoint(table=ZONES, **LATER), True),
        (checkpoint(table=ZONES, game_date=day(3), **LATER), False),
    ],
    ids=[
        "a day before",
        "30 days before",
        "31 days before",
        "not since",
        "blocked",
        "its zones",
        "zones of another day",
    ],
)
def test_a_blocked_day_is_tried_again_when_rows_that_its_verdict_depends_on_were_published_since(
    newer: Checkpoint, is_tried: bool
) -> None:
    mends, parked = diagnose(plan(survey(BLOCKED)), {}, season_of(newer.table_name, newer))
    assert (bool(mends), bool(parked)) == (is_tried, not is_tried)


def test_a_blocked_day_is_tried_again_if_another_source_would_be_taken() -> None:
    of_other = BLOCKED.model_copy(update={"source": "synthetic"})
    assert len(diagnose(plan(survey(of_other)))[0]) == 1


def test_a_day_that_was_kept_because_it_would_be_worse_is_tried_again_once_nothing_of_it_is_left() -> None:
    before = checkpoint(coverage=1.0, covered=187, expected=187)
    kept = checkpoint("blocked", row_count=0, reason=WORSE, message=f"{WORSE}: 100 of 187")
    assert diagnose(plan(survey(before, kept)))[0] == ()
    assert len(diagnose(plan(survey(before, kept, rows=0)))[0]) == 1


def test_a_forced_day_stays_while_what_it_is_built_from_is_parked() -> None:
    zones = checkpoint("blocked", table=ZONES, row_count=0, reason="reference_incomplete")
    mends, (parked,) = diagnose(plan(survey(zones, checkpoint("forced"))))
    assert mends == ()
    assert parked.why.startswith(f"{ZONES}: blocked before")


def test_an_open_day_without_games_is_closed() -> None:
    off = Reference(game_date=DAY, season_year=2022, is_scheduled=True)
    found = plan(replace(survey(references={DAY: off}), rows={}))
    assert diagnose(found) == ((), ())
    (closed,), parked = diagnose(found, {}, season_of(MAIN, BLOCKED, games=0))
    assert (closed.game_date, parked) == (DAY, ())
    assert closed.why == "no_games now: what is open of it is closed"


def test_the_backfill_is_asked_for_just_the_days_to_mend_and_never_forced() -> None:
    report = HealReport(mends=(Ill(game_date=DAY, why="x"),), parked=(Ill(game_date=day(3), why="y"),))
    assert backfill_parameters(report, request()) == {"dates": ["2023-02-23"], "tables": [ZONES, MAIN]}
    assert report.summary == "to mend: 1 day, 2023-02-23; 1 day parked"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"end_date": TODAY}, f"end_date={TODAY}: must be before today in New York, {TODAY}"),
        ({"window_days": 0}, "window_days=0: "),
        ({"window_days": 401}, "window_days=401: "),
        ({"end_date": "yesterday"}, "end_date='yesterday': "),
        ({"end_date": date(1, 1, 5)}, "end_date=0001-01-05: must not be before the league's first day"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        request(**given)

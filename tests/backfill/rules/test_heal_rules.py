"""What heal looks at, and what it leaves to somebody."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from flows.heal import heal
from tasks.backfill.checkpoint import Attempt, TableDay
from tasks.backfill.gate import Outcome
from tasks.backfill.heal_rules import HealReport, HealRequest, Ill, backfill_parameters, days_to_look_at, diagnose
from tasks.backfill.season import make_season
from tasks.errors import RequestError
from tasks.parameters import check
from tests.asked import asked
from tests.backfill.rules.surveys import DAY, MAIN, ZONES, ZONES_DONE, checkpoint, plan, survey

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


OTHER_GAMES = {
    "player_game_summary": [(DAY, "corrected")],
    "nba_schedule": [(DAY, "ddd")],
    "upcoming_player_game_context": [(DAY, "eee")],
}
BLOCKED = checkpoint("blocked", row_count=0, reason="reference_incomplete")
FAILED = checkpoint("failed", row_count=None, reason="QueryError")
OF_MAIN: TableDay = (MAIN, DAY)


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
    ended = {OF_MAIN: [Attempt("failed", "QueryError")] * before}
    mends, parked = diagnose([plan(survey(*attempts, **given))], ended)
    assert {"mends": bool(mends), "parked": bool(parked)} == {
        "mends": expected == "mends",
        "parked": expected == "parked",
    }
    assert all(each.game_date == DAY and each.why for each in (*mends, *parked))


@pytest.mark.parametrize(
    "ended",
    [
        [Attempt("failed", "QueryError"), Attempt("failed", "TransientError"), Attempt("failed", "QueryError")],
        [Attempt("failed", "QueryError"), Attempt("complete", None), Attempt("failed", "QueryError")],
    ],
    ids=["of another cause", "after a success"],
)
def test_only_failures_of_one_kind_in_a_row_are_given_up(ended: Sequence[Attempt]) -> None:
    failed: Mapping[TableDay, Sequence[Attempt]] = {OF_MAIN: ended}
    mends, parked = diagnose([plan(survey(FAILED))], failed)
    assert (len(mends), parked) == (1, ())


def test_a_blocked_table_is_tried_again_when_a_table_that_it_is_built_from_is_mended() -> None:
    assert diagnose([plan(survey(BLOCKED))], {})[0] == ()
    zones_gone = survey(ZONES_DONE.model_copy(update={"row_count": 5}), BLOCKED)
    (mended,), parked = diagnose([plan(zones_gone)], {})
    assert (mended.game_date, parked) == (DAY, ())
    assert mended.why.startswith(f"{ZONES}: the table holds 187 rows, the checkpoint says 5; {MAIN}: ")


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
    ],
)
def test_a_parameter_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        request(**given)

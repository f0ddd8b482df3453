"""The plan of a day before which something has changed: it is stale or not by what its rows would be."""

from datetime import date, timedelta
from typing import Any

import pytest

from tasks.backfill.day import SourceCounts
from tasks.backfill.findings import Survey
from tasks.backfill.plan import doubtful
from tests.backfill.rules.surveys import DAY, MAIN, SURVEY, ZONES, checkpoint, main, plan, request, survey

pytestmark = pytest.mark.no_server

OTHER_SEASON: dict[str, Any] = {
    "digests": {**SURVEY.digests, "player_game_summary": [(DAY - timedelta(days=1), "another"), (DAY, "bbb")]}
}


@pytest.mark.parametrize(("would_be", "action"), [("hhh", "keep"), ("another", "build"), (None, "build")])
def test_after_a_change_before_it_a_day_is_kept_if_its_rows_would_be_the_same(
    would_be: str | None, action: str
) -> None:
    found = {} if would_be is None else {(MAIN, DAY, "upcoming"): would_be, (ZONES, DAY, "season"): "ggg"}
    day = plan(survey(checkpoint(), would_be=found, **OTHER_SEASON))
    assert main(day).action == action


def test_only_where_it_matters_are_the_rows_looked_at_that_a_day_would_have() -> None:
    def asked_for(found: Survey, **given: Any) -> dict[tuple[str, str], list[date]]:
        return doubtful(found, request(**given))

    assert asked_for(survey(checkpoint())) == {}
    both = {(ZONES, "season"): [DAY], (MAIN, "upcoming"): [DAY]}
    assert asked_for(survey(checkpoint(), **OTHER_SEASON)) == both
    assert asked_for(survey(checkpoint("blocked"), **OTHER_SEASON)) == {(ZONES, "season"): [DAY]}
    newer = survey(checkpoint(), code_versions={ZONES: "v1", MAIN: "v2"}, **OTHER_SEASON)
    assert asked_for(newer) == {(ZONES, "season"): [DAY]}
    own_day: dict[str, Any] = {
        "digests": {**SURVEY.digests, "player_game_summary": [(DAY - timedelta(days=1), "aaa"), (DAY, "new")]}
    }
    assert asked_for(survey(checkpoint(), **own_day)) == {}


@pytest.mark.parametrize(("lacked", "action"), [((), "keep"), (("reggiejackson",), "build")])
def test_a_day_built_from_pre_game_rows_that_are_gone_is_not_rebuilt_for_what_they_did_not_need(
    lacked: tuple[str, ...], action: str
) -> None:
    gone: dict[str, Any] = {
        "source_counts": {ZONES: {}, MAIN: {DAY: SourceCounts(source="upcoming", expected=187)}},
        "would_be": {(ZONES, DAY, "season"): "ggg", (MAIN, DAY, "synthetic"): "another"},
        "digests": {**OTHER_SEASON["digests"], "upcoming_player_game_context": []},
    }
    assert main(plan(survey(checkpoint(source_missing=lacked), **gone))).action == action


def test_a_day_is_stale_if_a_table_that_it_is_built_from_has_other_rows() -> None:
    day = plan(survey(checkpoint(), rows_of_zones="another"))
    assert f"changed since: {ZONES}" in main(day).why

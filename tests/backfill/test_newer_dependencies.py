"""A day is built again if a table that it is built from was."""

from collections.abc import Callable
from datetime import date

import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.league import League, fetch

OPENING, EVE, DAY = date(2023, 1, 1), date(2023, 1, 19), date(2023, 1, 20)
ZONES = "player_shot_zone_analysis"
COMPOSITE = "player_composite_factors"


def attempts(settings: Settings) -> dict[str, int]:
    rows = fetch(
        settings,
        "SELECT table_name, COUNT(*) AS attempts FROM nba_orchestration.backfill_ledger GROUP BY table_name",
    )
    return {row["table_name"]: row["attempts"] for row in rows}


def test_a_dependency_that_was_built_again_alone_makes_its_dependants_stale(
    league: League, settings: Settings, run: Callable[..., Report]
) -> None:
    for day in (OPENING, EVE, DAY):
        league.game(day, "BOS", "DEN")
    league.write(settings)
    run(DAY)
    run(DAY)
    assert attempts(settings) == {ZONES: 1, "team_defense_zone_analysis": 1, COMPOSITE: 1}
    run(DAY, tables=[ZONES], resume=False)
    (row,) = run(DAY).rows
    assert row.work == "built"
    assert attempts(settings) == {ZONES: 2, "team_defense_zone_analysis": 1, COMPOSITE: 2}
    run(DAY)
    assert attempts(settings)[COMPOSITE] == 2


def test_a_table_asked_for_alone_is_not_built_from_stale_ones_and_what_is_published_stays(
    league: League, settings: Settings, run: Callable[..., Report]
) -> None:
    for day in (OPENING, EVE, DAY):
        league.game(day, "BOS", "DEN")
    league.write(settings)
    run(DAY)
    league.box[0]["paint_makes"] -= 1  # of the opening
    league.write(settings)
    (row,) = run(DAY, tables=[COMPOSITE]).rows
    assert (row.outcome, row.published) == ("blocked", 20)
    assert f"dependency_stale: {ZONES} of the day is stale: changed since: player_game_summary" in row.reason
    (row,) = run(DAY).rows
    assert (row.outcome, row.work) == ("complete", "built")
    (row,) = run(DAY, tables=[COMPOSITE]).rows
    assert (row.outcome, row.work) == ("complete", "kept")


def test_the_first_day_of_a_history_is_no_failure_although_no_table_of_the_days_before_has_rows(
    league: League, settings: Settings, run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_BOOTSTRAP_DAYS", "0")
    league.game(OPENING, "BOS", "DEN")
    league.write(settings)
    (row,) = run(OPENING).rows
    assert (row.outcome, row.published) == ("complete_with_warning", 20)
    assert "completeness_low" in row.reason, "nothing is known of the days before"
    assert attempts(settings) == {ZONES: 1, "team_defense_zone_analysis": 1, COMPOSITE: 1}
    (row,) = run(OPENING).rows
    assert (row.outcome, row.work) == ("complete_with_warning", "kept")

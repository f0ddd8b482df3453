"""A day is built again if a table that it is built from was."""

from collections.abc import Callable
from datetime import date

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

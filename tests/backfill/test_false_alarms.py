from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import DAY, OPENING, built, ledger, open_season, outcomes, published
from tests.league import League, fetch

SEASON = (date(2022, 10, 18), date(2023, 4, 9))


@pytest.mark.duckdb_only
def test_a_season_of_ordinary_days_raises_no_false_alarm_and_a_second_run_has_nothing_to_do(
    demo: Settings, run: Callable[..., Report]
) -> None:
    played = fetch(
        demo,
        "SELECT game_date, COUNT(*) AS games FROM nba_reference.nba_schedule WHERE NOT is_all_star GROUP BY game_date",
    )
    assert len(played) == 165
    assert min(row["games"] for row in played) <= 3  # small slates
    report = run(SEASON)
    counts = Counter(row.outcome for row in report.rows)
    assert counts == {"complete": 151, "skipped_bootstrap": 14, "no_games": 9}
    alarms = counts["blocked"] + counts["failed"] + counts["complete_with_warning"]
    assert alarms / len(report.rows) < 0.05
    assert report.is_done
    assert all(row.published == row.expected for row in report.rows if row.outcome == "complete")
    assert set(published(demo)) == {row.day for row in report.rows if row.outcome == "complete"}
    assert {row["outcome"] for row in ledger(demo)} == {"complete"}

    again = run(SEASON)
    assert built(again) == set()
    assert [row.outcome for row in again.rows] == [row.outcome for row in report.rows]


def test_one_game_of_five_against_five_is_a_legitimate_small_slate(
    league: League, settings: Settings, run: Callable[..., Report]
) -> None:
    open_season(league)
    league.game(DAY, "BOS", "NYK", players=5)
    league.write(settings)
    report = run((OPENING, DAY))
    assert outcomes(report)[DAY] == "complete"
    assert report.rows[-1].published == 10
    assert {row.outcome for row in report.rows} == {"complete", "skipped_bootstrap", "no_games"}

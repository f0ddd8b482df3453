"""The pre-game table and the fallback meant different things by one column: both are compared where both exist."""

from collections.abc import Callable
from datetime import date

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import DAY, MAIN, checkpoint, days, lookups, open_season, outcomes
from tests.league import League

RunBackfill = Callable[..., Report]


def expect(league: League, day: date, players: int, wrong: int) -> None:
    """Add true pre-game rows of a day, but for some whose players are said to have rested longer."""
    there = lookups(league, day)[:players]
    league.expect_upcoming(day, there[wrong:])
    league.expect_upcoming(day, there[:wrong], days_rest=9, back_to_back=False)


def test_sources_that_differ_in_5_percent_of_the_rows_of_a_column_are_a_warning_whichever_is_used(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    none, true, below, at, fallback_below, fallback_at = some = days(6)
    open_season(league, *some)
    expect(league, true, 40, 0)
    expect(league, below, 40, 1)
    expect(league, at, 40, 2)
    expect(league, fallback_below, 21, 1)
    expect(league, fallback_at, 20, 1)
    league.write(settings)
    report = run((some[0], some[-1]))
    assert report.is_done
    assert outcomes(report) == {
        none: "complete",
        true: "complete",
        below: "complete",
        at: "complete_with_warning",
        fallback_below: "complete",
        fallback_at: "complete_with_warning",
    }
    assert [row.source for row in report.rows] == ["synthetic", *["upcoming"] * 3, *["synthetic"] * 2]
    assert [row.published for row in report.rows] == [40] * 6
    for day, said in (
        (at, "days_rest in 2 of 40 rows (5.0 %), as in bos1 9 against 1, bos10 9 against 1"),
        (fallback_at, "days_rest in 1 of 20 rows (5.0 %), as in bos1 9 against 1"),
    ):
        decided = checkpoint(settings, day, MAIN)
        assert decided is not None
        assert decided.reason == "sources_disagree"
        message = f"sources_disagree: upcoming against synthetic: {said}; find out which is wrong, and correct it"
        assert message in decided.message
        assert message in next(row.reason for row in report.rows if row.day == day)
    assert run((DAY, some[-1])).rows[3].work == "kept"


def test_a_dry_run_compares_the_sources_too(league: League, settings: Settings, run: RunBackfill) -> None:
    open_season(league, DAY)
    expect(league, DAY, 40, 2)
    league.write(settings)
    (row,) = run(DAY, dry_run=True).rows
    assert row.outcome == "dry_run"
    assert "sources_disagree: upcoming against synthetic: days_rest in 2 of 40 rows (5.0 %)" in row.reason

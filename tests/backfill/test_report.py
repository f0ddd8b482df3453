"""What a run says of a day: one log line, one report row, one line of state."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.runtime import markdown
from tasks.settings import Settings
from tests.backdoor import refuse, run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    MOST,
    TABLES,
    add_most,
    built,
    checkpoint,
    content,
    days,
    ledger,
    lookups,
    open_season,
    outcomes,
    published,
    run_artifact,
)
from tests.fixtures.warehouses import AddTable
from tests.league import League

RunBackfill = Callable[..., Report]


@pytest.fixture
def lines_of(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[date], list[logging.LogRecord]]]:
    """Return the lines that task runs log of a day, by the day."""
    with caplog.at_level(logging.INFO, logger="prefect.task_runs"):
        yield lambda day: [record for record in caplog.records if record.getMessage().startswith(f"{day} ")]


def test_each_day_has_one_log_line_with_both_counts_the_share_the_source_the_reason_and_who_is_missing(
    league: League,
    settings: Settings,
    run: RunBackfill,
    add_table: AddTable,
    lines_of: Callable[[date], list[logging.LogRecord]],
) -> None:
    fallback, warned, blocked = days(3)
    add_most(add_table, warned)
    open_season(league, fallback, warned)
    league.game(blocked, "BOS", "NYK", loaded=False)
    league.expect_upcoming(fallback, lookups(league, fallback)[:29])
    league.expect_upcoming(warned, lookups(league, warned)[:37])
    league.write(settings)
    run((fallback, blocked), tables=[*TABLES, MOST])

    (line,) = lines_of(fallback)
    assert line.levelname == "INFO"
    for said in (
        f"{fallback} complete. ",
        f"{MAIN} complete: 40 of 40 (100.0 %)",
        "from synthetic: upcoming covers 29 of 40 (72.5 %), which is below 90.0 %",
        f"; it lacks {', '.join(lookups(league, fallback)[29:32])} and 8 more",
    ):
        assert said in line.getMessage()
    (line,) = lines_of(warned)
    assert f"{MOST} complete_with_warning: 37 of 40 (92.5 %), without nyk7, nyk8, nyk9" in line.getMessage()
    assert "from upcoming: upcoming covers 37 of 40 (92.5 %)" in line.getMessage()
    (line,) = lines_of(blocked)
    assert line.levelname == "ERROR"
    assert f"{MAIN} blocked: reference_incomplete: 0 of 1 final games are whole in the box scores" in line.getMessage()
    assert "NYK at BOS" in line.getMessage()


def test_a_day_on_which_nothing_was_done_has_its_log_line_too(
    league: League, settings: Settings, run: RunBackfill, lines_of: Callable[[date], list[logging.LogRecord]]
) -> None:
    done, off, later = days(3)
    open_season(league, done, later)
    league.write(settings)
    run(done)
    run((done, off))
    assert lines_of(done)[-1].getMessage() == (
        f"{done} complete, kept: 40 rows for 40 expected (100.0 %), mean completeness 60.0 %, from synthetic"
    )
    (line,) = lines_of(off)
    assert line.getMessage() == f"{off} no_games: 0 final games"


def test_a_days_state_report_and_table_stay_in_one_line_whatever_the_warehouse_says(
    league: League, settings: Settings, add_table: AddTable
) -> None:
    add_table(
        "scores", "SELECT player_lookup, @game_date AS game_date, CAST(player_lookup AS FLOAT64) AS score FROM expected"
    )
    open_season(league, DAY)
    league.write(settings)
    state = backfill(start_date=DAY, tables=["scores"], return_state=True)
    assert state.is_failed()
    assert state.message is not None
    assert "1 failed; first: " in state.message
    assert "\n" not in state.message
    summary = run_artifact(state.state_details.flow_run_id, "backfill-summary")
    assert summary is not None
    (row,) = [line for line in summary["data"].splitlines() if line.startswith(f"| {DAY} | failed | ")]
    assert row.endswith(" |")
    (why,) = [line for line in summary["data"].splitlines() if line.startswith(f"- {DAY} failed: scores: ")]
    assert why.removeprefix(f"- {DAY} failed: ") in markdown.text(state.message)


def test_a_day_that_is_not_tried_says_why(league: League, settings: Settings, run: RunBackfill) -> None:
    some = days(3)
    open_season(league, *some)
    league.write(settings)
    run(some[2])
    refuse(settings, f"nba_precompute.{MAIN}", f"processed_at < '{datetime.now(UTC)}'")
    report = run((some[0], some[2]), max_concurrency=1, stop_after_identical_failures=1, resume=False)
    assert [row.outcome for row in report.rows] == ["failed", "not_tried", "failed"]
    assert [row.published for row in report.rows] == [0, 0, 40]
    reason = "not tried: the days before it failed of one cause; fix it, then run the range again"
    assert report.rows[1].reason == reason


@pytest.mark.duckdb_only
def test_rows_that_were_published_without_a_record_of_it_cost_one_recomputation_and_nothing_else(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run(one)
    refuse(settings, "nba_orchestration.backfill_ledger", f"game_date <> '{two}'")
    report = run((one, two))
    assert outcomes(report) == {one: "complete", two: "failed"}
    assert "no checkpoint was written, the next run does the day again" in report.rows[1].reason
    assert published(settings)[two] == lookups(league, two)
    assert (checkpoint(settings, two), ledger(settings, game_date=two)) == (None, [])
    before = content(settings)

    run_sql(settings, "DROP TABLE nba_orchestration.backfill_ledger")  # the first day's artifact is left
    report = run((one, two))
    assert (outcomes(report), built(report)) == ({one: "complete", two: "complete"}, {two})
    assert content(settings) == before

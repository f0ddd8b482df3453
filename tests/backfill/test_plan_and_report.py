"""What a run says before and after its days, its plan and its report, and what a dry run says in their place."""

import json
from collections.abc import Callable

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import (
    DAY,
    MAIN,
    MOST,
    TABLES,
    add_most,
    built,
    checkpointed,
    content,
    days,
    failures,
    ledger,
    lookups,
    open_season,
    outcomes,
    published,
    run_artifact,
    task_runs,
)
from tests.fixtures.warehouses import AddTable
from tests.league import League, fetch

RunBackfill = Callable[..., Report]


def test_the_plan_is_published_before_any_day_and_the_report_after_all(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.expect_upcoming(two, lookups(league, two)[:1])
    league.write(settings)
    report = run((one, two))
    run_id = ledger(settings)[0]["run_id"]
    plan, table, summary = (
        run_artifact(run_id, key) for key in ("backfill-plan", "backfill-report", "backfill-summary")
    )
    assert plan is not None
    assert table is not None
    assert summary is not None
    names = (str(one), str(two))
    starts = [task["start_time"] for task in task_runs(run_id, *names) if task["name"] in names]
    assert len(starts) == 2
    assert plan["created"] < min(starts)
    planned = json.loads(plan["data"])[1]
    assert (
        planned.items()
        >= {
            "day": str(two),
            "action": "build",
            "scheduled": 2,
            "final": 2,
            "loaded": 2,
            "expected players": 40,
            "upcoming players": 1,
            "source": "synthetic",
            "why that source": "upcoming covers 1 of 40 (2.5 %), which is below 90.0 %",
        }.items()
    )
    assert all("none: no checkpoint" in planned[table] for table in TABLES)
    assert [(row["day"], row["published"], row["outcome"]) for row in json.loads(table["data"])] == [
        (str(one), 40, "complete"),
        (str(two), 40, "complete"),
    ]
    assert report.summary in summary["data"]


def test_a_dry_run_says_what_would_be_and_leaves_no_row_and_no_checkpoint(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    complete, warned, blocked = days(3)
    add_most(add_table, warned)
    open_season(league, complete, warned)
    league.game(blocked, "BOS", "NYK", loaded=False)
    league.write(settings)
    report = run((complete, blocked), tables=[*TABLES, MOST], dry_run=True)
    assert [(row.outcome, row.coverage, row.published) for row in report.rows] == [
        ("dry_run", "100.0 %", 0),
        ("dry_run", "100.0 %", 0),
        ("blocked", "", 0),
    ]
    assert "37 of 40 expected are there (92.5 %), below 95.0 %" in report.rows[1].reason
    assert "MIA" not in report.rows[2].reason
    assert "NYK at BOS" in report.rows[2].reason
    assert published(settings) == {}
    assert content(settings) == []
    assert ledger(settings) == failures(settings) == []
    assert checkpointed(settings, complete, warned, blocked) == set()
    run(complete)
    assert outcomes(run(complete, dry_run=True)) == {complete: "complete"}  # nothing to do is nothing to try


def test_a_dry_run_that_redoes_a_done_day_leaves_its_rows_and_its_checkpoint(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    before = (fetch(settings, f"SELECT * FROM nba_precompute.{MAIN} ORDER BY player_lookup"), ledger(settings))
    assert outcomes(run(DAY, dry_run=True, resume=False)) == {DAY: "dry_run"}
    assert (
        fetch(settings, f"SELECT * FROM nba_precompute.{MAIN} ORDER BY player_lookup"),
        ledger(settings),
    ) == before
    assert built(run(DAY)) == set()

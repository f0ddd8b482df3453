"""A dry run creates nothing and writes nothing but its own artifacts, and says what a run would create."""

from collections.abc import Callable
from pathlib import Path

import duckdb  # noqa: TID251 - a look at the file from outside
import pytest

from flows.backfill import backfill
from tasks.backfill.records import RECORDS
from tasks.backfill.report import Report
from tasks.errors import SchemaError
from tasks.runtime.boundary import report_of
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql, server_of
from tests.backfill.observe import DAY, TABLES, checkpointed, content, open_season, outcomes, run_artifact
from tests.backfill.test_checkpoints import delete_artifacts
from tests.league import League

RunBackfill = Callable[..., Report]


def made_by_runs(settings: Settings) -> list[str]:
    """Return the tables that a run creates if they are missing."""
    return [load_catalogue(settings).table(name).full_name for name in (*TABLES, *RECORDS)]


def stored(settings: Settings) -> set[str]:
    """Return every table and dataset that is there."""
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        return {*server.project(project).tables, *server.project(project).datasets}
    with duckdb.connect(settings.duckdb_path, read_only=True) as opened:
        rows = opened.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        rows += opened.execute("SELECT schema_name FROM information_schema.schemata").fetchall()
    return {str(name) for (name,) in rows}


def test_a_dry_run_says_what_would_come_of_a_day_without_the_tables_and_creates_none_of_them(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run_sql(settings, *(f"DROP TABLE {name}" for name in made_by_runs(settings)))
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        del server.project(project).datasets["fullcourt_staging"]
    else:
        run_sql(settings, "DROP SCHEMA nba_precompute CASCADE")
    before = stored(settings)
    state = backfill(start_date=DAY, dry_run=True, return_state=True)
    report = report_of(state)
    assert isinstance(report, Report)
    assert [(row.outcome, row.coverage, row.published) for row in report.rows] == [("dry_run", "100.0 %", 0)]
    assert stored(settings) == before
    plan = run_artifact(state.state_details.flow_run_id, "backfill-plan")
    assert plan is not None
    said = plan["description"].partition("a run that is no dry run would create ")[2]
    assert sorted(said.split(", ")) == sorted(made_by_runs(settings))
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        jobs = [job for job in server.jobs(project) if str(state.state_details.flow_run_id) in job["id"]]
        types = {job["statistics"].get("query", {}).get("statementType") for job in jobs}
        assert types == {"SELECT"}
        run_sql(settings, "DROP SCHEMA IF EXISTS fullcourt_staging")
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert len(content(settings)) == 84


def test_a_dry_run_judges_a_day_as_a_run_does(league: League, settings: Settings, run: RunBackfill) -> None:
    open_season(league, DAY)
    league.expect_upcoming(DAY, [f"{team}{n}" for team in ("bos", "nyk", "lal", "mia") for n in range(1, 11)][:37])
    league.box[-1]["minutes_played"] = None  # a warning
    league.write(settings)
    (tried,), (done,) = run(DAY, dry_run=True).rows, run(DAY).rows
    assert (tried.outcome, done.outcome) == ("dry_run", "complete_with_warning")
    for name in ("source", "coverage", "expected", "missing"):
        assert getattr(tried, name) == getattr(done, name), name
    assert tried.reason == done.reason
    delete_artifacts(settings, [DAY])
    run(DAY, dry_run=True)
    assert checkpointed(settings, DAY) == set()  # a run writes again what Prefect has lost
    run(DAY)
    assert checkpointed(settings, DAY) == {DAY}


@pytest.mark.duckdb_only
def test_a_dry_run_makes_no_file_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / "deeper" / "warehouse.duckdb"))
    for dry_run in (True, False):
        error = backfill(start_date=DAY, dry_run=dry_run, return_state=True).result(raise_on_failure=False)
        assert isinstance(error, SchemaError)
        assert "table nba_reference.nba_schedule does not exist: load it with the ingest deployment" in str(error)
    assert list(tmp_path.iterdir()) == []

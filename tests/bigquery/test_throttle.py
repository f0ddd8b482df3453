"""Days are published no faster than BigQuery lets a table be updated."""

from collections import Counter
from collections.abc import Callable

import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import days, open_season
from tests.bigquery_server.server import BigQueryServer
from tests.league import League

pytestmark = pytest.mark.slow

TABLE = "team_defense_zone_analysis"
DAYS = 11
ALLOWED = 8  # updates of a table in 10 seconds; 50 at BigQuery


@pytest.mark.parametrize(("throttle", "is_refused"), [(ALLOWED, False), (50, True)], ids=["throttled", "not throttled"])
def test_many_days_are_published_without_one_refusal_because_they_are_throttled(
    league: League,
    settings: Settings,
    run: Callable[..., Report],
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
    throttle: int,
    is_refused: bool,
) -> None:
    some = days(DAYS)
    open_season(league, *some)
    league.write(settings)
    monkeypatch.setattr(server.quotas, "table_updates_in_10_seconds", ALLOWED)
    monkeypatch.setenv("FULLCOURT_BIGQUERY_TABLE_UPDATES_PER_10_SECONDS", str(throttle))
    monkeypatch.setenv("FULLCOURT_BIGQUERY_APPEND_INTERVAL_SECONDS", "2")  # the ledger's own way to stay below it
    report = run((some[0], some[-1]), tables=[TABLE], max_concurrency=8)
    assert report.is_done
    copies = [job for job in server.jobs(project) if job["configuration"]["jobType"] == "COPY"]
    reasons = Counter(job["status"].get("errorResult", {}).get("reason", "none") for job in copies)
    assert reasons["none"] == DAYS
    assert (reasons["rateLimitExceeded"] > 0) == is_refused, reasons

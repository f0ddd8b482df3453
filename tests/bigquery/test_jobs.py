"""What every job has, how many there are, and that none runs twice."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.errors import QuotaError, RequestError
from tasks.settings import Settings
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    content,
    days,
    failures,
    lookups,
    open_season,
    outcomes,
    published,
    run_artifact,
)
from tests.bigquery_server.server import BigQueryServer, Fault
from tests.league import League

pytestmark = pytest.mark.slow

RunBackfill = Callable[..., Report]
MIB = 1024 * 1024
CAP = 60 * MIB  # more than any one query of the plan is billed, and less than all
STEPS = ("fetch", "stage", "publish", "append")


def jobs_of_runs(server: BigQueryServer, project: str) -> list[dict[str, Any]]:
    """Return the jobs of backfills: those whose step is not the test's own."""
    return [job for job in server.jobs(project) if "-by-hand-" not in job["jobReference"]["jobId"]]


def billed(job: dict[str, Any]) -> int:
    """Return the bytes that a job was billed for."""
    return int(job["statistics"].get("query", {}).get("totalBytesBilled", 0))


def estimate(said: str) -> float:
    """Return the MiB that a plan says a run reads."""
    found = re.search(r"about ([0-9.]+) MiB, the plan included", said)
    assert found is not None, said
    return float(found[1])


def attempts(server: BigQueryServer, project: str) -> Counter[str]:
    """Count the jobs by the last part of their id: the attempt."""
    return Counter(job["jobReference"]["jobId"].rpartition("-")[2] for job in jobs_of_runs(server, project))


def test_every_job_is_labelled_has_a_location_a_time_out_and_a_cap_and_says_its_run_step_table_and_day(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    run(DAY)
    jobs = jobs_of_runs(server, project)
    assert len({job["jobReference"]["jobId"] for job in jobs}) == len(jobs) > 10
    (run_id,) = {job["configuration"]["labels"]["run"] for job in jobs}
    for job in jobs:
        configuration = job["configuration"]
        assert configuration["labels"]["application"] == "fullcourt"
        assert job["jobReference"]["jobId"].startswith(f"fullcourt-{run_id}-")
        assert job["jobReference"]["location"] == "US"
        assert configuration["jobTimeoutMs"] == str(600_000)
        if "query" in configuration:
            assert configuration["query"]["maximumBytesBilled"] == str(1024**4)
            assert configuration["query"].get("parameterMode", "NAMED") == "NAMED"
    for table in TABLES:
        of_table = [job for job in jobs if job["configuration"]["labels"].get("table") == table]
        assert {job["configuration"]["labels"]["day"] for job in of_table} == {str(DAY)}
        assert all(f"-build-{table}-{DAY}-" in job["jobReference"]["jobId"] for job in of_table)


def test_a_day_takes_at_most_three_query_jobs_and_one_copy_a_table_and_no_dml(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    run(DAY)
    of_day = [job for job in jobs_of_runs(server, project) if job["configuration"]["labels"].get("day") == str(DAY)]
    kinds = Counter(job["configuration"]["jobType"] for job in of_day)
    assert kinds["COPY"] == len(TABLES)
    assert 0 < kinds["QUERY"] <= 3 * len(TABLES)
    types = {job["statistics"].get("query", {}).get("statementType") for job in of_day}
    assert types == {None, "SELECT", "CREATE_TABLE_AS_SELECT"}
    loads = [job for job in of_day if job["configuration"]["jobType"] == "LOAD"]
    assert len(loads) == 1  # the ledger's


def test_planning_takes_as_many_jobs_and_dry_runs_for_many_days_as_for_one(
    league: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    some = days(4)
    open_season(league, *some)
    league.write(settings)
    counts = []
    for last in (some[0], some[3]):
        before = len(server.requests(project))
        with pytest.raises(RequestError, match=f"max_bytes_billed={CAP} "):
            run((some[0], last), max_bytes_billed=CAP)
        begun = [path for method, path, _ in server.requests(project)[before:] if method == "POST"]
        counts.append(sum(path.endswith("/jobs") for path in begun))
    assert counts[0] == counts[1] - 9  # earliest and latest in one: 1 check, 4 builds, 3 gates, 1 staged table


def test_a_run_that_would_read_too_much_is_refused_and_has_billed_nothing_but_the_plan(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    with pytest.raises(
        RequestError, match=rf"max_bytes_billed={CAP} \(60 MiB\): the run would read about .* USD"
    ) as said:
        run(DAY, max_bytes_billed=CAP)
    assert published(settings) == {}
    jobs = jobs_of_runs(server, project)
    assert {job["configuration"]["labels"]["step"] for job in jobs if billed(job)} == {"fetch"}
    assert all("-plan-" in job["jobReference"]["jobId"] for job in jobs if billed(job))
    of_plan = sum(map(billed, jobs))
    assert of_plan > CAP
    assert estimate(str(said.value)) > of_plan / MIB
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_a_runs_own_cap_is_the_cap_of_each_of_its_jobs(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    assert outcomes(run(DAY, max_bytes_billed=2**39)) == {DAY: "complete"}
    queries = [job["configuration"]["query"] for job in jobs_of_runs(server, project) if billed(job)]
    assert {query["maximumBytesBilled"] for query in queries} == {str(2**39)}
    before = len(jobs_of_runs(server, project))
    with pytest.raises(QuotaError, match="raise max_bytes_billed, or narrow the range"):
        run(DAY, resume=False, max_bytes_billed=1000)
    assert not any(map(billed, jobs_of_runs(server, project)[before:]))


@pytest.mark.parametrize("pre_game", [0, 20, 40])
def test_a_runs_bytes_are_estimated_with_those_of_its_plan(
    season: League, settings: Settings, run: RunBackfill, server: BigQueryServer, project: str, pre_game: int
) -> None:
    season.expect_upcoming(DAY, lookups(season, DAY)[:pre_game])
    season.write(settings)
    for dry_run in (True, False):
        before = len(jobs_of_runs(server, project))
        state = backfill(start_date=DAY, dry_run=dry_run, return_state=True)
        plan = run_artifact(state.state_details.flow_run_id, "backfill-plan")
        assert plan is not None
        jobs = [job for job in jobs_of_runs(server, project)[before:] if "-report-" not in job["jobReference"]["jobId"]]
        assert estimate(plan["description"]) >= sum(map(billed, jobs)) / MIB * 0.995
        checks = [job for job in jobs if "-check-" in job["jobReference"]["jobId"] and billed(job)]
        assert len(checks) == (2 if pre_game else 1), "the sources are compared where the pre-game table has rows"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("lost", [{"reset": True}, {"cut": True}, {"status": 503}], ids=["reset", "cut", "503"])
def test_a_job_whose_answer_was_lost_is_found_again_and_not_run_twice(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    step: str,
    lost: dict[str, Any],
) -> None:
    fault = Fault(lambda r: r.project == project and f"-{step}-" in str(r.job_id), after=True, **lost)
    server.faults.add(fault)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert fault.times == 0
    assert set(attempts(server, project)) == {"1"}
    copies = [job for job in server.jobs(project) if job["configuration"]["jobType"] == "COPY"]
    assert len(copies) == len(TABLES)
    assert {len(players) for players in published(settings).values()} == {40}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", ["backendError", "internalError", "rateLimitExceeded", "jobRateLimitExceeded"])
def test_a_job_that_fails_for_a_passing_reason_is_run_again_under_another_id(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    step: str,
    error: str,
) -> None:
    server.faults.add(Fault(lambda r: r.project == project and f"-{step}-" in str(r.job_id), job_error=error))
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert attempts(server, project)["2"] == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "rateLimitExceeded"), (500, "internalError"), (502, "badGateway"), (503, "backendError")],
)
def test_a_request_that_fails_for_a_passing_reason_is_made_again(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    status: int,
    reason: str,
) -> None:
    server.faults.add(
        Fault(lambda r: r.project == project and r.method == "GET", times=3, status=status, reason=reason)
    )
    server.faults.add(Fault(lambda r: r.project == project and r.kind == "copy", times=2, status=status, reason=reason))
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_what_never_passes_ends_at_the_deadline_and_is_not_tried_by_the_task_again(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FULLCOURT_BIGQUERY_RETRY_DEADLINE_SECONDS", "0.5")
    fault = Fault(lambda r: r.project == project and r.kind == "copy" and MAIN in str(r.job_id), times=999, status=503)
    server.faults.add(fault)
    report = run(DAY)
    fault.times = 0
    assert outcomes(report) == {DAY: "failed"}
    (failure,) = failures(settings)
    assert (failure["category"], failure["can_retry"]) == ("DeadlineError", True)
    assert re.search(rf"publish {MAIN} {DAY} \(job fullcourt-.*\): BigQuery did not do it within 0.5 s", report.summary)
    assert published(settings) == {}
    assert outcomes(run(DAY)) == {DAY: "complete"}


@pytest.mark.parametrize(
    ("reason", "category", "remedy"),
    [
        ("invalid", "QueryError", "injected"),
        ("quotaExceeded", "QuotaError", "run again when it is there again"),
        ("billingNotEnabled", "AccessError", "let the project"),
        ("accessDenied", "AccessError", "grant it"),
        ("notFound", "SchemaError", "fullcourt ddl apply"),
    ],
)
def test_a_job_that_would_fail_again_is_not_tried_again_and_the_message_has_table_job_and_remedy(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    reason: str,
    category: str,
    remedy: str,
) -> None:
    server.faults.add(
        Fault(lambda r: r.project == project and r.kind == "copy" and MAIN in str(r.job_id), job_error=reason)
    )
    assert outcomes(run(DAY)) == {DAY: "failed"}
    (failure,) = failures(settings)
    assert (failure["category"], failure["can_retry"]) == (category, False)
    assert f"publish {MAIN} {DAY} (job fullcourt-" in failure["message"]
    assert remedy in failure["message"]
    assert set(attempts(server, project)) == {"1"}
    assert published(settings) == {}
    assert len(content(settings)) == 44  # the zone tables of the day are done
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_a_job_that_runs_too_long_is_ended_and_the_day_fails(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FULLCOURT_BIGQUERY_JOB_TIMEOUT_SECONDS", "15")  # every other job ends in that, however busy
    server.faults.add(
        Fault(
            lambda r: r.project == project and "-stage-" in str(r.job_id) and MAIN in str(r.job_id),
            job_delay_seconds=3600,
        )
    )
    report = run(DAY)
    assert outcomes(report) == {DAY: "failed"}
    assert "FULLCOURT_BIGQUERY_JOB_TIMEOUT_SECONDS" in report.summary
    assert published(settings) == {}

"""The cleanup on BigQuery: its jobs, the streaming buffer, snapshots, permissions."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.settings import Settings
from tasks.warehouse.backup_name import BackupName
from tests.backdoor import stream
from tests.bigquery.test_access import use_block
from tests.bigquery.test_jobs import jobs_of_runs
from tests.bigquery_server.server import BigQueryServer, Fault
from tests.cleanup.observe import (
    CUTOFF,
    FUTURE,
    NOW,
    PLAYERS,
    STALE,
    TEAMS,
    TODAY,
    audit,
    backups,
    days_ago,
    days_of,
    everything,
    player,
    put_some,
)
from tests.fixtures.flows import Clean, SetClock

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _noon(set_clock: SetClock) -> None:
    set_clock(NOW)


def test_rows_in_the_streaming_buffer_are_left_with_a_note_and_taken_by_a_later_run(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str
) -> None:
    put_some(settings)
    rows = [player("streamed", day) for day in (STALE, days_ago(20), FUTURE)]
    as_json = [{key: str(value) if isinstance(value, date) else value for key, value in row.items()} for row in rows]
    stream(settings, PLAYERS, as_json)
    report = clean()
    cleaned = report.tables[0]
    assert (cleaned.deleted, cleaned.errors, cleaned.verified) == (1, None, True)
    assert f"left for the next run: {days_ago(20)}, {STALE}" in str(cleaned.notes)
    assert "were just streamed" in str(cleaned.notes)
    assert days_of(settings, PLAYERS) == [days_ago(20), STALE, STALE, STALE, CUTOFF, TODAY, FUTURE, FUTURE]
    server.project(project).clock.advance(minutes=95)
    assert clean().tables[0].deleted == 4
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE, FUTURE]


def test_a_day_that_bigquery_will_not_delete_from_yet_is_left_and_the_others_go(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str
) -> None:
    put_some(settings)
    refused = "UPDATE or DELETE statement over table would affect rows in the streaming buffer, which is not supported"
    fault = Fault(
        lambda r: r.project == project and "DELETE FROM" in r.statement and PLAYERS in r.statement,
        times=2,
        job_error="invalidQuery",
        job_message=refused,
    )
    server.faults.add(fault)
    cleaned = clean().tables[0]
    assert fault.times == 0
    assert (cleaned.deleted, cleaned.errors) == (2, None)
    assert str(cleaned.notes).startswith(f"{days_ago(30)} is left for the next run: ")
    assert "run it again when these rows are 90 minutes old" in str(cleaned.notes)
    assert days_of(settings, PLAYERS) == [days_ago(30), CUTOFF, TODAY, FUTURE]


def test_every_job_has_a_time_out_labels_and_a_cap_and_the_only_dml_is_one_delete_a_table(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str
) -> None:
    put_some(settings)
    clean()
    jobs = jobs_of_runs(server, project)
    for job in jobs:
        configuration = job["configuration"]
        assert configuration["jobTimeoutMs"] == "600000"
        assert configuration["labels"]["application"] == "fullcourt"
        assert "query" not in configuration or configuration["query"]["maximumBytesBilled"] == str(1024**4)
    kinds = Counter(str(job["statistics"].get("query", {}).get("statementType")) for job in jobs)
    assert kinds["DELETE"] == 2
    assert not kinds.keys() & {"INSERT", "UPDATE", "MERGE"}


def test_a_backup_is_a_snapshot_that_expires_after_30_days_by_itself(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str
) -> None:
    put_some(settings)
    clean()
    for name in backups(settings):
        resource = server.table(project, f"fullcourt_backups.{name}")
        assert resource is not None
        assert resource["type"] == "SNAPSHOT"
        made_of = BackupName.parse(name)
        assert made_of is not None
        assert resource["snapshotDefinition"]["baseTableReference"]["tableId"] == made_of.table
        expires = datetime.fromtimestamp(int(resource["expirationTime"]) / 1000, UTC)
        assert expires - datetime.now(UTC) == pytest.approx(timedelta(days=30), abs=timedelta(minutes=10))
    server.project(project).clock.advance(days=31)
    assert backups(settings) == []


@pytest.mark.parametrize("error", ["backendError", "rateLimitExceeded"])
@pytest.mark.parametrize("step", ["back-up", "change"])
def test_a_job_that_fails_for_a_passing_reason_is_tried_again(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str, step: str, error: str
) -> None:
    put_some(settings)
    fault = Fault(lambda r: r.project == project and f"-{step}-" in str(r.job_id), job_error=error)
    server.faults.add(fault)
    report = clean()
    assert fault.times == 0
    assert report.is_done
    assert sum(row["deleted"] for row in audit(settings)) == 5


@pytest.mark.parametrize("lost", [{"reset": True}, {"cut": True}, {"status": 503}], ids=["reset", "cut", "503"])
def test_a_delete_whose_answer_was_lost_is_counted_once(
    settings: Settings, clean: Clean, server: BigQueryServer, project: str, lost: dict[str, object]
) -> None:
    put_some(settings)
    fault = Fault(lambda r: r.project == project and "-change-" in str(r.job_id), after=True, **lost)  # type: ignore[arg-type]
    server.faults.add(fault)
    assert [table.deleted for table in clean().tables] == [3, 2]
    assert fault.times == 0


@pytest.mark.parametrize(
    ("permission", "on"),
    [
        ("bigquery.tables.createSnapshot", PLAYERS),
        ("bigquery.tables.updateData", PLAYERS),
        ("bigquery.tables.getData", PLAYERS),
    ],
)
def test_a_permission_that_is_missing_is_named_and_the_other_table_is_cleaned(
    settings: Settings,
    clean: Clean,
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
    permission: str,
    on: str,
) -> None:
    put_some(settings)
    before = everything(settings)
    with monkeypatch.context() as narrow:
        use_block(narrow, f"{project}-narrow", server.service_account(project, "narrow"))
        server.revoke(project, "narrow", permission, on=on)
        report = clean()
    assert permission in str(report.tables[0].errors)
    assert report.tables[1].deleted == 2
    assert everything(settings)[PLAYERS] == before[PLAYERS]
    assert days_of(settings, TEAMS) == [CUTOFF, TODAY, FUTURE]

"""The audit log, its view, the artifact and the events of a cleanup."""

from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.cleanup import cleanup
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import artifacts, wait_until
from tests.cleanup.observe import CUTOFF, PLAYERS, STALE, TEAMS, audit, backups, player, put, put_some
from tests.fixtures.flows import Clean
from tests.league import fetch


def events(flow_run_id: object) -> list[dict[str, Any]]:
    """Return Fullcourt's own events of a run."""
    with get_client(sync_client=True) as client:
        body = {"filter": {"event": {"prefix": ["fullcourt."]}}, "limit": 50}
        found = client.request("POST", "/events/filter", json=body).json()["events"]
    related = f"prefect.flow-run.{flow_run_id}"
    return [each for each in found if related in {r["prefect.resource.id"] for r in each["related"]}]


def test_one_row_a_run_and_table_says_what_was_done(settings: Settings) -> None:
    put_some(settings)
    state = cleanup(dry_run=False, cleanup_type="upcoming_tables_ttl", return_state=True)
    run_id = str(state.state_details.flow_run_id)
    players, teams = audit(settings)
    assert players["cleanup_id"] == f"upcoming_player_game_context__before_20230222__{run_id.replace('-', '_')}__1"
    assert (players["table_name"], teams["table_name"]) == (PLAYERS, TEAMS)
    for row, count in ((players, 3), (teams, 2)):
        assert row["cleanup_type"] == "upcoming_tables_ttl"
        assert (row["ttl_days"], row["cutoff"]) == (7, CUTOFF)
        assert (row["previewed"], row["deleted"], row["restored"]) == (count, count, 0)
        assert (row["verified"], row["errors"], row["notes"], row["approved_by"]) == (True, None, None, None)
        assert row["backup_name"] in backups(settings)
        assert row["run_id"] == run_id
        assert 0 < row["duration_seconds"] < 600


def test_the_view_gives_a_row_a_run(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    clean()
    run_sql(settings, f"DROP TABLE {TEAMS}")
    put(settings, [player("someone", STALE)])
    run_sql(settings, f"DROP TABLE {TEAMS}")
    clean()
    columns = "total_records_deleted, tables_cleaned, table_names, is_success, cleanup_type"
    rows = fetch(settings, f"SELECT {columns} FROM nba_orchestration.cleanup_history ORDER BY cleanup_time")
    assert [tuple(row.values()) for row in rows] == [
        (5, 2, f"{PLAYERS},{TEAMS}", True, "by_hand"),
        (1, 1, PLAYERS, False, "by_hand"),
    ]


def test_every_run_is_a_version_of_one_artifact(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    with get_client(sync_client=True) as client:

        def versions() -> list[dict[str, Any]]:
            body = {"artifacts": {"key": {"any_": ["cleanup-summary"]}}, "sort": "CREATED_DESC", "limit": 5}
            found: list[dict[str, Any]] = client.request("POST", "/artifacts/filter", json=body).json()
            return found

        clean(dry_run=True)
        clean()
        second, first, *_ = versions()
    assert first["description"] == "dry run: 5 rows of 2 tables are stale, nothing was deleted"
    assert second["description"] == "5 of 5 stale rows deleted from 2 tables"
    (latest,) = artifacts(key={"any_": ["cleanup-summary"]})
    assert f"{PLAYERS}: **3 rows** of 2 days, 2023-01-30 to 2023-02-21; cutoff 2023-02-22" in latest["data"]
    assert f"| {PLAYERS} | 3 | 0 | yes |" in latest["data"]
    assert f"- backup of {PLAYERS}: `upcoming_player_game_context__before_20230222__" in latest["data"]


@pytest.mark.parametrize(("limit", "wanted"), [(4, {"succeeded", "large-deletion"}), (5, {"succeeded"})])
def test_a_success_is_announced_and_a_deletion_of_more_rows_than_the_threshold_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, limit: int, wanted: set[str]
) -> None:
    monkeypatch.setenv("FULLCOURT_CLEANUP_ALERT_ROWS", str(limit))
    put_some(settings)
    run_id = cleanup(dry_run=False, return_state=True).state_details.flow_run_id
    names = {f"fullcourt.cleanup.{name}" for name in wanted}
    wait_until(lambda: {each["event"] for each in events(run_id)} == names)


def test_neither_a_dry_run_nor_a_failure_is_announced_as_a_success(settings: Settings) -> None:
    put_some(settings)
    looked = cleanup(dry_run=True, return_state=True).state_details.flow_run_id
    run_sql(settings, f"DROP TABLE {TEAMS}")
    failed = cleanup(dry_run=False, return_state=True)
    assert failed.is_failed()
    put_some(settings)
    done = cleanup(dry_run=False, return_state=True).state_details.flow_run_id
    wait_until(lambda: bool(events(done)))
    assert events(looked) == events(failed.state_details.flow_run_id) == []

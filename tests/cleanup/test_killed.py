"""A cleanup whose process is killed: what the next one finds, does and records."""

import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.states import Crashed

from tasks.cleanup import record as cleanup_record
from tasks.cleanup.audit import BEGUN, Operation
from tasks.errors import QueryError, WarehouseBusyError
from tasks.runtime import limits
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Warehouse
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql
from tests.backfill.observe import start_python
from tests.cleanup.observe import (
    AUDIT,
    CUTOFF,
    FUTURE,
    NOW,
    PLAYERS,
    STALE,
    TEAMS,
    TODAY,
    audit,
    backups,
    days_of,
    everything,
    player,
    put,
    put_some,
)
from tests.fixtures.flows import Clean, InThread, Restore
from tests.league import fetch

# The process kills itself where it would take a step with the players' table.
_RUN = """
import os, signal, sys
from datetime import UTC, datetime
import flows.cleanup, tasks.runtime.clock
import tasks.cleanup.delete as cleanup, tasks.cleanup.record as record

class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromisoformat(sys.argv[2]).astimezone(tz or UTC)

tasks.runtime.clock.server_time = lambda: Clock.now(UTC)
import flows.restore

for flow in ("cleanup", "restore"):
    sys.modules[f"flows.{flow}"].datetime = Clock

import tasks.cleanup.restore as restore

places = {"delete": (cleanup, "_delete"), "audit": (record, "write_row"), "the second table": (cleanup, "_clean")}
module, name = places[sys.argv[1]]
called, calls_left = getattr(module, name), int(sys.argv[1] == "the second table")

def kill(*arguments):
    global calls_left
    if not calls_left:
        os.kill(os.getpid(), signal.SIGKILL)
    calls_left -= 1
    return called(*arguments)

setattr(module, name, kill)
flows.restore.restore(sys.argv[3], dry_run=False) if sys.argv[3:] else flows.cleanup.cleanup(dry_run=False)
"""


def kill_at(step: str, api_url: str, *restored: str) -> None:
    """Run a cleanup, or the restore of a backup, that is killed right before a step; nobody tells Prefect of it."""
    process = start_python(_RUN, api_url, step, NOW.isoformat(), *restored)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, output
    assert os.getpid() != process.pid


def mark_crashed(run_id: str) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(run_id), Crashed(message="its process was killed"), force=True)


@pytest.fixture(autouse=True)
def _free_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free what the killed run occupied, as its lease would in a minute."""
    waited = limits._Patience.wait

    def _free(self: limits._Patience, given: Sequence[limits.Limit]) -> None:
        with get_client(sync_client=True) as client:
            for limit in given:
                client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))
        waited(self, given)

    monkeypatch.setattr(limits._Patience, "wait", _free)


def run_of(backup: str) -> str:
    return backup.split("__")[-2].replace("_", "-")


@pytest.mark.slow
def test_killed_between_backup_and_delete_nothing_is_gone_and_the_rerun_deletes(
    settings: Settings, clean: Clean, api_url: str
) -> None:
    put_some(settings)
    before = everything(settings)
    kill_at("delete", api_url)
    assert everything(settings) == before
    (left,) = backups(settings)
    mark_crashed(run_of(left))

    report = clean()
    assert report.is_done
    assert days_of(settings, PLAYERS) == days_of(settings, TEAMS) == [CUTOFF, TODAY, FUTURE]
    interrupted, other = audit(settings, cleanup_type="interrupted")
    assert (interrupted["cleanup_id"], interrupted["run_id"], interrupted["deleted"]) == (left, run_of(left), 0)
    assert "the run ended before it wrote this row; nothing is gone" in interrupted["errors"]
    assert (other["table_name"], other["run_id"], other["deleted"]) == (TEAMS, run_of(left), 0)
    assert "no backup of it is there: nothing was deleted" in other["errors"]
    assert sum(row["deleted"] for row in audit(settings)) == 5


@pytest.mark.slow
def test_killed_between_delete_and_audit_the_rerun_records_what_was_deleted_once(
    settings: Settings, clean: Clean, put_back: Restore, api_url: str
) -> None:
    put_some(settings)
    before = everything(settings)
    kill_at("audit", api_url)
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    assert {(row["table_name"], row["errors"]) for row in audit(settings)} == {(PLAYERS, BEGUN), (TEAMS, BEGUN)}
    (left,) = backups(settings)
    mark_crashed(run_of(left))

    clean()
    (interrupted,) = audit(settings, cleanup_type="interrupted", table_name=PLAYERS)
    assert (interrupted["cleanup_id"], interrupted["deleted"]) == (left, 3)
    assert "3 of the backup's 3 rows are gone" in interrupted["errors"]
    assert sum(row["deleted"] for row in audit(settings)) == 5
    clean()
    assert len(audit(settings, cleanup_type="interrupted", table_name=PLAYERS)) == 1
    put_back(left)
    assert everything(settings)[PLAYERS] == before[PLAYERS]


@pytest.mark.slow
def test_a_cleanup_that_is_at_work_is_not_taken_for_one_that_died(
    settings: Settings, clean: Clean, api_url: str
) -> None:
    put_some(settings)
    kill_at("delete", api_url)  # and Prefect has not heard of it: the run looks as if it were at work
    clean()
    assert audit(settings, cleanup_type="interrupted") == []
    assert len(audit(settings, errors=BEGUN)) == len(audit(settings, errors=None)) == 2


@pytest.mark.slow
@pytest.mark.duckdb_only
def test_a_run_that_was_killed_after_its_first_table_is_no_success(
    settings: Settings, clean: Clean, api_url: str
) -> None:
    history = "SELECT cleanup_type, is_success, total_records_deleted AS gone FROM nba_orchestration.cleanup_history"
    put_some(settings)
    kill_at("the second table", api_url)
    assert fetch(settings, history) == [{"cleanup_type": "by_hand", "is_success": False, "gone": 3}]
    (left,) = backups(settings)
    mark_crashed(run_of(left))
    clean()
    assert fetch(settings, f"{history} ORDER BY cleanup_time") == [
        {"cleanup_type": "by_hand", "is_success": False, "gone": 3},
        {"cleanup_type": "by_hand", "is_success": True, "gone": 2},
    ]


@pytest.mark.slow
def test_a_restore_that_was_killed_after_it_put_rows_back_is_recorded_by_the_next_run_once(
    settings: Settings, clean: Clean, put_back: Restore, api_url: str, in_thread: InThread
) -> None:
    put_some(settings)
    clean()
    backup = str(audit(settings, table_name=PLAYERS)[0]["backup_name"])
    kill_at("audit", api_url, backup)
    (begun,) = audit(settings, cleanup_type="restore")
    assert (begun["errors"], begun["backup_name"], begun["previewed"]) == (BEGUN, backup, 3)
    mark_crashed(begun["run_id"])
    for both in [in_thread(clean), in_thread(put_back, backup)]:
        both.result(timeout=300)
    told = fetch(settings, f"SELECT * FROM {AUDIT} WHERE run_id = '{begun['run_id']}' AND errors <> '{BEGUN}'")
    assert [(row["restored"], row["errors"].partition(";")[0]) for row in told] in [
        [(3, "the run ended before it wrote this row")],
        [(0, "the run ended before it wrote this row")],  # the cleanup came first, and took them again
    ]


def test_an_audit_row_that_cannot_be_written_is_said_and_written_by_the_next_cleanup(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise QueryError("the log is closed")

    put_some(settings)
    with monkeypatch.context() as patched:
        patched.setattr(cleanup_record, "write_row", fails)
        report = clean()
    said = "the audit row was not written, the next cleanup writes it: QueryError: the log is closed"
    assert [table.errors for table in report.tables] == [said, said]
    assert not report.is_done
    clean()
    assert {(row["table_name"], row["deleted"]) for row in audit(settings, cleanup_type="interrupted")} == {
        (PLAYERS, 3),
        (TEAMS, 2),
    }
    assert fetch(settings, f"SELECT COUNT(DISTINCT cleanup_id) AS n FROM {AUDIT}") == [{"n": 4}]


def test_nothing_is_touched_if_what_is_about_to_be_done_cannot_be_written(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise QueryError("the log is closed")

    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(cleanup_record, "_append", fails)
    with pytest.raises(QueryError, match="the log is closed"):
        clean()
    assert everything(settings) == before
    assert backups(settings) == []


def test_a_backup_that_no_row_speaks_of_is_recorded_as_what_it_is(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    clean()
    run_sql(settings, f"DELETE FROM {AUDIT} WHERE TRUE")
    clean()
    assert {(row["table_name"], row["deleted"]) for row in audit(settings, cleanup_type="interrupted")} == {
        (PLAYERS, 3),
        (TEAMS, 2),
    }


def test_what_another_servers_run_has_begun_is_unknown_while_it_is_young_and_over_when_it_is_old(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    clean()
    backup = str(audit(settings, table_name=PLAYERS)[0]["backup_name"])
    put(settings, [player("another", STALE)])
    before = everything(settings)
    begun = Operation.model_validate(
        audit(settings, table_name=PLAYERS)[0]
        | {"cleanup_id": f"{backup[:-1]}7", "run_id": str(uuid4()), "cleanup_time": datetime.now(UTC)}
    ).begun("another")
    log = load_catalogue(settings).table("cleanup_operations")
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.append(log, [begun.model_dump()])
    for refused in (clean, lambda: put_back(backup)):
        with pytest.raises(WarehouseBusyError, match="of another Prefect server, another, since"):
            refused()
    assert everything(settings) == before
    assert [row["cleanup_id"] for row in audit(settings, errors=BEGUN)] == [begun.cleanup_id]

    run_sql(settings, f"UPDATE {AUDIT} SET cleanup_time = TIMESTAMP '2020-01-01 00:00:00' WHERE notes LIKE '%another'")
    assert clean().tables[0].deleted == 1
    assert [row["cleanup_id"] for row in audit(settings, cleanup_type="interrupted")] == [begun.cleanup_id]


def test_of_two_servers_that_begin_at_the_same_moment_whoever_sees_the_other_withdraws(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends = cleanup_record._append

    def both(current: Run, warehouse: Warehouse, operations: Sequence[Operation]) -> None:
        appends(current, warehouse, operations)
        if operations[0].is_open:
            other = operations[0].model_copy(update={"cleanup_id": "the other", "run_id": str(uuid4())})
            appends(current, warehouse, [other.begun("another")])

    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(cleanup_record, "_append", both)
    with pytest.raises(WarehouseBusyError, match="of another Prefect server"):
        clean()
    assert everything(settings) == before
    assert [row["cleanup_id"] for row in audit(settings, errors=BEGUN)] == ["the other"]

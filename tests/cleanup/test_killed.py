"""A cleanup whose process is killed: what the next one finds, does and records."""

import os
import signal
from collections.abc import Sequence
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.states import Crashed

from tasks import cleanup_record, limits
from tasks.domain.errors import QueryError
from tasks.settings import Settings
from tests.backfill.observe import start_python
from tests.cleanup.conftest import Clean, Restore
from tests.cleanup.observe import (
    AUDIT,
    CUTOFF,
    FUTURE,
    NOW,
    PLAYERS,
    TEAMS,
    TODAY,
    audit,
    backups,
    days_of,
    everything,
    put_some,
)
from tests.league import fetch

# The process kills itself where it would take a step with the players' table.
_RUN = """
import os, signal, sys
from datetime import UTC, datetime
import flows.cleanup
import tasks.cleanup as cleanup, tasks.cleanup_record as record

class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromisoformat(sys.argv[2]).astimezone(tz or UTC)

sys.modules["flows.cleanup"].datetime = Clock
module, name = {"delete": (cleanup, "_delete"), "audit": (record, "write_row")}[sys.argv[1]]
setattr(module, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
flows.cleanup.cleanup(dry_run=False)
"""


def kill_at(step: str, api_url: str) -> None:
    """Run a cleanup that is killed right before a step; Prefect hears of its end, as a worker would tell it."""
    process = start_python(_RUN, api_url, step, NOW.isoformat())
    output, _ = process.communicate(timeout=120)
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
    (interrupted,) = audit(settings, cleanup_type="interrupted")
    assert (interrupted["cleanup_id"], interrupted["run_id"], interrupted["deleted"]) == (left, run_of(left), 0)
    assert "the run ended before it wrote this row; nothing is gone" in interrupted["errors"]
    assert sum(row["deleted"] for row in audit(settings)) == 5


def test_killed_between_delete_and_audit_the_rerun_records_what_was_deleted_once(
    settings: Settings, clean: Clean, put_back: Restore, api_url: str
) -> None:
    put_some(settings)
    before = everything(settings)
    kill_at("audit", api_url)
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    assert audit(settings) == []
    (left,) = backups(settings)
    mark_crashed(run_of(left))

    clean()
    (interrupted,) = audit(settings, cleanup_type="interrupted")
    assert (interrupted["cleanup_id"], interrupted["table_name"], interrupted["deleted"]) == (left, PLAYERS, 3)
    assert "3 of the backup's 3 rows are gone" in interrupted["errors"]
    assert sum(row["deleted"] for row in audit(settings)) == 5
    clean()
    assert len(audit(settings, cleanup_type="interrupted")) == 1
    put_back(left)
    assert everything(settings)[PLAYERS] == before[PLAYERS]


def test_a_cleanup_that_is_at_work_is_not_taken_for_one_that_died(
    settings: Settings, clean: Clean, api_url: str
) -> None:
    put_some(settings)
    kill_at("delete", api_url)  # and Prefect has not heard of it: the run looks as if it were at work
    clean()
    assert audit(settings, cleanup_type="interrupted") == []
    assert len(audit(settings)) == 2


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
    assert fetch(settings, f"SELECT COUNT(*) AS n FROM {AUDIT}") == [{"n": 4}]

"""Rows that arrive while a cleanup is at work, and cleanups at work together."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tasks.cleanup import delete as module
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.cleanup.observe import (
    CUTOFF,
    FUTURE,
    PLAYERS,
    STALE,
    TABLES,
    TODAY,
    audit,
    days_ago,
    days_of,
    everything,
    player,
    put,
    put_some,
    rows_of,
)
from tests.fixtures.flows import Clean, InThread


def before_call(monkeypatch: pytest.MonkeyPatch, where: object, name: str, what: Callable[[], None]) -> None:
    """Let something happen right before a function is called for the first time."""
    called, waiting = getattr(where, name), [what]

    def _first(*args: Any, **kwargs: Any) -> Any:
        if waiting:
            waiting.pop()()
        return called(*args, **kwargs)

    monkeypatch.setattr(where, name, _first)


@pytest.mark.parametrize("step", ["clean_tables", "_delete"], ids=["before the backup", "before the delete"])
def test_stale_rows_that_arrive_after_the_preview_are_not_deleted_and_the_next_run_takes_them(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put_some(settings)
    where = sys.modules["flows.cleanup"] if step == "clean_tables" else module
    arrived = [player("latecomer", STALE), player("newcomer", days_ago(9))]
    before_call(monkeypatch, where, step, lambda: put(settings, arrived))
    report = clean()
    assert days_of(settings, PLAYERS) == [days_ago(9), STALE, STALE, STALE, CUTOFF, TODAY, FUTURE]
    cleaned = report.tables[0]
    assert (cleaned.previewed, cleaned.deleted, cleaned.verified, cleaned.errors) == (3, 1, True, None)
    if step == "clean_tables":
        assert cleaned.notes == f"changed since the preview, left for the next run: {days_ago(9)}, {STALE}"
    assert audit(settings, table_name=PLAYERS)[0]["deleted"] == 1

    assert clean().tables[0].deleted == 4
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]


def test_a_stale_row_that_is_rewritten_after_the_preview_keeps_its_day_from_being_deleted(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewrite() -> None:
        put(settings, [player("reggiejackson", days_ago(30), days_rest=9)])
        table = load_catalogue(settings).table("upcoming_player_game_context")
        with open_warehouse(settings.connection()) as warehouse:
            old = f"game_date = DATE '{days_ago(30)}' AND days_rest = 2"
            assert warehouse.change(table, f"DELETE FROM {PLAYERS} WHERE {old}", {}) == 1

    put_some(settings)
    before_call(monkeypatch, module, "_delete", rewrite)
    assert clean().tables[0].deleted == 2
    assert days_of(settings, PLAYERS) == [days_ago(30), CUTOFF, TODAY, FUTURE]


def test_a_row_that_is_to_stay_and_arrives_meanwhile_is_no_alarm(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_some(settings)
    before_call(monkeypatch, module, "_delete", lambda: put(settings, [player("newcomer", FUTURE)]))
    report = clean()
    assert report.is_done
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE, FUTURE]


def test_two_cleanups_at_once_delete_every_stale_row_once(
    settings: Settings, clean: Clean, in_thread: InThread
) -> None:
    put_some(settings)
    before = everything(settings)
    runs = [in_thread(clean) for _ in range(2)]
    reports = [run.result(timeout=300) for run in runs]
    assert all(report.is_done for report in reports)
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE]
    assert all(rows_of(settings, table) <= before[table] for table in TABLES)
    assert sum(row["deleted"] for row in audit(settings)) == 5
    assert len(audit(settings)) == 4

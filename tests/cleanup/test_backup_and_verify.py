"""The backup before, the verification after, and what happens when either fails."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.cleanup import delete as module
from tasks.errors import QueryError
from tasks.settings import Settings
from tasks.warehouse.base import Backup
from tasks.warehouse.bigquery.warehouse import BigQueryWarehouse
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql, server_of
from tests.cleanup.observe import (
    CUTOFF,
    FUTURE,
    PLAYERS,
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
from tests.fixtures.flows import Clean, SetClock
from tests.league import fetch

ADAPTERS: dict[str, type[DuckDBWarehouse] | type[BigQueryWarehouse]] = {
    "duckdb": DuckDBWarehouse,
    "bigquery": BigQueryWarehouse,
}


def test_a_backup_holds_the_rows_that_were_deleted_and_says_when_it_was_made_and_expires(
    settings: Settings, clean: Clean
) -> None:
    put_some(settings)
    before = everything(settings)[PLAYERS]
    clean()
    (row,) = audit(settings, table_name=PLAYERS)
    with open_warehouse(settings.connection()) as warehouse:
        (kept,) = [backup for backup in warehouse.backups() if backup.name == row["backup_name"]]
    rows = fetch(settings, f"SELECT * FROM {kept.location} WHERE game_date < DATE '{CUTOFF}'")
    assert {tuple(each.values()) for each in rows} == set(before) - set(everything(settings)[PLAYERS])
    assert kept.expires_at - kept.created_at == pytest.approx(timedelta(days=30), abs=timedelta(seconds=5))
    assert abs(datetime.now(UTC) - kept.created_at) < timedelta(minutes=5)


def test_backups_past_their_30_days_are_dropped_and_younger_ones_are_kept(
    settings: Settings, clean: Clean, set_clock: SetClock
) -> None:
    put_some(settings)
    clean()
    old = backups(settings)
    assert len(old) == 2
    later = datetime.now(UTC) + timedelta(days=29)
    set_clock(later)
    put(settings, [player("someone", later.date() - timedelta(days=20)), player("another", later.date())])
    clean()
    assert set(backups(settings)) > set(old)
    if settings.warehouse == "bigquery":
        server, project = server_of(settings)
        server.project(project).clock.advance(days=30, hours=1)
    set_clock(datetime.now(UTC) + timedelta(days=30, hours=1))
    report = clean()
    assert set(backups(settings)) & set(old) == set()
    assert settings.warehouse == "bigquery" or all(f"- `{name}`" in report.markdown for name in old)


def test_a_backup_that_cannot_be_made_stops_the_deletion_and_not_the_other_table(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = ADAPTERS[settings.warehouse]
    back_up: Callable[..., Backup] = adapter.back_up

    def fails(self: Any, table: Any, name: str, **options: Any) -> Backup:
        if table.full_name == PLAYERS:
            raise QueryError("there is no room for it")
        return back_up(self, table, name, **options)

    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(adapter, "back_up", fails)
    report = clean()
    assert everything(settings)[PLAYERS] == before[PLAYERS]
    assert days_of(settings, TEAMS) == [CUTOFF, TODAY, FUTURE]
    assert report.tables[0].errors == "QueryError: there is no room for it"
    assert not report.is_done


def test_a_backup_that_does_not_match_stops_the_deletion(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = ADAPTERS[settings.warehouse]
    back_up: Callable[..., Backup] = adapter.back_up

    def spoils(self: Any, table: Any, name: str, **options: Any) -> Backup:
        backup = back_up(self, table, name, **options)
        spoiled = f"UPDATE {backup.location} SET processed_at = processed_at + INTERVAL 1 MICROSECOND"
        if isinstance(self, DuckDBWarehouse):
            self._run(spoiled)
        else:
            run_sql(settings, spoiled)
        return backup

    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(adapter, "back_up", spoils)
    report = clean()
    assert everything(settings) == before
    for table in report.tables:
        assert table.deleted == 0
        assert "the backup does not hold the rows of" in str(table.errors)
        assert "nothing was deleted" in str(table.errors)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (f"DELETE FROM {PLAYERS} WHERE game_date = DATE '{TODAY}'", "1 rows that were to stay are not there"),
        (f"UPDATE {PLAYERS} SET days_rest = 8 WHERE game_date >= DATE '{TODAY}'", "2 rows that were to stay"),
    ],
    ids=["a row is lost", "rows are changed"],
)
def test_a_failed_verification_puts_the_rows_back_and_fails_the_run(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch, damage: str, said: str
) -> None:
    put_some(settings)
    before = everything(settings)[PLAYERS]
    deletes = module._delete

    def too_much(warehouse: Any, table: Any, *rest: Any) -> int:
        deleted = deletes(warehouse, table, *rest)
        if table.full_name == PLAYERS:
            warehouse._run(damage) if isinstance(warehouse, DuckDBWarehouse) else run_sql(settings, damage)
        return deleted

    monkeypatch.setattr(module, "_delete", too_much)
    report = clean()
    cleaned = report.tables[0]
    assert not report.is_done
    assert said in str(cleaned.errors)
    assert "3 rows were put back from the backup" in str(cleaned.errors)
    assert (cleaned.deleted, cleaned.restored, cleaned.verified) == (3, 3, False)
    stale = {row for row in everything(settings)[PLAYERS] if row[3] < CUTOFF}
    assert stale == {row for row in before if row[3] < CUTOFF}
    assert report.tables[1].errors is None


def test_rows_that_the_engine_did_not_delete_are_found(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(module, "_delete", lambda *_: 3)
    report = clean()
    assert "3 stale rows are still there" in str(report.tables[0].errors)
    assert everything(settings) == before


def test_a_delete_that_fails_deletes_nothing_and_says_so(
    settings: Settings, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> int:
        raise QueryError("the engine refused")

    put_some(settings)
    before = everything(settings)
    monkeypatch.setattr(module, "_delete", fails)
    report = clean()
    assert everything(settings) == before
    assert [row["errors"] for row in audit(settings)] == ["QueryError: the engine refused"] * 2
    assert [row["deleted"] for row in audit(settings)] == [0, 0]
    assert not report.is_done

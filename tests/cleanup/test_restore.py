"""Putting a backup's rows back."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.errors import RequestError, SchemaError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql
from tests.cleanup.observe import (
    FUTURE,
    PLAYERS,
    STALE,
    TEAMS,
    audit,
    backups,
    days_of,
    everything,
    player,
    put,
    put_some,
    team,
)
from tests.fixtures.flows import Clean, Restore


def backup_of(settings: Settings, table: str) -> str:
    return str(audit(settings, table_name=table)[-1]["backup_name"])


def test_a_restore_gives_the_original_tables_back(settings: Settings, clean: Clean, put_back: Restore) -> None:
    twice = player("twin", STALE)
    put_some(settings)
    put(settings, [twice, twice, player("o'neill | ~né", STALE, team_abbr="D|N", days_rest=None)])
    before = everything(settings)
    clean()
    assert everything(settings) != before
    for table in (PLAYERS, TEAMS):
        put_back(backup_of(settings, table))
    assert everything(settings) == before


def test_a_restore_again_adds_nothing(settings: Settings, clean: Clean, put_back: Restore) -> None:
    put_some(settings)
    before = everything(settings)
    clean()
    players, teams = backup_of(settings, PLAYERS), backup_of(settings, TEAMS)
    assert [put_back(name).restored for name in (players, players, teams, teams)] == [3, 0, 2, 0]
    assert everything(settings) == before


def test_a_restore_previews_first_and_changes_nothing_then(settings: Settings, clean: Clean, put_back: Restore) -> None:
    put_some(settings)
    clean()
    after, recorded = everything(settings), len(audit(settings))
    report = put_back(backup_of(settings, PLAYERS), dry_run=True)
    assert report.restored is None
    assert (report.preview.row_count, report.preview.missing) == (3, 3)
    assert "lacks 3 of the 3 rows" in report.summary
    assert everything(settings) == after
    assert len(audit(settings)) == recorded


def test_a_restore_never_puts_a_row_over_a_newer_one(settings: Settings, clean: Clean, put_back: Restore) -> None:
    put_some(settings)
    clean()
    newer = player("nikolajokic", STALE, days_rest=77)
    moved = team("CLE", FUTURE, game_total=199.0)  # the same game, on another day
    put(settings, [newer], [moved])
    assert put_back(backup_of(settings, PLAYERS)).restored == 2
    assert put_back(backup_of(settings, TEAMS)).restored == 1
    assert days_of(settings, PLAYERS).count(STALE) == 2
    assert FUTURE in days_of(settings, TEAMS)
    assert STALE not in days_of(settings, TEAMS)


def test_a_restore_is_recorded(settings: Settings, clean: Clean, put_back: Restore) -> None:
    put_some(settings)
    clean()
    name = backup_of(settings, PLAYERS)
    put_back(name)
    (row,) = audit(settings, cleanup_type="restore")
    assert (row["table_name"], row["previewed"], row["restored"], row["deleted"]) == (PLAYERS, 3, 3, 0)
    assert (row["backup_name"], row["verified"], row["errors"]) == (name, True, None)


def test_a_backup_that_is_not_there_is_refused_with_those_that_are(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    clean()
    before = everything(settings)
    with pytest.raises(
        RequestError, match="backup='yesterday': there is no such backup; there are, newest first: "
    ) as e:
        put_back("yesterday")
    assert all(name in str(e.value) for name in backups(settings))
    run_sql(settings, "CREATE SCHEMA IF NOT EXISTS other")
    assert everything(settings) == before


def test_a_backup_of_a_table_that_left_the_catalogue_names_both_and_puts_nothing_back(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    clean()
    name = BackupName.parse(backup_of(settings, PLAYERS))
    assert name is not None
    gone = str(name.model_copy(update={"table": "a_table_of_old"}))
    with open_warehouse(settings.connection()) as warehouse:
        spec = load_catalogue(settings).table(name.table)
        warehouse.back_up(spec, gone, before=FUTURE, expires_at=datetime.now(UTC) + timedelta(days=1))
    before = (everything(settings), audit(settings))
    said = (
        rf"^backup='{gone}': there is no table folder of its table a_table_of_old any more; put it back, below "
        "tasks/tables or FULLCOURT_EXTRA_TABLES_DIR, and restore again. There are .*; nothing was put back$"
    )
    for dry_run in (True, False):
        with pytest.raises(RequestError, match=said):
            put_back(gone, dry_run=dry_run)
    assert (everything(settings), audit(settings)) == before
    assert clean().is_done, "it stops no cleanup"


def test_a_backup_of_a_table_that_was_dropped_names_both(settings: Settings, clean: Clean, put_back: Restore) -> None:
    put_some(settings)
    clean()
    name, recorded = backup_of(settings, PLAYERS), audit(settings)
    run_sql(settings, f"DROP TABLE {PLAYERS}")
    with pytest.raises(
        SchemaError,
        match=rf"^table {PLAYERS} does not exist any more: create it, with the columns of \w+\.{name}, and restore",
    ):
        put_back(name)
    assert audit(settings) == recorded


def test_without_any_backup_the_message_says_so(settings: Settings, put_back: Restore) -> None:
    put(settings)
    with pytest.raises(RequestError, match="newest first: none"):
        put_back("upcoming_team_game_context__before_20230222__00000000_0000_0000_0000_000000000000__1")

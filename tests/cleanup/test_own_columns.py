"""Columns that a user's table has beyond the catalogue's are backed up, compared and put back like every other one."""

from collections import Counter

import pytest

from tasks.errors import SchemaError
from tasks.settings import Settings
from tasks.tables import cleanup as queries
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql
from tests.cleanup.observe import CUTOFF, PLAYERS, backups, put_some
from tests.fixtures.flows import Clean, Restore
from tests.league import fetch

VALUES = {
    "note": ("VARCHAR", "player_lookup || ' | ~ \"1.0,\"'"),
    "tags": ("VARCHAR[]", "['late', player_lookup]"),
    "price": ("DECIMAL(38,9)", "1.123456789"),
    "seen": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ '2023-02-01 12:00:00.123456+00'"),
    "is_seen": ("BOOLEAN", "TRUE"),
    '"order"': ("DOUBLE", "0.1 + 0.2"),
    "day": ("DATE", "DATE '2023-02-01'"),
}


def rows(settings: Settings) -> Counter[str]:
    everything = "game_date >= DATE '0001-01-01' OR game_date IS NULL"
    return Counter(str(sorted(row.items())) for row in fetch(settings, f"SELECT * FROM {PLAYERS} WHERE {everything}"))


def extend(settings: Settings) -> None:
    """Give the table columns of a user's own, each with a value in every row."""
    for name, (kind, value) in VALUES.items():
        run_sql(settings, f"ALTER TABLE {PLAYERS} ADD COLUMN {name} {kind}", f"UPDATE {PLAYERS} SET {name} = {value}")


def backup_of_players(settings: Settings) -> str:
    (name,) = (name for name in backups(settings) if name.startswith("upcoming_player"))
    return name


def test_every_column_of_the_table_comes_back_with_its_value(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    extend(settings)
    before = rows(settings)
    assert clean().is_done
    assert len(before) - len(rows(settings)) == 3
    put_back(backup_of_players(settings))
    assert rows(settings) == before


@pytest.mark.parametrize("column", list(VALUES))
def test_a_digest_sees_a_change_of_any_column(settings: Settings, column: str) -> None:
    put_some(settings)
    extend(settings)
    table = load_catalogue(settings).table("upcoming_player_game_context")
    stale, kept = queries.stale_days(table), queries.kept_rows(table)
    before = [fetch(settings, sql, cutoff=CUTOFF) for sql in (stale, kept)]
    run_sql(settings, f"UPDATE {PLAYERS} SET {column} = NULL WHERE player_lookup = 'nikolajokic'")
    after = [fetch(settings, sql, cutoff=CUTOFF) for sql in (stale, kept)]
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_a_backup_from_before_a_column_was_added_is_put_back_with_the_column_empty(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    clean()
    run_sql(settings, f"ALTER TABLE {PLAYERS} ADD COLUMN note VARCHAR", f"UPDATE {PLAYERS} SET note = 'mine'")
    put_back(backup_of_players(settings))
    notes = fetch(settings, f"SELECT note FROM {PLAYERS} WHERE game_date < @cutoff", cutoff=CUTOFF)
    assert [row["note"] for row in notes] == [None, None, None]
    notes = fetch(settings, f"SELECT note FROM {PLAYERS} WHERE game_date >= @cutoff", cutoff=CUTOFF)
    assert {row["note"] for row in notes} == {"mine"}


def test_a_backup_with_values_of_a_column_that_was_removed_is_put_back_once_the_column_is_there_again(
    settings: Settings, clean: Clean, put_back: Restore
) -> None:
    put_some(settings)
    for name in ("note", "unused"):
        run_sql(settings, f"ALTER TABLE {PLAYERS} ADD COLUMN {name} VARCHAR")
    run_sql(settings, f"UPDATE {PLAYERS} SET note = player_lookup")
    before = rows(settings)
    clean()
    backup = backup_of_players(settings)
    for name in ("note", "unused"):
        run_sql(settings, f"ALTER TABLE {PLAYERS} DROP COLUMN {name}")
    left = rows(settings)
    for dry_run in (True, False):
        said = rf"{PLAYERS} has no column note STRING, of which {backup} holds values: add it, .*nothing was put back"
        with pytest.raises(SchemaError, match=said):
            put_back(backup, dry_run=dry_run)
    assert rows(settings) == left
    run_sql(settings, f"ALTER TABLE {PLAYERS} ADD COLUMN note VARCHAR")
    run_sql(settings, f"UPDATE {PLAYERS} SET note = player_lookup")
    put_back(backup)
    assert rows(settings) == Counter(row.replace(", ('unused', None)", "") for row in before.elements())

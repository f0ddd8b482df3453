"""What the embedded warehouse does with its file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import duckdb  # noqa: TID251 - a look at the file from outside, and a writer that the application knows nothing of
import pytest

from tasks.settings import DuckDBSettings, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.league import League, fetch

TABLE = "nba_reference.nba_schedule"
GAMES = 12


@pytest.fixture
def scattered(league: League, settings: Settings) -> DuckDBSettings:
    """A warehouse to which every game was added by a connection of its own."""
    connection = settings.connection()
    assert isinstance(connection, DuckDBSettings)
    table = load_catalogue(settings).table("nba_schedule")
    for number in range(GAMES):
        league.game(date(2022, 11, 8) + timedelta(days=number), "BOS", "NYK")
        with DuckDBWarehouse(connection) as warehouse:
            warehouse.create([table])
            warehouse.append(table, [league.games[-1]])
    return connection


def row_groups(connection: DuckDBSettings) -> int:
    """How many row groups the table has on disk."""
    with duckdb.connect(connection.path, read_only=True) as opened:
        found = opened.execute(f"SELECT COUNT(DISTINCT row_group_id) FROM pragma_storage_info('{TABLE}')").fetchone()
    assert found is not None
    return int(found[0])


def games(settings: Settings) -> list[dict[str, object]]:
    return fetch(settings, f"SELECT game_id, game_date, game_status FROM {TABLE} ORDER BY game_date")


def test_a_sweep_merges_what_many_runs_have_written_and_nothing_else_does(
    scattered: DuckDBSettings, settings: Settings
) -> None:
    before = games(settings)
    assert len(before) == row_groups(scattered) == GAMES
    with DuckDBWarehouse(scattered) as warehouse:
        assert warehouse.sweep(lambda _: True) == []
    assert row_groups(scattered) == 1
    assert games(settings) == before
    with duckdb.connect(scattered.path, read_only=True) as opened:
        names = opened.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert names == [("nba_schedule",)]


def test_a_sweep_leaves_alone_what_somebody_writes_meanwhile(scattered: DuckDBSettings, settings: Settings) -> None:
    before = games(settings)
    with DuckDBWarehouse(scattered) as warehouse:
        with writing(scattered):
            assert warehouse.sweep(lambda _: True) == []
        assert warehouse.fetch(f"SELECT COUNT(*) AS n FROM {TABLE}") == [{"n": GAMES + 1}]
        assert warehouse.sweep(lambda _: True) == []
    assert row_groups(scattered) == 1
    assert games(settings)[:-1] == before


@contextmanager
def writing(connection: DuckDBSettings) -> Iterator[None]:
    """Add a game in a transaction that another connection of this process has open as long as the block lasts."""
    with DuckDBWarehouse(connection) as other:
        raw = other._open
        raw.begin()
        raw.execute(f"INSERT INTO {TABLE} SELECT * REPLACE (DATE '2023-01-01' AS game_date) FROM {TABLE} LIMIT 1")
        yield
        raw.commit()

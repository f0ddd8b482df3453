"""What the embedded warehouse does with its file."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb  # noqa: TID251 - a look at the file from outside, and a writer that the application knows nothing of
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import QueryError, QuotaError, SchemaError, StorageError
from tasks.settings import DuckDBSettings, Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse
from tasks.warehouse.open import open_warehouse
from tests.league import League, fetch

pytestmark = pytest.mark.no_server

TABLE = "nba_reference.nba_schedule"
GAMES = 12


@pytest.fixture(autouse=True)
def temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep moments to oneself: who sweeps as if every run were over, sweeps those of other tests too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


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


def test_tables_of_a_user_keep_their_rows_whatever_their_names(scattered: DuckDBSettings, settings: Settings) -> None:
    table = load_catalogue(settings).table("nba_schedule")
    names = ("swept", f"staged_{table.name}", "incoming_rows", "fullcourt_backups.mine")
    with duckdb.connect(scattered.path) as opened:
        opened.execute("CREATE SCHEMA fullcourt_backups")
        for name in names:
            opened.execute(f"CREATE TABLE {name} AS SELECT 42 AS answer")
    before = games(settings)
    day, rows = before[0]["game_date"], f"SELECT * FROM {TABLE} WHERE game_date = @game_date"
    assert isinstance(day, date)
    with DuckDBWarehouse(scattered) as warehouse:
        warehouse.sweep(lambda _: True)
        with warehouse.stage(table, rows, {"game_date": day}, game_date=day, run_id="") as staged:
            assert warehouse.fetch(f"SELECT COUNT(*) AS n FROM {staged.location}") == [{"n": 1}]
            assert warehouse.publish(staged) == 1
        expires = datetime.now(UTC) + timedelta(days=1)
        with pytest.raises(StorageError, match=r"fullcourt_backups.mine is there, and is no backup .*: rename it"):
            warehouse.back_up(table, "mine", before=date(2023, 1, 1), expires_at=expires)
        backup = warehouse.back_up(table, "ours", before=date(2023, 1, 1), expires_at=expires)
        assert warehouse.back_up(table, "ours", before=date(2023, 1, 1), expires_at=expires) == backup
    with duckdb.connect(scattered.path) as opened:
        for name in names:
            assert opened.execute(f"FROM {name}").fetchall() == [(42,)]
    assert games(settings) == before


@pytest.mark.parametrize(
    "comment",
    [
        "mine",
        "[1]",
        "{}",
        "null",
        '{"created_at": 1, "expires_at": 2}',
        '{"created_at": "2020-01-01T00:00:00+00:00", "expires_at": "2020-01-02T00:00:00+00:00"}',
    ],
)
def test_a_table_with_a_comment_of_its_owner_is_no_backup(scattered: DuckDBSettings, comment: str) -> None:
    with duckdb.connect(scattered.path) as opened:
        opened.execute("CREATE SCHEMA fullcourt_backups")
        opened.execute("CREATE TABLE fullcourt_backups.mine AS SELECT 42 AS answer")
        opened.execute(f"COMMENT ON TABLE fullcourt_backups.mine IS '{comment}'")
    with DuckDBWarehouse(scattered) as warehouse:
        assert warehouse.backups() == []


def test_no_other_process_can_open_the_file_however_often_this_one_opens_it(scattered: DuckDBSettings) -> None:
    other = [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(scattered.path)]
    with DuckDBWarehouse(scattered):
        for _ in range(3):
            with DuckDBWarehouse(scattered):
                inside = subprocess.run(other, capture_output=True, text=True, check=False)
            after = subprocess.run(other, capture_output=True, text=True, check=False)
            assert all("Could not set lock on file" in done.stderr for done in (inside, after))
    assert subprocess.run(other, check=False).returncode == 0


def test_a_moment_is_read_however_busy_other_connections_to_the_file_are(scattered: DuckDBSettings) -> None:
    """What takes the moment closes its file, which lasts as long as any transaction of this process may look at it."""
    tables, is_over = [load_catalogue(load_settings()).table("nba_schedule")], threading.Event()

    def look_around() -> None:
        while not is_over.is_set():
            with open_warehouse(scattered) as other:
                other.schema(tables)

    busy = [threading.Thread(target=look_around) for _ in range(4)]
    for thread in busy:
        thread.start()
    try:
        with open_warehouse(scattered) as warehouse:
            warehouse.create(tables)
            for _ in range(20):
                moment = warehouse.take_moment(tables, run_id="a-run", may_store=True)
                with open_warehouse(scattered, moment=moment) as reader:
                    assert reader.fetch("SELECT COUNT(*) AS games FROM nba_reference.nba_schedule") == [
                        {"games": GAMES}
                    ]
                warehouse.release(moment)
    finally:
        is_over.set()
        for thread in busy:
            thread.join()


@pytest.mark.parametrize("kind", ["folder", "SQLite database", "Parquet file", "empty", "is not a DuckDB file"])
def test_what_is_no_duckdb_file_is_called_by_its_name_and_left_as_it_is(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    if kind == "folder":
        path.mkdir()
    elif kind == "SQLite database":
        with closing(sqlite3.connect(path)) as opened:
            opened.execute("CREATE TABLE t (n INTEGER)")
            opened.commit()
    elif kind == "Parquet file":
        pq.write_table(pa.table({"n": [1]}), path)
    else:
        path.write_bytes(b"" if kind == "empty" else b"\x00damaged" * 100)
    before = None if path.is_dir() else path.read_bytes()
    connection = Settings(duckdb_path=path).connection()
    assert isinstance(connection, DuckDBSettings)
    with pytest.raises(StorageError, match=rf"{path} .*{kind}.*FULLCOURT_DUCKDB_PATH"), DuckDBWarehouse(connection):
        pass
    assert before is None or path.read_bytes() == before


def cut(data: bytes, at: float) -> bytes:
    return data[: int(len(data) * at)]


def overwrite(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(200) + data[at + 200 :]


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(partial(cut, at=at), id=f"cut off at {at}") for at in (0.01, 0.3, 0.999)),
        *(pytest.param(partial(overwrite, at=at), id=f"overwritten at {at}") for at in (20, 4096, 8192)),
    ],
)
def test_a_damaged_file_is_said_to_be_damaged_and_left_as_it_is(
    scattered: DuckDBSettings, damage: Callable[[bytes], bytes]
) -> None:
    scattered.path.write_bytes(damage(scattered.path.read_bytes()))
    before = scattered.path.read_bytes()
    said = rf"{scattered.path} is not a DuckDB file, or is damaged or cut off; restore it from a copy, .*load the data"
    with pytest.raises(StorageError, match=said) as error, DuckDBWarehouse(scattered) as warehouse:
        warehouse.fetch(f"SELECT * FROM {TABLE}")
    assert "permissions" not in str(error.value)
    assert scattered.path.read_bytes() == before


@pytest.mark.parametrize(
    ("sql", "kind", "said"),
    [
        ("SELECT CAST('x' AS INT64) AS n", QueryError, "a value does not fit its column.*correct the value"),
        ("SELECT 9223372036854775807 + 1 AS n", QueryError, "a value does not fit its column.*correct the value"),
        (f"SELECT nobody FROM {TABLE}", SchemaError, "a table or column is missing, or has another type"),
        (
            "SELECT STRING_AGG(REPEAT('x', 50000000), '') AS n FROM UNNEST([1, 2, 3, 4, 5]) AS a",
            QuotaError,
            "more memory than FULLCOURT_DUCKDB_MEMORY_LIMIT_MIB=128 allows: raise it",
        ),
    ],
)
def test_an_error_of_a_statement_says_what_to_do(
    scattered: DuckDBSettings, sql: str, kind: type[Exception], said: str
) -> None:
    small = scattered.model_copy(update={"memory_limit_mib": 128})
    with DuckDBWarehouse(small) as warehouse, pytest.raises(kind, match=f"(?s){said}"):
        warehouse.fetch(sql)


def test_a_value_that_no_column_can_hold_is_an_error_that_names_the_table(
    scattered: DuckDBSettings, settings: Settings
) -> None:
    table = load_catalogue(settings).table("nba_schedule")
    for column, value in (("season_year", 2**80), ("season_year", "many"), ("game_id", "\ud800")):
        row = {**dict(games(settings)[0]), column: value}
        with DuckDBWarehouse(scattered) as warehouse, pytest.raises(QueryError, match=f"{TABLE}: .*correct the "):
            warehouse.append(table, [row])
    assert len(games(settings)) == GAMES

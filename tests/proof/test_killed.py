"""A run that is killed at any statement has written whole days and nothing else, and the next one ends as any."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import duckdb  # noqa: TID251 - what is in the file is read behind the application's back
import pytest

from tasks.backfill.gate import PUBLISHED
from tasks.tables.catalogue import load_catalogue
from tests.proof.bench import Bench, do, read_decided, read_rows, without_prefect
from tests.proof.killed import Kill, killer, settings_of
from tests.proof.kinds import damage
from tests.proof.league import generate
from tests.proof.proof import FIRST_DAY
from tests.proof.said import row_said, rows_said
from tests.proof.seeds import seeds

pytestmark = pytest.mark.no_server

SEEDS = seeds(24, in_every_run=4)
DAYS = 6
LEAGUE, DAMAGE = 2, 5


@dataclass(frozen=True)
class Stored:
    """What a file holds."""

    rows: dict[tuple[str, date], list[str]]
    """Of each table and day."""
    records: set[str]
    """The rows of the ledger and of the failures: a day that is not done may be tried, and recorded, again."""
    done: list[tuple[str, date]]
    """The tables and days of which the ledger says that they are published, as often as it says so."""
    tables: list[tuple[str, ...]]


def stored(path: Path) -> Stored:
    catalogue = load_catalogue(settings_of(path))
    with closing(duckdb.connect(path)) as file:
        rows, ledger = read_decided(file, catalogue)
        failures = read_rows(file, catalogue.table("precompute_failures"))
        done = [(row["table_name"], row["game_date"]) for row in ledger if row["outcome"] in PUBLISHED]
        tables = file.execute("SELECT database_name, schema_name, table_name FROM duckdb_tables()").fetchall()
        return Stored(rows_said(rows), set(map(row_said, ledger + failures)), sorted(done), sorted(tables))


@dataclass(frozen=True)
class Undisturbed:
    """A damaged league in a file, before any day is done; and what a run that nobody kills makes of it."""

    path: Path
    days: list[date]
    moments: int
    stored: Stored


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    with killer() as kill:
        yield kill


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, kill: Kill) -> Undisturbed:
    path = tmp_path_factory.mktemp("killed") / "league.duckdb"
    league, _, _ = damage(generate(LEAGUE), Random(DAMAGE))  # noqa: S311
    with Bench(path) as bench:
        bench.write(league)
    days = [day for day in sorted(league.days()) if day >= FIRST_DAY][-DAYS:]
    (path.parent / "done").mkdir()
    done = path.parent / "done" / path.name  # the file's name is that of the database
    shutil.copyfile(path, done)
    by, moments = kill(done, days, at=0, sizes=[None], at_once=1)
    assert by == 0
    return Undisturbed(path, days, moments, stored(done))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_is_killed_has_written_whole_days_and_the_next_one_ends_as_if_there_had_been_no_other(
    undisturbed: Undisturbed, kill: Kill, seed: int, tmp_path: Path
) -> None:
    random, path, days = Random(seed), tmp_path / "league.duckdb", undisturbed.days  # noqa: S311
    sizes, at_once = [random.randint(1, DAYS), None], random.choice([1, 3])
    said = [f"batches of {sizes}, {at_once} days at once"]
    shutil.copyfile(undisturbed.path, path)
    for _ in range(random.randint(1, 3)):
        at = random.randint(1, undisturbed.moments)
        by, moment = kill(path, days, at=at, sizes=sizes, at_once=at_once)
        said.append(f"killed at {moment}" if by == signal.SIGKILL else "came to its end")
        now = stored(path)
        assert {of: undisturbed.stored.rows.get(of) for of in now.rows} == now.rows, said
        assert now.records <= undisturbed.stored.records, said
    with without_prefect():
        do(settings_of(path), days, sizes=sizes)
    assert stored(path) == undisturbed.stored, said

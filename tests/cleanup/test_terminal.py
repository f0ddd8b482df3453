"""fullcourt cleanup, restore and backups, for real: a terminal without a UI."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.local.prefect_server import free_port, start_server
from deployments.local.services import Service
from tasks.calendar import league_day
from tasks.settings import PROJECT_ROOT, Settings
from tests.cleanup.observe import PLAYERS, audit, days_of, everything, player, put
from tests.fixtures.prefect import NewHome

Terminal = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.duckdb_only


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Service]:
    server = start_server(new_home(tmp_path_factory.mktemp("prefect")), free_port())
    yield server
    server.stop()


@pytest.fixture
def terminal(server: Service) -> Terminal:
    def _terminal(action: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        home = [] if action == "backups" else ["--home", str(Path(server.folder))]
        command = [sys.executable, "-m", "deployments.commands", action, *home, *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env={**clean, "COLUMNS": "160"},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    return _terminal


@pytest.fixture
def stale(settings: Settings) -> int:
    """Put rows of the last days, of which two are stale today; returns how many there are."""
    today = league_day(datetime.now(UTC))
    put(settings, [player(f"player{n}", today - timedelta(days=n)) for n in (1, 6, 12, 13)])
    return 4


def test_a_dry_run_shows_what_is_stale_and_changes_nothing(settings: Settings, terminal: Terminal, stale: int) -> None:
    before = everything(settings)
    done = terminal("cleanup", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "2 rows of 2 tables are stale, nothing was deleted" in done.stdout
    assert everything(settings) == before


def test_it_shows_the_rows_and_asks_for_their_number(settings: Settings, terminal: Terminal, stale: int) -> None:
    done = terminal("cleanup", typed="2\n")
    assert done.returncode == 0, done.stderr
    assert "Type the number of rows to delete; anything else deletes nothing: " in done.stdout
    assert PLAYERS in done.stdout.partition("Type the number")[0]
    assert len(days_of(settings, PLAYERS)) == stale - 2
    assert audit(settings, table_name=PLAYERS)[0]["approved_by"]


@pytest.mark.parametrize("typed", ["1\n", "no\n", ""], ids=["a wrong number", "a word", "nothing"])
def test_another_answer_deletes_nothing(settings: Settings, terminal: Terminal, stale: int, typed: str) -> None:
    before = everything(settings)
    done = terminal("cleanup", typed=typed)
    assert done.returncode == 1
    assert "nothing was deleted" in done.stdout
    assert everything(settings) == before


def test_yes_does_not_ask_and_days_moves_the_cutoff(settings: Settings, terminal: Terminal, stale: int) -> None:
    done = terminal("cleanup", "--yes", "--days", "12")
    assert done.returncode == 0, done.stderr
    assert "Type the number" not in done.stdout
    assert len(days_of(settings, PLAYERS)) == stale - 1


def test_a_backup_is_put_back_after_a_yes(settings: Settings, terminal: Terminal, stale: int) -> None:
    before = everything(settings)
    terminal("cleanup", "--yes")
    backup = terminal("backups").stdout.strip()
    assert backup == audit(settings, table_name=PLAYERS)[0]["backup_name"]
    refused = terminal("restore", backup, typed="no\n")
    assert (refused.returncode, len(days_of(settings, PLAYERS))) == (1, stale - 2)
    done = terminal("restore", backup, typed="yes\n")
    assert done.returncode == 0, done.stderr
    assert "2 were put back" in " ".join(done.stdout.split())
    assert everything(settings) == before


def test_what_cannot_be_is_refused(terminal: Terminal, settings: Settings, stale: int) -> None:
    assert terminal("cleanup", "--dry-run", "--yes").returncode == 2
    before = everything(settings)
    assert terminal("restore", "x", "--days", "5").returncode == 2
    assert terminal("backups", "--yes").returncode == 2
    assert everything(settings) == before
    none = terminal("cleanup", "--days", "0")
    assert none.returncode == 1
    assert "ttl_days=0: Input should be greater than or equal to 1" in none.stderr


@pytest.mark.parametrize("chosen", [[""], ["--", ""], ["0"]])
def test_whatever_a_user_writes_as_a_backups_name_never_chooses_another_action(
    terminal: Terminal, settings: Settings, stale: int, chosen: list[str]
) -> None:
    before = everything(settings)
    done = terminal("restore", "--yes", *chosen)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"error: backup={chosen[-1]!r}: there is no such backup")
    assert everything(settings) == before

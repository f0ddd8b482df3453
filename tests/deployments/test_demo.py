"""make demo, for real, against a server that runs already."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.commands.demo import _remove_earlier, _sign
from deployments.commands.demo_league import generate, load
from deployments.commands.main import DEMO_WAREHOUSE, main
from deployments.local.prefect_server import free_port, request, start_server
from deployments.local.services import Service
from tasks.settings import PROJECT_ROOT, Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.fixtures.prefect import NewHome

Demo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Service]:
    server = start_server(new_home(tmp_path_factory.mktemp("prefect")), free_port())
    yield server
    server.stop()


@pytest.fixture
def demo(server: Service, tmp_path: Path) -> Demo:
    def _demo(**env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deployments.commands", "demo", "--home", str(server.folder)]
        return subprocess.run(
            [*command, "--warehouse", str(tmp_path / "demo.duckdb")],
            cwd=PROJECT_ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return _demo


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    return {
        line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if re.match(r"2023-\d\d-\d\d ", line)
    }


def test_the_demo_ends_with_every_player_of_the_incident(demo: Demo, server: Service, tmp_path: Path) -> None:
    mine = tmp_path / "mine.duckdb"
    mine.write_bytes(b"the user's own warehouse")
    elsewhere = {"FULLCOURT_WAREHOUSE": "bigquery", "FULLCOURT_BIGQUERY_PROJECT": "somebody-else"}
    done = demo(FULLCOURT_DUCKDB_PATH=str(mine), **elsewhere)  # neither is the demo's to write to
    assert done.returncode == 0, done.stdout + done.stderr
    table = rows(done)
    assert len(table) == 14
    assert table["2023-02-23"] == ["9", "187", "1", "synthetic", "187", "100.0", "%", "complete"]
    assert table["2023-02-24"] == ["8", "175", "68", "synthetic", "175", "100.0", "%", "complete"]
    assert table["2023-02-19"] == ["0", "0", "no_games"]  # the All-Star game
    assert mine.read_bytes() == b"the user's own warehouse"

    assert "8/8 days" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr

    (run_id,) = re.findall(rf"See the run  http://127\.0\.0\.1:{server.facts['port']}/runs/flow-run/(\S+)", done.stdout)
    assert request(server, "GET", f"/api/flow_runs/{run_id}")["state_type"] == "COMPLETED"
    (query,) = re.findall(r"Query it     (.*)", done.stdout)
    shown = subprocess.run(query, shell=True, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)  # noqa: S602
    assert "player_lookup" in shown.stdout
    (season,) = re.findall(r"Its season   (.*)", done.stdout)
    shown = subprocess.run(season, shell=True, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)  # noqa: S602
    assert "player_composite_factors 2022-23: All 8 days are done." in shown.stdout

    # the next demo replaces what this one has made, even after somebody looked at it
    demo_file = tmp_path / "demo.duckdb"
    _remove_earlier(demo_file)
    assert sorted(file.name for file in tmp_path.glob("*demo*")) == []


def make_demo_file(path: Path) -> None:
    with open_warehouse(Settings(duckdb_path=path).connection()) as warehouse:
        load(warehouse, generate([2022]))
    _sign(path)


def change(path: Path) -> None:
    with open_warehouse(Settings(duckdb_path=path).connection()) as warehouse:
        warehouse.create(table for table in load_catalogue(Settings()).tables.values() if table.role == "record")


def replace(path: Path) -> None:
    other = path.with_name("mine.duckdb")
    shutil.copy(path, other)
    other.replace(path)


def leave_a_log(path: Path) -> None:
    path.with_name(f"{path.name}.wal").write_bytes(b"what a killed program had written")


def forget(path: Path) -> None:
    path.with_name(f"{path.name}.demo").unlink()


@pytest.mark.parametrize("touch", [change, replace, leave_a_log, forget])
def test_the_demo_never_replaces_a_file_that_is_not_as_a_demo_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], touch: Callable[[Path], None]
) -> None:
    for name in ("FULLCOURT_WAREHOUSE", "FULLCOURT_DUCKDB_PATH", "FULLCOURT_PROGRESS_BAR"):
        monkeypatch.setenv(name, "")  # the demo sets them: they are put back
    monkeypatch.delenv("FULLCOURT_WAREHOUSE")
    monkeypatch.delenv("FULLCOURT_PROGRESS_BAR")
    path = tmp_path / "demo.duckdb"
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(path))
    make_demo_file(path)
    touch(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert main(["demo", "--home", str(tmp_path / "prefect"), "--warehouse", str(path)]) == 1
    said = capsys.readouterr().err
    assert f"error: {path} is not as a demo left it: " in said
    assert f"rm -f {path} {path}.wal" in said
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_no_other_command_works_on_the_demos_file_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FULLCOURT_DUCKDB_PATH")
    assert load_settings().connection().display_name == str(PROJECT_ROOT / ".fullcourt" / "warehouse.duckdb")
    assert DEMO_WAREHOUSE != PROJECT_ROOT / ".fullcourt" / "warehouse.duckdb"
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", "mine/one.duckdb")
    monkeypatch.chdir(tmp_path)  # wherever a command or a worker runs, it is one file
    assert load_settings().connection().display_name == str(PROJECT_ROOT / "mine" / "one.duckdb")


def test_make_clean_removes_nothing_that_is_kept_in_fullcourt() -> None:
    said = subprocess.run(["make", "-n", "clean"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    assert "rm -rf .venv" in said
    assert ".fullcourt" not in said


def test_the_demo_fails_when_a_day_is_blocked(demo: Demo) -> None:
    done = demo(FULLCOURT_MIN_PLAYERS_PER_TEAM="20")
    assert done.returncode == 1
    assert "blocked" in rows(done)["2023-02-23"]

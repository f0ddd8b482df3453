import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from importlib.metadata import version
from pathlib import Path

import duckdb  # noqa: TID251 - what a peer does with its file
import pytest

from benchmarks.peers import runner
from benchmarks.peers.peers import PEERS, read_peers
from benchmarks.peers.render import Table, tables, write_days, write_project
from benchmarks.peers.runner import main
from benchmarks.rows import compare, correct
from tasks.backfill.report import Report
from tasks.errors import RequestError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue

FIRST, LAST = date(2023, 2, 24), date(2023, 2, 28)  # from box scores, and from the pre-game table
LOOP = PEERS / "plain_loop"


@pytest.fixture
def given(demo: Settings, tmp_path: Path) -> Settings:
    """A copy of the demo league as the peers get it."""
    copy = demo.model_copy(update={"duckdb_path": Path(shutil.copy(demo.duckdb_path, tmp_path / "given.duckdb"))})
    write_days(copy, FIRST, LAST)
    return copy


def loop(given: Settings, project: Path) -> None:
    write_project(LOOP, project, tables(given, FIRST), {}, {})
    subprocess.run([sys.executable, project / "loop.py", given.duckdb_path], check=True)


def ask(given: Settings, sql: str, **values: object) -> list[tuple[object, ...]]:
    with closing(duckdb.connect(given.duckdb_path)) as connection:
        return connection.execute(sql, values or None).fetchall()


def test_rendered_days_are_those_of_the_backfill(
    demo: Settings, given: Settings, run: Callable[..., Report], tmp_path: Path
) -> None:
    report = run((FIRST, LAST))
    loop(given, tmp_path / "project")

    found = compare(load_catalogue(demo), demo.duckdb_path, given.duckdb_path)

    assert {row.source for row in report.rows} == {"synthetic", "upcoming"}
    assert {name: each.different for name, each in found.items()} == dict.fromkeys(load_catalogue(demo).derived, 0)
    assert all(each.rows > 0 for each in found.values())


def test_a_rendered_range_is_its_days(given: Settings, tmp_path: Path) -> None:
    loop(given, tmp_path / "project")

    for table in tables(given, FIRST):
        columns = ", ".join(load_catalogue(given).table(table.name).content_columns)
        at_once = f"SELECT {columns} FROM ({table.build})"
        there = f"SELECT {columns} FROM {table.full_name}"
        range_ = {"first_date": FIRST, "last_date": LAST}
        assert ask(given, f"SELECT COUNT(*) FROM ({at_once} EXCEPT ALL {there})", **range_) == [(0,)]
        assert ask(given, f"SELECT COUNT(*) FROM ({there} EXCEPT ALL {at_once})", **range_) == [(0,)]


def gate(given: Settings, table: Table) -> dict[object, list[object]]:
    return {day: facts for day, *facts in ask(given, table.gate, first_date=FIRST, last_date=LAST)}


def test_rendered_gate_finds_partial_and_empty_days(given: Settings, tmp_path: Path) -> None:
    loop(given, tmp_path / "project")
    by_name = {table.name: table for table in tables(given, FIRST)}
    factors = by_name["player_composite_factors"]
    assert [gate(given, table) for table in by_name.values()] == [{}, {}, {}]

    first = f"SELECT player_lookup FROM {factors.full_name} WHERE game_date = $day ORDER BY 1 LIMIT"
    players = [player for (player,) in ask(given, f"{first} 18", day=FIRST)]
    less = f"DELETE FROM {factors.full_name} WHERE game_date = $day"
    ask(given, f"{less} AND player_lookup IN ({first} 17)", day=FIRST)
    assert gate(given, factors) == {}  # 158 of 175 are 90.3 %
    ask(given, f"{less} AND player_lookup IN ({first} 1)", day=FIRST)
    ask(given, less, day=LAST)

    assert gate(given, factors)[FIRST] == [175, 157, ",".join(map(str, players))]
    assert gate(given, factors)[LAST][:2] == [105, 0]
    assert set(gate(given, factors)) == {FIRST, LAST}


def test_loop_does_only_what_is_missing(given: Settings, tmp_path: Path) -> None:
    loop(given, tmp_path / "project")
    written = "SELECT MAX(processed_at) FROM nba_precompute.player_composite_factors"
    before = ask(given, written)

    correct(given.duckdb_path, FIRST)
    loop(given, tmp_path / "project")

    assert ask(given, written) == before


def test_one_raw_row_is_corrected(demo: Settings, given: Settings) -> None:
    correct(given.duckdb_path, FIRST)

    with closing(duckdb.connect(given.duckdb_path)) as connection:
        connection.execute(f"ATTACH '{demo.duckdb_path}' AS before (READ_ONLY)")
        table = "nba_analytics.player_game_summary"
        new, old = f"(FROM {table} EXCEPT ALL FROM before.{table})", f"(FROM before.{table} EXCEPT ALL FROM {table})"
        moved = ("fg_attempts", "paint_attempts", "mid_range_attempts")
        columns = ", ".join(["new.game_date", *(f"new.{name} - old.{name}" for name in moved)])
        changed = connection.execute(f"SELECT {columns} FROM {new} AS new CROSS JOIN {old} AS old").fetchall()
    assert changed == [(FIRST, 0, -1, 1)]


def stub(
    folder: Path, name: str, run: list[str], *, requirements: str = "", services: Sequence[list[str]] = ()
) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "requirements.txt").write_text(requirements)
    (folder / name / "peer.toml").write_text(
        f'order = 1\nname = "{name}"\npackage = "duckdb"\n'
        f"run = {json.dumps(run)}\nagain = {json.dumps(run)}\nservices = {json.dumps(services)}\n"
    )


def test_a_peer_that_cannot_be_installed_or_run_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    peers, python = tmp_path / "peers", sys.executable
    stub(peers, "absent", [], requirements="duckdb==2.0.0\nno-such-package-in-an-empty-index==1.0\n")
    stub(peers, "broken", [python, "-c", "raise ValueError('as it is meant')"])
    gone = [python, "-c", "raise ValueError('no port')"]
    stub(peers, "alone", [python, "-c", "import time; time.sleep(300)"], services=[gone])
    stub(peers, "whole", [python, "loop.py", "{warehouse}"])
    shutil.copytree(LOOP / "sql", peers / "whole" / "sql")
    shutil.copy(LOOP / "loop.py", peers / "whole")
    (tmp_path / "index").mkdir()
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path / "index"), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(runner, "PEERS", peers)

    assert main(["--days", "3", "--cache", str(tmp_path / "cache")]) == 0

    out = capsys.readouterr().out
    assert re.search(r"^absent was not run: not installed: ERROR: No matching distribution", out, re.MULTILINE)
    assert re.search(r"^broken was not run: run: exit code 1: ValueError: as it is meant", out, re.MULTILINE)
    assert re.search(r"^alone was not run: run: service 0 ended: ValueError: no port", out, re.MULTILINE)
    assert re.search(r"^whole .* 3 +[\d,]+ +0 +no +0 +[1-9][\d,]*$", out, re.MULTILINE)


def test_every_peer_pins_all_that_it_needs_and_the_same_duckdb() -> None:
    files = sorted(PEERS.glob("*/requirements.txt"))

    assert {file.parent.name for file in files} == {"airflow", "dagster", "dbt", "plain_loop", "sqlmesh"}
    for file in files:
        lines = file.read_text().splitlines()
        assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.]+", line) for line in lines)
        assert f"duckdb=={version('duckdb')}" in lines


def test_peers_are_chosen_by_name_or_folder() -> None:
    assert [peer.name for peer in read_peers(PEERS, ["sqlmesh", "Dagster, loop"])] == [
        "Fullcourt",
        "SQLMesh, by day",
        "SQLMesh, by batch",
        "Dagster, loop",
    ]
    with pytest.raises(RequestError, match=r"--peers nobody: there are Fullcourt; plain loop; "):
        read_peers(PEERS, ["nobody"])


@pytest.mark.parametrize("options", [["--days", "0"], ["--rounds", "-1"]])
def test_what_cannot_be_measured_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 1
    assert f"{' '.join(options)}: must be at least 1" in capsys.readouterr().err

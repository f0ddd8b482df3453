"""The first check: it says what is there and what is missing, with what to do, and changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql
from tests.backfill.observe import held
from tests.deployments.checkup import BOX, LEDGER, MAIN, SCHEDULE, UPCOMING, Doctor, create, state_of

pytestmark = pytest.mark.usefixtures("told")
on_both = pytest.mark.parametrize("warehouse_kind", ["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)])


@on_both
def test_where_everything_is_there_it_says_so_of_each_part_and_changes_nothing(
    settings: Settings, ask: Doctor, api_url: str
) -> None:
    create(settings, "input", "derived", "record", "view")
    before = state_of(settings)
    assert ask() == 0, ask.text
    assert ask.text.endswith("\n\nNothing is missing.\n")
    there = ask.of("ok")
    for table in load_catalogue(settings).tables.values():
        assert there[f"table {table.full_name}"] == f"is there, with its {len(table.columns)} columns"
    assert ask.of("note").keys() <= {"alert test", "dataset fullcourt_backups"}
    assert there["Prefect API"].startswith(f"{api_url} answers, in version 3.")
    if settings.warehouse == "duckdb":
        assert there.keys() >= {"settings", "folder", "file"}
    else:
        name = settings.bigquery_project
        account = f"worker@{name}.iam.gserviceaccount.com"
        assert there["credentials"] == f"the GcpCredentials block {name}-worker: {account}, accepted"
        assert there["project"] == f"{name} takes queries in US"
        assert there["dataset nba_precompute"] == "is in US"
    assert state_of(settings) == before


@on_both
def test_what_a_run_creates_is_noted_and_an_input_is_missing(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    assert ask() == 0, ask.text
    notes = ask.of("note")
    for table in (LEDGER, MAIN):
        assert notes[f"table {table}"] == "does not exist yet: a run creates it"
    run_sql(settings, f"DROP TABLE {UPCOMING}")
    before = state_of(settings)
    assert ask() == 1
    assert ask.of("missing") == {f"table {UPCOMING}": "does not exist: load it with the ingest deployment"}
    assert ask.text.endswith("\n\n1 missing: see above what to do.\n")
    assert state_of(settings) == before


@on_both
def test_an_empty_warehouse_lacks_its_inputs_and_stays_empty(settings: Settings, ask: Doctor) -> None:
    before = state_of(settings)
    assert ask() == 1
    missing = ask.of("missing")
    assert missing.keys() >= {f"table {name}" for name in (SCHEDULE, BOX, UPCOMING)}
    assert all("ingest deployment" in text for text in missing.values())
    assert state_of(settings) == before


@on_both
def test_a_column_that_is_missing_or_of_another_type_is_named_with_what_it_must_be(
    settings: Settings, ask: Doctor
) -> None:
    create(settings, "input", "derived", "record")
    run_sql(
        settings,
        f"ALTER TABLE {BOX} DROP COLUMN minutes_played",
        f"ALTER TABLE {SCHEDULE} ALTER game_status TYPE VARCHAR",
        f"ALTER TABLE {MAIN} DROP COLUMN data_hash",
    )
    assert ask() == 1
    assert ask.of("missing") == {
        f"table {BOX}": "has no column minutes_played: add it, of type FLOAT64",
        f"table {SCHEDULE}": f"column {SCHEDULE}.game_status is STRING: it must be INT64",
        f"table {MAIN}": "has no column data_hash STRING: add what is missing with `fullcourt ddl apply`",
    }
    assert f"table {BOX}" not in ask.of("ok")


def test_a_file_that_another_process_holds_is_said_to_be_held_by_it_at_once(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    with held(settings) as pid:
        assert ask() == 1
    assert f"is locked by process {pid}" in ask.of("missing")["warehouse"]


def test_a_file_that_is_no_database_and_a_folder_that_is_none_are_named(
    settings: Settings, ask: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.duckdb_path.write_text("not a database" * 400, encoding="utf-8")
    before = state_of(settings)
    assert ask() == 1
    assert f"{settings.duckdb_path} is not a DuckDB file, or is damaged" in ask.of("missing")["warehouse"]
    assert state_of(settings) == before
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(settings.duckdb_path / "inside" / "warehouse.duckdb"))
    assert ask() == 1
    assert ask.of("missing")["warehouse"] == (
        f"{settings.duckdb_path} is not a folder; choose another FULLCOURT_DUCKDB_PATH"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets root give up its right to write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, api_url: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    powers = "import ctypes\nctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())\n"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{powers}import sys\nfrom deployments.commands.main import main\nsys.exit(main(['doctor']))",
        ],
        cwd=PROJECT_ROOT,
        env={**os.environ, "FULLCOURT_DUCKDB_PATH": str(folder / "warehouse.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"missing  warehouse: {folder} cannot be written to; change its permissions" in done.stdout


def test_a_setting_that_is_invalid_is_named_and_nothing_else_is_looked_at(
    ask: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_WAREHOUSE", "bigquery")
    assert ask() == 1
    assert ask.said == [("missing", "settings", "FULLCOURT_WAREHOUSE=bigquery needs FULLCOURT_BIGQUERY_PROJECT")]

"""What stops a file or a run: a dry run, a bad file, a warehouse that refuses or is locked."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.ingest import load as ingest
from tasks.ingest import rows
from tasks.settings import PROJECT_ROOT, Settings
from tests.ingest.files import (
    content,
    game_rows,
    log_row,
    query,
    run_ingest,
    schedule_row,
    write_csv,
    write_parquet,
)

BOX_SCORES, SCHEDULE = "player_game_summary", "nba_schedule"


def test_a_dry_run_reports_and_writes_nothing(tmp_path: Path, settings: Settings) -> None:
    bad = log_row(PTS="many", PLAYER_ID=9, PLAYER_NAME="Bad")
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", [*game_rows(), bad])], dry_run=True)
    assert run.state.is_failed()
    assert "dry run, nothing loaded, 10 good, 1 rejected" in str(run.state.message)
    assert len(run.rejections) == 1
    assert not settings.duckdb_path.exists()
    whole = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())], dry_run=True)
    assert whole.state.is_completed()
    assert not settings.duckdb_path.exists()


def test_nothing_is_written_if_any_file_lacks_a_column(tmp_path: Path, settings: Settings) -> None:
    games = write_csv(tmp_path / "games.csv", [schedule_row()])
    bad = write_parquet(tmp_path / "log.parquet", [{"GAME_ID": "0022200901", "PTS": 3}])
    run = run_ingest(game_logs=[bad], schedules=[games])
    assert run.state.is_failed()
    assert f"IngestError: {bad}: columns missing: GAME_DATE, MATCHUP, MIN" in str(run.state.message)
    assert not settings.duckdb_path.exists()


def test_nothing_is_written_if_a_file_is_damaged_at_its_end(tmp_path: Path, settings: Settings) -> None:
    games = write_csv(tmp_path / "games.csv", [schedule_row()])
    bad = Path(write_csv(tmp_path / "log.csv", game_rows()))
    bad.write_bytes(bad.read_bytes() + b"\xff\xff")
    run = run_ingest(game_logs=[str(bad)], schedules=[games])
    assert run.state.is_failed()
    assert "is not UTF-8 text" in str(run.state.message)
    assert not settings.duckdb_path.exists()


def test_a_run_without_a_path_says_which_parameters_to_give() -> None:
    run = run_ingest()
    assert run.state.is_failed()
    assert "game_logs=[], schedules=[]: at least one must name a Parquet or CSV file" in str(run.state.message)


def test_a_file_of_which_every_row_is_rejected_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())])
    before = content(settings, BOX_SCORES)
    assert run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows(PTS=-1))]).state.is_failed()
    assert content(settings, BOX_SCORES) == before


def test_a_table_that_lacks_a_column_stops_its_file_and_no_other(tmp_path: Path, settings: Settings) -> None:
    games = write_csv(tmp_path / "games.csv", [schedule_row()])
    log = write_csv(tmp_path / "log.csv", game_rows())
    run_ingest(game_logs=[log])
    change_table(settings, "ALTER TABLE nba_analytics.player_game_summary DROP COLUMN usage_rate")
    run = run_ingest(game_logs=[log], schedules=[games])
    assert run.state.is_failed()
    assert "1 files not loaded, the first:" in str(run.state.message)
    assert "SchemaError: table nba_analytics.player_game_summary has no column usage_rate" in run.report
    assert len(query(settings, "SELECT game_id FROM nba_analytics.player_game_summary")) == 10
    assert len(content(settings, SCHEDULE)) == 1


def test_an_error_that_nobody_foresaw_stops_its_file_and_no_other(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = write_csv(tmp_path / "games.csv", [schedule_row()])
    read = rows.read_table

    def read_or_break(path: Path, *args: Any, **kwargs: Any) -> Any:
        if str(path) == bad:
            raise LookupError("no such thing")
        return read(path, *args, **kwargs)

    monkeypatch.setattr(ingest, "read_table", read_or_break)
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())], schedules=[bad])
    assert run.state.is_failed()
    assert f"1 files not loaded, the first: {bad}: UnforeseenError: LookupError: no such thing" in str(
        run.state.message
    )
    assert "not loaded: UnforeseenError: LookupError: no such thing (tasks/ingest/load.py, line " in run.report
    assert len(content(settings, BOX_SCORES)) == 10


def change_table(settings: Settings, sql: str) -> None:
    """Change the warehouse's file in another process, behind the application's back."""
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, str(settings.duckdb_path), sql], check=True)


def test_a_locked_warehouse_is_waited_for(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "0")
    monkeypatch.setenv("FULLCOURT_RETRIES", "5")
    monkeypatch.setenv("FULLCOURT_RETRY_DELAY_SECONDS", "0.4")
    with LockHolder(settings.duckdb_path, seconds=2):
        run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())])
    assert run.state.is_completed()
    assert len(content(settings, BOX_SCORES)) == 10


def test_a_warehouse_that_stays_locked_fails_the_run_and_is_named(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "0")
    monkeypatch.setenv("FULLCOURT_RETRIES", "1")
    with LockHolder(settings.duckdb_path, seconds=3600):
        run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())])
    assert run.state.is_failed()
    assert f"WarehouseBusyError: {settings.duckdb_path} is locked" in str(run.state.message)


class LockHolder:
    """Another process that has the warehouse open for so many seconds, or until the block ends."""

    def __init__(self, path: Path, *, seconds: float) -> None:
        code = (
            "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('ready', flush=True); "
            f"time.sleep({seconds})"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_the_flow_ends_with_an_error_code_outside_of_python(tmp_path: Path, settings: Settings, api_url: str) -> None:
    path = write_csv(tmp_path / "log.csv", game_rows(PTS=-1))
    code = "import sys; from flows.ingest import ingest; ingest(game_logs=[sys.argv[1]])"
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        cwd=PROJECT_ROOT,
        env=os.environ | {"PREFECT_API_URL": api_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "1 files, 10 rows: 0 loaded, 10 rejected" in done.stderr

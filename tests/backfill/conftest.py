"""What only the tests of the backfill need."""

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tasks.settings import Settings, load_settings
from tests.backdoor import open_project, project_of, server_of
from tests.both_warehouses import pytest_generate_tests

__all__ = ["pytest_generate_tests"]

TABLE = """\
dataset: nba_precompute
name: {name}
description: A table of a test.
role: derived
grain: [player_lookup, game_date]
partition: game_date
build:
  entity: player_lookup
  inputs:
    - {{table: nba_schedule, window: day}}
    - {{table: player_game_summary, window: season_to_date}}
  sources: [{{name: box_scores}}]
  never_all_null: [score]
columns:
  - {{name: player_lookup, type: STRING, required: true, description: The player.}}
  - {{name: game_date, type: DATE, required: true, description: The day.}}
  - {{name: score, type: FLOAT64, range: [0, 100], description: A score.}}
"""
EXPECTED = "SELECT player_lookup FROM expected_players WHERE game_date = @game_date"

AddTable = Callable[[str, str], None]
InThread = Callable[..., "Future[Any]"]
Elsewhere = Callable[[str], Settings]


@pytest.fixture
def add_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> AddTable:
    """Add a table folder: its name, and what its build selects from the day's ``expected`` players.

    A folder is read once in a process: add all tables before the first run.
    """
    folder = tmp_path / "tables"
    folder.mkdir()
    monkeypatch.setenv("FULLCOURT_EXTRA_TABLES_DIR", str(folder))

    def _add(name: str, build: str) -> None:
        (folder / name).mkdir()
        (folder / name / "table.yaml").write_text(TABLE.format(name=name), encoding="utf-8")
        (folder / name / "build.sql").write_text(build, encoding="utf-8")
        (folder / name / "expected.sql").write_text(EXPECTED, encoding="utf-8")

    return _add


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Elsewhere:
    """Go on with another empty warehouse, by name; its settings are returned."""

    def _elsewhere(name: str) -> Settings:
        if settings.warehouse == "bigquery":
            server, project = server_of(settings)
            for variable, value in open_project(server, project_of(project + name)).items():
                monkeypatch.setenv(variable, value)
        monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / f"{name}.duckdb"))
        return load_settings()

    return _elsewhere


@pytest.fixture
def in_thread() -> InThread:
    """Call something in a thread of its own, that knows of the test's Prefect server; returns its future."""

    def _in_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> "Future[Any]":
        executor = ThreadPoolExecutor(max_workers=1)
        future = executor.submit(contextvars.copy_context().run, lambda: call(*args, **kwargs))
        executor.shutdown(wait=False)
        return future

    return _in_thread

"""A warehouse that is locked, wrong, damaged or full: a clear error, nothing lost, a non-zero exit code."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.errors import SchemaError, StorageError, WarehouseBusyError
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql
from tests.backfill.observe import (
    DAY,
    built,
    checkpointed,
    content,
    days,
    end_of,
    held,
    open_season,
    outcomes,
    published,
    run_artifact,
    start_backfill,
    task_runs,
)
from tests.league import League

RunBackfill = Callable[..., Report]
ATTEMPTS = 4  # the first and three more


@pytest.mark.duckdb_only
def test_a_file_that_another_process_holds_is_tried_again_then_named_with_its_holder(
    league: League, settings: Settings, run: RunBackfill, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_season(league, DAY)
    league.write(settings)
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "0")
    with held(settings) as pid:
        state = backfill(start_date=DAY, return_state=True)
        exit_code, written = end_of(start_backfill(api_url, start_date=DAY))
    error = state.result(raise_on_failure=False)
    assert state.is_failed()
    assert isinstance(error, WarehouseBusyError)
    assert f"{settings.duckdb_path} is locked by process {pid}" in str(error)
    assert "FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS" in str(error)
    (first,) = task_runs(state.state_details.flow_run_id, "take-moment")
    assert (first["name"], first["run_count"]) == ("take-moment", ATTEMPTS)

    assert exit_code == 1
    assert f"is locked by process {pid}" in written
    assert checkpointed(settings, DAY) == set()
    assert run_artifact(state.state_details.flow_run_id, "backfill-plan") is None
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_every_missing_table_and_column_and_every_wrong_type_is_listed_before_anything_is_written(
    league: League, settings: Settings, api_url: str
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run_sql(
        settings,
        "DROP TABLE nba_precompute.player_composite_factors",
        "DROP TABLE nba_precompute.team_defense_zone_analysis",
        "DROP TABLE nba_analytics.upcoming_player_game_context",
        "ALTER TABLE nba_reference.nba_schedule DROP COLUMN is_all_star",
        "ALTER TABLE nba_analytics.player_game_summary ALTER minutes_played TYPE VARCHAR",
        "ALTER TABLE nba_precompute.player_shot_zone_analysis DROP COLUMN data_hash",
    )
    state = backfill(start_date=DAY, return_state=True)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, SchemaError)
    for said in (
        "table nba_analytics.upcoming_player_game_context does not exist",
        "table nba_reference.nba_schedule has no column is_all_star: add it, of type BOOL",
        "column nba_analytics.player_game_summary.minutes_played is STRING: it must be FLOAT64",
        "table nba_precompute.player_shot_zone_analysis has no column data_hash",
        "nothing was written",
    ):
        assert said in str(error)
    (plan,) = (each for each in task_runs(state.state_details.flow_run_id, "plan") if each["name"] == "plan")
    assert plan["run_count"] == 1  # the same call would fail again
    with open_warehouse(settings.connection()) as warehouse:
        there = warehouse.schema(load_catalogue(settings).tables.values())
    assert [name for name in there if name.startswith("nba_precompute")] == ["nba_precompute.player_shot_zone_analysis"]
    exit_code, written = end_of(start_backfill(api_url, start_date=DAY))
    assert exit_code == 1
    assert "has no column is_all_star" in written


def test_columns_of_the_inputs_that_no_query_reads_may_be_missing_or_of_another_type(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run_sql(
        settings,
        *(f"ALTER TABLE nba_analytics.player_game_summary DROP COLUMN {name}" for name in ("plus_minus", "is_dnp")),
        "ALTER TABLE nba_analytics.player_game_summary ALTER player_full_name TYPE VARCHAR[] USING [player_full_name]",
        "ALTER TABLE nba_reference.nba_schedule DROP COLUMN is_playoffs",
    )
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_an_empty_warehouse_says_which_tables_to_load(settings: Settings) -> None:
    error = backfill(start_date=DAY, return_state=True).result(raise_on_failure=False)
    assert isinstance(error, SchemaError)
    for table in ("nba_reference.nba_schedule", "nba_analytics.player_game_summary"):
        assert f"table {table} does not exist: load it with the ingest deployment" in str(error)


@pytest.mark.duckdb_only
def test_a_damaged_file_is_named_and_left_as_it_is(settings: Settings, api_url: str) -> None:
    settings.duckdb_path.write_bytes(b"\x00damaged" * 4096)
    before = settings.duckdb_path.read_bytes()
    error = backfill(start_date=DAY, return_state=True).result(raise_on_failure=False)
    assert isinstance(error, StorageError)
    assert f"{settings.duckdb_path} is not a DuckDB file, or is damaged; restore it from a copy" in str(error)
    exit_code, written = end_of(start_backfill(api_url, start_date=DAY))
    assert exit_code == 1
    assert "is not a DuckDB file, or is damaged" in written
    assert settings.duckdb_path.read_bytes() == before


@pytest.mark.duckdb_only
def test_a_folder_that_cannot_be_written_is_named_with_the_setting_that_chose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder", encoding="utf-8")
    for path in (in_the_way / "warehouse.duckdb", in_the_way / "deeper" / "warehouse.duckdb"):
        monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(path))
        error = backfill(start_date=DAY, return_state=True).result(raise_on_failure=False)
        assert isinstance(error, StorageError)
        assert str(path) in str(error)
        assert "choose another FULLCOURT_DUCKDB_PATH" in str(error)
    assert in_the_way.read_text(encoding="utf-8") == "not a folder"


@pytest.mark.duckdb_only
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets root give up its right to write everywhere")
def test_a_read_only_folder_fails_each_day_once_and_harms_nothing(
    league: League, settings: Settings, run: RunBackfill, api_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(folder / "warehouse.duckdb"))
    settings = load_settings()
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run(one)
    before = content(settings)
    powers = "import ctypes\nctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())\n"
    folder.chmod(0o555)
    try:
        exit_code, written = end_of(start_backfill(api_url, before=powers, start_date=one, end_date=two, resume=False))
    finally:
        folder.chmod(0o755)
    assert exit_code == 1
    assert "cannot be read or written; check its folder's permissions" in written
    assert "StorageError" in written
    assert "WarehouseBusyError" not in written
    assert content(settings) == before
    assert built(run((one, two))) == {two}


@pytest.mark.duckdb_only
def test_a_full_disk_fails_the_days_that_do_not_fit_and_harms_no_other(
    league: League, settings: Settings, run: RunBackfill, api_url: str
) -> None:
    some = days(5)
    open_season(league, *some)
    league.write(settings)
    run(some[0])
    before = content(settings)

    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024,) * 2)\n"
    exit_code, written = end_of(
        start_backfill(api_url, before=limit, start_date=some[0], end_date=some[-1], resume=False, max_concurrency=1)
    )

    assert exit_code == 1
    assert "cannot grow: the disk is full or a size limit is reached; free space and run again" in written
    now = content(settings)
    assert set(before) <= set(now)
    assert set(Counter(now).values()) == {1}
    there = published(settings)
    assert 1 <= len(there) < len(some)
    assert {len(players) for players in there.values()} == {40}
    report = run((some[0], some[-1]))
    assert set(outcomes(report).values()) == {"complete"}
    assert len(content(settings)) == 5 * (40 + 40 + 4)

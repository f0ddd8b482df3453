import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from benchmarks.limit import compare, run_limit
from benchmarks.results import Measurement, Round, Size, make_console, print_results
from tasks.backfill.report import Report
from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql

FIRST, LAST = date(2023, 2, 24), date(2023, 2, 28)  # from box scores, from the pre-game table, and from it in part


def of(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"duckdb_path": path})


@pytest.fixture
def limit(demo: Settings, tmp_path: Path) -> Settings:
    """A warehouse with the demo league whose derived tables the limit has written."""
    limit = of(demo, Path(shutil.copy(demo.duckdb_path, tmp_path / "limit.duckdb")))
    run_limit(limit, FIRST, LAST)
    return limit


def test_limit_writes_the_rows_of_the_backfill(demo: Settings, limit: Settings, run: Callable[..., Report]) -> None:
    report = run((FIRST, LAST))

    found = compare(load_catalogue(demo), limit.duckdb_path, demo.duckdb_path)

    assert {row.source for row in report.rows} == {"synthetic", "upcoming"}
    assert found["player_composite_factors"] == (sum(row.published or 0 for row in report.rows), 0)
    assert {name: different for name, (_, different) in found.items()} == dict.fromkeys(load_catalogue(demo).derived, 0)
    assert all(rows > 0 for rows, _ in found.values())


@pytest.mark.parametrize(
    ("change", "different"),
    [
        ("UPDATE nba_precompute.player_composite_factors SET pace_score = pace_score + 0.1 WHERE game_id = $game", 2),
        ("DELETE FROM nba_precompute.player_composite_factors WHERE game_id = $game", 1),
    ],
    ids=["another value", "a row less"],
)
def test_one_row_that_is_not_the_same_is_found(
    demo: Settings, limit: Settings, run: Callable[..., Report], change: str, different: int
) -> None:
    run((FIRST, LAST))
    one = "(SELECT MIN(game_id || player_lookup) FROM nba_precompute.player_composite_factors)"
    run_sql(limit, change.replace("game_id = $game", f"game_id || player_lookup = {one}"))

    found = compare(load_catalogue(demo), limit.duckdb_path, demo.duckdb_path)

    assert found["player_composite_factors"][1] == different
    assert found["team_defense_zone_analysis"][1] == 0


def test_bench_measures_a_small_range_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.backfill", "--seasons", "1", "--rounds", "1", "--days", "2"],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    said = {match[1]: match[2] for match in re.finditer(r"^(\S.*?)  +(\S.*?)(?:  +.*)?$", done.stdout, re.MULTILINE)}
    assert said["days built"] == "2"
    assert int(said["rows, equal in limit and backfill"].replace(",", "")) > 2 * 300
    assert 0 < float(said["statements a day and table"].split()[0]) <= 6
    assert int(said["task runs"]) > 2 * 2  # a day has at least one sub-task
    assert list(tmp_path.glob("fullcourt-bench-*")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--days", "-1"], "--days -1: must be at least 1"),
        (["--seasons", "0"], "--seasons [0]: must be numbers of seasons, from 1 to 20"),
    ],
)
def test_bench_refuses_what_it_cannot_measure(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.backfill import main

    assert main(options) == 1
    assert message in capsys.readouterr().err


def test_results_say_which_goal_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    def size(seasons: int, empty: float) -> Size:
        one = Round(
            limit=Measurement(seconds=1.0),
            floor=Measurement(seconds=9.0),
            empty=Measurement(seconds=empty, statements_of_days=1500),
            nothing=Measurement(seconds=3.5, flow_seconds=2.9),
        )
        return Size(seasons=seasons, days=100, tables=3, rows=1, rounds=[one, one, one])

    print_results(make_console(), [size(1, 12.5), size(4, 14.5)])

    lines = capsys.readouterr().out.splitlines()
    assert "at most 1.25: missed for 4" in next(line for line in lines if "over floor + limit" in line)
    assert "at most 3: met" in next(line for line in lines if "own time" in line)
    assert "1.16" in next(line for line in lines if "over one season's" in line)
    assert "at most 1.15: missed for 4" in next(line for line in lines if "over one season's" in line)

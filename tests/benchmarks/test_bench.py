import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from benchmarks.limit import run_limit
from benchmarks.measured import Measurement
from benchmarks.process import asked
from benchmarks.results import Size, make_console, print_results
from benchmarks.rows import CorrectionError, compare, correct
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

    found = compare(load_catalogue(demo), demo.duckdb_path, limit.duckdb_path)

    assert {row.source for row in report.rows} == {"synthetic", "upcoming"}
    assert found["player_composite_factors"].rows == sum(row.published or 0 for row in report.rows)
    derived = load_catalogue(demo).derived
    assert {name: table.different for name, table in found.items()} == dict.fromkeys(derived, 0)
    assert all(table.rows > 0 and not table.days for table in found.values())


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

    found = compare(load_catalogue(demo), demo.duckdb_path, limit.duckdb_path)

    assert found["player_composite_factors"].different == different
    assert len(found["player_composite_factors"].days) == 1
    assert found["team_defense_zone_analysis"].different == 0


def test_a_corrected_box_score_changes_later_days_as_the_limit_says(
    demo: Settings, limit: Settings, run: Callable[..., Report], tmp_path: Path
) -> None:
    run((FIRST, LAST))
    before, after = (Path(shutil.copy(demo.duckdb_path, tmp_path / f"{name}.duckdb")) for name in ("before", "after"))
    correct(demo.duckdb_path, FIRST)
    report = run((FIRST, LAST))
    for table in load_catalogue(demo).derived:
        run_sql(of(demo, after), f"DROP TABLE {load_catalogue(demo).table(table).full_name}")
    correct(after, FIRST)
    run_limit(of(demo, after), FIRST, LAST)

    def changed(one: Path, other: Path) -> set[date]:
        return {day for table in compare(load_catalogue(demo), one, other).values() for day in table.days}

    assert changed(demo.duckdb_path, after) == set()
    assert changed(demo.duckdb_path, before) == changed(demo.duckdb_path, limit.duckdb_path) != set()
    assert changed(demo.duckdb_path, before) <= {row.day for row in report.rows if row.work == "built"}


def test_a_day_without_a_box_score_cannot_be_corrected(demo: Settings) -> None:
    with pytest.raises(CorrectionError, match="0 box scores of 2023-02-20 were corrected instead of 1"):
        correct(demo.duckdb_path, date(2023, 2, 20))


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
    said = {match[1]: match[2] for match in re.finditer(r"^ *(\S.*?)  +(\S.*?)(?:  +.*)?$", done.stdout, re.MULTILINE)}
    assert said["days built"] == "2"
    assert int(said["rows, equal in limit and backfill"].replace(",", "")) > 2 * 300
    assert 0 < float(said["statements a day and table"]) <= 6
    assert int(said["task runs"]) > 2 * 2  # a day has at least one sub-task
    assert 0 < int(said["days whose rows changed"]) <= int(said["days redone"]) <= 2
    assert 0 < float(said["Prefect's empty flow, s"]) < float(said["nothing to do, s"])
    assert 0 < float(said["server's database, a day from empty, KB"]) < 1000
    assert list(tmp_path.glob("fullcourt-bench-*")) == []


def test_a_summer_is_not_asked_for() -> None:
    first, last, opening = date(2022, 4, 9), date(2022, 4, 10), date(2022, 10, 18)
    assert asked([first], [last]) == {"start_date": first, "end_date": last}
    assert asked([first, opening], [last, opening]) == {"dates": [first, last, opening], "max_days": 3}


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


def size(seasons: int, **variants: Measurement) -> Size:
    return Size(seasons=seasons, days=100, tables=3, rows=1, rounds=[variants] * 3)


def printed(capsys: pytest.CaptureFixture[str], *sizes: Size) -> Callable[[str], str]:
    """Print results; returns what the line that begins so says beside its name."""
    print_results(make_console(), sizes)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]

    def line(name: str) -> str:
        return " ".join(next((line.removeprefix(name) for line in lines if line.startswith(f"{name}  ")), "").split())

    return line


def test_results_say_which_goal_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    def every(empty: float, redone: int) -> dict[str, Measurement]:
        return {
            "limit": Measurement(seconds=1.0, processor_seconds=2.0, server_seconds=0.0),
            "floor": Measurement(seconds=9.0),
            "empty": Measurement(
                seconds=empty,
                processor_seconds=6.0,
                server_seconds=3.0,
                database_bytes=250_000,
                statements_of_days=1500,
                peak_mib=16 * empty,
            ),
            "nothing": Measurement(seconds=3.5, flow_seconds=2.9, peak_mib=100),
            "prefect": Measurement(seconds=2.5),
            "corrected": Measurement(seconds=4.0, days_built=redone, days_changed=10),
        }

    line = printed(capsys, size(1, **every(12.5, 11)), size(4, **every(14.5, 12)))

    assert line("over floor + limit") == "1.25 1.45 at most 1.25: missed for 4"
    assert line("the flow's own time, s") == "2.90 2.90 at most 3: met"
    assert line("a day, over that of 1 season") == "1.00 1.16 at most 1.1: missed for 4"
    assert line("over that of 1 season") == "1.00 1.16 at most 1.15: missed for 4"
    assert line("nothing to do over it") == "1.40 1.40 at most 1.5: met"
    assert line("redone over changed") == "1.10 1.20 at most 1.1: missed for 4"
    assert line("processors, from empty: process + server, s") == "6.0 + 3.0 6.0 + 3.0"
    assert line("processor time of all (process + server), from empty over limit") == "4.50 4.50"
    assert line("server's database, a day from empty, KB") == "2.5 2.5"


def test_results_say_only_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    line = printed(capsys, size(1, empty=Measurement(seconds=10.0), nothing=Measurement(seconds=3.0)))

    assert line("a day, ms") == "100.0"
    assert line("nothing to do, s") == "3.00 (3.00 to 3.00)"
    for name in ("a day, over that of 1 season", "set-based limit, s", "nothing to do over it", "task runs"):
        assert line(name) == ""

"""A table is added by adding a folder: the flow plans, builds, gates, records and reports it without any Python."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from tasks.backfill.records import artifact_key, parse_artifact
from tasks.backfill.report import Report
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.league import League, Row, fetch
from tests.tables.folders import BUILD, COLUMNS, table_folder
from tests.tables.rows import COMPOSITE, DAY, DEFENSE, SEASON_START, SHOT_ZONES

YESTERDAY, BEFORE = date(2023, 1, 19), date(2023, 1, 18)
Run = Callable[..., Report]


@pytest.fixture
def folders(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, league: League) -> Path:
    """A folder for more table folders, and a warehouse with ten players on each of three days."""
    for day in (SEASON_START, BEFORE, YESTERDAY, DAY):
        league.game(day, "BOS", "LAL", players=5)
    league.write(settings)
    return extra_tables(tmp_path / "tables", monkeypatch)


def extra_tables(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a new folder in the environment; a process reads a folder once, so that a change needs another one."""
    root.mkdir()
    monkeypatch.setenv("FULLCOURT_EXTRA_TABLES_DIR", str(root))
    return root


def rows(table: str = "player_form") -> list[Row]:
    return fetch(load_settings(), f"SELECT * FROM nba_precompute.{table} ORDER BY game_date, player_lookup")


def ledger(table: str = "player_form") -> list[Row]:
    sql = "SELECT * FROM nba_orchestration.backfill_ledger WHERE table_name = @name ORDER BY game_date, recorded_at"
    return fetch(load_settings(), sql, name=table)


def fewer(players: int) -> dict[str, str]:
    """Queries of a build that leaves some of the ten players out."""
    names = ", ".join(f"'{team}{number}'" for team in ("bos", "lal") for number in range(1, 6))
    kept = ", ".join(names.split(", ")[:players])
    return {"build": BUILD.replace("FROM expected", f"FROM expected\nWHERE player_lookup IN ({kept})")}


def test_a_folder_is_all_that_a_table_takes(folders: Path, run: Run) -> None:
    table_folder(folders)
    report = run((BEFORE, DAY), tables=["player_form"])

    assert report.is_done
    assert [(row.day, row.outcome, row.work) for row in report.rows] == [
        (day, "complete", "built") for day in (BEFORE, YESTERDAY, DAY)
    ]
    assert [(row.expected, row.published, row.coverage, row.source) for row in report.rows] == [
        (10, 10, "100.0 %", "box_scores")
    ] * 3
    assert [(row["player_lookup"], row["game_date"], row["games"]) for row in rows()] == [
        (f"{team}{number}", day, 1)
        for day in (BEFORE, YESTERDAY, DAY)
        for team in ("bos", "lal")
        for number in range(1, 6)
    ]
    recorded = ledger()
    assert [(row["game_date"], row["outcome"], row["covered"], row["row_count"]) for row in recorded] == [
        (day, "complete", 10, 10) for day in (BEFORE, YESTERDAY, DAY)
    ]
    assert {row["run_id"] for row in rows()} == {row["run_id"] for row in recorded}
    with get_client(sync_client=True) as client:
        key = artifact_key(load_settings(), DAY)
        found = client.request("POST", "/artifacts/latest/filter", json={"artifacts": {"key": {"any_": [key]}}})
    (artifact,) = found.json()
    (checkpoint,) = (each for each in parse_artifact(artifact["data"]) if each.table_name == "player_form")
    assert checkpoint is not None
    assert (checkpoint.outcome, checkpoint.row_count) == ("complete", 10)


def test_what_is_done_is_kept_and_what_is_stale_is_done_again(folders: Path, run: Run, league: League) -> None:
    table_folder(folders)
    run((BEFORE, DAY), tables=["player_form"])
    league.box.pop()
    league.box.pop(0)  # of opening day, which its inputs do not include
    league.write(load_settings())
    report = run((BEFORE, DAY), tables=["player_form"], force=True)
    assert [row.work for row in report.rows] == ["kept", "kept", "built"]
    assert [row.published for row in report.rows] == [10, 10, 9]


def test_a_dry_run_publishes_nothing(folders: Path, run: Run) -> None:
    table_folder(folders)
    report = run(DAY, tables=["player_form"], dry_run=True)
    assert [row.outcome for row in report.rows] == ["dry_run"]
    catalogue = load_catalogue(load_settings())
    with open_warehouse(load_settings().connection()) as warehouse:
        assert warehouse.schema([catalogue.table("player_form")]) == {}
    assert ledger() == []


@pytest.mark.parametrize(
    ("players", "outcome", "published"),
    [(5, "blocked", 0), (6, "complete_with_warning", 6), (7, "complete_with_warning", 7), (8, "complete", 8)],
)
def test_its_own_thresholds_are_those_of_its_gate(
    folders: Path, run: Run, players: int, outcome: str, published: int
) -> None:
    table_folder(folders, sql=fewer(players))  # blocked below 0.6, a warning below 0.8
    report = run(DAY, tables=["player_form"])
    (row,) = report.rows
    assert (row.outcome, row.published, len(rows())) == (outcome, published, published)
    assert report.is_done is (outcome != "blocked")
    (recorded,) = ledger()
    assert (recorded["expected"], recorded["covered"], recorded["row_count"]) == (10, players, published)
    assert len(json.loads(recorded["missing"])) == 10 - players


def test_a_blocked_table_leaves_what_is_there_and_is_recorded_as_a_failure(
    folders: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_folder(folders)
    run(DAY, tables=["player_form"])
    before = rows()

    table_folder(extra_tables(folders.with_name("changed"), monkeypatch), sql=fewer(5))
    report = run(DAY, tables=["player_form"])
    assert [row.outcome for row in report.rows] == ["blocked"]
    assert "coverage_below_threshold: 5 of 10 expected are there (50.0 %), below 60.0 %" in report.rows[0].reason
    assert rows() == before
    (failure,) = fetch(load_settings(), "SELECT * FROM nba_orchestration.precompute_failures")
    assert (failure["table_name"], failure["category"]) == ("player_form", "coverage_below_threshold")
    assert failure["can_retry"] is False

    assert [row.outcome for row in run(DAY, tables=["player_form"], force=True).rows] == ["forced"]
    assert len(rows()) == 5


def test_a_range_of_its_own_is_one_of_its_gate(folders: Path, run: Run) -> None:
    table_folder(folders, sql={"build": BUILD.replace("COUNT(*)", "COUNT(*) + 3")})
    report = run(DAY, tables=["player_form"], force=True)
    assert [row.outcome for row in report.rows] == ["blocked"]
    assert "10 values of games are outside the range of table.yaml" in report.rows[0].reason
    assert rows() == []


TOTALS = """-- Grain: player_lookup. How many factors each player has on the day.
SELECT e.player_lookup, e.game_date, COUNT(c.total_composite_adjustment) AS games, @run_id AS run_id
FROM expected AS e
LEFT JOIN nba_precompute.player_composite_factors AS c
  ON c.player_lookup = e.player_lookup AND c.game_date = e.game_date AND c.game_date = @game_date
GROUP BY e.player_lookup, e.game_date
"""


def test_a_table_is_built_after_the_one_that_it_depends_on(folders: Path, run: Run) -> None:
    table_folder(folders, name="a_total", build={"depends_on": [COMPOSITE]}, sql={"build": TOTALS})
    report = run((BEFORE, DAY), tables=["a_total", COMPOSITE, DEFENSE, SHOT_ZONES])
    assert report.is_done
    assert [row["games"] for row in rows("a_total")] == [1] * 30  # 0 would be out of range
    for day in (BEFORE, YESTERDAY, DAY):
        recorded = {name: row for name in (COMPOSITE, "a_total") for row in ledger(name) if row["game_date"] == day}
        assert recorded[COMPOSITE]["started_at"] < recorded["a_total"]["started_at"]


def test_a_table_is_blocked_without_the_one_that_it_depends_on(folders: Path, run: Run) -> None:
    table_folder(folders, name="a_total", build={"depends_on": [COMPOSITE]}, sql={"build": TOTALS})
    report = run(DAY, tables=["a_total"])
    assert [row.outcome for row in report.rows] == ["blocked"]
    assert "player_composite_factors of the day is not there; add it to tables" in report.rows[0].reason


def test_a_table_may_prefer_a_source_of_its_own(folders: Path, run: Run, league: League) -> None:
    contexts = {
        "build": BUILD.replace("FROM expected", "FROM context"),
        "context_upcoming": "-- Grain: player_lookup.\nSELECT player_lookup, game_date\n"
        "FROM nba_analytics.upcoming_player_game_context\nWHERE game_date = @game_date",
        "context_box_scores": "-- Grain: player_lookup.\nSELECT player_lookup, game_date FROM expected",
    }
    sources = [{"name": "upcoming", "table": "upcoming_player_game_context"}, {"name": "box_scores"}]
    table_folder(folders, build={"sources": sources}, sql=contexts)
    league.expect_upcoming(DAY, [f"bos{number}" for number in range(1, 6)] + ["lal1"])  # 6 of 10: just enough
    league.expect_upcoming(YESTERDAY, [f"bos{number}" for number in range(1, 6)])
    league.write(load_settings())
    report = run((YESTERDAY, DAY), tables=["player_form"])
    assert [(row.source, row.published, row.outcome) for row in report.rows] == [
        ("box_scores", 10, "complete"),
        ("upcoming", 6, "complete_with_warning"),
    ]


def test_a_table_may_have_a_partition_of_another_name_beside_a_game_date(folders: Path, run: Run) -> None:
    day = {"name": "analysis_date", "type": "DATE", "required": True, "description": "The day."}
    table_folder(
        folders,
        columns=[*COLUMNS, day],
        grain=["player_lookup", "analysis_date"],
        partition="analysis_date",
        sql={
            "build": "-- Grain: player_lookup. The last game before the day.\n"
            "SELECT player_lookup, MAX(game_date) AS game_date, 1 AS games, @run_id AS run_id, "
            "@game_date AS analysis_date\nFROM played\nWHERE game_date < @game_date\nGROUP BY player_lookup"
        },
    )
    for work in ("built", "kept"):
        report = run((YESTERDAY, DAY), tables=["player_form"])
        assert [(row.outcome, row.published, row.work) for row in report.rows] == [("complete", 10, work)] * 2
    found = {(row["analysis_date"], row["game_date"]) for row in rows()}
    assert found == {(YESTERDAY, BEFORE), (DAY, YESTERDAY)}

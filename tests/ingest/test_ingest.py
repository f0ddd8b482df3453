"""The ingest flow, on files of the tests' own making."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.ingest.contents import FileReader
from tasks.ingest.game_log_file import GameLogContents
from tasks.settings import Settings
from tests.ingest.files import (
    DEN_AT_CLE,
    content,
    game_rows,
    log_row,
    run_ingest,
    schedule_row,
    write_csv,
    write_parquet,
)

WRITERS = {"csv": write_csv, "parquet": write_parquet}


BOX_SCORES, SCHEDULE = "player_game_summary", "nba_schedule"


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[dict[str, Any]]], str]:
    """Writes rows to a file, once as CSV and once as Parquet."""
    return lambda rows: WRITERS[request.param](tmp_path / f"input.{request.param}", rows)


def test_ingest_loads_a_game_log(write: Callable[..., str], settings: Settings) -> None:
    run = run_ingest(game_logs=[write(game_rows())])
    assert run.state.is_completed()
    assert run.state.message == "1 files, 10 rows: 10 loaded, 0 rejected"
    assert run.rejections == []
    rows = content(settings, BOX_SCORES)
    assert [row["player_lookup"] for row in rows] == [f"{team}{n}" for team in ("cle", "den") for n in range(1, 6)]
    assert {(row["team_abbr"], row["opponent_team_abbr"]) for row in rows} == {("DEN", "CLE"), ("CLE", "DEN")}
    assert {row["usage_rate"] for row in rows} == {20.0}
    assert {(row["game_id"], row["season_year"]) for row in rows} == {(DEN_AT_CLE, 2022)}


def test_ingest_loads_a_schedule_of_scores(write: Callable[..., str], settings: Settings) -> None:
    rows = [schedule_row(), schedule_row(GAME_ID="0022200902", HOME_PTS=None, AWAY_PTS=None)]
    assert run_ingest(schedules=[write(rows)]).state.is_completed()
    assert [(row["game_id"], row["game_status"]) for row in content(settings, SCHEDULE)] == [
        (DEN_AT_CLE, 3),
        ("0022200902", 1),
    ]


def test_ingest_loads_a_schedule_in_the_columns_of_the_warehouse(write: Callable[..., str], settings: Settings) -> None:
    row = {
        "game_id": "0032200001",
        "game_date": "2023-02-19",
        "season_year": 2022,
        "game_status": 3,
        "home_team_tricode": "LBN",
        "away_team_tricode": "GNS",
        "is_regular_season": False,
        "is_playoffs": False,
        "is_all_star": True,
    }
    assert run_ingest(schedules=[write([row])]).state.is_completed()
    (loaded,) = content(settings, SCHEDULE)
    assert loaded["is_all_star"] is True
    assert (loaded["home_team_tricode"], loaded["away_team_tricode"]) == ("LBN", "GNS")


def test_ingest_creates_every_input_table_so_that_a_backfill_can_start(tmp_path: Path, settings: Settings) -> None:
    run_ingest(schedules=[write_csv(tmp_path / "games.csv", [schedule_row()])])
    assert content(settings, "upcoming_player_game_context") == []
    assert content(settings, BOX_SCORES) == []


def test_ingest_keeps_junior_and_senior_apart(tmp_path: Path, settings: Settings) -> None:
    rows = [
        log_row(PLAYER_ID=1, PLAYER_NAME="Gary Trent"),
        log_row(PLAYER_ID=2, PLAYER_NAME="Gary Trent Jr."),
        log_row(PLAYER_ID=3, PLAYER_NAME="Gary Trent, III"),
    ]
    assert run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)]).state.is_completed()
    assert [row["player_lookup"] for row in content(settings, BOX_SCORES)] == [
        "garytrent",
        "garytrentiii",
        "garytrentjr",
    ]


def test_ingest_keeps_dnp_rows_and_marks_them(write: Callable[..., str], settings: Settings) -> None:
    rest = {"MIN": None, "PTS": None, "PLUS_MINUS": None}
    rows = [
        log_row(PLAYER_ID=1, PLAYER_NAME="Bench", COMMENT="DNP - Coach's Decision", **rest),
        log_row(PLAYER_ID=2, PLAYER_NAME="Hurt", COMMENT="DND - Injury/Illness", **rest),
        log_row(PLAYER_ID=3, PLAYER_NAME="Starter", COMMENT=""),
    ]
    assert run_ingest(game_logs=[write(rows)]).state.is_completed()
    found = {
        row["player_lookup"]: (row["is_dnp"], row["is_active"], row["minutes_played"])
        for row in content(settings, BOX_SCORES)
    }
    assert found == {"bench": (True, True, None), "hurt": (True, False, None), "starter": (False, True, 20.0)}


def test_a_dnp_does_not_count_for_the_usage_of_the_others(tmp_path: Path, settings: Settings) -> None:
    bench = log_row(PLAYER_ID=9, PLAYER_NAME="Bench", MIN=None, FGA=None, PLUS_MINUS=None)
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", [*game_rows(), bench])])
    usage = {row["player_lookup"]: row["usage_rate"] for row in content(settings, BOX_SCORES)}
    assert (usage["den1"], usage["bench"]) == (20.0, None)


def test_usage_of_a_team_is_unknown_if_a_row_of_it_was_rejected(tmp_path: Path, settings: Settings) -> None:
    rows = game_rows()
    rows[0]["PTS"] = "many"
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)])
    usage = {row["player_lookup"]: row["usage_rate"] for row in content(settings, BOX_SCORES)}
    assert (usage["den2"], usage["cle2"]) == (None, 20.0)


def test_a_rejected_row_is_reported_with_file_line_value_and_reason_and_the_run_fails(
    write: Callable[..., str], settings: Settings
) -> None:
    rows = game_rows()
    rows[3]["TEAM_ABBREVIATION"] = "den"
    path = write(rows)
    run = run_ingest(game_logs=[path])
    assert run.state.is_failed()
    assert run.state.message == "1 files, 10 rows: 9 loaded, 1 rejected (listed in the artifact ingest-rejections)"
    assert run.rejections == [
        {
            "file": path,
            "line": 5 if path.endswith(".csv") else 4,
            "column": "TEAM_ABBREVIATION",
            "value": "den",
            "reason": "must be three capital letters",
        }
    ]
    assert f"games with rejected rows: {DEN_AT_CLE}" in run.report
    assert len(content(settings, BOX_SCORES)) == 9


def test_all_rejections_are_counted_and_only_so_many_listed(tmp_path: Path) -> None:
    rows = [*game_rows(), *game_rows(GAME_DATE="yesterday", PTS=-1)]
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)], max_reported_rejections=3)
    assert "10 loaded, 10 rejected" in str(run.state.message)
    assert [(row["line"], row["column"]) for row in run.rejections] == [
        (12, "GAME_DATE"),
        (12, "PTS"),
        (13, "GAME_DATE"),
    ]


def test_no_more_rejections_are_kept_in_memory_than_are_listed() -> None:
    reader = FileReader("log.csv", GameLogContents(), max_reported_rejections=3)
    for line in range(2, 7):
        assert reader.read(line, log_row(PTS=-1, AST=-1)) is None
    report = reader.report()
    assert (report.rows_read, report.rows_rejected, len(report.rejections)) == (5, 5, 3)


def test_the_report_says_what_became_of_every_file(tmp_path: Path) -> None:
    log = write_csv(tmp_path / "log.csv", game_rows())
    games = write_csv(tmp_path / "games.csv", [schedule_row()])
    run_ingest(game_logs=[log], schedules=[games])
    lines = run_ingest(game_logs=[log], schedules=[games]).report.splitlines()
    dates = "2023-02-23 | 2023-02-23 |"
    assert f"| {games} | nba_schedule | 1 | 1 | 1 | 0 | 1 | 1 | {dates}" in lines
    assert f"| {log} | player_game_summary | 10 | 10 | 10 | 0 | 1 | 1 | {dates}" in lines


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({}, "PLAYER_ID", f"is in game {DEN_AT_CLE} already, in line 2"),
        ({"PLAYER_NAME": "Den One"}, "PLAYER_ID", f"is in game {DEN_AT_CLE} already, by another name in line 2"),
        (
            {"PLAYER_ID": 77, "PLAYER_NAME": "DEN 1"},
            "PLAYER_NAME",
            "has the player_lookup den1 of PLAYER_ID 1001 in line 2, in one game",
        ),
        (
            {"PLAYER_ID": 77, "PLAYER_NAME": "Late", "GAME_DATE": "2023-02-24"},
            "GAME_DATE",
            "is not 2023-02-23, the game's day in line 2",
        ),
        (
            {"PLAYER_ID": 77, "PLAYER_NAME": "Lost", "MATCHUP": "DEN @ LAL"},
            "MATCHUP",
            "does not name DEN and CLE, the game's teams in line 2",
        ),
    ],
    ids=["same row", "same player by another name", "same name of another player", "another day", "another opponent"],
)
def test_a_row_that_contradicts_an_earlier_one_of_its_game_is_rejected(
    tmp_path: Path, settings: Settings, change: dict[str, Any], column: str, reason: str
) -> None:
    rows = game_rows()
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", [*rows, rows[0] | change])])
    assert run.state.is_failed()
    assert [(row["line"], row["column"], row["reason"]) for row in run.rejections] == [(12, column, reason)]
    assert len(content(settings, BOX_SCORES)) == 10


def test_one_name_of_two_players_in_different_games_is_a_warning_that_names_both(tmp_path: Path) -> None:
    rows = [log_row(PLAYER_ID=1), log_row(PLAYER_ID=2, GAME_ID="0022200902")]
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)])
    assert run.state.is_completed()
    assert "warning: player_lookup of more than one PLAYER_ID: reggiejackson (1, 2)" in run.report


def test_one_player_with_two_names_is_a_warning(tmp_path: Path) -> None:
    rows = [log_row(), log_row(PLAYER_NAME="Reggie Jackson II", GAME_ID="0022200902")]
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)])
    assert run.state.is_completed()
    assert "warning: PLAYER_ID with more than one name: 202704 (reggiejackson, reggiejacksonii)" in run.report


def test_a_game_on_neutral_ground_that_has_no_home_team_is_loaded_with_a_warning(tmp_path: Path) -> None:
    rows = game_rows()
    for row in rows[5:]:
        row["MATCHUP"] = "CLE @ DEN"
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", rows)])
    assert run.state.is_completed()
    assert f"warning: games of which the rows disagree who is at home: {DEN_AT_CLE}" in run.report

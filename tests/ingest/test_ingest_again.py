"""A file that is loaded again, corrected or not."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.settings import Settings, load_settings
from tests.ingest.files import (
    DEN_AT_CLE,
    content,
    game_rows,
    log_row,
    run_ingest,
    schedule_row,
    write_csv,
)

BOX_SCORES, SCHEDULE = "player_game_summary", "nba_schedule"


def test_a_file_that_may_shrink_its_games_replaces_them_as_a_whole(tmp_path: Path, settings: Settings) -> None:
    other = game_rows(GAME_ID="0022200902")
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", [*game_rows(players=7), *other])])
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows(players=6, PTS=9))], allow_shrink=True)
    assert run.state.is_completed()
    assert "warning: replaced, as allow_shrink says: 0022200901 (lacks 2 of 14 players: cle7, den7; " in run.report
    rows = content(settings, BOX_SCORES)
    corrected = [row for row in rows if row["game_id"] == DEN_AT_CLE]
    assert [row["points"] for row in corrected] == [9] * 12
    assert len(rows) == 12 + 10


def test_a_file_with_one_team_replaces_the_games_of_this_team_only(tmp_path: Path, settings: Settings) -> None:
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())])
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows(AST=9)[:5])])
    assert run.state.is_completed()
    assists = {row["player_lookup"]: row["assists"] for row in content(settings, BOX_SCORES)}
    assert {assists[f"den{number}"] for number in range(1, 6)} == {9}
    assert {assists[f"cle{number}"] for number in range(1, 6)} == {0}
    assert f"warning: games with rows of one team only: {DEN_AT_CLE}" in run.report


def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row | {column: str(row[column]).replace("CLE", "CAV") for column in ("TEAM_ABBREVIATION", "MATCHUP")}
        for row in rows
    ]


def test_a_team_by_another_abbreviation_does_not_make_players_play_twice(tmp_path: Path, settings: Settings) -> None:
    run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())])
    before = content(settings, BOX_SCORES)
    run = run_ingest(game_logs=[write_csv(tmp_path / "log.csv", renamed(game_rows())[5:])])
    assert run.state.is_failed()
    assert "cle1 in game 0022200901 (CLE, here CAV)" in str(run.state.message)
    assert "give a file that has all rows of both teams" in run.report
    assert content(settings, BOX_SCORES) == before
    assert run_ingest(game_logs=[write_csv(tmp_path / "log.csv", renamed(game_rows()))]).state.is_completed()
    assert len(content(settings, BOX_SCORES)) == 10


def test_a_corrected_schedule_replaces_its_games(tmp_path: Path, settings: Settings) -> None:
    other = schedule_row(GAME_ID="0022200902")
    run_ingest(schedules=[write_csv(tmp_path / "games.csv", [schedule_row(HOME_PTS=None, AWAY_PTS=None), other])])
    run_ingest(schedules=[write_csv(tmp_path / "games.csv", [schedule_row(GAME_DATE="2023-03-01")])])
    assert [(row["game_id"], f"{row['game_date']}", row["game_status"]) for row in content(settings, SCHEDULE)] == [
        (DEN_AT_CLE, "2023-03-01", 3),
        ("0022200902", "2023-02-23", 3),
    ]


ROWS = st.lists(
    st.builds(
        lambda game, side, player, minutes, attempts: log_row(
            GAME_ID=f"00222009{game:02d}",
            TEAM_ABBREVIATION=side,
            MATCHUP="DEN @ CLE",
            PLAYER_ID=player,
            PLAYER_NAME=f"{side} {player}",
            MIN=minutes,
            FGA=attempts,
            PLUS_MINUS=0,
        ),
        st.integers(1, 3),
        st.sampled_from(["DEN", "CLE"]),
        st.integers(1, 6),
        st.floats(1, 48),
        st.integers(0, 30) | st.none(),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row["GAME_ID"], row["PLAYER_ID"]),
)


@given(data=st.data(), rows=ROWS)
@hypothesis_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_rerun_in_any_order_makes_no_duplicates_and_changes_no_content(
    data: st.DataObject, rows: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("FULLCOURT_DUCKDB_PATH", f"{folder}/warehouse.duckdb")
        path = Path(folder) / "log.csv"
        assert run_ingest(game_logs=[write_csv(path, rows)]).state.is_completed()
        first = content(load_settings(), BOX_SCORES)
        shuffled = data.draw(st.permutations(rows))
        assert run_ingest(game_logs=[write_csv(path, shuffled)]).state.is_completed()
        assert content(load_settings(), BOX_SCORES) == first
        assert len(first) == len(rows)

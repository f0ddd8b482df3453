"""What is there already is not replaced by less of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.ingest.contents import FileReport
from tasks.ingest.game_log_file import GameLogContents
from tasks.ingest.reload import Loadable, keep_back
from tasks.ingest.rows import read_table
from tasks.ingest.schedule_file import ScheduleContents
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.ingest.files import DEN_AT_CLE, Row, content, game_rows, log_row, query, run_ingest, schedule_row, write_csv

BOX_SCORES, SCHEDULE = "player_game_summary", "nba_schedule"
OTHER = "0022200902"
KNOWN: dict[str, Any] = {"FG3A": 4, "TOV": 2, "PAINT_FGM": 1, "PAINT_FGA": 3, "START_POSITION": "G"}


@pytest.fixture
def warehouse_kind(request: pytest.FixtureRequest) -> str:
    """DuckDB, unless a test says otherwise."""
    return getattr(request, "param", "duckdb")


def load(settings: Settings, path: Path, rows: list[Row], *, allow_shrink: bool = False) -> FileReport:
    """Load a file without the flow around it; returns what became of it."""
    catalogue = load_catalogue(settings)
    contents = ScheduleContents() if "HOME_TEAM" in rows[0] else GameLogContents()
    table = catalogue.table(contents.table)
    found = read_table(
        Path(write_csv(path, rows)), contents, table, processed_at=datetime.now(UTC), max_reported_rejections=10
    )
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create([table])
        good, report = keep_back(warehouse, table, Loadable(*found), match=contents.match, allow_shrink=allow_shrink)
        if good.num_rows:
            warehouse.replace(table, good, match=contents.match)
    return report


def changed(rows: list[Row], place: int, **changes: Any) -> list[Row]:
    return [row | changes if number == place else row for number, row in enumerate(rows)]


GAME = game_rows(**KNOWN)
NOT_PLAYED = dict.fromkeys(("MIN", "PLUS_MINUS", "PTS", "FGM", "FGA", "FTA", "TOV", "FG3A", "PAINT_FGM", "PAINT_FGA"))
LESS = {
    "a player lacks": (GAME[1:], "lacks 1 of 10 players: den1"),
    "as many other players": (changed(GAME, 0, PLAYER_ID=9, PLAYER_NAME="New"), "lacks 1 of 10 players: den1"),
    "fewer minutes": (changed(GAME, 3, MIN=40), "472 of 480 minutes"),
    "minutes are unknown": (changed(GAME, 3, **NOT_PLAYED), "432 of 480 minutes"),
    "other points": (changed(GAME, 0, PTS=12), "other points: den1 12, there 1"),
    "points are unknown": (changed(GAME, 0, PTS=None), "no longer known of every player: points"),
    "attempts are unknown": ([row | {"FGA": None, "FG3A": None} for row in GAME], "fg_attempts, three_pt_attempts"),
    "no shot chart": (game_rows(FG3A=4, TOV=2, START_POSITION="G"), "no longer known of every player: paint_makes"),
    "who started is unknown": (
        [{name: value for name, value in row.items() if name != "START_POSITION"} for row in GAME],
        "no longer known of every player: starter_flag",
    ),
    "another day": ([row | {"GAME_DATE": "2023-02-24"} for row in GAME], "is on 2023-02-23 there, on 2023-02-24 here"),
    "one team, of which a player lacks": (GAME[1:5], "lacks 1 of 5 players: den1"),
}


@pytest.mark.parametrize(("again", "reason"), LESS.values(), ids=LESS)
def test_a_game_is_not_replaced_by_less_of_it(
    tmp_path: Path, settings: Settings, again: list[Row], reason: str
) -> None:
    another = [{**row, "GAME_ID": OTHER, "GAME_DATE": "2023-02-25"} for row in again]
    assert load(settings, tmp_path / "log.csv", GAME).kept_back == ()
    before = content(settings, BOX_SCORES)
    (kept,) = load(settings, tmp_path / "again.csv", [*again, *another]).kept_back
    assert (kept.file, kept.game_id) == (str(tmp_path / "again.csv"), DEN_AT_CLE)
    assert reason in kept.reason
    assert "or allow_shrink=true if this one is right" in kept.reason
    there = content(settings, BOX_SCORES)
    assert [row for row in there if row["game_id"] == DEN_AT_CLE] == before
    assert len(there) == 10 + len(again)
    report = load(settings, tmp_path / "again.csv", again, allow_shrink=True)
    assert report.kept_back == ()
    assert any(reason in warning for warning in report.warnings)
    assert content(settings, BOX_SCORES) != there


MORE = {
    "the same in another order": GAME[::-1],
    "one more player": [*GAME, log_row(PLAYER_ID=9, PLAYER_NAME="New", PTS=4)],
    "a player who did not play": [*GAME, log_row(PLAYER_ID=9, PLAYER_NAME="New", MIN=None, PLUS_MINUS=None)],
    "a corrected name": changed(GAME, 0, PLAYER_NAME="Den Uno"),
    "a corrected player id": changed(GAME, 0, PLAYER_ID=77),
    "other assists": changed(GAME, 0, AST=7),
    "minutes moved from one player to another": changed(changed(GAME, 0, MIN=47), 1, MIN=49),
    "a corrected team": [
        row | {name: str(row[name]).replace("CLE", "CAV") for name in ("TEAM_ABBREVIATION", "MATCHUP")} for row in GAME
    ],
}


@pytest.mark.parametrize("again", MORE.values(), ids=MORE)
def test_a_game_is_replaced_by_as_much_or_more_of_it(tmp_path: Path, settings: Settings, again: list[Row]) -> None:
    load(settings, tmp_path / "log.csv", GAME)
    assert load(settings, tmp_path / "log.csv", again).kept_back == ()
    assert len(content(settings, BOX_SCORES)) == len(again)


def test_a_player_who_did_not_play_is_not_lost(tmp_path: Path, settings: Settings) -> None:
    bench = log_row(PLAYER_ID=9, PLAYER_NAME="Bench", MIN=None, PLUS_MINUS=None)
    load(settings, tmp_path / "log.csv", [*game_rows(), bench])
    (kept,) = load(settings, tmp_path / "log.csv", game_rows()).kept_back
    assert "lacks 1 of 11 players: bench" in kept.reason


@pytest.mark.parametrize("bad", [{"PTS": "many"}, {"GAME_ID": "?"}], ids=["of the game", "of an unknown game"])
def test_a_game_of_which_a_row_is_rejected_is_not_replaced_whatever_else_is_allowed(
    tmp_path: Path, settings: Settings, bad: Row
) -> None:
    load(settings, tmp_path / "log.csv", game_rows())
    again = [*game_rows(AST=9), log_row(PLAYER_ID=9, PLAYER_NAME="New") | bad]
    (kept,) = load(settings, tmp_path / "log.csv", again, allow_shrink=True).kept_back
    assert "reject" in kept.reason
    assert {row["assists"] for row in content(settings, BOX_SCORES)} == {0}


def test_a_game_under_another_id_is_not_loaded_beside_itself(tmp_path: Path, settings: Settings) -> None:
    for name, rows in ((BOX_SCORES, game_rows()), (SCHEDULE, [schedule_row()])):
        load(settings, tmp_path / "log.csv", rows)
        twice = [row | {"GAME_ID": OTHER} for row in rows]
        (kept,) = load(settings, tmp_path / "log.csv", twice, allow_shrink=True).kept_back
        assert kept.reason.startswith("these teams are there on 2023-02-23 as game 0022200901; correct the id")
        assert {row["game_id"] for row in content(settings, name)} == {DEN_AT_CLE}


def test_the_two_teams_of_a_game_may_come_in_two_files(tmp_path: Path, settings: Settings) -> None:
    rows = game_rows()
    for _ in range(2):
        assert load(settings, tmp_path / "den.csv", rows[:5]).kept_back == ()
        assert load(settings, tmp_path / "cle.csv", rows[5:]).kept_back == ()
    assert len(content(settings, BOX_SCORES)) == 10


def test_a_team_that_is_split_over_two_files_is_not_halved(tmp_path: Path, settings: Settings) -> None:
    load(settings, tmp_path / "log.csv", game_rows())
    for part in (game_rows()[:3], game_rows()[3:]):
        assert load(settings, tmp_path / "part.csv", part).kept_back
    assert len(content(settings, BOX_SCORES)) == 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"HOME_PTS": None, "AWAY_PTS": None}, "is final there, has status 1 here"),
        ({"GAME_STATUS": 2}, "is final there, has status 2 here"),
        ({"GAME_DATE": "2023-02-24"}, "is final on 2023-02-23 there, is on 2023-02-24 here"),
        ({"AWAY_TEAM": "LAL"}, "is DEN at CLE there, LAL at CLE here"),
        ({"IS_ALL_STAR": True}, "is an All-Star game here"),
        (
            {"HOME_PTS": None, "AWAY_PTS": None, "GAME_STATUS": 3},
            "has the score DEN 115, CLE 109 there, DEN unknown, CLE unknown here",
        ),
        ({"AWAY_PTS": None, "GAME_STATUS": 3}, "has the score DEN 115 there, DEN unknown here"),
        ({"HOME_PTS": 110}, "has the score CLE 109 there, CLE 110 here"),
        (
            {"HOME_PTS": 115, "AWAY_PTS": 109},
            "has the score DEN 115, CLE 109 there, DEN 109, CLE 115 here",
        ),
    ],
)
def test_a_final_game_of_the_schedule_is_not_taken_back(
    tmp_path: Path, settings: Settings, change: Row, reason: str
) -> None:
    load(settings, tmp_path / "games.csv", [schedule_row()])
    before = content(settings, SCHEDULE)
    (kept,) = load(settings, tmp_path / "games.csv", [schedule_row(**change)]).kept_back
    assert reason in kept.reason
    assert content(settings, SCHEDULE) == before
    assert load(settings, tmp_path / "games.csv", [schedule_row(**change)], allow_shrink=True).kept_back == ()
    assert content(settings, SCHEDULE) != before


@pytest.mark.parametrize(
    "before", [{"HOME_PTS": None, "AWAY_PTS": None}, {"HOME_PTS": None, "AWAY_PTS": None, "GAME_STATUS": 3}]
)
def test_a_score_that_was_not_known_is_loaded(tmp_path: Path, settings: Settings, before: Row) -> None:
    load(settings, tmp_path / "games.csv", [schedule_row(**before)])
    assert load(settings, tmp_path / "games.csv", [schedule_row()]).kept_back == ()
    (row,) = content(settings, SCHEDULE)
    assert (row["game_status"], row["home_team_score"], row["away_team_score"]) == (3, 109, 115)


def test_hosts_that_were_visitors_are_corrected_if_each_team_keeps_its_score(
    tmp_path: Path, settings: Settings
) -> None:
    load(settings, tmp_path / "games.csv", [schedule_row()])
    swapped = schedule_row(HOME_TEAM="DEN", AWAY_TEAM="CLE", HOME_PTS=115, AWAY_PTS=109)
    assert load(settings, tmp_path / "games.csv", [swapped]).kept_back == ()


def test_a_schedule_that_lacks_games_loses_none(tmp_path: Path, settings: Settings) -> None:
    other = schedule_row(GAME_ID=OTHER, GAME_DATE="2023-02-25")
    load(settings, tmp_path / "games.csv", [schedule_row(), other])
    assert load(settings, tmp_path / "games.csv", [other]).kept_back == ()
    assert len(content(settings, SCHEDULE)) == 2


@pytest.mark.parametrize("warehouse_kind", ["duckdb", "bigquery"], indirect=True)
def test_a_run_that_keeps_a_game_back_says_why_and_fails(tmp_path: Path, settings: Settings) -> None:
    more = game_rows(GAME_ID=OTHER, GAME_DATE="2023-02-25")
    assert run_ingest(game_logs=[write_csv(tmp_path / "log.csv", game_rows())]).state.is_completed()
    path = write_csv(tmp_path / "log.csv", [*game_rows()[2:], *more])
    run = run_ingest(game_logs=[path])
    reason = (
        "lacks 2 of 10 players: den1, den2; 384 of 480 minutes; "
        "give a file that has all of the game, or allow_shrink=true if this one is right"
    )
    assert run.state.is_failed()
    assert run.state.message == (
        "1 files, 18 rows: 10 loaded, 0 rejected; 1 games kept as they were (listed in the artifact ingest-kept-back), "
        f"the first: 0022200901 on 2023-02-23: {reason}"
    )
    assert f"- kept as it was: 0022200901 on 2023-02-23: {reason}" in run.report.splitlines()
    assert run.kept_back == [{"file": path, "game_id": DEN_AT_CLE, "game_date": "2023-02-23", "reason": reason}]
    there = query(
        settings, "SELECT player_lookup FROM nba_analytics.player_game_summary WHERE game_date > '2023-01-01'"
    )
    assert len(there) == 20

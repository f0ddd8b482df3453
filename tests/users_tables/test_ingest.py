"""What the ingest does with tables as they stand in users' projects: what it cannot fill is said before it writes."""

import pytest

from flows.ingest import ingest
from tasks.settings import PROJECT_ROOT, Settings
from tests.backdoor import relax
from tests.league import fetch
from tests.users_tables.tables import DESCRIPTION, SCHEDULE, make_tables

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the description of users' tables is not beside this checkout (../shared/spec)"
)
BOX = "nba_analytics.player_game_summary"
DATA = PROJECT_ROOT / "tests" / "data"


def count(settings: Settings) -> int:
    (row,) = fetch(settings, f"SELECT COUNT(*) AS n FROM {BOX} WHERE game_date > '2000-01-01'")
    return int(row["n"])


def test_columns_that_a_game_log_cannot_fill_are_named_before_anything_is_written(settings: Settings) -> None:
    make_tables(settings)
    state = ingest(game_logs=[str(DATA / "game_log.csv")], return_state=True)
    assert state.is_failed()
    for column in ("starter_flag", "win_flag"):
        assert f"ALTER TABLE {BOX} ALTER COLUMN {column} DROP NOT NULL" in str(state.message)
    assert f"table {BOX} wants a value in starter_flag, win_flag, which the rows do not say" in str(state.message)
    assert count(settings) == 0

    for column in ("starter_flag", "win_flag"):
        relax(settings, BOX, column)
    assert ingest(game_logs=[str(DATA / "game_log.csv")], return_state=True).is_completed()
    assert count(settings) == len((DATA / "game_log.csv").read_text(encoding="utf-8").splitlines()) - 1


@pytest.mark.duckdb_only
def test_a_schedule_that_is_a_view_is_said_to_be_one(settings: Settings) -> None:
    make_tables(settings)
    state = ingest(schedules=[str(DATA / "schedule.csv")], return_state=True)
    assert state.is_failed()
    assert f"{SCHEDULE}: is a view, which nothing can be loaded into" in str(state.message)

"""What a run says of tables as they stand in users' projects."""

import pytest

from flows.backfill import backfill
from tasks.errors import SchemaError
from tasks.runtime.boundary import report_of
from tasks.settings import Settings
from tests.league import fetch
from tests.proof.bench import MAIN
from tests.proof.proof import Base
from tests.users_tables.league import days_of
from tests.users_tables.tables import DESCRIPTION, SCHEDULE, UsersTable

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the description of users' tables is not beside this checkout (../shared/spec)"
)

ADDED = {
    MAIN: {"team_abbr", "opponent_team_abbr", "context_source", "run_id"},
    "player_shot_zone_analysis": {"charted_games_10", "calculation_version", "run_id"},
    "team_defense_zone_analysis": {"charted_games", "calculation_version", "run_id"},
}


def test_columns_that_the_outputs_need_are_named_before_anything_is_written(
    settings: Settings, tables: dict[str, UsersTable], base: Base
) -> None:
    state = backfill(dates=days_of(base.league, 1), return_state=True)
    error = report_of(state)
    assert isinstance(error, SchemaError)
    for table, columns in ADDED.items():
        assert f"table nba_precompute.{table} has no column " in str(error)
        assert all(column in str(error) for column in columns)
    assert "`fullcourt ddl apply`" in str(error)
    assert not any("is NUMERIC" in part or "is INT64" in part for part in str(error).split("; "))
    assert fetch(settings, f"SELECT COUNT(*) AS n FROM nba_precompute.{MAIN} WHERE game_date > '2000-01-01'") == [
        {"n": 0}
    ]


def test_the_schedule_may_be_a_view_of_a_table_that_wants_a_filter(
    settings: Settings, tables: dict[str, UsersTable], base: Base
) -> None:
    day = days_of(base.league, 1)[0]
    rows = fetch(settings, f"SELECT game_id FROM {SCHEDULE} WHERE game_date = @day", day=day)
    assert {row["game_id"] for row in rows} == {g["game_id"] for g in base.league.schedule if g["game_date"] == day}

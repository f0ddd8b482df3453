"""A cleanup whose audit log is a table of users' own."""

from datetime import date

import pytest

from deployments.commands.main import main
from flows.cleanup import cleanup
from tasks.errors import SchemaError
from tasks.runtime.boundary import report_of
from tasks.settings import Settings
from tests.backdoor import relax
from tests.cleanup.observe import AUDIT
from tests.fixtures.flows import Clean
from tests.league import fetch
from tests.users_tables.tables import DESCRIPTION, UsersTable, make_tables, put

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the description of users' tables is not beside this checkout (../shared/spec)"
)

PLAYERS, LONG_AGO = "upcoming_player_game_context", date(2022, 11, 8)
THEIRS = ("files_checked", "missing_files_found", "republished_count")


def put_stale(settings: Settings, tables: dict[str, UsersTable]) -> None:
    row = {"player_lookup": "den1", "game_id": "20221108_DEN_CLE", "game_date": LONG_AGO, "team_abbr": "DEN"}
    put(settings, tables[PLAYERS], [row | {"projected_usage_rate": 21.5}])
    put(settings, tables["cleanup_operations"], [{"cleanup_id": "theirs", "scraper_name": "odds"}])


def players(settings: Settings) -> int:
    found = fetch(settings, f"SELECT COUNT(*) AS n FROM nba_analytics.{PLAYERS} WHERE game_date > '2000-01-01'")
    return int(found[0]["n"])


def refused() -> str:
    """Return why a cleanup did not begin."""
    error = report_of(cleanup(dry_run=False, return_state=True))
    assert isinstance(error, SchemaError)
    return str(error)


@pytest.mark.always_on_bigquery
def test_a_log_that_cannot_be_written_is_refused_with_what_to_do_before_anything_is_deleted(
    settings: Settings, clean: Clean, capsys: pytest.CaptureFixture[str]
) -> None:
    put_stale(settings, make_tables(settings))
    assert f"table {AUDIT} has no column cleanup_type STRING, table_name STRING, " in (said := refused())
    assert "add what is missing with `fullcourt ddl apply`" in said
    assert players(settings) == 1
    assert main(["ddl", "apply", "--yes"]) == 1
    printed = capsys.readouterr().out
    for said in (refused(), printed):
        assert f"table {AUDIT} wants a value in {', '.join(THEIRS)}" in said
        assert all(f"ALTER TABLE {AUDIT} ALTER COLUMN {name} DROP NOT NULL" in said for name in THEIRS)
    assert players(settings) == 1
    for name in THEIRS:
        relax(settings, AUDIT, name)
    assert main(["ddl", "apply", "--yes"]) == 0
    report = clean()
    assert (report.is_done, players(settings)) == (True, 0)
    rows = fetch(settings, f"SELECT * FROM {AUDIT} WHERE cleanup_time > TIMESTAMP '2000-01-01 00:00:00+00'")
    ours = [row for row in rows if row["cleanup_id"] != "theirs"]
    assert [row["scraper_name"] for row in rows if row["cleanup_id"] == "theirs"] == ["odds"]
    assert {row["deleted"] for row in ours if row["table_name"].endswith(PLAYERS)} == {0, 1}
    assert all(row[name] is None for row in ours for name in THEIRS)


def test_a_preview_of_users_tables_needs_no_log(settings: Settings) -> None:
    put_stale(settings, make_tables(settings))
    state = cleanup(dry_run=True, return_state=True)
    assert state.is_completed()
    assert players(settings) == 1

"""What is deleted, and what stays."""

from datetime import date, datetime, timedelta

import pytest

from flows.cleanup import cleanup
from tasks.calendar import league_day
from tasks.cleanup.report import CleanupReport
from tasks.errors import RequestError
from tasks.runtime.boundary import report_of
from tasks.settings import Settings
from tests.backdoor import is_untouched, relax, run_sql
from tests.cleanup.observe import (
    AUDIT,
    CUTOFF,
    FUTURE,
    PLAYERS,
    STALE,
    TABLES,
    TEAMS,
    TODAY,
    audit,
    backups,
    days_ago,
    days_of,
    everything,
    player,
    put,
    put_some,
    team,
)
from tests.fixtures.flows import Clean, SetClock
from tests.league import fetch


def test_stale_rows_go_and_every_other_row_stays(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    before = everything(settings)
    report = clean()
    assert days_of(settings, PLAYERS) == days_of(settings, TEAMS) == [CUTOFF, TODAY, FUTURE]
    after = everything(settings)
    assert all(after[table] <= before[table] for table in TABLES)
    assert {table.table_name: table.deleted for table in report.tables} == {PLAYERS: 3, TEAMS: 2}
    assert all(table.verified for table in report.tables)
    assert report.summary == "5 of 5 stale rows deleted from 2 tables"


def test_cleaning_again_deletes_nothing_and_makes_no_backup(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    clean()
    before, kept = everything(settings), backups(settings)
    report = clean()
    assert report.summary == "0 of 0 stale rows deleted from 2 tables"
    assert everything(settings) == before
    assert backups(settings) == kept
    assert [row["deleted"] for row in audit(settings)] == [3, 2, 0, 0]


def test_a_dry_run_changes_nothing(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    before = everything(settings)
    stored = settings.duckdb_path.read_bytes() if settings.warehouse == "duckdb" else b""
    report = clean(dry_run=True)
    assert settings.warehouse == "bigquery" or settings.duckdb_path.read_bytes() == stored
    assert everything(settings) == before
    assert backups(settings) == []
    assert {p.full_name: (p.row_count, p.oldest, p.newest, p.cutoff) for p in report.previews} == {
        PLAYERS: (3, days_ago(30), STALE, CUTOFF),
        TEAMS: (2, days_ago(30), STALE, CUTOFF),
    }
    assert report.summary == "dry run: 5 rows of 2 tables are stale, nothing was deleted"
    with pytest.raises(Exception, match=r"cleanup_operations|nba_orchestration"):
        fetch(settings, f"SELECT * FROM {AUDIT}")


def test_a_run_that_says_nothing_only_looks(settings: Settings) -> None:
    put_some(settings)
    before = everything(settings)
    report = report_of(cleanup(return_state=True))
    assert isinstance(report, CleanupReport)
    assert report.summary.startswith("dry run: 5 rows")
    assert everything(settings) == before


def test_another_ttl_moves_the_cutoff(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    clean(ttl_days=14)
    assert days_of(settings, PLAYERS) == [STALE, STALE, CUTOFF, TODAY, FUTURE]
    assert {(row["ttl_days"], row["cutoff"]) for row in audit(settings)} == {(14, days_ago(14))}
    clean(ttl_days=1)
    assert days_of(settings, PLAYERS) == [TODAY, FUTURE]


# The last and the first second of a day in New York, in UTC: in winter, in summer, and around both clock changes.
MIDNIGHTS = {
    "winter": ("2023-01-15T04:59:59Z", "2023-01-15T05:00:00Z", date(2023, 1, 15)),
    "summer": ("2023-07-15T03:59:59Z", "2023-07-15T04:00:00Z", date(2023, 7, 15)),
    "the day that has 23 hours": ("2023-03-12T04:59:59Z", "2023-03-12T05:00:00Z", date(2023, 3, 12)),
    "the day after it": ("2023-03-13T03:59:59Z", "2023-03-13T04:00:00Z", date(2023, 3, 13)),
    "the day that has 25 hours": ("2023-11-05T03:59:59Z", "2023-11-05T04:00:00Z", date(2023, 11, 5)),
    "the day after that": ("2023-11-06T04:59:59Z", "2023-11-06T05:00:00Z", date(2023, 11, 6)),
}


@pytest.mark.parametrize("name", MIDNIGHTS)
def test_today_changes_at_midnight_in_new_york(
    settings: Settings, clean: Clean, set_clock: SetClock, name: str
) -> None:
    last, first, today = MIDNIGHTS[name]
    put(settings, [player(f"player{n}", today - timedelta(days=n)) for n in (6, 7, 8, 9)])
    set_clock(datetime.fromisoformat(last))
    clean()
    assert days_of(settings, PLAYERS) == [today - timedelta(days=n) for n in (8, 7, 6)]
    set_clock(datetime.fromisoformat(first))
    clean()
    assert days_of(settings, PLAYERS) == [today - timedelta(days=n) for n in (7, 6)]
    assert league_day(datetime.fromisoformat(last)) == today - timedelta(days=1)


def test_empty_tables_are_no_failure(settings: Settings, clean: Clean) -> None:
    put(settings)
    report = clean()
    assert [(table.deleted, table.errors) for table in report.tables] == [(0, None), (0, None)]
    assert len(audit(settings, deleted=0, previewed=0)) == 2


def test_a_table_with_only_stale_rows_is_empty_then_and_one_with_only_future_rows_is_as_before(
    settings: Settings, clean: Clean
) -> None:
    put(settings, [player(f"player{n}", STALE) for n in range(5)], [team("DEN", FUTURE)])
    before = everything(settings)
    clean()
    assert days_of(settings, PLAYERS) == []
    assert everything(settings)[TEAMS] == before[TEAMS]


def test_a_table_that_is_missing_is_named_and_the_other_is_cleaned(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    run_sql(settings, f"DROP TABLE {PLAYERS}")
    report = clean()
    missing, cleaned = report.tables
    assert missing.errors == f"SchemaError: table {PLAYERS} does not exist: load it with the ingest deployment"
    assert (cleaned.table_name, cleaned.deleted, cleaned.errors) == (TEAMS, 2, None)
    assert not report.is_done
    (row,) = audit(settings, table_name=PLAYERS)
    assert (row["previewed"], row["deleted"], row["errors"]) == (None, 0, missing.errors)


def test_rows_without_a_day_are_never_deleted_and_are_reported(settings: Settings, clean: Clean) -> None:
    put_some(settings)
    relax(settings, PLAYERS, "game_date")
    put(settings, [player("nobody", None), player("noone", None)])
    report = clean()
    assert days_of(settings, PLAYERS) == [CUTOFF, TODAY, FUTURE, None, None]
    said = "2 rows have no game_date and are never deleted; give them one, or remove them"
    assert report.tables[0].notes == said
    assert audit(settings, table_name=PLAYERS)[0]["notes"] == said
    assert report.is_done


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"ttl_days": 0}, "ttl_days=0: Input should be greater than or equal to 1"),
        ({"ttl_days": "soon"}, "ttl_days='soon': Input should be a valid integer"),
        ({"dry_run": True, "approval": True}, "a dry run has nothing to approve; leave dry_run out"),
        ({"approval_timeout_seconds": 0}, "approval_timeout_seconds=0"),
        ({"cleanup_type": "restore"}, "cleanup_type='restore': Input should be 'upcoming_tables_ttl' or 'by_hand'"),
    ],
)
def test_an_invalid_parameter_is_named_and_nothing_is_touched(
    settings: Settings, clean: Clean, parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(RequestError, match=said.replace("(", r"\(")):
        clean(**parameters)
    assert is_untouched(settings)

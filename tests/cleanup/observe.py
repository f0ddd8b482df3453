"""What the tests of the cleanup put into the upcoming tables, and what they look at."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from tasks.cleanup.audit import BEGUN
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.league import WRITTEN_AT, Row, fetch

PLAYERS = "nba_analytics.upcoming_player_game_context"
TEAMS = "nba_analytics.upcoming_team_game_context"
TABLES = (PLAYERS, TEAMS)
AUDIT = "nba_orchestration.cleanup_operations"
NOW = datetime(2023, 3, 1, 17, 0, tzinfo=UTC)  # noon in New York
TODAY = date(2023, 3, 1)
CUTOFF = TODAY - timedelta(days=7)
STALE, FUTURE = CUTOFF - timedelta(days=1), TODAY + timedelta(days=1)


def days_ago(count: int) -> date:
    """Return a day that lies so many days before the test's today."""
    return TODAY - timedelta(days=count)


def player(lookup: str, day: date | None, **values: Any) -> Row:
    """Return a row of a player."""
    return {
        "player_lookup": lookup,
        "universal_player_id": lookup,
        "game_date": day,
        "days_rest": 2,
        "minutes_in_last_7_days": 71.25,
        "projected_usage_rate": 0.1 + 0.2,  # a number without a short decimal form
        "processed_at": max(WRITTEN_AT, datetime.combine(day or TODAY, time(), UTC)) + timedelta(microseconds=123_456),
        **values,
    }


def team(abbr: str, day: date | None, **values: Any) -> Row:
    """Return a row of a team."""
    row = {"team_abbr": abbr, "game_id": f"0022200{abbr}", "game_date": day, "home_game": True, "game_total": 221.5}
    return {**row, "processed_at": WRITTEN_AT, **values}


def put(settings: Settings, players: Iterable[Row] = (), teams: Iterable[Row] = ()) -> None:
    """Create every table, and add rows."""
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(table for table in catalogue.tables.values() if table.role == "input")
        for name, rows in ((PLAYERS, players), (TEAMS, teams)):
            spec = catalogue.table(name.partition(".")[2])
            if given := list(rows):
                warehouse.append(spec, pa.Table.from_pylist(given, arrow_schema(spec)).to_pylist())


def put_some(settings: Settings) -> None:
    """Put 3 stale players, 2 stale teams, and rows that stay: of the cutoff, of today and of tomorrow."""
    stays = (CUTOFF, TODAY, FUTURE)
    put(
        settings,
        [
            player("reggiejackson", days_ago(30)),
            player("nikolajokic", STALE),
            player("jamalmurray", STALE),
            *(player("nikolajokic", day) for day in stays),
        ],
        [team("DEN", days_ago(30)), team("CLE", STALE), *(team(f"T{n}", day) for n, day in enumerate(stays))],
    )


def rows_of(settings: Settings, table: str) -> Counter[tuple[Any, ...]]:
    """Return the rows of a table, each with how often it stands there: the same rows give the same answer."""
    filtered = "WHERE game_date >= DATE '0001-01-01' OR game_date IS NULL"
    return Counter(tuple(row.values()) for row in fetch(settings, f"SELECT * FROM {table} {filtered}"))


def days_of(settings: Settings, table: str) -> list[date | None]:
    """Return the day of every row."""
    day = next(
        n
        for n, c in enumerate(load_catalogue(settings).table(table.partition(".")[2]).columns)
        if c.name == "game_date"
    )
    return sorted((row[day] for row in rows_of(settings, table).elements()), key=str)


def everything(settings: Settings) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return the rows of both tables."""
    return {table: rows_of(settings, table) for table in TABLES}


def audit(settings: Settings, **equal: Any) -> list[Row]:
    """Return what the audit log says of each operation in the end, oldest first, of those with the values given."""
    rows = fetch(settings, f"SELECT * FROM {AUDIT} ORDER BY cleanup_time, cleanup_id")
    said = {row["cleanup_id"]: row for row in sorted(rows, key=lambda row: row["errors"] != BEGUN)}
    last = sorted(said.values(), key=lambda row: (row["cleanup_time"], row["cleanup_id"]))
    return [row for row in last if all(row[name] == value for name, value in equal.items())]


def backups(settings: Settings) -> list[str]:
    """Return the names of the backups that are there."""
    with open_warehouse(settings.connection()) as warehouse:
        return [backup.name for backup in warehouse.backups()]

"""The set-based limit: the derived tables of all days in one script, and the proof that its rows are the backfill's."""

from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb  # noqa: TID251 - the limit is DuckDB without the application

from tasks.settings import DuckDBSettings
from tasks.tables.catalogue import Catalogue

SCRIPTS = tuple(Path(__file__).with_name(name) for name in ("limit_zones.sql", "limit_factors.sql"))
TABLES = ("player_shot_zone_analysis", "team_defense_zone_analysis", "player_composite_factors")


def run_limit(settings: DuckDBSettings, first: date, last: date, bootstrap_days: int) -> None:
    """Build the three tables of a warehouse that has none of them.

    Args:
        settings: The warehouse; the limit has the same threads and memory as the backfill.
        first: First day to write.
        last: Last day to write.
        bootstrap_days: First days of a season that are skipped.
    """
    script = "\n".join(file.read_text(encoding="utf-8") for file in SCRIPTS)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{settings.memory_limit_mib}MiB",
        "threads": settings.threads,
    }
    with closing(duckdb.connect(settings.path, config=config)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET VARIABLE first_date = $day", {"day": first})
        connection.execute("SET VARIABLE last_date = $day", {"day": last})
        connection.execute("SET VARIABLE bootstrap_days = $days", {"days": bootstrap_days})
        connection.execute(script)


def compare(catalogue: Catalogue, limit: Path, backfill: Path) -> dict[str, tuple[int, int]]:
    """Compare the derived tables of two warehouses, every column but the volatile ones.

    Returns:
        For each table, the rows of the backfill, and the rows that only one of the two holds.
    """
    with closing(duckdb.connect(backfill, read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{limit}' AS set_based (READ_ONLY)")
        return {name: _compare(connection, catalogue, name) for name in TABLES}


def _compare(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, name: str) -> tuple[int, int]:
    table = catalogue.table(name)
    columns = ", ".join(table.content_columns)
    ours, theirs = (f"SELECT {columns} FROM {place}{table.full_name}" for place in ("", "set_based."))
    return (
        _number(connection, [f"SELECT COUNT(*) FROM {table.full_name}"]),
        _number(
            connection,
            (f"SELECT COUNT(*) FROM ({a} EXCEPT ALL {b})" for a, b in ((ours, theirs), (theirs, ours))),
        ),
    )


def _number(connection: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> int:
    rows = (connection.execute(query).fetchone() for query in queries)
    return sum(int(row[0]) for row in rows if row)

"""The rows of two warehouses compared, and a correction that changes them."""

from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb  # noqa: TID251 - it reads two files at once, and changes one behind the application's back

from benchmarks.measured import Difference
from tasks.errors import TerminalError
from tasks.tables.catalogue import Catalogue
from tasks.tables.spec import TableSpec

_CORRECTION = """UPDATE nba_analytics.player_game_summary
SET paint_makes = paint_makes - 1, paint_attempts = paint_attempts - 1,
  mid_range_makes = mid_range_makes + 1, mid_range_attempts = mid_range_attempts + 1, processed_at = now()
WHERE game_date = $day AND player_lookup = (
  SELECT MIN(player_lookup) FROM nba_analytics.player_game_summary WHERE game_date = $day AND paint_makes > 0
)"""


class CorrectionError(TerminalError):
    """There is no box score to correct."""


def correct(warehouse: Path, day: date) -> None:
    """Correct one box score of a day, as the league does afterwards: a shot was from mid-range, not the paint.

    Raises:
        CorrectionError: The day has no such box score.
    """
    with closing(duckdb.connect(warehouse)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        ((changed,),) = connection.execute(_CORRECTION, {"day": day}).fetchall()
    if changed != 1:
        raise CorrectionError(f"{changed} box scores of {day} were corrected instead of 1")


def compare(catalogue: Catalogue, one: Path, other: Path) -> Mapping[str, Difference]:
    """Compare the derived tables of two warehouses; returns each table's difference."""
    with closing(duckdb.connect(one, read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{other}' AS other (READ_ONLY)")
        return {name: _compare(connection, catalogue.table(name)) for name in catalogue.derived}


def _compare(connection: duckdb.DuckDBPyConnection, table: TableSpec) -> Difference:
    columns = ", ".join(table.content_columns)
    a, b = (f"SELECT {columns} FROM {place}{table.full_name}" for place in ("", "other."))
    found = connection.execute(
        f"SELECT {table.partition}, COUNT(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a})) GROUP BY ALL"
    ).fetchall()
    ((rows,),) = connection.execute(f"SELECT COUNT(*) FROM {table.full_name}").fetchall()
    return Difference(rows=rows, different=sum(count for _, count in found), days=frozenset(day for day, _ in found))

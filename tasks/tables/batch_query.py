"""The queries by which the rows of many days are built at once."""

import re
from collections.abc import Iterable

from tasks.tables.catalogue import Catalogue
from tasks.tables.queries import typed
from tasks.tables.spec import TableSpec


def days_of(source: str) -> str:
    """Return the name of the parameter that lists the days, as texts, that are built from a source."""
    return f"days_from_{source}"


def batch_query(
    catalogue: Catalogue, table: TableSpec, sources: Iterable[str], *, has_holes: bool, with_others: bool
) -> str:
    """The rows of the days that are listed for each source, all of them from @first_date to @game_date.

    Args:
        catalogue: Where the table's builds are.
        table: A derived table.
        sources: Those that days are built from: each with a parameter of its own.
        has_holes: Whether a row may look back on a game that is not loaded as it was played.
        with_others: Whether the rows that are published of the other days come too.
    """
    sources = sorted(sources)
    day = f"CAST({table.partition} AS STRING)"
    parts = []
    for source in sources:
        built = typed(table, catalogue.query(table.name, "build", source=source, has_holes=has_holes))
        parts.append(f"{built}\nWHERE {day} IN UNNEST(@{days_of(source)})")
    if with_others:
        columns = ", ".join(column.name for column in table.columns)
        listed = "".join(f"\n  AND NOT {day} IN UNNEST(@{days_of(source)})" for source in sources)
        where = f"{table.partition} BETWEEN @first_date AND @game_date{listed}"
        parts.append(f"SELECT {columns} FROM {table.full_name}\nWHERE {where}")
    return "\nUNION ALL\n".join(parts)


def reading_elsewhere(sql: str, table: TableSpec, location: str) -> str:
    """Return a query that reads a table's rows from elsewhere."""
    return re.sub(rf"\b{re.escape(table.full_name)}\b", location, sql)


def identity_changes(catalogue: Catalogue, tables: Iterable[str]) -> str:
    """The first day after @first_date, to @game_date, on which it changes whose the rows without an id are; one row.

    Such a row belongs to the one id of its player_lookup (``people``): a new id tells it from then on, or leaves open
    which one it is. Of the days before, the queries of a later day would know more than their own.
    """
    builds = [catalogue.build(name) for name in tables]
    read = {source.table for build in builds for source in build.sources if source.table}
    read |= {name for build in builds for name in build.depends_on}
    of_players = [table for table in map(catalogue.table, sorted(read)) if _names_players(table)]
    without = "\n  UNION DISTINCT\n".join(
        f"""  SELECT player_lookup FROM {table.full_name}
  WHERE {table.partition} BETWEEN @from_date AND @game_date AND COALESCE(TRIM(universal_player_id), '') = ''"""
        for table in (catalogue.table("player_game_summary"), *of_players)
    )
    return f"""SELECT MIN(first_day) AS first_change
FROM (
  SELECT player_lookup, MIN(game_date) AS first_day
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @from_date AND @game_date AND TRIM(universal_player_id) <> ''
  GROUP BY player_lookup, TRIM(universal_player_id)
) AS ids
WHERE first_day > @first_date AND player_lookup IN (
{without}
)"""


def _names_players(table: TableSpec) -> bool:
    return {"player_lookup", "universal_player_id"} <= {column.name for column in table.columns}

"""The query by which rows are validated that are in a table already, and that no run is known to have published."""

import re

from tasks.tables.catalogue import Catalogue
from tasks.tables.gate_query import gate_query
from tasks.tables.queries import content
from tasks.tables.spec import TableSpec

_ROWS = "rows_of_the_day"
_VERSION = re.compile(r"'([^']*)'\s+AS\s+calculation_version\b", re.IGNORECASE)


def adoption_query(catalogue: Catalogue, table: TableSpec) -> str:
    """What the gate asks of a day's staged rows, asked of those that the table holds; one row.

    Beside it, what rows of a build always say, and others may not: ``look_back_unknown``, ``completeness_unknown``,
    ``version_unknown`` and ``kind_unknown`` count the rows that do not; ``versions`` and ``kinds`` are what the others
    say, and ``null_<score>`` counts the rows without it.

    A game is its day and its teams: a row with another id of a game than the box scores' is one of that game.
    """
    names = [column.name for column in table.columns]
    columns = ", ".join(_read(table, name, has_run="run_id" in names) for name in names)
    rows = f"SELECT {columns}\nFROM {table.full_name} AS t"
    if "game_id" in names:
        rows += f"\nLEFT JOIN (\n{_OTHER_IDS}\n) AS g ON g.other_id = t.game_id"
    of_the_day = f"{table.partition} = @game_date"
    stored = f"{content(table, table.full_name)} WHERE {of_the_day}"
    return gate_query(catalogue, table, _ROWS, f"{rows}\nWHERE t.{of_the_day}", facts_too=_facts(table), stored=stored)


def _read(table: TableSpec, name: str, *, has_run: bool) -> str:
    look_back = table.build.look_back if table.build else None
    if name == "game_id":
        return "COALESCE(g.game_id, t.game_id) AS game_id"
    if look_back and has_run and name in (look_back.missing_of_own, look_back.names):
        return f"IF(t.run_id IS NULL, NULL, t.{name}) AS {name}"  # of a row that no run wrote it may mean anything
    return f"t.{name}"


_OTHER_IDS = """SELECT other_id, MIN(e.game_id) AS game_id
FROM expected_players AS e
JOIN scheduled_sides AS s ON s.game_date = e.game_date AND s.team_abbr = e.team_abbr
CROSS JOIN UNNEST([
  s.game_id,
  CONCAT(
    REPLACE(CAST(s.game_date AS STRING), '-', ''), '_',
    IF(s.is_home, s.opponent_team_abbr, s.team_abbr), '_', IF(s.is_home, s.team_abbr, s.opponent_team_abbr)
  )
]) AS other_id
WHERE e.game_date = @game_date
  AND other_id NOT IN (SELECT game_id FROM expected_players WHERE game_date = @game_date)
GROUP BY other_id
HAVING COUNT(DISTINCT e.game_id) = 1"""
"""The ids that a game of the day has beside that of its box scores: the schedule's, and day, visitors and hosts."""


def calculation_version(catalogue: Catalogue, table: str) -> str | None:
    """Return what the rows of a table's build say in ``calculation_version``; None if they say nothing there."""
    found = _VERSION.search(catalogue.query(table, "build", source=catalogue.build(table).fallback.name))
    return found[1] if found else None


def _facts(table: TableSpec) -> dict[str, str]:
    if table.build is None:
        raise ValueError(f"{table.name} is not a derived table")
    build, names = table.build, {column.name for column in table.columns}
    version = "calculation_version" if "calculation_version" in names else None
    return {
        "look_back_unknown": _unknown(build.look_back.missing_of_own if build.look_back else None),
        "completeness_unknown": _unknown(build.completeness.column if build.completeness else None),
        "version_unknown": _unknown(version),
        "versions": _said(version),
        "kind_unknown": _unknown(build.kind),
        "kinds": _said(build.kind),
        **{f"null_{name}": _unknown(name) for name in build.varying},
    }


def _unknown(column: str | None) -> str:
    return f"COUNTIF(r.gate_day IS NOT NULL AND {column} IS NULL)" if column else "0"


def _said(column: str | None) -> str:
    return f"STRING_AGG(DISTINCT {column}, ',' ORDER BY {column})" if column else "CAST(NULL AS STRING)"

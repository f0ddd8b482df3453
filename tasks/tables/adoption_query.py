"""The query by which rows are validated that are in a table already, and that no run is known to have published."""

import re

from tasks.tables.catalogue import Catalogue
from tasks.tables.gate_query import gate_query
from tasks.tables.spec import TableSpec

_ROWS = "rows_of_the_day"
_VERSION = re.compile(r"'([^']*)'\s+AS\s+calculation_version\b", re.IGNORECASE)


def adoption_query(catalogue: Catalogue, table: TableSpec) -> str:
    """What the gate asks of a day's staged rows, asked of those that the table holds; one row.

    Beside it, what rows of a build always say, and others may not: ``look_back_unknown``, ``completeness_unknown``,
    ``version_unknown`` and ``kind_unknown`` count the rows that do not; ``versions`` and ``kinds`` are what the others
    say, and ``null_<score>`` counts the rows without it.
    """
    columns = ", ".join(column.name for column in table.columns)
    rows = f"SELECT {columns} FROM {table.full_name} WHERE {table.partition} = @game_date"
    return gate_query(catalogue, table, _ROWS, rows, facts_too=_facts(table))


def calculation_version(catalogue: Catalogue, table: str) -> str | None:
    """Return what the rows of a table's build say in ``calculation_version``; None if they say nothing there."""
    found = _VERSION.search(catalogue.query(table, "build", source=catalogue.build(table).fallback.name))
    return found[1] if found else None


def _facts(table: TableSpec) -> dict[str, str]:
    if table.build is None:
        raise ValueError(f"{table.name} is not a derived table")
    build, names = table.build, {column.name for column in table.columns}
    version = "calculation_version" if "calculation_version" in names else None
    look_back = build.look_back.missing_of_own if build.look_back else None
    if look_back and "run_id" in names:  # that no game is missing is believed of a row that a run has written
        unknown = f"COUNTIF({look_back} IS NULL OR run_id IS NULL)"
    else:
        unknown = _unknown(look_back)
    return {
        "look_back_unknown": unknown,
        "completeness_unknown": _unknown(build.completeness.column if build.completeness else None),
        "version_unknown": _unknown(version),
        "versions": _said(version),
        "kind_unknown": _unknown(build.kind),
        "kinds": _said(build.kind),
        **{f"null_{name}": _unknown(name) for name in build.varying},
    }


def _unknown(column: str | None) -> str:
    return f"COUNTIF({column} IS NULL)" if column else "0"


def _said(column: str | None) -> str:
    return f"STRING_AGG(DISTINCT {column}, ',' ORDER BY {column})" if column else "CAST(NULL AS STRING)"

"""The queries that follow from what a table folder says: coverage, gate, digests and row counts.

Every identifier comes from the catalogue, which validates it; every value is a parameter.
"""

from collections.abc import Iterable

from tasks.tables.catalogue import Catalogue
from tasks.tables.compose import inline
from tasks.tables.spec import Column, Source, TableSpec

COVERAGE_COLUMNS = ("expected", "covered", "source_players", "duplicates", "missing")


def check(catalogue: Catalogue, tables: Iterable[TableSpec]) -> str:
    """The reference of @game_date, and what each table's preferred source covers of it; one row, one statement.

    The columns of a source are ``<table>__expected``, ``__covered``, ``__source_players``, ``__duplicates`` and
    ``__missing``. @from_date must be the same day.
    """
    checked = [(table, table.build.preferred) for table in tables if table.build and table.build.preferred]
    parts = tuple((f"coverage_of_{t.name}", _coverage(catalogue, t, s, with_missing=True)) for t, s in checked)
    columns = "".join(f",\n  {t.name}.{c} AS {t.name}__{c}" for t, _ in checked for c in COVERAGE_COLUMNS)
    joins = "".join(f"\nLEFT JOIN coverage_of_{t.name} AS {t.name} ON {t.name}.game_date = day.day" for t, _ in checked)
    query = f"""SELECT
  r.*{columns}
FROM (SELECT CAST(@game_date AS DATE) AS day) AS day
LEFT JOIN reference AS r ON r.game_date = day.day{joins}"""
    return catalogue.complete(query, parts=parts)


def coverage(catalogue: Catalogue, table: TableSpec, source: Source, *, with_missing: bool) -> str:
    """How much of the expected set a source covers.

    Grain: game_date, from @from_date to @game_date; only days with expected players or source rows.
    """
    return catalogue.complete(_coverage(catalogue, table, source, with_missing=with_missing))


def _coverage(catalogue: Catalogue, table: TableSpec, source: Source, *, with_missing: bool) -> str:
    if table.build is None or source.table is None:
        raise ValueError(f"{table.name}: source {source.name} has no table to check")
    read = catalogue.table(source.table)
    entity = table.build.entity
    missing = f"STRING_AGG(IF(s.{entity} IS NULL, e.{entity}, NULL), ',' ORDER BY e.{entity})" if with_missing else "''"
    return f"""WITH expected_entities AS (
  SELECT DISTINCT game_date, {entity} FROM expected_players
),
source_entities AS (
  SELECT {read.partition} AS game_date, {entity}, COUNT(*) AS copies
  FROM {read.full_name}
  WHERE {read.partition} BETWEEN @from_date AND @game_date
  GROUP BY {read.partition}, {entity}
),
source_days AS (
  SELECT game_date, COUNT(*) AS players, COUNTIF(copies > 1) AS duplicates
  FROM source_entities
  GROUP BY game_date
),
expected_days AS (
  SELECT
    e.game_date,
    COUNT(*) AS expected,
    COUNT(s.{entity}) AS covered,
    {missing} AS missing
  FROM expected_entities AS e
  LEFT JOIN source_entities AS s ON s.game_date = e.game_date AND s.{entity} = e.{entity}
  GROUP BY e.game_date
)
SELECT
  COALESCE(e.game_date, s.game_date) AS game_date,
  COALESCE(e.expected, 0) AS expected,
  COALESCE(e.covered, 0) AS covered,
  COALESCE(s.players, 0) AS source_players,
  COALESCE(s.duplicates, 0) AS duplicates,
  e.missing
FROM expected_days AS e
FULL JOIN source_days AS s ON s.game_date = e.game_date
ORDER BY 1"""


def gate(catalogue: Catalogue, table: TableSpec, staged: str, query: str | None = None) -> str:
    """What the gate must know of staged rows; one row.

    Args:
        catalogue: Where the table's expected set is.
        table: A derived table.
        staged: The name by which the staged rows are read.
        query: What gives the rows, if they are not stored under that name.
    """
    if table.build is None:
        raise ValueError(f"{table.name} is not a derived table")
    entity = table.build.entity
    grain = ", ".join(table.grain)
    any_null = " OR ".join(f"{name} IS NULL" for name in dict.fromkeys((*table.grain, table.partition)))
    any_value = " OR ".join(f"{name} IS NOT NULL" for name in table.build.never_all_null)
    ranges = "".join(
        f",\n    COUNTIF(NOT ({c.name} BETWEEN {c.range[0]} AND {c.range[1]})) AS range_{c.name}"
        for c in table.columns
        if c.range
    )
    facts = f"""WITH keys AS (
  SELECT {grain}, COUNT(*) AS copies FROM {staged} GROUP BY {grain}
),
facts AS (
  SELECT
    COUNT(*) AS row_count,
    COUNTIF({any_null}) AS null_keys,
    COUNTIF({table.partition} <> @game_date) AS other_days,
    COUNTIF({any_value}) AS rows_with_values{ranges}
  FROM {staged}
),
wanted AS (
  SELECT DISTINCT {entity} FROM expected
),
there AS (
  SELECT DISTINCT {entity} FROM {staged}
),
compared AS (
  SELECT
    COUNT(w.{entity}) AS expected,
    COUNTIF(w.{entity} = t.{entity}) AS covered,
    COUNTIF(w.{entity} IS NULL) AS unexpected,
    STRING_AGG(IF(t.{entity} IS NULL, w.{entity}, NULL), ',' ORDER BY w.{entity}) AS missing
  FROM wanted AS w
  FULL JOIN there AS t ON t.{entity} = w.{entity}
),
content AS (
  {_content(table, staged)}
)
SELECT
  facts.*,
  (SELECT {_DIGEST} FROM content) AS rows_digest,
  (SELECT COUNTIF(copies > 1) FROM keys) AS duplicate_keys,
  compared.*
FROM facts
CROSS JOIN compared"""
    if query is None:
        return catalogue.complete(facts, table=table.name, given=(staged,))
    return catalogue.complete(facts, table=table.name, parts=((staged, query),))


def digests(table: TableSpec) -> str:
    """A digest of each day's content of a table. Grain: game_date, from @from_date to @game_date."""
    return f"""WITH content AS (
  {_content(table, table.full_name)}
  WHERE {table.partition} BETWEEN @from_date AND @game_date
)
SELECT game_date, {_DIGEST} AS digest
FROM content
GROUP BY game_date
ORDER BY game_date"""


_DIGEST = "TO_HEX(MD5(STRING_AGG(digest, '' ORDER BY digest)))"
"""The digest of rows that have one each, in whatever order."""


def _content(table: TableSpec, read_from: str) -> str:
    """The day and a digest of each row's content."""
    content = ", '|', ".join(f"COALESCE({_text(table.column(name))}, '~')" for name in table.content_columns)
    return f"SELECT {table.partition} AS game_date, TO_HEX(MD5(CONCAT({content}))) AS digest FROM {read_from}"


def _text(column: Column) -> str:
    """A column's value as a text that is the same on every engine: of a fraction, six decimals."""
    value = f"SAFE_CAST(ROUND({column.name} * 1000000) AS INT64)" if column.type == "FLOAT64" else column.name
    return f"CAST({value} AS STRING)"


def rows_there(tables: Iterable[TableSpec]) -> str:
    """How many rows are there, and the digest that the gate gave them, if they are those that it saw.

    Grain: table_name, game_date, from @from_date to @game_date; only days with rows.
    """
    return "\nUNION ALL\n".join(
        f"""SELECT '{table.name}' AS table_name, game_date, COUNT(*) AS row_count, {_DIGEST} AS digest
FROM (
  {_content(table, table.full_name)}
  WHERE {table.partition} BETWEEN @from_date AND @game_date
) AS content
GROUP BY game_date"""
        for table in tables
    )


def expected_digests(catalogue: Catalogue) -> str:
    """A digest of who is expected on each day. Grain: game_date, from @from_date to @game_date; only days with any."""
    return catalogue.complete(f"""WITH content AS (
  SELECT game_date, CONCAT(player_lookup, '|', game_id) AS digest FROM expected_players
)
SELECT game_date, {_DIGEST} AS digest
FROM content
GROUP BY game_date""")


def latest_ledger(ledger: TableSpec) -> str:
    """The last ledger row of each table and day, and the last one with an outcome in @published; in order of time.

    Grain: table_name, game_date, from @from_date to @game_date, whether it was published.
    """
    columns = ", ".join(column.name for column in ledger.columns)
    return inline(
        f"SELECT {columns} FROM ranked WHERE recency = 1 ORDER BY recorded_at, run_id",
        {
            "ranked": f"""SELECT
  *,
  ROW_NUMBER() OVER (
    PARTITION BY table_name, game_date, outcome IN UNNEST(@published) ORDER BY recorded_at DESC, run_id DESC
  ) AS recency
FROM {ledger.full_name}
WHERE game_date BETWEEN @from_date AND @game_date"""
        },
    )

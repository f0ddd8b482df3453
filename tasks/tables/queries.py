"""The queries that follow from what a table folder says: coverage, digests and row counts.

Every identifier comes from the catalogue, which validates it; every value is a parameter.
"""

from collections.abc import Iterable, Mapping

from tasks.tables.catalogue import Catalogue
from tasks.tables.compose import inline
from tasks.tables.spec import Column, Source, TableSpec

COVERAGE_COLUMNS = ("expected", "covered", "source_players", "duplicates", "missing")


def check(catalogue: Catalogue, tables: Iterable[TableSpec]) -> str:
    """The reference of each day, and what each table's preferred source covers of it; one statement.

    Grain: game_date, every day from @first_date to @game_date. The columns of a source are ``<table>__expected``,
    ``__covered``, ``__source_players``, ``__duplicates`` and ``__missing``. @from_date is the first day of the season.
    """
    checked = [(table, table.build.preferred) for table in tables if table.build and table.build.preferred]
    parts: dict[str, str] = {}
    for table, source in checked:
        parts |= {f"coverage_of_{table.name}": _coverage(source, with_missing=True)}
        parts |= {f"{source.name}_rows": catalogue.source_rows(source)}
    columns = "".join(f",\n  {t.name}.{c} AS {t.name}__{c}" for t, _ in checked for c in COVERAGE_COLUMNS)
    joins = "".join(
        f"\nLEFT JOIN coverage_of_{t.name} AS {t.name} ON {t.name}.game_date = r.game_date" for t, _ in checked
    )
    query = f"""SELECT
  r.*{columns}
FROM reference AS r{joins}"""
    return catalogue.complete(query, parts=tuple(parts.items()))


def coverage(catalogue: Catalogue, table: TableSpec, source: Source, *, with_missing: bool) -> str:
    """How much of the expected set a source covers, by person.

    Grain: game_date, from @first_date to @game_date; only days with expected players or source rows. @from_date is the
    first day of the season of the first one.
    """
    if table.build is None or source.table is None:
        raise ValueError(f"{table.name}: source {source.name} has no table to check")
    return catalogue.complete(_coverage(source, with_missing=with_missing), table=table.name)


def _coverage(source: Source, *, with_missing: bool) -> str:
    missing = "STRING_AGG(IF(s.person IS NULL, e.player_lookup, NULL), ',' ORDER BY e.player_lookup)"
    return f"""WITH source_people AS (
  SELECT game_date, person, COUNT(*) AS copies
  FROM {source.name}_rows
  GROUP BY game_date, person
),
source_days AS (
  SELECT game_date, COUNT(*) AS players, COUNTIF(copies > 1) AS duplicates
  FROM source_people
  GROUP BY game_date
),
expected_days AS (
  SELECT
    e.game_date,
    COUNT(*) AS expected,
    COUNT(s.person) AS covered,
    {missing if with_missing else "''"} AS missing
  FROM expected_players AS e
  LEFT JOIN source_people AS s ON s.game_date = e.game_date AND s.person = e.person
  WHERE e.game_date >= @first_date
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


def disagreement(catalogue: Catalogue, table: TableSpec) -> str | None:
    """How often the preferred source says other than the fallback; None if nothing of them is compared.

    Grain: game_date, from @first_date to @game_date, and column of ``agrees_within``: ``column_name``, ``compared``
    (rows in which both know it), ``different`` and ``examples`` (two); no row if no player of the day is in both.
    """
    source = table.build.preferred if table.build else None
    if table.build is None or source is None or not source.agrees_within:
        return None
    tolerances = source.agrees_within
    names = ", ".join(f"'{name}'" for name in tolerances)
    within = _by_column({name: f"{tolerance} + 0.000001" for name, tolerance in tolerances.items()})
    # a value that no NUMERIC holds (NaN, an infinity) is unknown
    theirs, ours = (
        _by_column({name: f"SAFE_CAST({side}.{name} AS NUMERIC)" for name in tolerances}) for side in ("u", "s")
    )
    both = f"""SELECT
  s.game_date,
  column_name,
  s.player_lookup,
  CAST({theirs} AS FLOAT64) AS theirs,
  CAST({ours} AS FLOAT64) AS ours,
  {within} AS tolerance
FROM context_{table.build.fallback.name} AS s
JOIN {source.name}_rows AS u ON u.person = s.person AND u.game_date = s.game_date
CROSS JOIN UNNEST([{names}]) AS column_name"""
    differs = "ABS(theirs - ours) > tolerance"
    said = ", ' against ', ".join(
        f"TO_JSON_STRING(CAST(ROUND(CAST({side} AS NUMERIC), 2) AS FLOAT64))" for side in ("theirs", "ours")
    )
    example = f"IF({differs}, CONCAT(player_lookup, ' ', {said}), NULL)"
    query = f"""SELECT
  game_date,
  column_name,
  COUNTIF(theirs IS NOT NULL AND ours IS NOT NULL) AS compared,
  COUNTIF({differs}) AS different,
  CONCAT(MIN({example}), IF(COUNTIF({differs}) > 1, CONCAT(', ', MAX({example})), '')) AS examples
FROM both_sources
GROUP BY game_date, column_name
ORDER BY game_date, column_name"""
    return catalogue.complete(query, table=table.name, parts=(("both_sources", both),))


def _by_column(values: Mapping[str, str]) -> str:
    """An expression that gives the value that belongs to column_name."""
    cases = " ".join(f"WHEN '{name}' THEN {value}" for name, value in values.items())
    return f"CASE column_name {cases} END"


def digests(table: TableSpec, location: str | None = None) -> str:
    """A digest of each day's content of a table, or of rows of it that stand elsewhere.

    Grain: game_date, from @from_date to @game_date.
    """
    rows = f"{content(table, location or table.full_name)}\n  WHERE {table.partition} BETWEEN @from_date AND @game_date"
    return f"{_digest_by_day(rows)}\nORDER BY game_date"


DIGEST = "TO_HEX(MD5(STRING_AGG(digest, '' ORDER BY digest)))"
"""The digest of rows that have one each, in whatever order."""


def content(table: TableSpec, read_from: str) -> str:
    """The day and a digest of each row's content."""
    values = ", '|', ".join(f"COALESCE({_text(table.column(name))}, '~')" for name in table.content_columns)
    return f"SELECT {table.partition} AS game_date, TO_HEX(MD5(CONCAT({values}))) AS digest FROM {read_from}"


def _text(column: Column) -> str:
    """A column's value as a text that is the same on every engine: of a fraction, six decimals."""
    value = f"SAFE_CAST(ROUND({column.name} * 1000000) AS INT64)" if column.type == "FLOAT64" else column.name
    return f"CAST({value} AS STRING)"


def rows_there(tables: Iterable[TableSpec]) -> str:
    """How many rows are there, and the digest that the gate gave them, if they are those that it saw.

    Grain: table_name, game_date, from @from_date to @game_date; only days with rows.
    """
    return "\nUNION ALL\n".join(
        f"""SELECT '{table.name}' AS table_name, game_date, COUNT(*) AS row_count, {DIGEST} AS digest
FROM (
  {content(table, table.full_name)}
  WHERE {table.partition} BETWEEN @from_date AND @game_date
) AS content
GROUP BY game_date"""
        for table in tables
    )


def would_be(catalogue: Catalogue, table: TableSpec, source: str) -> str:
    """The digest that the gate would give each day's rows if they were built now, from a source.

    Grain: game_date, from @first_date to @game_date; only days with rows.
    """
    built = typed(table, catalogue.query(table.name, "build", source=source))
    return catalogue.complete(_digest_by_day(content(table, "built")), table=table.name, parts=(("built", built),))


def typed(table: TableSpec, sql: str) -> str:
    """The rows of a query with the columns of a table, each of its type: as the table would hold them."""
    columns = ", ".join(f"CAST({column.name} AS {column.type}) AS {column.name}" for column in table.columns)
    return f"SELECT {columns} FROM (\n{sql}\n)"


def _digest_by_day(rows: str) -> str:
    """The digest of each day's rows, of a query that gives the day and the digest of each."""
    return f"""WITH content AS (
  {rows}
)
SELECT game_date, {DIGEST} AS digest
FROM content
GROUP BY game_date"""


def expected_digests(catalogue: Catalogue) -> str:
    """A digest of who is expected on each day. Grain: game_date, from @first_date to @game_date; only days with any."""
    key = "CONCAT(player_lookup, '|', game_id) AS digest"
    return catalogue.complete(
        _digest_by_day(f"SELECT game_date, {key} FROM expected_players WHERE game_date >= @first_date")
    )


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


def ledger_of_day(ledger: TableSpec) -> str:
    """Every ledger row of @game_date, in order of time. Grain: as the ledger."""
    columns = ", ".join(column.name for column in ledger.columns)
    return f"SELECT {columns} FROM {ledger.full_name} WHERE game_date = @game_date ORDER BY recorded_at, run_id"


def recorded_days(ledger: TableSpec) -> str:
    """The first and the last day that the ledger knows; one row, NULL if there is none."""
    return f"SELECT MIN(game_date) AS first_day, MAX(game_date) AS last_day FROM {ledger.full_name}"


def latest_attempts(ledger: TableSpec) -> str:
    """The newest ledger rows of each table and day, @most of each; newest first.

    Grain: table_name, game_date, from @from_date to @game_date, place among its rows.
    """
    return inline(
        "SELECT table_name, game_date, outcome, reason, inputs FROM newest WHERE place <= @most ORDER BY place",
        {
            "newest": f"""SELECT
  table_name,
  game_date,
  outcome,
  reason,
  inputs,
  ROW_NUMBER() OVER (PARTITION BY table_name, game_date ORDER BY recorded_at DESC, run_id DESC) AS place
FROM {ledger.full_name}
WHERE game_date BETWEEN @from_date AND @game_date"""
        },
    )

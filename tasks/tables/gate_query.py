"""The query by which the gate reads a day's staged rows back."""

from collections.abc import Mapping

from tasks.tables.catalogue import Catalogue
from tasks.tables.queries import DIGEST, content
from tasks.tables.spec import Build, TableSpec


def gate_query(
    catalogue: Catalogue,
    table: TableSpec,
    staged: str,
    query: str | None = None,
    *,
    facts_too: Mapping[str, str] | None = None,
    stored: str | None = None,
    expected: str | None = None,
) -> str:
    """What the gate must know of a day's staged rows; one row. @first_date must be the same day as @game_date.

    Args:
        catalogue: Where the table's expected set is.
        table: A derived table.
        staged: The name by which the staged rows are read.
        query: What gives the rows, if they are not stored under that name.
        facts_too: More that is asked of the rows: aggregates by the name of their column.
        stored: What gives the content of the rows as they are stored, if it is not that of the staged ones.
        expected: What gives the expected set of the day, if it is not the table's own query.
    """
    if table.build is None:
        raise ValueError(f"{table.name} is not a derived table")
    build = table.build
    grain = ", ".join(table.grain)
    required = [name for name in dict.fromkeys((*table.grain, table.partition)) if table.column(name).required]
    any_null = " OR ".join(f"{name} IS NULL" for name in required) or "FALSE"
    any_value = " OR ".join(f"{name} IS NOT NULL" for name in build.never_all_null)
    facts = "".join(
        f",\n    COUNTIF(NOT ({c.name} BETWEEN {c.range[0]} AND {c.range[1]})) AS range_{c.name}"
        for c in table.columns
        if c.range
    )
    own, any_game = (
        (f"{build.look_back.missing_of_own} > 0", f"{build.look_back.names} IS NOT NULL")
        if build.look_back
        else (
            "FALSE",
            "FALSE",
        )
    )
    facts += f",\n    COUNTIF({own}) AS without_own_games,\n    COUNTIF({any_game}) AS without_games"
    touched = f"IF({any_game}, {build.entity}, NULL)"
    facts += f",\n    STRING_AGG(DISTINCT {touched}, ',' ORDER BY {touched}) AS look_back_touched"
    facts += f",\n    {f'AVG({build.completeness.column})' if build.completeness else 'CAST(NULL AS FLOAT64)'}"
    facts += " AS mean_completeness"
    facts += "".join(f",\n    {aggregate} AS {name}" for name, aggregate in (facts_too or {}).items())
    key = "CONCAT(" + ", '|', ".join(f"COALESCE({name}, '')" for name in build.compared) + ")"
    text = f"""WITH keys AS (
  SELECT {grain}, COUNT(*) AS copies FROM {staged} GROUP BY {grain}
),
facts AS (
  SELECT
    COUNT(*) AS row_count,
    COUNTIF({any_null}) AS null_keys,
    COUNTIF({table.partition} <> @game_date) AS other_days,
    COUNTIF({any_value}) AS rows_with_values{facts}
  FROM {staged}
),
wanted AS (
  SELECT DISTINCT {key} AS compared_key, {build.entity} FROM expected
),
there AS (
  SELECT DISTINCT {key} AS compared_key FROM {staged}
),
compared AS (
  SELECT
    COUNT(w.compared_key) AS expected,
    COUNTIF(w.compared_key = t.compared_key) AS covered,
    COUNTIF(w.compared_key IS NULL) AS unexpected,
    STRING_AGG(IF(t.compared_key IS NULL, w.{build.entity}, NULL), ',' ORDER BY w.{build.entity}) AS missing
  FROM wanted AS w
  FULL JOIN there AS t ON t.compared_key = w.compared_key
),
content AS (
  {stored or content(table, staged)}
){_suspicions(table, staged)}
SELECT
  facts.*,
  (SELECT {DIGEST} FROM content) AS rows_digest,
  (SELECT COUNTIF(copies > 1) FROM keys) AS duplicate_keys,
  (SELECT STRING_AGG(DISTINCT IF(copies > 1, {build.entity}, NULL), ',' ORDER BY IF(copies > 1, {build.entity}, NULL))
    FROM keys) AS duplicates,
  suspicions.*,
  compared.*{_dependencies(catalogue, build)}
FROM facts
CROSS JOIN compared
CROSS JOIN suspicions"""
    given = () if query else (staged,)
    parts = {staged: query, "expected": expected}
    known = tuple((name, part) for name, part in parts.items() if part is not None)
    return catalogue.complete(text, table=table.name, given=given, parts=known)


def _dependencies(catalogue: Catalogue, build: Build) -> str:
    """Return the columns that say what each table that the rows are built from holds of the day, as a digest."""
    columns = ""
    for table in map(catalogue.table, build.depends_on):
        rows = f"{content(table, table.full_name)} WHERE {table.partition} = @game_date"
        columns += f",\n  (SELECT {DIGEST} FROM ({rows}) AS day_rows) AS digest_of_{table.name}"
    return columns


def _suspicions(table: TableSpec, staged: str) -> str:
    """Return the parts of the gate's query that compare the rows with those of the 30 days before."""
    build = table.build
    before = f"{table.partition} < @game_date AND {table.partition} >= DATE_SUB(@game_date, INTERVAL 30 DAY)"
    # One for all rows; or else rows that do not say theirs are a kind of their own.
    kind = f"COALESCE({build.kind}, '')" if build and build.kind else f"CAST({table.partition} IS NULL AS STRING)"
    constant, unknown = "CAST(NULL AS STRING)", "CAST(NULL AS STRING)"
    parts = ""
    if build and build.varying:
        spread = ", ".join(f"MIN({name}) AS low_{name}, MAX({name}) AS high_{name}" for name in build.varying)
        varied = ", ".join(f"LOGICAL_OR(low_{name} <> high_{name}) AS varied_{name}" for name in build.varying)
        parts += f""",
spread_now AS (
  SELECT {spread} FROM {staged}
),
spread_before AS (
  SELECT {varied}
  FROM (
    SELECT {spread}
    FROM {table.full_name}
    WHERE {before} AND {kind} IN (SELECT {kind} FROM {staged})
    GROUP BY {table.partition}, {kind}
  ) AS spread_by_day
)"""
        named = ", ".join(
            f"IF(b.varied_{name} AND f.row_count > 1 AND COALESCE(n.low_{name} = n.high_{name}, TRUE), ',{name}', '')"
            for name in build.varying
        )
        constant = f"""(
    SELECT NULLIF(SUBSTR(CONCAT({named}), 2), '')
    FROM spread_now AS n CROSS JOIN spread_before AS b CROSS JOIN facts AS f
  )"""
    if build and build.unknown_fields:
        fields = build.unknown_fields
        parts += f""",
unknown_now AS (
  SELECT {kind} AS kind, field, COUNT(*) AS unknown_rows
  FROM {staged}
  CROSS JOIN UNNEST(SPLIT({fields}, ',')) AS field
  GROUP BY kind, field
),
unknown_before AS (
  SELECT {kind} AS kind, field, COUNT(*) AS unknown_rows
  FROM {table.full_name}
  CROSS JOIN UNNEST(SPLIT({fields}, ',')) AS field
  WHERE {before}
  GROUP BY kind, field
),
rows_before AS (
  SELECT {kind} AS kind, COUNT(*) AS all_rows FROM {table.full_name} WHERE {before} GROUP BY kind
),
unknown_anew AS (
  SELECT STRING_AGG(DISTINCT n.field, ',' ORDER BY n.field) AS fields
  FROM unknown_now AS n
  CROSS JOIN facts AS f
  JOIN rows_before AS r ON r.kind = n.kind
  LEFT JOIN unknown_before AS b ON b.kind = n.kind AND b.field = n.field
  WHERE 2 * n.unknown_rows > f.row_count AND 2 * COALESCE(b.unknown_rows, 0) < r.all_rows
)"""
        unknown = "(SELECT fields FROM unknown_anew)"
    return f"""{parts},
suspicions AS (
  SELECT {constant} AS constant_columns, {unknown} AS unknown_anew
)"""

"""The queries by which the gate reads staged rows back."""

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
) -> str:
    """What the gate must know of a day's staged rows; one row. @first_date must be the same day as @game_date.

    Args:
        catalogue: Where the table's expected set is.
        table: A derived table.
        staged: The name by which the staged rows are read.
        query: What gives the rows, if they are not stored under that name.
        facts_too: More that is asked of the rows: aggregates by the name of their column.
        stored: What gives the content of the rows as they are stored, if it is not that of the staged ones.
    """
    build = _build(table)
    parts, constant, unknown = _suspicions(table, build)
    compared = f",\n  {constant} AS constant_columns,\n  {unknown} AS unknown_anew{_dependencies(catalogue, build)}"
    text = _facts_query(table, staged, parts, compared, facts_too=facts_too, stored=stored)
    return _complete(catalogue, table, text, staged, query)


def facts_query(catalogue: Catalogue, table: TableSpec, staged: str) -> str:
    """What the gate must know of the staged rows of many days themselves.

    Grain: game_date, from @first_date to @game_date; only days with rows. The rows of a day need be compared with those
    of the days before (``comparison_query``) only if it ``is_suspect``.
    """
    build = _build(table)
    suspects = ["facts.has_constants"] if build.varying else []
    suspects += ["often_unknown.gate_day IS NOT NULL"] if build.unknown_fields else []
    part = _often_unknown(table, build) if build.unknown_fields else ""
    joined = "\nLEFT JOIN often_unknown ON often_unknown.gate_day = facts.gate_day" if part else ""
    is_suspect = f",\n  {' OR '.join(suspects) or 'FALSE'} AS is_suspect"
    text = _facts_query(table, staged, part, is_suspect, by_day=True, facts_too=_constants(build))
    return _complete(catalogue, table, f"{text}{joined}", staged, None)


def _facts_query(
    table: TableSpec,
    staged: str,
    parts: str,
    columns_too: str,
    *,
    by_day: bool = False,
    facts_too: Mapping[str, str] | None = None,
    stored: str | None = None,
) -> str:
    """Return the query for what is counted of staged rows, of one day or by day, with more parts and columns."""
    build = _build(table)
    grain = ", ".join(table.grain)
    day_of_row, day_of_expected = (table.partition, "game_date") if by_day else ("@game_date", "@game_date")
    days = "SELECT DISTINCT gate_day FROM gate_rows" if by_day else "SELECT @game_date AS gate_day"
    key = "CONCAT(" + ", '|', ".join(f"COALESCE({name}, '')" for name in build.compared) + ")"
    facts = {**_facts(table, build), **(facts_too or {})}
    named = "".join(f",\n  facts.{name}" for name in facts)
    columns = "".join(f",\n    {aggregate} AS {name}" for name, aggregate in facts.items())
    return f"""WITH gate_rows AS (
  SELECT *, {day_of_row} AS gate_day FROM {staged}
),
days_asked AS (
  {days}
),
facts AS (
  SELECT d.gate_day{columns}
  FROM days_asked AS d
  LEFT JOIN gate_rows AS r ON r.gate_day = d.gate_day
  GROUP BY d.gate_day
),
copied_keys AS (
  SELECT gate_day, COUNT(*) AS duplicate_keys, STRING_AGG(DISTINCT entity, ',' ORDER BY entity) AS duplicates
  FROM (
    SELECT gate_day, {build.entity} AS entity FROM gate_rows GROUP BY gate_day, {grain} HAVING COUNT(*) > 1
  ) AS copies
  GROUP BY gate_day
),
wanted AS (
  SELECT DISTINCT {day_of_expected} AS gate_day, {key} AS compared_key, {build.entity} AS entity FROM expected
),
there AS (
  SELECT DISTINCT gate_day, {key} AS compared_key FROM gate_rows
),
compared AS (
  SELECT
    COALESCE(w.gate_day, t.gate_day) AS gate_day,
    COUNT(w.compared_key) AS expected,
    COUNTIF(w.compared_key = t.compared_key) AS covered,
    COUNTIF(w.compared_key IS NULL) AS unexpected,
    STRING_AGG(IF(t.compared_key IS NULL, w.entity, NULL), ',' ORDER BY w.entity) AS missing
  FROM wanted AS w
  FULL JOIN there AS t ON t.gate_day = w.gate_day AND t.compared_key = w.compared_key
  GROUP BY COALESCE(w.gate_day, t.gate_day)
),
digests AS (
  SELECT game_date AS gate_day, {DIGEST} AS rows_digest
  FROM (
    {stored or content(table, staged)}
  ) AS content
  GROUP BY game_date
){parts}
SELECT
  facts.gate_day AS game_date{named},
  digests.rows_digest,
  COALESCE(copied_keys.duplicate_keys, 0) AS duplicate_keys,
  copied_keys.duplicates,
  COALESCE(compared.expected, 0) AS expected,
  COALESCE(compared.covered, 0) AS covered,
  COALESCE(compared.unexpected, 0) AS unexpected,
  compared.missing{columns_too}
FROM facts
LEFT JOIN compared ON compared.gate_day = facts.gate_day
LEFT JOIN copied_keys ON copied_keys.gate_day = facts.gate_day
LEFT JOIN digests ON digests.gate_day = facts.gate_day"""


def comparison_query(catalogue: Catalogue, table: TableSpec, staged: str, *, is_suspect: bool) -> str:
    """What is published that the staged rows of @game_date are compared with, when they are judged; one row.

    ``digest_of_<table>`` is of the rows that each table which the day is built from has of it; ``constant_columns`` and
    ``unknown_anew`` are what is unlike the 30 days before.

    Args:
        catalogue: Where the tables are.
        table: A derived table.
        staged: The name by which the staged rows are read, of the day and of others.
        is_suspect: Whether the rows are compared with those of the days before.
    """
    build = _build(table)
    parts, constant, unknown = _suspicions(table, build) if is_suspect else ("", _NO_NAMES, _NO_NAMES)
    rows = f"WITH gate_rows AS (\n  SELECT * FROM {staged} WHERE {table.partition} = @game_date\n){parts}\n"
    text = f"""{rows if is_suspect else ""}SELECT
  {constant} AS constant_columns,
  {unknown} AS unknown_anew{_dependencies(catalogue, build)}"""
    return _complete(catalogue, table, text, staged, None)


_NO_NAMES = "CAST(NULL AS STRING)"


def _build(table: TableSpec) -> Build:
    if table.build is None:
        raise ValueError(f"{table.name} is not a derived table")
    return table.build


def _complete(catalogue: Catalogue, table: TableSpec, text: str, staged: str, query: str | None) -> str:
    if query is None:
        return catalogue.complete(text, table=table.name, given=(staged,))
    return catalogue.complete(text, table=table.name, parts=((staged, query),))


def _facts(table: TableSpec, build: Build) -> dict[str, str]:
    """Return what is counted of a day's rows: aggregates, by name, which are right of a day without any."""
    required = [name for name in dict.fromkeys((*table.grain, table.partition)) if table.column(name).required]
    any_null = " OR ".join(f"{name} IS NULL" for name in required) or "FALSE"
    any_value = " OR ".join(f"{name} IS NOT NULL" for name in build.never_all_null)
    own, any_game = "FALSE", "FALSE"
    if build.look_back:
        own, any_game = f"{build.look_back.missing_of_own} > 0", f"{build.look_back.names} IS NOT NULL"
    touched = f"IF({any_game}, {build.entity}, NULL)"
    return {
        "row_count": "COUNT(r.gate_day)",
        "null_keys": f"COUNTIF(r.gate_day IS NOT NULL AND ({any_null}))",
        "other_days": f"COUNTIF({table.partition} <> r.gate_day)",
        "rows_with_values": f"COUNTIF({any_value})",
        **{
            f"range_{column.name}": f"COUNTIF(NOT ({column.name} BETWEEN {column.range[0]} AND {column.range[1]}))"
            for column in table.columns
            if column.range
        },
        "without_own_games": f"COUNTIF({own})",
        "without_games": f"COUNTIF({any_game})",
        "look_back_touched": f"STRING_AGG(DISTINCT {touched}, ',' ORDER BY {touched})",
        "mean_completeness": f"AVG({build.completeness.column})" if build.completeness else "CAST(NULL AS FLOAT64)",
    }


def _constants(build: Build) -> dict[str, str]:
    """Return what tells whether a score that varies as a rule has one value for all."""
    same = " OR ".join(f"COALESCE(MIN({name}) = MAX({name}), TRUE)" for name in build.varying)
    return {"has_constants": f"COUNT(r.gate_day) > 1 AND ({same})"} if same else {}


def _often_unknown(table: TableSpec, build: Build) -> str:
    """Return the part of the query that gives the days on which more than half of the rows lack an input."""
    return f""",
often_unknown AS (
  SELECT DISTINCT u.gate_day
  FROM (
    SELECT gate_day, {_kind(table, build)} AS kind, field, COUNT(*) AS unknown_rows
    FROM gate_rows
    CROSS JOIN UNNEST(SPLIT({build.unknown_fields}, ',')) AS field
    GROUP BY gate_day, kind, field
  ) AS u
  JOIN facts AS f ON f.gate_day = u.gate_day
  WHERE 2 * u.unknown_rows > f.row_count
)"""


def _kind(table: TableSpec, build: Build) -> str:
    """Return what tells the kinds of rows that are compared with their like: one for all, if there are none."""
    return f"COALESCE({build.kind}, '')" if build.kind else f"CAST({table.partition} IS NULL AS STRING)"


def _dependencies(catalogue: Catalogue, build: Build) -> str:
    """Return the columns that say what each table that the rows are built from holds of the day, as a digest."""
    columns = ""
    for table in map(catalogue.table, build.depends_on):
        rows = f"{content(table, table.full_name)} WHERE {table.partition} = @game_date"
        columns += f",\n  (SELECT {DIGEST} FROM ({rows}) AS day_rows) AS digest_of_{table.name}"
    return columns


def _suspicions(table: TableSpec, build: Build) -> tuple[str, str, str]:
    """Return the parts that compare the rows with those of the 30 days before, and the columns that they give."""
    before = f"{table.partition} < @game_date AND {table.partition} >= DATE_SUB(@game_date, INTERVAL 30 DAY)"
    kind, parts, constant, unknown = _kind(table, build), "", _NO_NAMES, _NO_NAMES
    if build.varying:
        spread = ", ".join(f"MIN({name}) AS low_{name}, MAX({name}) AS high_{name}" for name in build.varying)
        varied = ", ".join(f"LOGICAL_OR(low_{name} <> high_{name}) AS varied_{name}" for name in build.varying)
        parts += f""",
spread_now AS (
  SELECT COUNT(*) AS row_count, {spread} FROM gate_rows
),
spread_before AS (
  SELECT {varied}
  FROM (
    SELECT {spread}
    FROM {table.full_name}
    WHERE {before} AND {kind} IN (SELECT {kind} FROM gate_rows)
    GROUP BY {table.partition}, {kind}
  ) AS spread_by_day
)"""
        named = ", ".join(
            f"IF(b.varied_{name} AND n.row_count > 1 AND COALESCE(n.low_{name} = n.high_{name}, TRUE), ',{name}', '')"
            for name in build.varying
        )
        constant = f"""(
    SELECT NULLIF(SUBSTR(CONCAT({named}), 2), '')
    FROM spread_now AS n CROSS JOIN spread_before AS b
  )"""
    if build.unknown_fields:
        fields = f"CROSS JOIN UNNEST(SPLIT({build.unknown_fields}, ',')) AS field"
        parts += f""",
unknown_now AS (
  SELECT {kind} AS kind, field, COUNT(*) AS unknown_rows FROM gate_rows {fields} GROUP BY kind, field
),
unknown_before AS (
  SELECT {kind} AS kind, field, COUNT(*) AS unknown_rows FROM {table.full_name} {fields} WHERE {before}
  GROUP BY kind, field
),
rows_before AS (
  SELECT {kind} AS kind, COUNT(*) AS all_rows FROM {table.full_name} WHERE {before} GROUP BY kind
),
unknown_anew AS (
  SELECT STRING_AGG(DISTINCT n.field, ',' ORDER BY n.field) AS fields
  FROM unknown_now AS n
  JOIN rows_before AS r ON r.kind = n.kind
  LEFT JOIN unknown_before AS b ON b.kind = n.kind AND b.field = n.field
  WHERE 2 * n.unknown_rows > (SELECT COUNT(*) FROM gate_rows) AND 2 * COALESCE(b.unknown_rows, 0) < r.all_rows
)"""
        unknown = "(SELECT fields FROM unknown_anew)"
    return parts, constant, unknown

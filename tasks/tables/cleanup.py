"""The queries and statements of a cleanup, in GoogleSQL; every engine runs them as they are.

Every identifier comes from the catalogue, is a backup's location or is quoted; every value is a parameter. Digests are
exact and cover every column that the table has, whatever its type; they are compared within one engine only.
"""

from collections.abc import Sequence

from tasks.tables.spec import Column, TableSpec

_DIGEST = "TO_HEX(MD5(TO_JSON_STRING(whole_row)))"


def stale_days(table: TableSpec, location: str | None = None) -> str:
    """The rows before @cutoff in a digest, of a table or of its backup. Grain: game_date."""
    return f"""SELECT game_date, COUNT(*) AS row_count, TO_HEX(MD5(STRING_AGG(digest, '' ORDER BY digest))) AS digest
FROM (
  SELECT whole_row.{table.partition} AS game_date, {_DIGEST} AS digest
  FROM {location or table.full_name} AS whole_row
  WHERE whole_row.{table.partition} < @cutoff
)
GROUP BY game_date
ORDER BY game_date"""


def kept_rows(table: TableSpec) -> str:
    """The rows that stay: on or after @cutoff, or without a day. Grain: digest."""
    return f"""SELECT digest, COUNT(*) AS copies
FROM (
  SELECT {_DIGEST} AS digest
  FROM {table.full_name} AS whole_row
  WHERE whole_row.{table.partition} >= @cutoff OR whole_row.{table.partition} IS NULL
)
GROUP BY digest"""


def undated_rows(table: TableSpec) -> str:
    """The number of rows without a day; one row."""
    return f"SELECT COUNT(*) AS row_count FROM {table.full_name} WHERE {table.partition} IS NULL"


def delete_days(table: TableSpec) -> str:
    """Delete days before @cutoff whose rows are what @confirmed says of them, each as a whole; others are left alone.

    The comparison is part of the statement: a row that arrives before it starts keeps its day from being deleted.
    """
    return f"""DELETE FROM {table.full_name}
WHERE {table.partition} < @cutoff AND {table.partition} IN (
  SELECT game_date
  FROM (
{stale_days(table)}
  )
  WHERE CONCAT(CAST(game_date AS STRING), ' ', digest) IN UNNEST(@confirmed)
)"""


def missing_rows(table: TableSpec, backup: str) -> str:
    """The rows of a backup, and those of which the table lacks the key; one row."""
    return f"""SELECT
  COUNT(*) AS row_count,
  COUNTIF(there.row_key IS NULL) AS missing,
  MIN(kept.game_date) AS oldest,
  MAX(kept.game_date) AS newest
FROM (
  SELECT {table.partition} AS game_date, {_key(table)} AS row_key FROM {backup} WHERE {table.partition} < @cutoff
) AS kept
LEFT JOIN (
{_keys_there(table)}
) AS there ON there.row_key = kept.row_key"""


def values_in(table: TableSpec, backup: str, columns: Sequence[str]) -> str:
    """How many of a backup's rows hold a value in each of some columns; one row, ``column_0`` and so on."""
    counts = ", ".join(f"COUNT({_quoted(name)}) AS column_{nth}" for nth, name in enumerate(columns))
    return f"SELECT {counts}\nFROM {backup}\nWHERE {table.partition} < @cutoff"


def restore_rows(table: TableSpec, backup: str, columns: Sequence[str]) -> str:
    """Insert the rows of a backup of which the table lacks the key: never a duplicate, never over a newer row.

    Args:
        table: The table.
        backup: Where the backup is.
        columns: Those that both have; another one of the table gets its default.
    """
    names = ", ".join(_quoted(name) for name in columns)
    return f"""INSERT INTO {table.full_name} ({names})
SELECT {names}
FROM {backup}
WHERE {table.partition} < @cutoff AND {_key(table)} NOT IN (
{_keys_there(table)}
)"""


def _keys_there(table: TableSpec) -> str:
    # Every day is read: a game that was moved has its row on another one. A table may refuse queries without a filter.
    return f"""SELECT DISTINCT {_key(table)} AS row_key
FROM {table.full_name}
WHERE {table.partition} >= DATE '0001-01-01' OR {table.partition} IS NULL"""


def _key(table: TableSpec) -> str:
    return _joined(tuple(table.column(name) for name in table.grain))


def _joined(columns: tuple[Column, ...]) -> str:
    """Join values to one text; the marks for a NULL and between values occur in no value."""
    return "CONCAT(" + ", '|', ".join(f"COALESCE({_text(column)}, '~')" for column in columns) + ")"


def _text(column: Column) -> str:
    if column.type == "STRING":
        return f"REPLACE(REPLACE({column.name}, '~', '~~'), '|', '~!')"
    value = f"UNIX_MICROS({column.name})" if column.type == "TIMESTAMP" else column.name
    return f"CAST({value} AS STRING)"


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

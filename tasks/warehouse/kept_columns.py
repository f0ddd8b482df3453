"""Columns that users added to a table: rewriting a row must not lose their values."""

from collections.abc import Iterable, Sequence

from tasks.tables.spec import TableSpec


def own_columns(table: TableSpec, there: Iterable[str]) -> list[str]:
    """Return the columns of a table that the catalogue does not have, in their order."""
    known = {column.name.lower() for column in table.columns}
    return [name for name in there if name.lower() not in known]


def with_kept(
    table: TableSpec, source: str, *, columns: Sequence[str], own: Sequence[str], where: str, quote: str
) -> str:
    """Return a query for a source's rows, each with the users' columns of the existing row with the same key.

    Args:
        table: The table with the existing rows; its grain is the key.
        source: The new rows: a table, or a query in parentheses.
        columns: The columns of the source.
        own: The users' columns.
        where: A condition on the existing rows that can have one of the keys.
        quote: The quotation mark of identifiers.
    """
    keys = ", ".join(table.grain)
    quoted = [f"{quote}{name}{quote}" for name in own]
    return f"""SELECT {", ".join([*(f"new_row.{name}" for name in columns), *(f"old_row.{name}" for name in quoted)])}
FROM {source} AS new_row
LEFT JOIN (
  SELECT {keys}, {", ".join(f"ANY_VALUE({name}) AS {name}" for name in quoted)}
  FROM {table.full_name}
  WHERE {where}
  GROUP BY {keys}
) AS old_row ON {" AND ".join(_same(table, name) for name in table.grain)}"""


def _same(table: TableSpec, name: str) -> str:
    """Return the condition that both rows have the same value of a key's column; one that may be NULL, also NULL."""
    operator = "=" if table.column(name).required else "IS NOT DISTINCT FROM"
    return f"old_row.{name} {operator} new_row.{name}"

"""Columns that a table has beyond the catalogue's: a person's own, whose values a rewrite of the row must not lose."""

from collections.abc import Iterable, Sequence

from tasks.tables.spec import TableSpec


def own_columns(table: TableSpec, there: Iterable[str]) -> list[str]:
    """Return those of a table's columns that the catalogue does not know, in their order."""
    known = {column.name.lower() for column in table.columns}
    return [name for name in there if name.lower() not in known]


def with_kept(
    table: TableSpec, source: str, *, columns: Sequence[str], own: Sequence[str], where: str, quote: str
) -> str:
    """Return a query that gives every row of a source what the row of the same key now holds in a person's columns.

    Args:
        table: Where the rows are now; its grain is the key.
        source: What gives the new rows.
        columns: The columns of the source.
        own: The person's columns.
        where: Which rows of the table can be of the same key.
        quote: What stands around an identifier.
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
) AS old_row ON {" AND ".join(f"old_row.{name} = new_row.{name}" for name in table.grain)}"""

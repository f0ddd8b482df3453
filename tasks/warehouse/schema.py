"""Check that the tables are what the catalogue needs, before anything is read or written.

Users' tables are theirs: they have more columns than the catalogue knows, and numbers of other types. What fits is
taken as it is. What a table that we write lacks is added by a person, who runs ``fullcourt ddl apply``.
"""

from collections.abc import Collection, Iterable, Mapping

from tasks.errors import SchemaError
from tasks.tables.catalogue import Catalogue
from tasks.tables.spec import Column, TableSpec
from tasks.warehouse.base import Columns, Warehouse


def prepare_tables(
    warehouse: Warehouse, catalogue: Catalogue, *, inputs: Iterable[str], written: Iterable[str]
) -> None:
    """Check tables, then create those that are written and missing.

    Args:
        warehouse: The warehouse with the tables.
        catalogue: The tables as they should be.
        inputs: Names of tables that must exist, with the columns that are read of them.
        written: Names of tables that are created if they are missing.

    Raises:
        SchemaError: A table or column is missing or has another type; the message lists every one.
    """
    needed = [catalogue.as_read(name) for name in sorted(set(inputs))]
    made = [table for table in catalogue.tables.values() if table.name in set(written)]
    existing = warehouse.schema([*needed, *(table for table in made if table not in needed)])
    problems = [problem for table in needed for problem in differences(table, existing)]
    problems += [problem for table in made if table.full_name in existing for problem in differences(table, existing)]
    if problems:
        raise SchemaError("; ".join(problems) + "; nothing was written")
    warehouse.create(made)


_READ_AS = {"FLOAT64": frozenset({"FLOAT64", "NUMERIC", "BIGNUMERIC", "INT64"})}
_WRITTEN_AS = {"FLOAT64": frozenset({"FLOAT64", "NUMERIC", "BIGNUMERIC"})}
"""Column types that hold what the catalogue's type says; a number with a fraction does not fit an INT64."""


def missing_columns(table: TableSpec, existing: Mapping[str, Columns]) -> tuple[Column, ...]:
    """Return the columns that a table lacks and that ``fullcourt ddl apply`` adds: of tables that we write.

    An input is filled by another program, so that a column that is missing there stays empty if it is added.
    """
    there = existing.get(table.full_name)
    if there is None or table.role not in ("derived", "record"):
        return ()
    return tuple(column for column in table.columns if column.name not in there)


def wrong_columns(table: TableSpec, existing: Mapping[str, Columns]) -> list[str]:
    """Return what no statement of ours can mend in a table that exists, and what to do; empty if there is nothing."""
    there, added = existing.get(table.full_name) or Columns(), missing_columns(table, existing)
    fitting = _READ_AS if table.role == "input" else _WRITTEN_AS
    problems = []
    for column in table.columns if there else ():
        kind = there.get(column.name)
        if kind is None and column not in added:
            problems.append(f"table {table.full_name} has no column {column.name}: add it, of type {column.type}")
        elif kind is not None and kind not in fitting.get(column.type, {column.type}):
            problems.append(f"column {table.full_name}.{column.name} is {kind}: it must be {column.type}")
    return problems + _never_filled(table, existing)


def _never_filled(table: TableSpec, existing: Mapping[str, Columns]) -> list[str]:
    """Return what to do about columns that a table that we write does not let us leave out."""
    there = existing.get(table.full_name)
    if there is None or table.role not in ("derived", "record"):
        return []
    known = {column.name for column in table.columns}
    return _unfilled(table, [name for name in there if name in there.required and name not in known], "no run gives it")


def _unfilled(table: TableSpec, names: Collection[str], why: str) -> list[str]:
    if not names:
        return []
    statements = "; ".join(f"ALTER TABLE {table.full_name} ALTER COLUMN {name} DROP NOT NULL" for name in names)
    wanted = f"table {table.full_name} wants a value in {', '.join(names)}, which {why}"
    return [f"{wanted}: let it be NULL with `{statements}`"]


def refuse_rows(warehouse: Warehouse, table: TableSpec, filled: Collection[str]) -> None:
    """Refuse to write rows that a table cannot hold.

    Args:
        warehouse: The warehouse with the table.
        table: The table, which exists.
        filled: The columns of which every row has a value.

    Raises:
        SchemaError: A column is missing, has another type, or must not be NULL; the message lists every one.
    """
    existing = warehouse.schema([table])
    there = existing.get(table.full_name) or Columns()
    unfilled = [name for name in there if name in there.required and name not in filled]
    problems = [*wrong_columns(table, existing), *_unfilled(table, unfilled, "the rows do not say")]
    if problems:
        raise SchemaError("; ".join(problems) + "; nothing was written")


def differences(table: TableSpec, existing: Mapping[str, Columns]) -> list[str]:
    """Return what is missing in a table or has another type, and what to do; empty if it fits.

    Args:
        table: The table in the catalogue.
        existing: The types of the existing columns, by table and column.
    """
    if table.full_name not in existing:
        return [f"table {table.full_name} does not exist: load it with the ingest deployment"]
    problems = wrong_columns(table, existing)
    if added := missing_columns(table, existing):
        names = ", ".join(f"{column.name} {column.type}" for column in added)
        problems.append(
            f"table {table.full_name} has no column {names}: add what is missing with `fullcourt ddl apply`"
        )
    return problems

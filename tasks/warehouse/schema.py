"""Check that the tables match the catalogue before anything is read or written."""

from collections.abc import Iterable

from tasks.errors import SchemaError
from tasks.tables.catalogue import Catalogue
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Warehouse


def prepare_tables(
    warehouse: Warehouse, catalogue: Catalogue, *, inputs: Iterable[str], written: Iterable[str]
) -> None:
    """Check tables, then create those that are written and missing.

    Args:
        warehouse: The warehouse with the tables.
        catalogue: The tables as they should be.
        inputs: Names of tables that must exist.
        written: Names of tables that are created if they are missing.

    Raises:
        SchemaError: A table or column is missing or has another type; the message lists every one.
    """
    needed = [catalogue.table(name) for name in sorted(set(inputs))]
    made = [table for table in catalogue.tables.values() if table.name in set(written)]
    existing = warehouse.schema([*needed, *(table for table in made if table not in needed)])
    problems = [problem for table in needed for problem in differences(table, existing)]
    problems += [problem for table in made if table.full_name in existing for problem in differences(table, existing)]
    if problems:
        raise SchemaError("; ".join(problems) + "; nothing was written")
    warehouse.create(made)


def differences(table: TableSpec, existing: dict[str, dict[str, str]]) -> list[str]:
    """Return what is missing in a table or has another type, and what to do; empty if it matches.

    Args:
        table: The table in the catalogue.
        existing: The types of the existing columns, by table and column.
    """
    there = existing.get(table.full_name)
    if there is None:
        return [f"table {table.full_name} does not exist: load it with the ingest deployment"]
    problems = []
    for column in table.columns:
        kind = there.get(column.name)
        if kind is None:
            problems.append(f"table {table.full_name} has no column {column.name}: add it, of type {column.type}")
        elif kind != column.type:
            problems.append(f"column {table.full_name}.{column.name} is {kind}: it must be {column.type}")
    return problems

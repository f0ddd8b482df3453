"""Check that the tables are what the catalogue says, before anything is read from or written to them."""

from collections.abc import Iterable

from tasks.domain.errors import SchemaError
from tasks.domain.table import TableSpec
from tasks.tables.catalogue import Catalogue
from tasks.warehouse.base import Warehouse


def prepare_tables(warehouse: Warehouse, catalogue: Catalogue, derived: Iterable[str]) -> None:
    """Check every table that the derived ones are built from, then create those that are written and missing.

    Raises:
        SchemaError: A table or column is missing or has another type; the message lists every one.
    """
    names = set(derived)
    inputs = {i.table for name in names for i in catalogue.build(name).inputs}
    inputs |= {s.table for name in names for s in catalogue.build(name).sources if s.table}
    inputs |= {"nba_schedule", "player_game_summary"}  # the reference check reads them
    written = names | {spec.name for spec in catalogue.tables.values() if spec.role == "record"}
    existing = warehouse.schema([catalogue.table(name) for name in sorted(inputs | written)])
    problems = []
    for name in sorted(inputs):
        problems += differences(catalogue.table(name), existing)
    for name in sorted(written):
        if catalogue.table(name).full_name in existing:
            problems += differences(catalogue.table(name), existing)
    if problems:
        raise SchemaError("; ".join(problems) + "; nothing was written")
    warehouse.create([catalogue.table(name) for name in sorted(written)])


def differences(table: TableSpec, existing: dict[str, dict[str, str]]) -> list[str]:
    """Say what of a table is missing or has another type, and what to do; nothing if it is as it should be.

    Args:
        table: What it should be.
        existing: The types of the columns that are there, by table and column.
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

"""Read staged rows back, for the gate to judge them."""

from collections.abc import Iterator, Mapping
from datetime import date

from tasks.backfill.coverage import names
from tasks.backfill.day import Reason
from tasks.backfill.gate import StagedFacts
from tasks.tables.catalogue import Catalogue
from tasks.tables.gate_query import comparison_query, facts_query, gate_query
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Parameters, Row, Staged, Warehouse


def facts_by_day(
    warehouse: Warehouse, catalogue: Catalogue, table: TableSpec, location: str, parameters: Parameters
) -> dict[date, StagedFacts]:
    """Return the facts of each day that has rows, of rows of many days; one query."""
    rows = warehouse.fetch(facts_query(catalogue, table, location), parameters)
    return {row["game_date"]: facts_of(table, row) for row in rows}


def facts_of_day(
    warehouse: Warehouse, catalogue: Catalogue, staged: Staged, parameters: Parameters
) -> tuple[StagedFacts, Row]:
    """Return the facts of one day's rows, and what was found of the tables that they are built from."""
    (row,) = warehouse.fetch(gate_query(catalogue, staged.table, staged.location, staged.query), parameters)
    return facts_of(staged.table, row), row


def compared(
    warehouse: Warehouse, catalogue: Catalogue, staged: Staged, facts: StagedFacts, parameters: Parameters
) -> tuple[StagedFacts, Row]:
    """Compare a day's rows that are kept with what is published now; nothing is read if nothing of it matters.

    Returns:
        The facts, with what is unlike the 30 days before, and what was found of the tables that they are built from.
    """
    if not facts.is_suspect and not catalogue.build(staged.table.name).depends_on:
        return facts, {}
    sql = comparison_query(catalogue, staged.table, staged.location, is_suspect=facts.is_suspect)
    (row,) = warehouse.fetch(sql, parameters)
    found = {"constant_columns": names(row["constant_columns"]), "unknown_anew": names(row["unknown_anew"])}
    return facts.model_copy(update=found), row


def changed(found: Row, dependencies: Mapping[str, str]) -> Iterator[Reason]:
    """Yield the tables whose rows were not those that the day was to be built from, whoever has changed them."""
    for name, digest in dependencies.items():
        if (found[f"digest_of_{name}"] or "") != digest:
            message = f"{name} of the day changed while it was read; run the day again"
            yield Reason(category="dependency_stale", message=message)


def facts_of(table: TableSpec, row: Row) -> StagedFacts:
    """Return what the gate's query, or a facts query, has found of a day's rows."""
    return StagedFacts(
        row_count=row["row_count"],
        expected=row["expected"],
        covered=row["covered"],
        missing=names(row["missing"]),
        unexpected=row["unexpected"],
        duplicate_keys=row["duplicate_keys"],
        duplicates=names(row["duplicates"]),
        null_keys=row["null_keys"],
        other_days=row["other_days"],
        rows_with_values=row["rows_with_values"],
        rows_digest=row["rows_digest"],
        rows_without_own_games=row["without_own_games"],
        rows_without_games=row["without_games"],
        look_back_touched=names(row["look_back_touched"]),
        mean_completeness=row["mean_completeness"],
        is_suspect=row.get("is_suspect", False),
        constant_columns=names(row.get("constant_columns")),
        unknown_anew=names(row.get("unknown_anew")),
        out_of_range={
            column.name: row[f"range_{column.name}"]
            for column in table.columns
            if column.range and row[f"range_{column.name}"]
        },
    )

"""The statements that create what the catalogue describes, and add what a table lacks, in GoogleSQL; safe to repeat.

None of them drops anything, or changes a column that is there.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
"""

import json
from collections.abc import Sequence
from hashlib import sha256

from tasks.tables.spec import Column, TableSpec


def labels(**more: str) -> str:
    """Return the labels that say whose something is, as the value of an option."""
    pairs = {"application": "fullcourt", **more}
    return f"[{', '.join(f'({_text(name)}, {_text(value)})' for name, value in pairs.items())}]"


def create_schema(dataset: str, location: str | None = None) -> str:
    """Return the statement that creates a dataset if it is missing."""
    options = [f"labels = {labels()}"]
    if location is not None:
        options.insert(0, f"location = {_text(location)}")
    return f"CREATE SCHEMA IF NOT EXISTS {dataset}\nOPTIONS({', '.join(options)})"


def create_table(table: TableSpec) -> str:
    """Return the statement that creates a table, or a view, if it is missing.

    No partition ever expires: a backfill's old days would vanish without a word.
    """
    if table.query is not None:
        return _create_view(table, table.query)
    lines = ",\n".join(f"  {_column(column, is_enforced=table.build is None)}" for column in table.columns)
    options = [f"description = {_text(table.description)}", f"labels = {labels()}"]
    if table.require_partition_filter:
        options.append("require_partition_filter = TRUE")
    day = table.partition if table.column(table.partition).type == "DATE" else f"DATE({table.partition})"
    clauses = [f"CREATE TABLE IF NOT EXISTS {table.full_name} (\n{lines}\n)", f"PARTITION BY {day}"]
    if table.cluster:
        clauses.append(f"CLUSTER BY {', '.join(table.cluster)}")
    return "\n".join([*clauses, f"OPTIONS({', '.join(options)})"])


def add_columns(table: TableSpec, columns: Sequence[Column]) -> str:
    """Return the statement that adds columns to a table: the rows that are there have NULL in them."""
    added = ",\n".join(f"  ADD COLUMN IF NOT EXISTS {_column(column, is_enforced=False)}" for column in columns)
    return f"ALTER TABLE {table.full_name}\n{added}"


def definition(view: TableSpec) -> str:
    """Return what tells a view's definition from others, as the label by which one that is out of date is found."""
    return sha256(f"{view.query}".encode()).hexdigest()[:8]


def _create_view(view: TableSpec, query: str) -> str:
    columns = ",\n".join(
        f"  {column.name} OPTIONS(description = {_text(column.description)})" for column in view.columns
    )
    options = f"description = {_text(view.description)}, labels = {labels(definition=definition(view))}"
    return f"CREATE OR REPLACE VIEW {view.full_name} (\n{columns}\n)\nOPTIONS({options})\nAS\n{query}"


def _column(column: Column, *, is_enforced: bool) -> str:
    # A derived table's NULL key must reach the gate, which blocks the day by name; the build must not fail of it.
    required = " NOT NULL" if column.required and is_enforced else ""
    return f"{column.name} {column.type}{required} OPTIONS(description = {_text(column.description)})"


def _text(text: str) -> str:
    """Return a string literal; JSON's escapes are GoogleSQL's, too."""
    return json.dumps(text, ensure_ascii=False)

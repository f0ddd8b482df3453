"""ALTER TABLE ... ADD COLUMN.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_table_add_column_statement
"""

from sqlglot import exp  # noqa: TID251

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.sql.ddl import field_of
from tests.bigquery_server.sql.engine import Engine, Result
from tests.bigquery_server.sql.syntax import name_of


def alter(engine: Engine, tree: exp.Alter) -> Result:
    """Add columns at the end of a table: NULL in the rows that are there."""
    project, added = engine.project, list[exp.ColumnDef]()
    table = project.table(name_of(tree.this))
    if table.type != "TABLE":
        raise ApiError("invalidQuery", f"ALTER TABLE cannot change the {table.type.lower()} {table.full_name}")
    there = {each.name.lower() for each in table.fields}
    for column in tree.args["actions"]:
        if not isinstance(column, exp.ColumnDef):
            raise not_implemented("ALTER TABLE but ADD COLUMN")
        if column.name.lower() not in there:
            added.append(column)
        elif not column.args.get("exists"):
            raise ApiError("invalidQuery", f"Column already exists: {column.name}")
    fields = [field_of(column) for column in added]
    if any(each.mode == "REQUIRED" for each in fields):
        raise ApiError("invalidQuery", "Cannot add required columns to an existing schema")
    table.count_update(project.clock.now(), limit=project.quotas.table_updates_in_10_seconds)
    project.history.keep(table)
    for each in fields:
        engine.run(f'ALTER TABLE {table.quoted} ADD COLUMN "{each.name}" {each.duckdb_type}')
    table.fields += fields
    return Result("ALTER_TABLE", [], [])

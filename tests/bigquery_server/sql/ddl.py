"""Statements that create tables, snapshots and views.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlglot import exp  # noqa: TID251

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.sql.engine import Engine, Result
from tests.bigquery_server.sql.syntax import Tree, name_of, options_of, target_of, values_of
from tests.bigquery_server.storage.tables import SQL_TYPES, Field, Table

_OPTIONS = {
    "TABLE": {"description", "labels", "expiration_timestamp", "require_partition_filter"},
    "SNAPSHOT": {"description", "labels", "expiration_timestamp"},
    "VIEW": {"description", "labels"},
}


def create(engine: Engine, tree: exp.Create) -> Result:
    """Create what a statement describes; with IF NOT EXISTS, what is there stays as it is."""
    if tree.kind == "SCHEMA":
        return _create_schema(engine, tree)
    if tree.kind not in _OPTIONS:
        raise not_implemented(f"CREATE {tree.kind}")
    options = options_of(tree)
    if unknown := set(options) - _OPTIONS[tree.kind]:
        raise not_implemented(f"the options {sorted(unknown)} of CREATE {tree.kind}")
    name = name_of(target_of(tree) or tree)
    there = engine.project.tables.get(name)
    if there is not None and tree.args.get("exists"):
        if there.type != tree.kind:
            raise not_implemented(f"CREATE {tree.kind} IF NOT EXISTS where there is a {there.type.lower()}")
        return Result(_statement_type(tree), [], [])
    if there is not None and not tree.args.get("replace"):
        raise ApiError("duplicate", f"Already Exists: Table {engine.project.name}:{name}")
    if there is not None and there.type != tree.kind:
        raise ApiError(
            "invalidQuery", f"{name} is not allowed for this operation because it is currently a {there.type}."
        )
    make = {"TABLE": _create_table, "SNAPSHOT": _create_snapshot, "VIEW": _create_view}[tree.kind]
    make(engine, tree, name, options)
    return Result(_statement_type(tree), [], [])


def _statement_type(tree: exp.Create) -> str:
    """https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2.FIELDS.statement_type."""
    if tree.kind == "TABLE" and tree.expression is not None:
        return "CREATE_TABLE_AS_SELECT"
    return "CREATE_SNAPSHOT_TABLE" if tree.kind == "SNAPSHOT" else f"CREATE_{tree.kind}"


def _create_schema(engine: Engine, tree: exp.Create) -> Result:
    target = target_of(tree)
    if not tree.args.get("exists") or target is None:
        raise not_implemented("CREATE SCHEMA without IF NOT EXISTS")
    engine.project.create_dataset(str(target.db or target.name), location=options_of(tree).get("location"))
    return Result("CREATE_SCHEMA", [], [])


def _create_table(engine: Engine, tree: exp.Create, name: str, options: dict[str, Any]) -> None:
    properties = tree.args.get("properties")
    like = properties.find(exp.LikeProperty) if properties else None
    if like is not None:
        table = _like(engine, name, name_of(like.this))
    elif isinstance(tree.this, exp.Schema):
        table = _described(tree, name)
    elif tree.expression is not None:
        dataset, _, short = name.partition(".")
        table = Table(dataset=dataset, name=short, fields=engine.describe(tree.expression))
    else:
        raise not_implemented("CREATE TABLE without columns, LIKE or a query")
    _describe(table, options)
    table.requires_filter = bool(options.get("require_partition_filter", table.requires_filter))
    rows: list[tuple[Any, ...]] = []
    if tree.expression is not None:
        given, rows = engine.query(tree.expression)
        if [each.name for each in given] != [each.name for each in table.fields]:
            raise ApiError("invalidQuery", f"The query's columns are not those of {table.full_name}")
        table.check_types([each.type for each in given])
        table.check_rows(rows)
    engine.project.put_table(table, rows)


def _create_snapshot(engine: Engine, tree: exp.Create, name: str, options: dict[str, Any]) -> None:
    """CREATE SNAPSHOT TABLE: the rows as they are now, but those in the streaming buffer, to be read only.

    https://cloud.google.com/bigquery/docs/table-snapshots-intro
    """
    base = name_of(tree.args["clone"].this)
    snapshot = _like(engine, name, base)
    snapshot.base = base
    _describe(snapshot, options)
    with engine.project.settled(engine.project.table(base)) as rows:
        kept = engine.run(f"SELECT * FROM {rows}")
    engine.project.put_table(snapshot, kept)


def _create_view(engine: Engine, tree: exp.Create, name: str, options: dict[str, Any]) -> None:
    """CREATE VIEW: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_view_statement."""
    given = engine.describe(tree.expression)
    columns = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    if any(column.args.get("kind") for column in columns):
        raise ApiError("invalidQuery", "Syntax error: a view's columns have no types of their own")
    if columns and len(columns) != len(given):
        raise ApiError("invalidQuery", f"The view's query gives {len(given)} columns, its column list {len(columns)}")
    fields = [
        replace(field, name=column.name, description=_description(column))
        for field, column in zip(given, columns or [exp.column(each.name) for each in given], strict=True)
    ]
    dataset, _, short = name.partition(".")
    view = Table(dataset=dataset, name=short, fields=fields, view=tree.expression)
    _describe(view, options)
    engine.project.put_view(view, engine.duckdb(tree.expression))


def _describe(table: Table, options: dict[str, Any]) -> None:
    table.description = str(options.get("description", ""))
    table.labels = dict(options.get("labels", {}))
    if "expiration_timestamp" in options:
        table.expires = datetime.fromisoformat(str(options["expiration_timestamp"]))


def _like(engine: Engine, name: str, model: str) -> Table:
    there = engine.project.table(model)
    if there.type != "TABLE":
        raise not_implemented(f"a table or snapshot of the {there.type.lower()} {model}")
    dataset, _, short = name.partition(".")
    return Table(
        dataset=dataset,
        name=short,
        fields=[replace(each) for each in there.fields],
        partition=there.partition,
        cluster=there.cluster,
        requires_filter=there.requires_filter,
    )


def _described(tree: exp.Create, name: str) -> Table:
    fields = []
    for column in tree.this.expressions:
        if not isinstance(column, exp.ColumnDef):
            raise not_implemented("constraints of a table")
        fields.append(field_of(column))
    cluster = tree.find(exp.ClusterProperty)
    dataset, _, short = name.partition(".")
    table = Table(
        dataset=dataset,
        name=short,
        fields=fields,
        cluster=tuple(each.name for each in cluster.expressions) if cluster else (),
    )
    if (by := tree.find(exp.PartitionedByProperty)) is not None:
        table.partition = _partition(table, by.this)
    return table


def field_of(column: exp.ColumnDef) -> Field:
    """Return the column that a definition describes."""
    kind, mode = column.args["kind"], "NULLABLE"
    if kind.this == exp.DataType.Type.ARRAY:
        (kind,), mode = kind.expressions, "REPEATED"
    name = kind.sql(dialect="bigquery")
    constraints = [each.kind for each in column.args.get("constraints") or []]
    if any(isinstance(each, exp.NotNullColumnConstraint) for each in constraints):
        mode = "REQUIRED"
    return Field(column.name, SQL_TYPES.get(name, name), mode, _description(column))


def _description(column: Tree) -> str:
    constraints = [each.kind for each in column.args.get("constraints") or []]
    described = [values_of(each) for each in constraints if isinstance(each, exp.Properties)]
    return str(described[0].get("description", "")) if described else ""


def _partition(table: Table, by: Tree) -> str:
    """The column of ``PARTITION BY date`` or ``PARTITION BY DATE(timestamp)``: partitions are days.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#partition_expression
    """
    column = by.this if isinstance(by, exp.Date) and not by.args.get("zone") else by
    kind = table.field(column.name).type if column.name else ""
    if not isinstance(column, exp.Column | exp.Identifier) or kind not in ("DATE", "TIMESTAMP"):
        raise not_implemented(f"PARTITION BY {by.sql(dialect='bigquery')}")
    if (kind == "TIMESTAMP") != isinstance(by, exp.Date):
        raise ApiError("invalidQuery", "PARTITION BY expression must be DATE(<timestamp_column>) or a DATE column")
    return str(column.name)

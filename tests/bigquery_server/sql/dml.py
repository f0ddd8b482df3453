"""Statements that change rows; each happens as a whole or not at all.

https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax
"""

from datetime import timedelta
from typing import Any

from sqlglot import exp  # noqa: TID251

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.sql.engine import Engine, Result
from tests.bigquery_server.sql.syntax import Tree, name_of, target_of
from tests.bigquery_server.storage.tables import Table

# How long streamed rows cannot be changed: https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations
UNCHANGEABLE = timedelta(minutes=30)


def delete(engine: Engine, tree: exp.Delete) -> Result:
    """DELETE: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#delete_statement."""
    target, where = _writable(engine, tree), tree.args.get("where")
    if where is None:
        raise ApiError("invalidQuery", "Syntax error: DELETE must have a WHERE clause")
    alias = tree.this.alias_or_name
    doomed = _streamed(engine, target, alias, where.this)

    def change() -> int:
        (row,) = engine.run(engine.duckdb(tree))
        return int(row[0])

    deleted = _in_transaction(engine, target, change)
    target.streamed = [each for each in target.streamed if each.row not in doomed]
    return Result("DELETE", [], [], deleted=deleted)


def insert(engine: Engine, tree: exp.Insert) -> Result:
    """INSERT with a query: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#insert_statement."""
    target = _writable(engine, tree)
    query = tree.expression
    if not isinstance(tree.this, exp.Schema) or not isinstance(query, exp.Query) or isinstance(query, exp.Values):
        raise not_implemented("INSERT but as (column, ...) SELECT ...")
    columns = [target.field(column.name) for column in tree.this.expressions]
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise ApiError("invalidQuery", "INSERT has columns with duplicate names")
    given = engine.describe(query)
    if len(given) != len(columns):
        raise ApiError("invalidQuery", f"Inserted row has wrong column count; Has {len(given)}, expected {len(names)}")
    literal = [isinstance(each.unalias(), exp.Null) for each in query.selects]
    for column, found, is_null in zip(columns, given, literal, strict=True):
        # https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules#coercion
        if not is_null and found.type != column.type and (found.type, column.type) != ("INTEGER", "FLOAT"):
            raise ApiError(
                "invalidQuery",
                f"Query column has type {found.type} which cannot be inserted into column {column.name}, "
                f"which has type {column.type}",
            )
    rows = _complete(target, names, engine.run(engine.duckdb(query)))
    _in_transaction(engine, target, lambda: engine.project.insert(target, rows))
    return Result("INSERT", [], [], inserted=len(rows))


def merge(engine: Engine, tree: exp.Merge) -> Result:
    """A constant-false MERGE: rows that match a condition go, all of the source come, in one.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
    """
    target, using = _writable(engine, tree), tree.args["using"]
    if isinstance(using, exp.Subquery):
        source = f"({engine.duckdb(using.this)})"
    else:
        source = engine.project.table(name_of(using)).quoted
    whens = tree.args["whens"].expressions
    if tree.args["on"].sql() != "FALSE" or len(whens) != 2:
        raise not_implemented("a MERGE other than ON FALSE, with an INSERT and a DELETE")
    incoming, outgoing = whens
    if not isinstance(incoming.args["then"], exp.Insert) or outgoing.args["then"].name != "DELETE":
        raise not_implemented("a MERGE other than ON FALSE, with an INSERT and a DELETE")
    columns = [column.name for column in incoming.args["then"].this.expressions]
    values = [value.sql(dialect="duckdb") for value in incoming.args["then"].expression.expressions]
    alias, condition = tree.this.alias_or_name, outgoing.args["condition"]
    doomed = _streamed(engine, target, alias, condition)
    where = engine.condition(condition)
    new = engine.run(f"SELECT {', '.join(values)} FROM {source} AS {using.alias}")
    rows = _complete(target, columns, new)

    def change() -> int:
        (row,) = engine.run(f"DELETE FROM {target.quoted} AS {alias} WHERE {where}")
        engine.project.insert(target, rows)
        return int(row[0])

    deleted = _in_transaction(engine, target, change)
    target.streamed = [each for each in target.streamed if each.row not in doomed]
    return Result("MERGE", [], [], deleted=deleted, inserted=len(rows))


def _writable(engine: Engine, tree: Tree) -> Table:
    return engine.project.writable(name_of(target_of(tree) or tree), reason="invalidQuery")


def _in_transaction(engine: Engine, target: Table, change: Any) -> Any:
    engine.project.history.keep(target)
    done: list[Any] = []
    engine.project.in_transaction(lambda: done.append(change()))
    return done[0]


def _complete(target: Table, names: list[str], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows of all columns, NULL where a statement names none; they are checked."""
    blank = dict.fromkeys(each.name for each in target.fields)
    complete = [tuple((blank | dict(zip(names, row, strict=True))).values()) for row in rows]
    missing = [each.name for each in target.fields if each.mode == "REQUIRED" and each.name not in names]
    if missing:
        raise ApiError("invalidQuery", f"Required field {missing[0]} cannot be null")
    target.check_rows(complete)
    return complete


def _streamed(engine: Engine, target: Table, alias: str, condition: Tree) -> set[tuple[Any, ...]]:
    """Return the rows in the streaming buffer that meet a condition.

    Raises:
        ApiError: One of them was streamed too lately to be changed; every other row may be.
            https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations
    """
    project = engine.project
    after = project.clock.now() - UNCHANGEABLE
    found: set[tuple[Any, ...]] = set()
    if not target.streamed:
        return found
    query = exp.select("*").from_(exp.alias_(exp.to_table("buffered"), alias, table=True)).where(condition.copy())
    with project.registered("buffered", target, [each.row for each in target.streamed]):
        found.update(engine.run(engine.duckdb(query)))
    if any(each.at > after and each.row in found for each in target.streamed):
        raise ApiError(
            "invalidQuery",
            f"UPDATE or DELETE statement over table {project.name}.{target.full_name} would affect rows in the "
            "streaming buffer, which is not supported",
        )
    return found

"""GoogleSQL statements as trees: their targets, names and options."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlglot import exp  # noqa: TID251

from tasks.errors import QueryError
from tasks.warehouse import dialect
from tests.bigquery_server.errors import ApiError, not_implemented

Tree = exp.Expr
_SNAPSHOT = re.compile(
    r"\s*CREATE\s+SNAPSHOT\s+TABLE\s+(?P<exists>IF\s+NOT\s+EXISTS\s+)?(?P<name>\w+\.\w+)"
    r"\s+CLONE\s+(?P<base>\w+\.\w+)\s*(?P<options>OPTIONS\s*\(.*\))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_UNDERSTOOD: dict[type[Tree], set[str]] = {
    exp.Alter: {"this", "kind", "actions"},
    exp.Create: {"this", "kind", "expression", "exists", "replace", "properties", "clone"},
    exp.Delete: {"this", "where"},
    exp.Insert: {"this", "expression"},
    exp.Merge: {"this", "using", "on", "whens"},
}


class Same:
    """A tree as a key: another one that looks the same has a key of its own, and nobody has to walk through it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def __hash__(self) -> int:
        return id(self.tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.tree is self.tree


@lru_cache(maxsize=1024)
def parse(sql: str) -> Tree:
    """Return a statement's tree, which is everybody's: whoever changes one, changes a copy.

    Raises:
        ApiError: It is no statement, or one that is not implemented.
    """
    if re.match(r"\s*CREATE\s+SNAPSHOT\b", sql, re.IGNORECASE):
        return _parse_snapshot(sql)
    try:
        tree = dialect.parse(sql)
    except QueryError as error:
        raise ApiError("invalidQuery", f"Syntax error: {error}") from error
    if isinstance(tree, exp.Query):
        return tree
    if type(tree) not in _UNDERSTOOD:
        raise not_implemented(f"the statement {tree.key.upper()}")
    if more := sorted(name for name, value in tree.args.items() if value and name not in _UNDERSTOOD[type(tree)]):
        raise not_implemented(f"{', '.join(more)} in the statement {tree.key.upper()}")
    return tree


def _parse_snapshot(sql: str) -> Tree:
    """CREATE SNAPSHOT TABLE, which the parser does not know.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_snapshot_table_statement
    """
    found = _SNAPSHOT.fullmatch(sql)
    if found is None:
        raise not_implemented("CREATE SNAPSHOT TABLE but as dataset.name CLONE dataset.table OPTIONS(...)")
    options = parse(f"CREATE TABLE d.t (x INT64) {found['options']}").args["properties"] if found["options"] else None
    return exp.Create(
        this=exp.to_table(found["name"]),
        kind="SNAPSHOT",
        exists=bool(found["exists"]),
        clone=exp.Clone(this=exp.to_table(found["base"])),
        properties=options,
    )


def target_of(tree: Tree) -> exp.Table | None:
    """The table, view or dataset that a statement writes or creates; None of a query."""
    if isinstance(tree, exp.Query):
        return None
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(target, exp.Table):
        raise not_implemented(f"the statement {tree.key.upper()} without FROM or INTO and a table")
    return target


def mutated(tree: Tree) -> str:
    """The table whose rows a statement changes or removes; empty if it does not.

    https://cloud.google.com/bigquery/docs/data-manipulation-language#update_delete_merge_dml_concurrency
    """
    target = target_of(tree) if isinstance(tree, exp.Delete | exp.Merge) else None
    return name_of(target) if target is not None else ""


def name_of(node: Tree) -> str:
    """``dataset.table`` of a reference; empty for a bare name."""
    return f"{node.args['db'].name}.{node.name}" if isinstance(node, exp.Table) and node.args.get("db") else ""


def tables_in(tree: Tree) -> tuple[exp.Table, ...]:
    """Every reference to a stored table."""
    return _tables_in(Same(tree))


@lru_cache(maxsize=1024)
def _tables_in(same: Same) -> tuple[exp.Table, ...]:
    return tuple(node for node in same.tree.find_all(exp.Table) if node.db)


def is_as_of(node: exp.Table) -> bool:
    """Whether a reference is to a stored table as it was at another time."""
    return bool(node.db and node.args.get("version"))


def read_as_of(tree: Tree) -> Iterator[exp.Table]:
    """Every reference to a table as it was at another time."""
    return filter(is_as_of, tables_in(tree))


def columns_in(tree: Tree) -> frozenset[str]:
    """The columns that a statement names, in lower case; ``*`` stands for all of them."""
    return _columns_in(Same(tree))


@lru_cache(maxsize=1024)
def _columns_in(same: Same) -> frozenset[str]:
    stars = ("*" for star in same.tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
    return frozenset([*stars, *(column.name.lower() for column in same.tree.find_all(exp.Column))])


def conjuncts(condition: Tree) -> list[Tree]:
    """What a condition joins with AND."""
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def options_of(tree: Tree) -> dict[str, Any]:
    """The options of a statement's OPTIONS(...), by name."""
    properties = tree.args.get("properties")
    return values_of(properties) if properties else {}


def values_of(properties: Tree) -> dict[str, Any]:
    """The options of OPTIONS(...), by name."""
    found: dict[str, Any] = {}
    if location := properties.find(exp.LocationProperty):
        found["location"] = location.name
    for each in properties.find_all(exp.Property):
        if type(each) is exp.Property:
            found[each.name.lower()] = _value(each.args["value"])
    return found


def _value(value: Tree) -> Any:
    if isinstance(value, exp.Cast):
        value = value.this
    if isinstance(value, exp.Literal | exp.Boolean):
        return value.this
    if isinstance(value, exp.Array):  # labels: pairs of strings
        return dict([part.name for part in pair.expressions] for pair in value.expressions)
    raise not_implemented(f"the option value {value.sql(dialect='bigquery')}")

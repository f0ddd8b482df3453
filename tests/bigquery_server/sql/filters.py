"""What BigQuery takes for a filter on a table's partitions.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#better_performance_with_pruning

A column compared with constants is one, and so is a NULL test of the column itself, which asks for or leaves out the
``__NULL__`` partition, but not of an expression: https://github.com/mozilla/bigquery-etl/pull/858. An OR is one if each
of its sides is: https://github.com/dbt-labs/dbt-bigquery/pull/986.
"""

from collections.abc import Iterator

from sqlglot import exp  # noqa: TID251

from tests.bigquery_server.sql.syntax import Tree, conjuncts
from tests.bigquery_server.storage.tables import Table

_COMPARISONS = (exp.Between, exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In)


def filters_of(node: exp.Table, table: Table) -> Iterator[Tree]:
    """The conditions beside a table, each of which leaves out partitions by itself."""
    if table.partition is None:
        return
    for condition in _conditions(node):
        for part in conjuncts(condition):
            if _is_filter(part, table, node.alias_or_name):
                yield part


def is_filtered(node: exp.Table, table: Table) -> bool:
    """Whether a reference to a table has a filter on its partitions."""
    if isinstance(node.parent, exp.Merge):
        return _merges_by_partition(node.parent, table)
    return any(True for _ in filters_of(node, table))


def _merges_by_partition(merge: exp.Merge, table: Table) -> bool:
    """Whether every WHEN that looks at a MERGE's target has a filter on its partitions.

    https://cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables#use_a_filter_in_the_search_condition
    """
    alias = merge.this.alias_or_name
    found = [when.args["condition"] for when in merge.args["whens"].expressions if when.args.get("condition")]
    return all(any(_is_filter(part, table, alias) for part in conjuncts(condition)) for condition in found)


def _conditions(node: exp.Table) -> Iterator[Tree]:
    holder = node.parent if isinstance(node.parent, exp.Delete) else node.find_ancestor(exp.Select)
    where = holder.args.get("where") if holder else None
    join_on = node.parent.args.get("on") if isinstance(node.parent, exp.Join) else None
    return (condition for condition in (where.this if where else None, join_on) if condition is not None)


def _is_filter(part: Tree, table: Table, alias: str) -> bool:
    part = part.unnest()
    if isinstance(part, exp.Or):
        return all(_is_filter(side, table, alias) for side in part.flatten())
    if isinstance(part, exp.Not):
        part = part.this.unnest()
        return isinstance(part, exp.Is) and _is_filter(part, table, alias)
    if isinstance(part, exp.Is):
        return isinstance(part.expression, exp.Null) and _is_column(part.this, table, alias)
    if not isinstance(part, _COMPARISONS) or part.find(exp.Query):
        return False
    sides = list(part.iter_expressions())
    looking = [side for side in sides if side.find(exp.Column)]
    if len(looking) != 1 or (isinstance(part, exp.Between | exp.In) and looking[0] is not part.this):
        return False
    return _is_column(_bare(looking[0], table), table, alias)


def _bare(side: Tree, table: Table) -> Tree:
    """The column itself of DATE(column), by whose days a TIMESTAMP column is partitioned."""
    is_day = isinstance(side, exp.Date) and not side.args.get("zone") and not side.expressions
    return side.this if is_day and table.is_partitioned_by_timestamp else side


def _is_column(node: Tree, table: Table, alias: str) -> bool:
    return isinstance(node, exp.Column) and node.name == table.partition and node.table in ("", alias)

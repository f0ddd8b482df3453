"""GoogleSQL for other engines; the only module that imports sqlglot."""

import threading
from functools import lru_cache
from typing import TypeVar

import sqlglot  # noqa: TID251
from sqlglot import exp  # noqa: TID251
from sqlglot.dialects.bigquery import BigQuery  # noqa: TID251
from sqlglot.parsers.bigquery import BigQueryParser  # noqa: TID251

from tasks.errors import QueryError

DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
}
_GOOGLESQL_TYPES = {duckdb: google for google, duckdb in DUCKDB_TYPES.items()}


_BIGQUERY = BigQuery()
_Query = TypeVar("_Query", bound=exp.Expr)

_translating = threading.Lock()  # days that start together would all translate the same queries


def googlesql_type(kind: str) -> str:
    """Return the GoogleSQL name of one of DuckDB's column types; the type itself if it has none."""
    return "NUMERIC" if kind.startswith("DECIMAL(") else _GOOGLESQL_TYPES.get(kind, kind)


def to_duckdb(sql: str) -> tuple[str, frozenset[str]]:
    """Return a GoogleSQL query in DuckDB's dialect, and the names of the parameters that it uses.

    Raises:
        QueryError: The text is not a single valid GoogleSQL statement; the message says where.
    """
    with _translating:
        return _translate(sql)


@lru_cache(maxsize=512)
def _translate(sql: str) -> tuple[str, frozenset[str]]:
    tree = parse(sql)
    names = frozenset(str(parameter.this.name) for parameter in tree.find_all(exp.Parameter))
    return duckdb_of(tree), names


class _Parser(BigQueryParser):
    """BigQuery's parser in half of its time: to find a join with a column, it copies every subquery at every level."""

    def _implicit_unnests_to_explicit(self, this: _Query) -> _Query:
        """Look for ``FROM games, games.players`` only where something like it is joined."""
        joined = [join.this for join in this.args.get("joins") or [] if not join.args.get("on")]
        if any(isinstance(table, exp.Table) and len(table.parts) > 1 for table in joined):
            return super()._implicit_unnests_to_explicit(this)
        return this


def parse(sql: str) -> exp.Expr:
    """Return the tree of a GoogleSQL statement.

    Raises:
        QueryError: The text is not a single valid GoogleSQL statement; the message says where.
    """
    try:
        trees = _Parser(dialect=_BIGQUERY).parse(_BIGQUERY.tokenize(sql), sql)
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"not valid GoogleSQL: {error}") from error
    if len(trees) != 1 or trees[0] is None:
        raise QueryError(f"not one GoogleSQL statement, but {len(trees)}")
    return trees[0]


def duckdb_of(tree: exp.Expr) -> str:
    """Return a GoogleSQL statement in DuckDB's dialect; the tree is changed."""
    for node in reversed(list(tree.walk())):  # children before parents
        if (better := _as_bigquery_means_it(node)) is not None:
            node.replace(better)
    return tree.sql(dialect="duckdb")


def _as_bigquery_means_it(node: exp.Expr) -> exp.Expr | None:
    """Return the replacement of a node that would mean something else on DuckDB; None if it needs none."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")  # NUMERIC; DuckDB's default keeps 3 decimals
    if isinstance(node, exp.DateSub | exp.DateAdd):
        return exp.cast(node.copy(), "DATE")  # DuckDB types date - interval as a TIMESTAMP
    if isinstance(node, exp.JSONFormat):  # TO_JSON_STRING prints whole numbers without a fraction: 1, not 1.0
        text = exp.Literal.string
        string_or_number = text(r'("(?:[^"\\]|\\.)*")|([0-9])\.0([,}\]]|$)')  # a string is put back as it is
        return exp.func("REGEXP_REPLACE", node.copy(), string_or_number, text(r"\1\2\3"), text("g"), dialect="duckdb")
    if isinstance(node, exp.CountIf):  # DuckDB's is NULL, not 0, without rows
        return exp.Count(this=exp.If(this=node.this.copy(), true=exp.Literal.number(1)))
    return None

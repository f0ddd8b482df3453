"""GoogleSQL for other engines; the only module that imports sqlglot."""

import threading
from functools import lru_cache

import sqlglot  # noqa: TID251
from sqlglot import exp  # noqa: TID251

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
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError as error:
        raise QueryError(f"not valid GoogleSQL: {error}") from error
    for node in reversed(list(tree.walk())):  # children before parents
        if (better := _as_bigquery_means_it(node)) is not None:
            node.replace(better)
    names = frozenset(str(parameter.this.name) for parameter in tree.find_all(exp.Parameter))
    return tree.sql(dialect="duckdb"), names


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

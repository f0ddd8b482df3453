"""GoogleSQL on DuckDB.

The transpiler is the application's own, and is proved against Google's evaluator elsewhere.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: TID251 - this server's engine
from duckdb import DuckDBPyConnection  # noqa: TID251
from sqlglot import exp  # noqa: TID251

from tasks.warehouse import dialect
from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.sql.syntax import Same, Tree, is_as_of, name_of, read_as_of
from tests.bigquery_server.storage.tables import API_TYPES, Field

if TYPE_CHECKING:
    from tests.bigquery_server.storage.project import Project

_NOW = "the time of the query"
_NUMERIC_DIGITS = -9  # the exponent of what the dialect makes of NUMERIC: DECIMAL(38,9)
_RESULT_TYPES = {
    **API_TYPES,
    "INTEGER": "INTEGER",
    "HUGEINT": "INTEGER",
    '"NULL"': "INTEGER",
}  # of a literal, a sum, and NULL


@dataclass
class Result:
    """What a statement gave."""

    statement_type: str
    fields: list[Field]
    rows: list[tuple[Any, ...]]
    deleted: int = 0
    inserted: int = 0

    @property
    def changed(self) -> int | None:
        """The rows that a DML statement changed; None of another one."""
        return self.deleted + self.inserted if self.statement_type in ("DELETE", "INSERT", "MERGE") else None


class Engine:
    """What runs the parts of one statement."""

    def __init__(self, project: "Project", parameters: Mapping[str, Any]) -> None:
        self.project, self._parameters = project, parameters

    def duckdb(self, tree: Tree) -> str:
        """Return a statement in DuckDB's dialect."""
        return _translated(Same(tree), tuple(self._states(tree))).replace(_NOW, self.project.clock.now().isoformat())

    def _states(self, tree: Tree) -> Iterator[str]:
        """What each table that a statement reads as of a time is read from, in the order of the tree.

        https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#for_system_time_as_of
        """
        for node in read_as_of(tree):
            version = node.args["version"]
            if version.args["kind"] != "AS OF" or not isinstance(version.expression, exp.Parameter):
                raise not_implemented("FOR SYSTEM_TIME but AS OF a parameter")
            at = self._parameters.get(version.expression.name)
            if not isinstance(at, datetime):
                raise ApiError("invalidQuery", f"FOR SYSTEM_TIME AS OF {version.expression.name}: not a TIMESTAMP")
            yield self.project.history.at(self.project.table(name_of(node)), at)

    def condition(self, condition: Tree) -> str:
        """Return a condition of a statement, in DuckDB's dialect."""
        return dialect.duckdb_of(exp.paren(condition))

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement in DuckDB's dialect and return its rows."""
        return [tuple(map(_value, row)) for row in self._execute(text).fetchall()]

    def query(self, tree: Tree) -> tuple[list[Field], list[tuple[Any, ...]]]:
        """Run a query and return its columns and rows."""
        done = self._execute(self.duckdb(tree))
        fields = [_field(name, str(kind)) for name, kind, *_ in done.description or []]
        return fields, [tuple(map(_value, row)) for row in done.fetchall()]

    def describe(self, tree: Tree) -> list[Field]:
        """Return the columns that a query would give."""
        return [_field(name, kind) for name, kind, *_ in self.run(f"DESCRIBE {self.duckdb(tree)}")]

    def _execute(self, text: str) -> DuckDBPyConnection:
        named = set(re.findall(r"\$(\w+)", text))
        used = {name: value for name, value in self._parameters.items() if name in named}
        try:
            return self.project.connection.execute(text, used)
        except duckdb.Error as error:
            raise ApiError("invalidQuery", str(error)) from error


def _field(name: str, kind: str) -> Field:
    """Return a column of a result, by DuckDB's type."""
    if kind in _RESULT_TYPES:
        return Field(name, _RESULT_TYPES[kind])
    if kind.removesuffix("[]") in API_TYPES:
        return Field(name, API_TYPES[kind.removesuffix("[]")], "REPEATED")
    if kind.startswith("DECIMAL"):
        return Field(name, "FLOAT")  # what DuckDB makes of a literal with a fraction
    raise not_implemented(f"results of DuckDB's type {kind}")


@lru_cache(maxsize=1024)
def _translated(same: Same, states: tuple[str, ...]) -> str:
    tree = same.tree.copy()
    for node, state in zip(list(filter(is_as_of, tree.find_all(exp.Table))), states, strict=True):
        node.replace(exp.to_table(state, alias=node.alias_or_name))
    for now in list(tree.find_all(exp.CurrentTimestamp)):
        now.replace(exp.cast(exp.Literal.string(_NOW), "TIMESTAMPTZ"))
    return dialect.duckdb_of(tree)


def _value(value: Any) -> Any:
    """Return a value as BigQuery has it: what DuckDB takes for a decimal is a FLOAT, unless it is a NUMERIC."""
    is_float = isinstance(value, Decimal) and value.as_tuple().exponent != _NUMERIC_DIGITS
    return float(value) if is_float else value

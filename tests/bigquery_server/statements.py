"""GoogleSQL statements, run on DuckDB; a form that is not named here is refused.

The transpiler is the application's own, and is proved against Google's evaluator elsewhere. What is this module's: what
BigQuery checks before it runs a statement, and how its statements change tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: TID251 - this server's engine
import sqlglot  # noqa: TID251
from sqlglot import exp  # noqa: TID251

from tasks.domain.errors import QueryError
from tasks.warehouse.dialect import to_duckdb
from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.tables import API_TYPES, SIZES, SQL_TYPES, Field, Table

if TYPE_CHECKING:
    from tests.bigquery_server.project import Project

LEAST_BYTES_BILLED = 10 * 1024 * 1024  # a referenced table: https://cloud.google.com/bigquery/pricing#on_demand_pricing
_NUMERIC = "DECIMAL(38,9)"  # what the dialect makes of NUMERIC
_RESULT_TYPES = {**API_TYPES, "INTEGER": "INTEGER", "HUGEINT": "INTEGER"}  # DuckDB's of a literal, and of a sum
_COMPARISONS = (exp.Between, exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In)


@dataclass
class Result:
    """What a statement gave."""

    statement_type: str
    fields: list[Field]
    rows: list[tuple[Any, ...]]
    deleted: int = 0
    inserted: int = 0


class Statement:
    """One statement of a query job."""

    def __init__(self, project: "Project", sql: str, parameters: Mapping[str, Any]) -> None:
        self._project, self._parameters = project, parameters
        try:
            self.tree = sqlglot.parse_one(sql, read="bigquery")
        except sqlglot.errors.ParseError as error:
            raise ApiError("invalidQuery", f"Syntax error: {error}") from error
        if not isinstance(self.tree, exp.Query | exp.Create | exp.Merge):
            raise not_implemented(f"the statement {self.tree.key.upper()}")

    def needs(self) -> Iterator[tuple[str, str]]:
        """The permissions that it takes, each with the table or dataset on which.

        https://cloud.google.com/bigquery/docs/access-control#bq-permissions
        """
        target = self._target()
        if isinstance(self.tree, exp.Create):
            if self.tree.kind == "SCHEMA":
                yield "bigquery.datasets.create", ""
            else:
                yield "bigquery.tables.create", target
        elif isinstance(self.tree, exp.Merge):
            yield "bigquery.tables.updateData", target
            yield "bigquery.tables.getData", target
        for name in self._reads():
            yield "bigquery.tables.getData", name

    def tables(self) -> list[Table]:
        """The tables that it reads.

        Raises:
            ApiError: One does not exist.
        """
        return [self._project.table(name) for name in self._reads()]

    def require_filters(self) -> None:
        """Refuse to read a table that wants a filter on its partitions without one.

        https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require-filter
        """
        for node in self.tree.find_all(exp.Table):
            table = self._project.tables.get(_name(node))
            if table is not None and table.requires_filter and not self._is_filtered(node, table):
                raise ApiError(
                    "invalidQuery",
                    f"Cannot query over table '{table.full_name}' without a filter over column(s) "
                    f"'{table.partition}' that can be used for partition elimination",
                )

    def bytes_processed(self) -> int:
        """The logical size of the columns that it names, in the partitions that its constants leave.

        https://cloud.google.com/bigquery/docs/estimate-costs#on-demand_query_size_calculation
        """
        every = any(True for _ in self.tree.find_all(exp.Star))
        named = {column.name.lower() for column in self.tree.find_all(exp.Column)}
        total = 0
        for node in self.tree.find_all(exp.Table):
            table = self._project.tables.get(_name(node))
            if table is None:
                continue
            read = [each for each in table.fields if every or each.name.lower() in named]
            if read:
                size = " + ".join(f"coalesce({SIZES[each.type].format(each.name)}, 0)" for each in read)
                where = " AND ".join(self._prunes(node, table)) or "TRUE"
                (found,) = self._run(f"SELECT coalesce(sum({size}), 0) FROM {table.quoted} WHERE {where}")
                total += int(found[0])
        return total

    def run(self) -> Result:
        """Run it; all of it happens or nothing."""
        tree = self.tree
        if isinstance(tree, exp.Query):
            return self._select(tree)
        if isinstance(tree, exp.Create) and tree.kind == "SCHEMA" and tree.args.get("exists"):
            self._project.create_dataset(self._target(), location=self._options().get("location"))
            return Result("CREATE_SCHEMA", [], [])
        if isinstance(tree, exp.Create) and tree.kind == "TABLE":
            return self._create_table(tree)
        if isinstance(tree, exp.Merge):
            return self._merge(tree)
        raise not_implemented(f"the statement {tree.key.upper()}")

    def schema(self) -> list[Field]:
        """The columns that a query would give."""
        return self._describe(self.tree) if isinstance(self.tree, exp.Query) else []

    def _select(self, tree: exp.Query) -> Result:
        fields = self._describe(tree)
        return Result("SELECT", fields, self._run(self._duckdb(tree)))

    def _create_table(self, tree: exp.Create) -> Result:
        """CREATE TABLE: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language."""
        name, options = self._target(), self._options()
        properties = tree.args.get("properties")
        like = properties.find(exp.LikeProperty) if properties else None
        dataset, _, short = name.partition(".")
        if like is not None:
            model = self._project.table(_name(like.this))
            table = Table(
                dataset=dataset,
                name=short,
                fields=[Field(f.name, f.type, f.mode, f.description) for f in model.fields],
                partition=model.partition,
                cluster=model.cluster,
                requires_filter=model.requires_filter,
            )
        elif isinstance(tree.this, exp.Schema):
            table = self._described_table(tree, dataset, short)
        else:
            raise not_implemented("CREATE TABLE without columns or LIKE")
        unknown = set(options) - {"description", "labels", "expiration_timestamp", "require_partition_filter"}
        if unknown:
            raise not_implemented(f"the table options {sorted(unknown)}")
        table.description = str(options.get("description", ""))
        table.requires_filter = bool(options.get("require_partition_filter", table.requires_filter))
        if "expiration_timestamp" in options:
            table.expires = datetime.fromisoformat(str(options["expiration_timestamp"]))
        if name in self._project.tables:
            if tree.args.get("exists"):
                return Result("CREATE_TABLE", [], [])
            if not tree.args.get("replace"):
                raise ApiError("duplicate", f"Already Exists: Table {self._project.name}:{name}")
        rows = self._run(self._duckdb(tree.expression)) if tree.expression is not None else []
        if tree.expression is not None:
            self._check_columns(table, self._describe(tree.expression), rows)
        self._project.put_table(table, rows)
        return Result("CREATE_TABLE_AS_SELECT" if tree.expression is not None else "CREATE_TABLE", table.fields, [])

    def _described_table(self, tree: exp.Create, dataset: str, short: str) -> Table:
        fields = []
        for column in tree.this.expressions:
            if not isinstance(column, exp.ColumnDef):
                raise not_implemented("constraints of a table")
            kind = column.args["kind"].sql(dialect="bigquery")
            constraints = [each.kind for each in column.args.get("constraints") or []]
            required = any(isinstance(each, exp.NotNullColumnConstraint) for each in constraints)
            described = [_values(each) for each in constraints if isinstance(each, exp.Properties)]
            description = str(described[0].get("description", "")) if described else ""
            fields.append(
                Field(column.name, SQL_TYPES.get(kind, kind), "REQUIRED" if required else "NULLABLE", description)
            )
        partition, cluster = tree.find(exp.PartitionedByProperty), tree.find(exp.ClusterProperty)
        return Table(
            dataset=dataset,
            name=short,
            fields=fields,
            partition=partition.this.name if partition else None,
            cluster=tuple(each.name for each in cluster.expressions) if cluster else (),
        )

    def _merge(self, tree: exp.Merge) -> Result:
        """A constant-false MERGE: rows that match a condition go, all of the source come, in one.

        https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
        """
        target, source = self._project.table(_name(tree.this)), self._project.table(_name(tree.args["using"]))
        whens = tree.args["whens"].expressions
        if tree.args["on"].sql() != "FALSE" or len(whens) != 2:
            raise not_implemented("a MERGE other than ON FALSE, with an INSERT and a DELETE")
        insert, delete = whens
        if not isinstance(insert.args["then"], exp.Insert) or delete.args["then"].name != "DELETE":
            raise not_implemented("a MERGE other than ON FALSE, with an INSERT and a DELETE")
        columns = [column.name for column in insert.args["then"].this.expressions]
        values = [value.sql(dialect="duckdb") for value in insert.args["then"].expression.expressions]
        gone = exp.select("1").from_(f"{target.dataset}.{target.name} AS t").where(delete.args["condition"].copy())
        condition = self._duckdb(gone).partition(" WHERE ")[2]
        names = [each.name for each in target.fields]
        missing = [each.name for each in target.fields if each.mode == "REQUIRED" and each.name not in columns]
        if missing:
            raise ApiError("invalidQuery", f"Required field {missing[0]} cannot be null")
        (deleted,) = self._run(f"SELECT count(*) FROM {target.quoted} AS t WHERE {condition}")
        new = self._run(f"SELECT {', '.join(values)} FROM {source.quoted} AS {tree.args['using'].alias}")
        blank = dict.fromkeys(names)
        rows = [tuple((blank | dict(zip(columns, row, strict=True))).values()) for row in new]
        self._check_columns(target, target.fields, rows)
        self._project.in_transaction(
            lambda: (
                self._run(f"DELETE FROM {target.quoted} AS t WHERE {condition}"),
                self._project.insert(target, rows),
            )
        )
        return Result("MERGE", [], [], deleted=int(deleted[0]), inserted=len(rows))

    def _check_columns(self, table: Table, given: list[Field], rows: list[tuple[Any, ...]]) -> None:
        if [each.name for each in given] != [each.name for each in table.fields]:
            raise ApiError("invalidQuery", f"The query's columns are not those of {table.full_name}")
        for mine, theirs in zip(table.fields, given, strict=True):
            if mine.type != theirs.type:
                raise ApiError("invalidQuery", f"Column {mine.name} is {theirs.type}, {mine.type} is expected")
        for place, each in enumerate(table.fields):
            if each.mode == "REQUIRED" and any(row[place] is None for row in rows):
                raise ApiError("invalidQuery", f"Required field {each.name} cannot be null")

    def _target(self) -> str:
        if isinstance(self.tree, exp.Query):
            return ""
        target = self.tree.this
        if isinstance(target, exp.Schema):
            target = target.this
        if isinstance(self.tree, exp.Create) and self.tree.kind == "SCHEMA":
            return str(target.db or target.name)
        return _name(target) if isinstance(target, exp.Table) else ""

    def _reads(self) -> list[str]:
        written = self.tree.this if not isinstance(self.tree, exp.Query) else None
        found = [_name(node) for node in self.tree.find_all(exp.Table) if node.db and node is not written]
        target = self._target()
        like = isinstance(self.tree, exp.Create)
        return sorted({name for name in found if name != target or not like})

    def _options(self) -> dict[str, Any]:
        properties = self.tree.args.get("properties")
        return _values(properties) if properties else {}

    def _is_filtered(self, node: exp.Table, table: Table) -> bool:
        if isinstance(node.parent, exp.LikeProperty | exp.Schema) or node is self.tree.this:
            return not isinstance(self.tree, exp.Merge) or self._deletes_by_partition(table)
        return any(True for _ in self._conditions(node, table))

    def _deletes_by_partition(self, table: Table) -> bool:
        """Whether every WHEN that looks at a MERGE's target has a filter on its partitions.

        https://cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables#use_a_filter_in_the_search_condition
        """
        found = [when.args["condition"] for when in self.tree.args["whens"].expressions if when.args.get("condition")]
        return all(any(self._is_prunable(part, table) for part in _conjuncts(condition)) for condition in found)

    def _conditions(self, node: exp.Table, table: Table) -> Iterator[exp.Expression]:
        """The conjuncts, beside a table, that compare its partition column with constants."""
        select = node.find_ancestor(exp.Select)
        join = node.parent if isinstance(node.parent, exp.Join) else None
        where = select.args.get("where") if select else None
        for condition in (where.this if where else None, join.args.get("on") if join else None):
            if condition is None:
                continue
            for part in _conjuncts(condition):
                alias = node.alias_or_name
                columns = list(part.find_all(exp.Column))
                if self._is_prunable(part, table) and all(column.table in ("", alias) for column in columns):
                    yield part

    def _is_prunable(self, part: exp.Expression, table: Table) -> bool:
        columns = {column.name for column in part.find_all(exp.Column)}
        return isinstance(part, _COMPARISONS) and columns == {table.partition}

    def _prunes(self, node: exp.Table, table: Table) -> Iterator[str]:
        if table.partition is None:
            return
        for part in self._conditions(node, table):
            bare = part.copy()
            for column in bare.find_all(exp.Column):
                column.set("table", None)
            query = exp.select("1").from_(f"{table.dataset}.{table.name}").where(bare)
            yield self._duckdb(query).partition(" WHERE ")[2]

    def _describe(self, tree: exp.Expression) -> list[Field]:
        fields = []
        for name, kind, *_ in self._run(f"DESCRIBE {self._duckdb(tree)}"):
            if kind in _RESULT_TYPES:
                fields.append(Field(name, _RESULT_TYPES[kind]))
            elif kind.startswith("DECIMAL") and kind != _NUMERIC:
                fields.append(Field(name, "FLOAT"))  # what DuckDB makes of a literal with a fraction
            else:
                raise not_implemented(f"results of DuckDB's type {kind}")
        return fields

    def _duckdb(self, tree: exp.Expression) -> str:
        try:
            return to_duckdb(tree.sql(dialect="bigquery"))[0]
        except QueryError as error:
            raise ApiError("invalidQuery", str(error)) from error

    def _run(self, text: str) -> list[tuple[Any, ...]]:
        used = {name: value for name, value in self._parameters.items() if f"${name}" in text}
        try:
            rows = self._project.connection.execute(text, used).fetchall()
        except duckdb.Error as error:
            raise ApiError("invalidQuery", str(error)) from error
        return [tuple(float(each) if isinstance(each, Decimal) else each for each in row) for row in rows]


def _conjuncts(condition: exp.Expression) -> list[exp.Expression]:
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _name(node: exp.Expression) -> str:
    """``dataset.table`` of a reference; empty for a bare name."""
    return f"{node.args['db'].name}.{node.name}" if isinstance(node, exp.Table) and node.args.get("db") else ""


def _values(properties: exp.Expression) -> dict[str, Any]:
    """The options of OPTIONS(...), by name."""
    found: dict[str, Any] = {}
    if location := properties.find(exp.LocationProperty):
        found["location"] = location.name
    for each in properties.find_all(exp.Property):
        if type(each) is not exp.Property:
            continue
        value = each.args["value"]
        if isinstance(value, exp.Cast):
            value = value.this
        if isinstance(value, exp.Literal | exp.Boolean):
            found[each.name.lower()] = value.this
        else:
            found[each.name.lower()] = value.sql()
    return found

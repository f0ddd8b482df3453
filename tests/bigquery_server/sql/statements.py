"""GoogleSQL statements: what BigQuery checks before it runs one, and what runs it.

A form that is not named here is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp  # noqa: TID251

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.sql import alter, ddl, dml
from tests.bigquery_server.sql.engine import Engine, Result
from tests.bigquery_server.sql.filters import filters_of, is_filtered
from tests.bigquery_server.sql.syntax import (
    Tree,
    columns_in,
    conjuncts,
    name_of,
    options_of,
    parse,
    tables_in,
    target_of,
)
from tests.bigquery_server.storage.tables import Field, Table, size_of

if TYPE_CHECKING:
    from tests.bigquery_server.storage.project import Project

LEAST_BYTES_BILLED = 10 * 1024 * 1024  # a referenced table: https://cloud.google.com/bigquery/pricing#on_demand_pricing


@dataclass(frozen=True)
class Scan:
    """A reference to a table whose rows are read: in the statement, or in the query of a view that it reads."""

    node: exp.Table
    table: Table
    within: Tree
    is_in_view: bool


class Statement:
    """One statement of a query job."""

    def __init__(self, project: "Project", sql: str, parameters: Mapping[str, Any]) -> None:
        self._project, self._engine = project, Engine(project, parameters)
        self.tree = parse(sql)
        self._sizes: dict[str, int] = {}

    def needs(self) -> Iterator[tuple[str, str]]:
        """The permissions that it takes, each with the table or dataset on which.

        https://cloud.google.com/bigquery/docs/access-control#bq-permissions
        """
        target, tree = self._target(), self.tree
        if isinstance(tree, exp.Create):
            if tree.kind == "SCHEMA":
                yield "bigquery.datasets.create", ""
                return
            yield "bigquery.tables.create", target
            if tree.kind == "SNAPSHOT":
                yield from self._needs_of_snapshot(target, name_of(tree.args["clone"].this))
        elif isinstance(tree, exp.Alter):
            yield "bigquery.tables.get", target
            yield "bigquery.tables.update", target
        elif isinstance(tree, exp.Merge | exp.Delete):
            yield "bigquery.tables.updateData", target
            yield "bigquery.tables.getData", target
        elif isinstance(tree, exp.Insert):
            yield "bigquery.tables.updateData", target
        for name in self._reads():
            yield "bigquery.tables.getData", name

    def _needs_of_snapshot(self, target: str, base: str) -> Iterator[tuple[str, str]]:
        """https://cloud.google.com/bigquery/docs/table-snapshots-create#permissions_and_roles."""
        yield "bigquery.tables.updateData", target
        yield "bigquery.tables.get", base
        yield "bigquery.tables.createSnapshot", base
        if "expiration_timestamp" in options_of(self.tree):
            yield "bigquery.tables.deleteSnapshot", base

    def tables(self) -> list[Table]:
        """The tables that it reads.

        Raises:
            ApiError: One does not exist.
        """
        return [self._project.table(name) for name in self._reads()]

    def scanned(self) -> list[Table]:
        """The tables whose rows it reads, each once."""
        return list({scan.table.full_name: scan.table for scan in self._scans(self.tree)}.values())

    def require_filters(self) -> None:
        """Refuse to read a table that wants a filter on its partitions without one.

        https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require-filter
        """
        for scan in self._scans(self.tree):
            if not scan.table.requires_filter or is_filtered(scan.node, scan.table):
                continue
            if scan.is_in_view or (isinstance(self.tree, exp.Create) and self.tree.kind == "VIEW"):
                raise not_implemented(f"a view of {scan.table.full_name} that has no filter on its partitions itself")
            raise ApiError(
                "invalidQuery",
                f"Cannot query over table '{scan.table.full_name}' without a filter over column(s) "
                f"'{scan.table.partition}' that can be used for partition elimination",
            )

    def bytes_processed(self) -> int:
        """The logical size of the columns that it names, in the partitions that its constants leave.

        Of a table that is read through a view, the columns that the view's query names. A DELETE counts all columns of
        its target once more, and nothing at all if it takes whole partitions.
        https://cloud.google.com/bigquery/docs/estimate-costs#on-demand_query_size_calculation
        https://cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables#using_dml_delete_to_delete_partitions
        """
        return sum(self._size(scan) for scan in self._scans(self.tree))

    def _size(self, scan: Scan) -> int:
        named = columns_in(scan.within)
        every = not named.isdisjoint(("*", scan.node.alias.lower()))  # by its alias: the whole row as one value
        read = [each for each in scan.table.fields if every or each.name.lower() in named]
        filters = list(filters_of(scan.node, scan.table))
        if isinstance(scan.within, exp.Delete) and scan.node is target_of(scan.within):
            where = scan.within.args.get("where")
            if where and len(filters) == len(conjuncts(where.this)) and not scan.table.is_partitioned_by_timestamp:
                return 0
            read += scan.table.fields
        if not read:
            return 0
        left = " AND ".join(self._pruning(part) for part in filters) or "TRUE"
        text = f"SELECT {size_of(read)} FROM {scan.table.quoted} WHERE {left}"
        if text not in self._sizes:
            ((size,),) = self._engine.run(text)
            self._sizes[text] = int(size)
        return self._sizes[text]

    def run(self) -> Result:
        """Run it; all of it happens or nothing."""
        tree = self.tree
        if isinstance(tree, exp.Create):
            return ddl.create(self._engine, tree)
        if isinstance(tree, exp.Alter):
            return alter.alter(self._engine, tree)
        if isinstance(tree, exp.Merge):
            return dml.merge(self._engine, tree)
        if isinstance(tree, exp.Delete):
            return dml.delete(self._engine, tree)
        if isinstance(tree, exp.Insert):
            return dml.insert(self._engine, tree)
        return Result("SELECT", *self._engine.query(tree))

    def schema(self) -> list[Field]:
        """The columns that a query would give."""
        return self._engine.describe(self.tree) if isinstance(self.tree, exp.Query) else []

    def _target(self) -> str:
        target = target_of(self.tree)
        return name_of(target) if target is not None else ""

    def _reads(self) -> list[str]:
        """The names of the tables and views that it reads, and of what those views read."""
        target, is_ddl = self._target(), isinstance(self.tree, exp.Create | exp.Alter)
        found = {name for name in self._names(self.tree) if name != target or not is_ddl}
        return sorted(found)

    def _names(self, tree: Tree) -> Iterator[str]:
        """The account needs to read them all: https://cloud.google.com/bigquery/docs/views#view_permissions."""
        written = target_of(tree)
        for node in tables_in(tree):
            if node is not written:
                name = name_of(node)
                yield name
                there = self._project.tables.get(name)
                if there is not None and there.view is not None:
                    yield from self._names(there.view)

    def _scans(self, tree: Tree, *, is_in_view: bool = False) -> Iterator[Scan]:
        written = target_of(tree)
        for node in tables_in(tree):
            table = self._project.tables.get(name_of(node))
            is_only_written = node is written and not isinstance(tree, exp.Delete | exp.Merge)
            if table is None or is_only_written or isinstance(node.parent, exp.LikeProperty | exp.Clone):
                continue
            if table.view is not None:
                yield from self._scans(table.view, is_in_view=True)
            else:
                yield Scan(node, table, tree, is_in_view)

    def _pruning(self, part: Tree) -> str:
        """A condition on partitions, in DuckDB's SQL, with bare columns."""
        bare = part.copy()
        for column in bare.find_all(exp.Column):
            column.set("table", None)
        return f"({self._engine.condition(bare)})"

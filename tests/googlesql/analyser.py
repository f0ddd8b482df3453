"""Google's own SQL analyser and reference evaluator (ZetaSQL), over the catalogue's tables.

It is WebAssembly: compiling it takes a processor some 45 seconds, once a clone, and loading it a second and 1.1 GB,
once a process. Only the tests of this folder import it.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import wasmtime
import zetasql.types as z
from google.protobuf.timestamp_pb2 import Timestamp
from zetasql.api import CatalogBuilder, PreparedQuery, TableBuilder
from zetasql.core import ZetaSqlLocalService, wasm_client
from zetasql.core.exceptions import ZetaSQLError

from tasks.tables.spec import TableSpec

EPOCH = date(1970, 1, 1)
_WORD = re.compile(r"\w+")
_STAR = re.compile(r"(?:\bSELECT\b|\bDISTINCT\b|,|\.)\s*\*", re.IGNORECASE)
A_MOMENT = "a moment"
"""Stands for every timestamp: the package's answers lose their values. None of the queries computes one."""
KINDS = {
    "STRING": z.TypeKind.TYPE_STRING,
    "INT64": z.TypeKind.TYPE_INT64,
    "FLOAT64": z.TypeKind.TYPE_DOUBLE,
    "BOOL": z.TypeKind.TYPE_BOOL,
    "DATE": z.TypeKind.TYPE_DATE,
    "TIMESTAMP": z.TypeKind.TYPE_TIMESTAMP,
}
PARAMETERS = {
    "as_of": "DATE",
    "confirmed": "ARRAY<STRING>",
    "cutoff": "DATE",
    "days_from_box_scores": "ARRAY<STRING>",
    "days_from_synthetic": "ARRAY<STRING>",
    "days_from_upcoming": "ARRAY<STRING>",
    "first": "DATE",
    "first_date": "DATE",
    "first_game": "STRING",
    "from_date": "DATE",
    "most": "INT64",
    "game_date": "DATE",
    "last": "DATE",
    "last_date": "DATE",
    "last_game": "STRING",
    "min_players_per_team": "INT64",
    "moment": "TIMESTAMP",
    "newest_final": "DATE",
    "processed_at": "TIMESTAMP",
    "published": "ARRAY<STRING>",
    "run_id": "STRING",
    "to_date": "DATE",
}


def keep_compiled(folder: Path, settings: Path) -> None:
    """Keep what is compiled in a folder, for the next process: https://docs.wasmtime.dev/cli-cache.html.

    Args:
        folder: Where it is kept.
        settings: The file that says so, which is written.
    """
    settings.write_text(f'[cache]\ndirectory = "{folder}"\n', encoding="utf-8")

    class Cached(wasmtime.Config):
        def __init__(self) -> None:
            super().__init__()
            self.cache = str(settings)

    wasm_client.Config = Cached


class RefusedError(Exception):
    """What Google's analyser says of a text that is not GoogleSQL."""


@dataclass(frozen=True)
class Column:
    """A column of a query's result."""

    name: str
    type: str


class GoogleSQL:
    """The analyser and the evaluator of one catalogue."""

    def __init__(self, tables: Sequence[TableSpec]) -> None:
        self._tables = {table.full_name: table for table in tables}
        language = z.LanguageOptions.maximum_features()
        language.product_mode = z.ProductMode.PRODUCT_EXTERNAL  # BigQuery's: no internal types
        self._language = language
        self._options = z.AnalyzerOptions(language_options=language)
        self._options.error_message_mode = z.ErrorMessageMode.ERROR_MESSAGE_ONE_LINE
        for name, kind in PARAMETERS.items():
            self._options.query_parameters.append(z.AnalyzerOptions.QueryParameter(name=name, type=_type(kind)))
        datasets: dict[str, CatalogBuilder] = {}
        for table in tables:
            columns = [column.name for column in table.columns]
            builder = datasets.setdefault(table.dataset, CatalogBuilder(table.dataset))
            builder.add_table(_simple(table, table.name, columns))
        catalog = self._functions("project").build()
        catalog.catalog += [each.build() for each in datasets.values()]
        self._service = ZetaSqlLocalService.get_instance()
        # known to it by a number: handing over the functions of GoogleSQL takes longer than most statements
        self._project = self._service.register_catalog(simple_catalog=catalog).registered_id

    def columns(self, sql: str) -> list[Column]:
        """Analyse a query, as BigQuery would before it runs it; returns the columns of its result.

        Raises:
            RefusedError: It is not GoogleSQL; the message says where.
        """
        statement = self.check(sql)
        kinds = {kind: name for name, kind in KINDS.items()}
        return [
            Column(each.name, kinds.get(each.column.type.type_kind, str(each.column.type.type_kind)))
            for each in statement.output_column_list
        ]

    def check(self, sql: str) -> Any:
        """Analyse a statement of any kind; returns what the analyser makes of it.

        Raises:
            RefusedError: It is not GoogleSQL; the message says where.
        """
        try:
            answer = self._service.analyze(
                sql_statement=sql, options=self._options, registered_catalog_id=self._project
            )
        except ZetaSQLError as error:
            raise RefusedError(str(error)) from error
        return answer.resolved_statement

    def run(
        self,
        queries: Mapping[str, str],
        parameters: Sequence[Mapping[str, Any]],
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> Iterator[tuple[str, list[list[dict[str, Any]]]]]:
        """Run queries with the reference evaluator; yields the name of each, and its rows for each set of parameters.

        Args:
            queries: Their texts, by name.
            parameters: Sets of parameters. To analyse a query takes longer than to run it, and is done once for all.
            rows: The rows of tables, by full name; other tables are empty.
        """
        given = [
            [z.Parameter(name=name, value=_value(each.get(name), kind)) for name, kind in PARAMETERS.items()]
            for each in parameters
        ]
        with self._holding(rows, "\n".join(queries.values())) as catalog:
            for name, sql in queries.items():
                yield name, self._run(sql, given, catalog)

    @contextmanager
    def _holding(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], queries: str) -> Iterator[int]:
        """Register a catalog with the rows that queries can read; yields its number."""
        builder = self._functions("evaluated")
        contents = {}
        for name, table in self._tables.items():
            if name not in queries:
                continue
            columns = _read(table, queries)
            builder.add_table(_simple(table, _flat(name), columns))
            cells = [[_value(row.get(column)) for column in columns] for row in rows.get(name, [])]
            data = z.TableData(row=[z.TableData.Row(cell=each) for each in cells])
            contents[_flat(name)] = z.TableContent(table_data=data)
        number = self._service.register_catalog(simple_catalog=builder.build(), table_content=contents).registered_id
        try:
            yield number
        finally:
            self._service.unregister_catalog(registered_id=number)

    def _run(self, sql: str, parameters: list[list[z.Parameter]], catalog: int) -> list[list[dict[str, Any]]]:
        for name in self._tables:
            sql = sql.replace(name, _flat(name))
        try:
            with (
                PreparedQuery.builder()
                .set_sql(sql)
                .set_analyzer_options(self._options)
                .set_registered_catalog_id(catalog)
                .prepare() as query
            ):
                return [_rows(query, each) for each in parameters]
        except ZetaSQLError as error:
            raise RefusedError(str(error)) from error

    def _functions(self, name: str) -> CatalogBuilder:
        options = z.ZetaSQLBuiltinFunctionOptions(language_options=self._language)
        return CatalogBuilder(name).with_builtin_functions(options)


def _rows(query: PreparedQuery, parameters: list[z.Parameter]) -> list[dict[str, Any]]:
    data = query.execute(parameters=parameters).content.table_data
    names = [column.name for column in query.columns]
    return [dict(zip(names, (_python(cell) for cell in row.cell), strict=True)) for row in (data.row if data else [])]


def _flat(name: str) -> str:
    """Return a table's name in the evaluator, which knows no datasets."""
    return name.replace(".", "__")


def _read(table: TableSpec, sql: str) -> list[str]:
    """Return the columns of a table that queries can read: handing over the others takes most of the time."""
    every = [column.name for column in table.columns]
    if _STAR.search(sql):
        return every
    named = set(_WORD.findall(sql))
    return [name for name in every if name in named] or every[:1]


def _simple(table: TableSpec, name: str, columns: Sequence[str]) -> z.SimpleTable:
    builder = TableBuilder(name)
    for column in columns:
        builder.add_column(column, KINDS[table.column(column).type])
    return builder.build()


def _type(kind: str) -> z.Type:
    if kind.startswith("ARRAY<"):
        element = _type(kind.removeprefix("ARRAY<").removesuffix(">"))
        return z.Type(type_kind=z.TypeKind.TYPE_ARRAY, array_type=z.ArrayType(element_type=element))
    return z.Type(type_kind=KINDS[kind])


def _value(value: object, kind: str | None = None) -> z.Value:
    if value is None:
        return z.Value()
    if isinstance(value, list):
        return z.Value(array_value=z.Value.Array(element=[_value(each) for each in value]))
    if isinstance(value, bool):
        return z.Value(bool_value=value)
    if isinstance(value, datetime):
        moment = Timestamp()
        moment.FromDatetime(value)
        return z.Value(timestamp_value=moment)
    if isinstance(value, date):
        return z.Value(date_value=(value - EPOCH).days)
    if isinstance(value, int) and kind != "FLOAT64":
        return z.Value(int64_value=value)
    if isinstance(value, int | float):
        return z.Value(double_value=float(value))
    return z.Value(string_value=str(value))


def _python(value: z.Value) -> object:
    if value.date_value is not None:
        return date.fromordinal(EPOCH.toordinal() + value.date_value)
    if value.timestamp_value is not None:
        return A_MOMENT
    for name in ("bool_value", "int64_value", "double_value", "string_value"):
        found = getattr(value, name)
        if found is not None:
            return found
    return None


def comparable(row: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """Return a row so that equal ones are equal: a NaN, too, and 0.0 and -0.0 apart from nothing."""
    return tuple((name, _same(value)) for name, value in sorted(row.items()))


def _same(value: object) -> object:
    if isinstance(value, datetime):
        return A_MOMENT
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value

"""The catalogue: every table folder, read and checked once."""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.errors import CatalogueError, RequestError, describe_validation_error
from tasks.printable import shown
from tasks.settings import Settings
from tasks.tables.compose import compose, names_read, normalized, tables_read
from tasks.tables.spec import Build, Source, TableSpec
from tasks.teams import codes_sql

TABLES_DIR = Path(__file__).resolve().parent
SHARED_DIR = TABLES_DIR / "shared"


_NO_LOOK_BACK = """SELECT
  CAST(NULL AS STRING) AS who,
  CAST(NULL AS DATE) AS game_date,
  0 AS own_missing,
  '' AS missing_games
FROM UNNEST([1]) AS nothing
WHERE nothing = 0"""

_NO_CODE: Any = {"description": True, "ttl_days": True, "query": True, "columns": {"__all__": {"description"}}}

_once = cache  # a catalogue lives as long as the process, and never changes


class Catalogue:
    """All tables by name, with their queries."""

    def __init__(self, folders: Iterable[Path]) -> None:
        specs: dict[str, TableSpec] = {}
        queries: dict[str, Mapping[str, str]] = {}
        self._shared = {**_read_queries(SHARED_DIR), "team_codes": codes_sql()}
        for folder in folders:
            spec = _read_spec(folder)
            if spec.name in specs:
                raise CatalogueError(f"{folder}: there is a table folder named {spec.name} already; rename this one")
            queries[spec.name] = _read_queries(folder)
            if spec.role == "view":
                if "view" not in queries[spec.name]:
                    raise CatalogueError(f"{spec.name}: view.sql is missing; a view needs one")
                spec = spec.model_copy(update={"query": queries[spec.name]["view"]})
            specs[spec.name] = spec
        in_order = sorted(specs.values(), key=lambda spec: (spec.query is not None, spec.full_name))
        self.tables: Mapping[str, TableSpec] = MappingProxyType({spec.name: spec for spec in in_order})
        """By name; in an order in which they can be created: views last."""
        self._queries = queries
        self._read = self._names_read()
        self._check_references()

    def table(self, name: str) -> TableSpec:
        """Return the table of that name.

        Raises:
            RequestError: There is none; the message lists those there are.
        """
        try:
            return self.tables[name]
        except KeyError:
            raise RequestError(
                f"tables={shown(name)}: no such table; there are {', '.join(sorted(self.tables))}"
            ) from None

    def build(self, name: str) -> Build:
        """Return how a derived table is built.

        Raises:
            RequestError: The table is not a derived one.
        """
        build = self.table(name).build
        if build is None:
            raise RequestError(f"tables={shown(name)}: not a derived table; those are {', '.join(self.derived)}")
        return build

    @property
    def with_ttl(self) -> tuple[TableSpec, ...]:
        """The tables whose rows have a time to live, and are cleaned up; by name."""
        return tuple(spec for _, spec in sorted(self.tables.items()) if spec.ttl_days is not None)

    @property
    def derived(self) -> tuple[str, ...]:
        """The derived tables, dependencies first."""
        return self.in_order(name for name, spec in self.tables.items() if spec.build)

    def with_dependencies(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the named derived tables and all they depend on, dependencies first."""
        wanted: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += self.build(name).depends_on
        return self.in_order(wanted)

    def inputs(self, names: Iterable[str]) -> tuple[TableSpec, ...]:
        """Return the tables that derived tables are built from and that are not derived themselves, by name."""
        builds = [self.build(name) for name in names]
        read = {needed.table for build in builds for needed in build.inputs}
        read |= {source.table for build in builds for source in build.sources if source.table}
        read |= {"nba_schedule", "player_game_summary"}  # the reference is made of these two
        return tuple(self.tables[name] for name in sorted(read))

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the named derived tables, each after those it depends on, otherwise by name."""
        chosen = sorted(names)
        graph = {name: [d for d in sorted(self.build(name).depends_on) if d in chosen] for name in chosen}
        return tuple(TopologicalSorter(graph).static_order())

    @_once
    def as_read(self, name: str) -> TableSpec:
        """Return an input with the columns that are read of it, by whatever query; any other table as it is."""
        spec = self.table(name)
        if spec.role != "input":
            return spec
        used = {*self._read, *spec.grain, spec.partition, *spec.cluster}
        columns = tuple(column for column in spec.columns if column.name in used)
        return spec.model_copy(update={"columns": columns})

    def _names_read(self) -> set[str]:
        """Return every name in a query of those that derived tables are made by, or in what their sources need."""
        derived = [(spec.build, self._queries[spec.name].values()) for spec in self.tables.values() if spec.build]
        columns = {spec.full_name: {column.name for column in spec.columns} for spec in self.tables.values()}
        sources = [source for build, _ in derived for source in build.sources]
        texts = [*self._shared.values(), *(text for _, found in derived for text in found)]
        return names_read(texts, columns).union(*((*each.needs, *each.agrees_within) for each in sources))

    @_once
    def query(self, table: str, query: str, *, source: str | None = None, has_holes: bool = True) -> str:
        """Return the GoogleSQL text of a table's query, with every query that it names inlined.

        Args:
            table: The table's name.
            query: The file's name without ``.sql``.
            source: The source of the day's context: the name ``context`` then stands for ``context_<source>.sql``.
            has_holes: Whether a row may look back on a game that is not loaded as it was played.
        """
        known = self._known(table)
        if source is not None and f"context_{source}" in known:
            known["context"] = known[f"context_{source}"]
        if not has_holes:
            known["look_back"] = _NO_LOOK_BACK
        return compose(query, known)

    @_once
    def shared_query(self, query: str) -> str:
        """Return the GoogleSQL text of a query that belongs to no single table."""
        return compose(query, self._shared)

    @_once
    def complete(
        self,
        text: str,
        *,
        table: str | None = None,
        given: tuple[str, ...] = (),
        parts: tuple[tuple[str, str], ...] = (),
    ) -> str:
        """Return a query's text with every query that it names inlined.

        Args:
            text: GoogleSQL that may read shared queries, and those of ``table``, by their bare names.
            table: Whose queries it may read.
            given: Bare names that the warehouse resolves itself.
            parts: More queries that it may read, as pairs of name and text.
        """
        known = {**(self._known(table) if table else self._shared), **dict(parts), "": text}
        return compose("", known, given=given)

    def _known(self, table: str) -> dict[str, str]:
        """Return every query that a table's may read, by name: ``<source>_rows`` is what may be used of a source."""
        build = self.tables[table].build
        sources = build.sources if build else ()
        rows = {f"{each.name}_rows": self.source_rows(each) for each in sources if each.table}
        return {**self._shared, **rows, **self._queries[table]}

    def source_rows(self, source: Source) -> str:
        """Return GoogleSQL that selects a source's rows that say what they must, with the person of each."""
        read = self.as_read(source.table or "")
        columns = ",\n  ".join(f"s.{column.name}" for column in read.columns)
        needs = "".join(f"\n  AND {_is_known(read, name)}" for name in source.needs)
        return f"""SELECT
  {columns},
  COALESCE(NULLIF(TRIM(s.universal_player_id), ''), p.only_id, s.player_lookup) AS person
FROM {read.full_name} AS s
LEFT JOIN people AS p ON p.player_lookup = s.player_lookup
WHERE s.{read.partition} BETWEEN @first_date AND @game_date{needs}"""

    @_once
    def code_version(self, table: str) -> str:
        """Return a short digest of all that decides a table's rows: its folder's and its dependencies' content."""
        spec = self.table(table)
        digest = sha256(spec.model_dump_json(exclude=_NO_CODE).encode())
        for text in self._all_queries(table):
            digest.update(normalized(text).encode())
        for dependency in self.build(table).depends_on:
            digest.update(self.code_version(dependency).encode())
        return digest.hexdigest()[:12]

    def _all_queries(self, table: str) -> list[str]:
        """Return the complete text of all that a table's rows, and the expected ones, follow from."""
        builds = [self.query(table, "build", source=source.name) for source in self.build(table).sources]
        return [*builds, self.query(table, "expected")]

    def _check_references(self) -> None:
        for name, spec in self.tables.items():
            if spec.build is not None:
                self._check_build(name, spec.build)
        try:
            _ = self.derived
        except CycleError as error:
            raise CatalogueError(f"depends_on is circular: {' -> '.join(error.args[1])}") from error

    def _check_build(self, name: str, build: Build) -> None:
        for need in (*(i.table for i in build.inputs), *(s.table for s in build.sources if s.table)):
            if need not in self.tables:
                raise CatalogueError(f"{name}/table.yaml: reads {need}, and there is no such table folder")
        for dependency in build.depends_on:
            if dependency not in self.tables or self.tables[dependency].build is None:
                raise CatalogueError(f"{name}/table.yaml: depends_on {dependency}, which is not a derived table")
        for file in ("build", "expected"):
            if file not in self._queries[name]:
                raise CatalogueError(f"{name}: {file}.sql is missing; a derived table needs build.sql, expected.sql")
        for source in build.sources if len(build.sources) > 1 else ():
            if f"context_{source.name}" not in self._queries[name]:
                raise CatalogueError(f"{name}: context_{source.name}.sql is missing for source {source.name}")
        self._check_inputs(name, build)

    def _check_inputs(self, name: str, build: Build) -> None:
        """Compare what table.yaml says that is read with what the queries read: fingerprints follow from it."""
        said = (
            {each.table for each in build.inputs} | set(build.depends_on) | {s.table for s in build.sources if s.table}
        )
        read = {full for text in self._all_queries(name) for full in tables_read(text)}
        declared = {self.tables[each].full_name for each in said}
        if forgotten := sorted(read - declared):
            raise CatalogueError(
                f"{name}/table.yaml: its queries read {', '.join(forgotten)}, which inputs, depends_on and sources do "
                "not name; a change there would leave its days as they are"
            )


def load_catalogue(settings: Settings) -> Catalogue:
    """Read every table folder under tasks/tables, and those of the extra folder that the settings name.

    Raises:
        CatalogueError: A folder is incomplete or contradicts itself; the message names the file.
    """
    extra = settings.extra_tables_dir
    if extra is not None and not extra.is_dir():
        raise CatalogueError(f"FULLCOURT_EXTRA_TABLES_DIR={extra}: there is no such folder")
    return _load(tuple(d for d in (TABLES_DIR, extra) if d is not None))


@lru_cache(maxsize=8)
def _load(roots: tuple[Path, ...]) -> Catalogue:
    return Catalogue(file.parent for root in roots for file in sorted(root.glob("*/table.yaml")))


def _is_known(table: TableSpec, column: str) -> str:
    """Return the condition that a column's value is known: NaN and infinities, which no NUMERIC holds, are not."""
    value = f"SAFE_CAST(s.{column} AS NUMERIC)" if table.column(column).type == "FLOAT64" else f"s.{column}"
    return f"{value} IS NOT NULL"


def _read_spec(folder: Path) -> TableSpec:
    file = folder / "table.yaml"
    try:
        spec = TableSpec.model_validate(yaml.safe_load(_read(file)))
    except ValidationError as error:
        raise CatalogueError(f"{file}: {describe_validation_error(error)}") from error
    except yaml.YAMLError as error:
        raise CatalogueError(f"{file}: not valid YAML: {error}") from error
    if spec.name != folder.name:
        raise CatalogueError(f"{file}: name is {spec.name}, but the folder is {folder.name}; make them the same")
    return spec


def _read_queries(folder: Path) -> Mapping[str, str]:
    return {file.stem: _read(file).strip().removesuffix(";") for file in sorted(folder.glob("*.sql"))}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{file}: not UTF-8 text: {error}") from error

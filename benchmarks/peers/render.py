"""The SQL of the derived tables and of their gate, written out for tools that know nothing of the catalogue.

Two things are found once for the whole range and given to every peer, as the set-based limit finds them: which days
are built, and on which of them the pre-game table covers the expected set. They stand in the schema ``benchmark``.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb  # noqa: TID251 - the schema of the benchmark is not the application's

from benchmarks.limit import by_source, days_to_build
from tasks.settings import Settings
from tasks.tables.batch_query import reading_elsewhere
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.tables.compose import normalized
from tasks.tables.queries import typed
from tasks.tables.spec import TableSpec
from tasks.warehouse.dialect import to_duckdb
from tasks.warehouse.open import open_warehouse

DAYS = "benchmark.days"
_PARAMETER = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Table:
    """A derived table as a peer sees it, and its SQL; ``$first_date`` and ``$last_date`` stand for the days."""

    name: str
    full_name: str
    partition: str
    depends_on: tuple[str, ...]
    build: str
    """DuckDB's SQL for the rows of the days from ``$first_date`` to ``$last_date``."""
    gate: str
    """DuckDB's SQL for those of these days of which too few of the expected are there; no row if all are complete."""


def write_days(settings: Settings, first: date, last: date) -> None:
    """Add the schema ``benchmark`` to a warehouse: the days to build, and the pre-game rows that are good enough.

    Args:
        settings: The warehouse.
        first: The first day.
        last: The last day.
    """
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        read, days = days_to_build(warehouse, catalogue, settings, first, last)
        usable = {}
        for name in catalogue.derived:
            preferred = catalogue.build(name).preferred
            if preferred and preferred.table:
                chosen = by_source(warehouse, catalogue, name, read, days)
                usable[catalogue.table(preferred.table).full_name] = chosen.get(preferred.name, [])
    with closing(duckdb.connect(settings.duckdb_path)) as connection:
        connection.execute("CREATE SCHEMA benchmark")
        connection.execute(f"CREATE TABLE {DAYS} AS SELECT unnest($days)::DATE AS game_date", {"days": days})
        for table, those in usable.items():
            connection.execute(
                f"CREATE TABLE {_usable(table)} AS FROM {table} WHERE game_date IN (SELECT unnest($days)::DATE)",
                {"days": those},
            )


def tables(settings: Settings, first: date) -> list[Table]:
    """Return the derived tables, dependencies first.

    Args:
        settings: The warehouse.
        first: The first day of the range, which lies in one season.
    """
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        read, _ = days_to_build(warehouse, catalogue, settings, first, first)
    fixed = {
        "from_date": f"CAST('{read['from_date']}' AS DATE)",
        "min_players_per_team": str(read["min_players_per_team"]),
        "run_id": "'peer'",
        "processed_at": "CURRENT_TIMESTAMP",
        "game_date": "$last_date",
        "first_date": "$first_date",
    }
    return [_table(catalogue, catalogue.table(name), fixed) for name in catalogue.derived]


def with_dates(sql: str, first: str, last: str) -> str:
    """Return a rendered query with a peer's expressions for its first and its last day."""
    return _replaced(sql, {"first_date": first, "last_date": last})


def expand(text: str, values: Mapping[str, str | Callable[[str], str]]) -> str:
    """Return a project file with every ``<<name>>`` or ``<<name argument>>`` replaced."""

    def value(found: re.Match[str]) -> str:
        it = values[found[1]]
        return it if isinstance(it, str) else it(found[2])

    return re.sub(r"<<(\w+)(?: (\w+))?>>", value, text)


def write_project(
    source: Path, target: Path, derived: list[Table], values: Mapping[str, str], sql: Mapping[str, str]
) -> None:
    """Write a peer's project to a work folder, with the rendered SQL in it.

    A file whose name holds ``TABLE`` is written once for each table.

    Args:
        source: The project's files.
        target: The work folder.
        derived: The tables.
        values: What ``<<name>>`` stands for.
        sql: The peer's expressions: ``first_date`` and ``last_date`` for the days, ``gate_first_date`` and
            ``gate_last_date`` if the gate has others, ``this`` for the table that the gate looks at, and ``needs``, a
            line for each table that another one depends on.
    """
    expressions = {name: expand(text, values) for name, text in sql.items()}
    for file in sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        name = str(file.relative_to(source))
        text = file.read_text(encoding="utf-8")
        for table in derived if "TABLE" in name else [None]:
            written = target / (name.replace("TABLE", table.name) if table else name)
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(
                expand(text, {**values, **(_values(table, expressions) if table else {})}), encoding="utf-8"
            )


def _values(table: Table, sql: Mapping[str, str]) -> dict[str, str]:
    days = sql.get("first_date", "$first_date"), sql.get("last_date", "$last_date")
    gate_days = sql.get("gate_first_date", days[0]), sql.get("gate_last_date", days[1])
    gate = re.sub(rf"\b{re.escape(table.full_name)}\b", sql.get("this", table.full_name), table.gate)
    return {
        "table": table.name,
        "full_name": table.full_name,
        "partition": table.partition,
        "needs": "\n".join(sql.get("needs", "").replace("TABLE", name) for name in table.depends_on),
        "build": with_dates(table.build, *days),
        "gate": with_dates(gate, *gate_days),
    }


def _table(catalogue: Catalogue, table: TableSpec, fixed: Mapping[str, str]) -> Table:
    build = catalogue.build(table.name)
    source = build.sources[0]
    rows = catalogue.query(table.name, "build", source=source.name, has_holes=False)
    if source.table:
        pre_game = catalogue.table(source.table)
        rows = reading_elsewhere(rows, pre_game, _usable(pre_game.full_name))
    of_days = f"{typed(table, rows)}\nWHERE {table.partition} IN (SELECT game_date FROM {DAYS})"
    return Table(
        name=table.name,
        full_name=table.full_name,
        partition=table.partition,
        depends_on=build.depends_on,
        build=_duckdb(of_days, fixed),
        gate=_duckdb(_gate(catalogue, table), fixed),
    )


def _gate(catalogue: Catalogue, table: TableSpec) -> str:
    """The days of which too few of the expected are there. Grain: game_date, from @first_date to @game_date."""
    build = catalogue.build(table.name)
    key = "CONCAT(" + ", '|', ".join(f"COALESCE({name}, '')" for name in build.compared) + ")"
    text = f"""WITH wanted AS (
  SELECT DISTINCT game_date, {key} AS compared_key, {build.entity} AS entity
  FROM expected
  WHERE game_date IN (SELECT game_date FROM {DAYS})
),
there AS (
  SELECT DISTINCT {table.partition} AS game_date, {key} AS compared_key
  FROM {table.full_name}
  WHERE {table.partition} BETWEEN @first_date AND @game_date
)
SELECT
  w.game_date,
  COUNT(*) AS expected,
  COUNT(t.compared_key) AS covered,
  STRING_AGG(IF(t.compared_key IS NULL, w.entity, NULL), ',' ORDER BY w.entity) AS missing
FROM wanted AS w
LEFT JOIN there AS t ON t.game_date = w.game_date AND t.compared_key = w.compared_key
GROUP BY w.game_date
HAVING COUNT(t.compared_key) < {build.thresholds.block_below} * COUNT(*)"""
    return catalogue.complete(text, table=table.name)


def _duckdb(sql: str, fixed: Mapping[str, str]) -> str:
    """Return a query for DuckDB, without comments: a peer may look for its own macros in them."""
    return _replaced(to_duckdb(normalized(sql))[0], fixed)


def _usable(table: str) -> str:
    return f"benchmark.{table.partition('.')[2]}"


def _replaced(sql: str, values: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda found: values[found[1]], sql)

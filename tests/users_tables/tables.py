"""Tables as they stand in users' projects, made of the description beside this checkout."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from tasks.settings import PROJECT_ROOT, Settings
from tests.backdoor import run_sql
from tests.league import fetch

DESCRIPTION = PROJECT_ROOT.parent / "shared" / "spec" / "users_tables.yaml"
RAW_SCHEDULE = "nba_raw.nbac_schedule"
SCHEDULE = "nba_reference.nba_schedule"
_DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38, 9)",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "ARRAY<STRING>": "VARCHAR[]",
}
_FILLER = {
    "STRING": "",
    "INT64": 0,
    "BOOL": False,
    "TIMESTAMP": datetime(2023, 1, 1),  # noqa: DTZ001 - a literal of SQL, in UTC
}


@dataclass(frozen=True)
class UsersTable:
    """One of them."""

    full_name: str
    columns: Mapping[str, tuple[str, bool]]
    """The type of each, and whether it is NOT NULL."""
    layout: tuple[str, ...]


def read_description() -> dict[str, UsersTable]:
    """Return the tables by the names by which the description lists them."""
    found = {}
    for key, entry in yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8")).items():
        parts = [part.split() for part in entry["columns"].split(", ")]
        columns = {name: (kind.removesuffix("!"), kind.endswith("!")) for name, kind in parts}
        name = {"nbac_schedule": RAW_SCHEDULE}.get(entry["name"], entry["name"])
        full_name = name if "." in name else f"nba_analytics.{name}"
        found[key] = UsersTable(full_name, columns, tuple(entry["layout"]))
    return found


def make_tables(settings: Settings) -> dict[str, UsersTable]:
    """Make every table as its users have it, and the schedule as a view of the raw one."""
    tables = read_description()
    datasets = sorted({table.full_name.partition(".")[0] for table in tables.values()} | {SCHEDULE.partition(".")[0]})
    view = f"CREATE VIEW {SCHEDULE} AS SELECT * FROM {RAW_SCHEDULE} WHERE game_date >= DATE '2021-10-01'"
    if settings.warehouse == "duckdb":
        run_sql(
            settings,
            *(f"CREATE SCHEMA IF NOT EXISTS {dataset}" for dataset in datasets),
            *(f"CREATE TABLE {each.full_name} ({_columns(each, _DUCKDB_TYPES)})" for each in tables.values()),
            view,
        )
        return tables
    for dataset in datasets:
        fetch(settings, f"CREATE SCHEMA IF NOT EXISTS {dataset}")
    for each in tables.values():
        clauses = [clause for clause in each.layout if " BY " in clause]
        options = [clause for clause in each.layout if clause.startswith("require_partition_filter")]
        fetch(
            settings,
            f"CREATE TABLE {each.full_name} ({_columns(each)}) {' '.join(clauses)}"
            + (f" OPTIONS({', '.join(options)})" if options else ""),
        )
    fetch(settings, view)
    return tables


def put(settings: Settings, table: UsersTable, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows; what must not be NULL and is not given is filled with nothing in particular."""
    filler = {name: _FILLER[kind] for name, (kind, required) in table.columns.items() if required and kind in _FILLER}
    whole = [{name: value for name, value in (filler | dict(row)).items() if name in table.columns} for row in rows]
    names = sorted({name for row in whole for name in row})
    values = ",\n".join(f"({', '.join(_literal(row.get(name)) for name in names)})" for row in whole)
    run_sql(settings, f"INSERT INTO {table.full_name} ({', '.join(names)}) VALUES {values}")


def _columns(table: UsersTable, types: Mapping[str, str] | None = None) -> str:
    return ", ".join(
        f"{name} {types[kind] if types else kind}{' NOT NULL' if required else ''}"
        for name, (kind, required) in table.columns.items()
    )


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value:%Y-%m-%d %H:%M:%S}+00:00'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    return f"'{value}'" if isinstance(value, str) else str(value)

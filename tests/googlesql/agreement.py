"""Run the same statements on the same rows by both engines, and compare."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from tasks.settings import Settings
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.googlesql.analyser import GoogleSQL, comparable
from tests.googlesql.statements import catalogue, statements

Rows = dict[str, list[dict[str, Any]]]

DAY = date(2023, 1, 20)
START = date(2022, 10, 18)
ZONES = ("player_shot_zone_analysis", "team_defense_zone_analysis")


def parameters(day: date, start: date, first: date | None = None) -> dict[str, Any]:
    return {
        "first_date": first or day,
        "first_game": "0",
        "from_date": start,
        "newest_final": start,
        "cutoff": day,
        "days_from_box_scores": [day.isoformat()],
        "days_from_synthetic": [day.isoformat()],
        "days_from_upcoming": [(first or day).isoformat()],
        "game_date": day,
        "last_date": day,
        "last_game": "9",
        "min_players_per_team": 5,
        "most": 3,
        "published": ["complete"],
        "processed_at": datetime(2023, 6, 1, 12, 30, tzinfo=UTC),
        "run_id": "a run",
        "to_date": day,
    }


def write(settings: Settings, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Put the rows into an empty warehouse."""
    with open_warehouse(settings.connection()) as warehouse:
        for table in catalogue().tables.values():
            warehouse.create([table])
            given_rows = rows.get(table.full_name)
            if given_rows:
                arrow = pa.Table.from_pylist([dict(row) for row in given_rows], arrow_schema(table))
                warehouse.replace(table, arrow, match=[table.partition])


def with_zone_rows(settings: Settings, rows: Rows, windows: Sequence[Mapping[str, Any]]) -> Rows:
    """Add the rows of the zone tables, which the main table is built from."""
    built: Rows = {}
    with open_warehouse(settings.connection()) as warehouse:
        for name in ZONES:
            table = catalogue().table(name)
            sql = catalogue().query(name, "build", source=catalogue().build(name).fallback.name)
            found = [row for window in windows for row in warehouse.fetch(sql, window)]
            built[table.full_name] = found
            if found:
                arrow = pa.Table.from_pylist(found, arrow_schema(table))
                warehouse.replace(table, arrow, match=[table.partition])
    return rows | built


def assert_agree(
    googlesql: GoogleSQL,
    settings: Settings,
    rows: Rows,
    *windows: Mapping[str, Any],
    only: Collection[str] | None = None,
) -> int:
    """Run every statement, or only those named, on both; returns how many rows were compared.

    Args:
        googlesql: Google's evaluator.
        settings: An empty warehouse.
        rows: The rows of the inputs.
        windows: The ``parameters`` that each statement is run with, one after the other; of DAY if none is given.
        only: The names of the statements.
    """
    windows = windows or (parameters(DAY, START),)
    write(settings, rows)
    rows = with_zone_rows(settings, rows, windows)
    queries = {name: sql for name, sql in statements() if only is None or name in only}
    compared = 0
    with open_warehouse(settings.connection()) as warehouse:
        for name, found in googlesql.run(queries, windows, rows):
            for window, answer in zip(windows, found, strict=True):
                mine = [comparable(row) for row in warehouse.fetch(queries[name], window)]
                theirs = [comparable(row) for row in answer]
                for row in mine:
                    assert row in theirs, f"{name}: only DuckDB has this row: {_unlike(row, theirs)}"
                assert len(mine) == len(theirs), name
                compared += len(mine)
    return compared


def _unlike(row: tuple[tuple[str, object], ...], others: Sequence[tuple[tuple[str, object], ...]]) -> object:
    """Name the columns in which a row differs from the one that is most like it."""
    if not others:
        return row
    nearest = max(others, key=lambda other: len(set(map(repr, row)) & set(map(repr, other))))
    return [(mine, theirs[1]) for mine, theirs in zip(row, nearest, strict=True) if repr(mine) != repr(theirs)]

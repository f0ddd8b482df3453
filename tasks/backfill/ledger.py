"""The ledger: what was decided about each table and day, as rows of the warehouse."""

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import Any

from tasks.backfill.checkpoint import Attempt, Checkpoint, History, TableDay
from tasks.backfill.gate import PUBLISHED
from tasks.tables import queries
from tasks.tables.catalogue import Catalogue
from tasks.warehouse.base import Parameters, Row, Warehouse

LEDGER = "backfill_ledger"
_JSON_COLUMNS = ("missing", "source_missing", "inputs")


def read_ledger(warehouse: Warehouse, catalogue: Catalogue, days: Collection[date]) -> dict[TableDay, History]:
    """Return what the ledger says of each derived table and day; one query."""
    sql = queries.latest_ledger(catalogue.table(LEDGER))
    parameters: Parameters = {"from_date": min(days), "game_date": max(days), "published": sorted(PUBLISHED)}
    histories = dict[TableDay, History]()
    for row in warehouse.fetch(sql, parameters):  # in order of time
        of = row["table_name"], row["game_date"]
        if of[0] in catalogue.derived and of[1] in days:
            before = histories.get(of)
            histories[of] = History.of(checkpoint_of(row), before.published if before else None)
    return histories


def read_attempts(warehouse: Warehouse, catalogue: Catalogue, day: date) -> list[Checkpoint]:
    """Return every attempt at a day, of all derived tables, in order of time."""
    rows = warehouse.fetch(queries.ledger_of_day(catalogue.table(LEDGER)), {"game_date": day})
    return [checkpoint_of(row) for row in rows if row["table_name"] in catalogue.derived]


def read_last_attempts(
    warehouse: Warehouse, catalogue: Catalogue, days: Collection[date], *, most: int
) -> dict[TableDay, list[Attempt]]:
    """Return how the last attempts at each table and day ended, newest first; one query."""
    parameters: Parameters = {"from_date": min(days), "game_date": max(days), "most": most}
    found: defaultdict[TableDay, list[Attempt]] = defaultdict(list)
    for row in warehouse.fetch(queries.latest_attempts(catalogue.table(LEDGER)), parameters):
        found[row["table_name"], row["game_date"]].append(Attempt(row["outcome"], row["reason"], row["inputs"]))
    return dict(found)


def read_recorded_days(warehouse: Warehouse, catalogue: Catalogue) -> tuple[date, date] | None:
    """Return the first and the last day that the ledger knows; None if it is empty."""
    (row,) = warehouse.fetch(queries.recorded_days(catalogue.table(LEDGER)))
    return None if row["first_day"] is None else (row["first_day"], row["last_day"])


def ledger_row(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as a row of the ledger."""
    record = checkpoint.model_dump()
    return record | {name: json.dumps(record[name], sort_keys=True) for name in _JSON_COLUMNS}


def checkpoint_of(row: Row) -> Checkpoint:
    """Return the checkpoint of a row of the ledger."""
    return Checkpoint.model_validate(row | {name: json.loads(row[name]) for name in _JSON_COLUMNS})

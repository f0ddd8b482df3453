"""Write checkpoints, and read them back: from Prefect's artifacts and from the ledger in the warehouse."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.result import TableResult
from tasks.runtime import markdown
from tasks.runtime.artifacts import read_markdown, write_markdown
from tasks.runtime.origin import current_origin
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.text import some
from tasks.warehouse.base import Warehouse
from tasks.warehouse.open import open_warehouse

Place = tuple[str, date]

RECORDS = ("backfill_ledger", "precompute_failures")
_JSON_COLUMNS = ("missing", "source_missing", "inputs")


@step("record-checkpoints", run_name="record {game_date}")
def record_checkpoints(settings: Settings, game_date: date, results: Sequence[TableResult]) -> None:
    """Write a day's checkpoints: the ledger first, then the artifacts that mirror it.

    Args:
        settings: The application's.
        game_date: The day; it names the task run.
        results: One for each table that was tried.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    write_ledger(settings, game_date, results)
    for result in results:
        write_artifact(settings, result.checkpoint)


def write_ledger(settings: Settings, game_date: date, results: Sequence[TableResult]) -> None:
    """Append a ledger row for each checkpoint, and a failure row for each that is not done."""
    catalogue = load_catalogue(settings)
    failures = [result for result in results if not result.checkpoint.is_done]
    with open_warehouse(settings.connection(), current_origin("record", game_date=game_date)) as warehouse:
        warehouse.append(catalogue.table("backfill_ledger"), [_ledger_row(r.checkpoint) for r in results])
        if failures:
            warehouse.append(catalogue.table("precompute_failures"), [_failure_row(r) for r in failures])


def write_artifact(settings: Settings, checkpoint: Checkpoint) -> None:
    """Write the artifact that a person reads in Prefect's UI and ``parse_artifact`` reads back.

    An artifact that Prefect does not take is no loss: the ledger has the record, and the next plan writes it again.
    """
    key = artifact_key(settings, checkpoint.table_name, checkpoint.game_date)
    write_markdown(key, render_artifact(checkpoint), description=checkpoint.message)


def artifact_key(settings: Settings, table: str, game_date: date) -> str:
    """Return the key of a checkpoint's artifact: table, day, and a digest that tells this warehouse from others."""
    return f"{table.replace('_', '-')}-{game_date.isoformat()}-{settings.warehouse_digest}"


def render_artifact(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as markdown: a table for a person, then the whole record as JSON."""
    facts = {
        "outcome": checkpoint.outcome,
        "source": checkpoint.source,
        "why that source": checkpoint.source_reason,
        "covered": f"{checkpoint.covered} of {checkpoint.expected} expected, {checkpoint.share}",
        "rows published": checkpoint.row_count,
        "decided": checkpoint.message,
        "recorded": checkpoint.recorded_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    lines = [f"# {checkpoint.table_name} {checkpoint.game_date}", "", *markdown.table(("", ""), facts.items())]
    if checkpoint.missing:
        missing = ", ".join(checkpoint.missing)
        lines += ["", f"Missing ({len(checkpoint.missing)}): {markdown.text(missing)}"]
    if checkpoint.source_missing:
        count, missing = len(checkpoint.source_missing), some(checkpoint.source_missing, limit=20)
        lines += ["", f"Not in the preferred source ({count}): {markdown.text(missing)}"]
    return "\n".join([*lines, "", *markdown.record(checkpoint.model_dump_json(indent=1)), ""])


def parse_artifact(text: str) -> Checkpoint | None:
    """Read a checkpoint back from its artifact; None unless the text is what would be written of the record in it."""
    found = markdown.read_record(text)
    if found is None:
        return None
    try:
        checkpoint = Checkpoint.model_validate_json(found)
    except ValidationError:
        return None
    return checkpoint if render_artifact(checkpoint) == text else None


def read_checkpoints(
    warehouse: Warehouse, settings: Settings, tables: Collection[str], days: Collection[date], *, is_dry_run: bool
) -> dict[Place, Checkpoint]:
    """Return the last checkpoint of each table and day: the ledger's, or the artifact's where the ledger has none.

    The ledger lives and is restored with the rows that it speaks of. An artifact that says anything else is written
    again, unless nothing is to be changed: Prefect has lost it, or did not take the last one.
    """
    ledger = _read_ledger(warehouse, settings, tables, days)
    keys = {artifact_key(settings, table, day): (table, day) for table in tables for day in days}
    texts = read_markdown(keys)
    if texts is None:
        return ledger
    for key, place in keys.items() if not is_dry_run else ():
        if place in ledger and texts.get(key) != render_artifact(ledger[place]):
            write_artifact(settings, ledger[place])
    return _parsed({keys[key]: text for key, text in texts.items() if keys[key] not in ledger}) | ledger


def _parsed(texts: Mapping[Place, str]) -> dict[Place, Checkpoint]:
    found = {place: parse_artifact(text) for place, text in texts.items()}
    return {
        place: checkpoint
        for place, checkpoint in found.items()
        if checkpoint is not None and (checkpoint.table_name, checkpoint.game_date) == place
    }


def _read_ledger(
    warehouse: Warehouse, settings: Settings, tables: Collection[str], days: Collection[date]
) -> dict[Place, Checkpoint]:
    sql = queries.latest_ledger(load_catalogue(settings).table("backfill_ledger"))
    rows: Iterable[dict[str, Any]] = warehouse.fetch(sql, {"from_date": min(days), "game_date": max(days)})
    return {
        (row["table_name"], row["game_date"]): Checkpoint.model_validate({**row, **_from_json(row)})
        for row in rows
        if row["table_name"] in tables and row["game_date"] in days
    }


def _ledger_row(checkpoint: Checkpoint) -> dict[str, Any]:
    record = checkpoint.model_dump()
    return record | {name: json.dumps(record[name], sort_keys=True) for name in _JSON_COLUMNS}


def _from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.loads(row[name]) for name in _JSON_COLUMNS}


def _failure_row(result: TableResult) -> dict[str, Any]:
    return {
        **result.checkpoint.model_dump(),
        "category": result.checkpoint.reason or "unknown",
        "can_retry": result.can_retry,
    }

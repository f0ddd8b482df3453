"""Write checkpoints, and read them back: from Prefect's artifacts and from the ledger in the warehouse."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from tasks.backfill.checkpoint import Checkpoint, History, TableDay
from tasks.backfill.gate import NOT_DONE, PUBLISHED
from tasks.runtime import markdown
from tasks.runtime.artifacts import read_markdown, write_markdown
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.tables import queries
from tasks.text import first_of
from tasks.warehouse.base import Parameters, Warehouse

RECORDS = ("backfill_ledger", "precompute_failures")
HISTORY = "failure_history"
"""The view of both that says which failures are resolved."""
_JSON_COLUMNS = ("missing", "source_missing", "inputs")


def record_checkpoints(
    run: Run, game_date: date, checkpoints: Sequence[Checkpoint], retryable: Collection[str]
) -> None:
    """Write a day's checkpoints: the ledger first, then the artifacts that mirror it.

    Args:
        run: The current one.
        game_date: The day.
        checkpoints: One for each table that was tried.
        retryable: The tables that failed of an error that may pass.

    Raises:
        TransientError: Another attempt can succeed.
        WarehouseError: The warehouse refused.
    """
    failures = [_failure_row(each, each.table_name in retryable) for each in checkpoints if each.outcome in NOT_DONE]
    with run.warehouse("record", game_date=game_date) as warehouse:
        warehouse.append(run.catalogue.table("backfill_ledger"), [_ledger_row(each) for each in checkpoints])
        if failures:
            warehouse.append(run.catalogue.table("precompute_failures"), failures)
    for checkpoint in checkpoints:
        write_artifact(run.settings, checkpoint)


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
        "covered": _covered(checkpoint),
        "rows published": checkpoint.row_count,
        "decided": checkpoint.message,
        "recorded": checkpoint.recorded_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    if checkpoint.mean_completeness is not None:
        facts["mean completeness"] = checkpoint.completeness_percent
    if checkpoint.decision_reason is not None:
        facts |= {"decided by": checkpoint.decided_by, "reason of the decision": checkpoint.decision_reason}
    lines = [f"# {checkpoint.table_name} {checkpoint.game_date}", "", *markdown.table(("", ""), facts.items())]
    if checkpoint.missing:
        missing = ", ".join(checkpoint.missing)
        lines += ["", f"Missing ({len(checkpoint.missing)}): {markdown.text(missing)}"]
    if checkpoint.source_missing:
        count, missing = len(checkpoint.source_missing), first_of(checkpoint.source_missing, limit=20)
        lines += ["", f"Not in the preferred source ({count}): {markdown.text(missing)}"]
    return "\n".join([*lines, "", *markdown.record(checkpoint.model_dump_json(indent=1)), ""])


def _covered(checkpoint: Checkpoint) -> str:
    if checkpoint.covered is None:
        return "not counted: nothing was built"
    return f"{checkpoint.covered} of {checkpoint.expected} expected, {checkpoint.coverage_percent}"


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


def read_histories(
    run: Run, warehouse: Warehouse, tables: Collection[str], days: Collection[date]
) -> dict[TableDay, History]:
    """Return the history of each table and day: the ledger's, or the artifact's where the ledger has none.

    The ledger is restored with the rows that it describes. An artifact that says anything else is written
    again, unless nothing is to be changed: Prefect has lost it, or did not take the last one.
    """
    ledger = _read_ledger(run, warehouse, tables, days)
    keys = {artifact_key(run.settings, table, day): (table, day) for table in tables for day in days}
    texts = read_markdown(keys)
    if texts is None:
        return ledger
    for key, of in keys.items() if not run.dry_run else ():
        if of in ledger and texts.get(key) != render_artifact(ledger[of].last):
            write_artifact(run.settings, ledger[of].last)
    return _parsed({keys[key]: text for key, text in texts.items() if keys[key] not in ledger}) | ledger


def _parsed(texts: Mapping[TableDay, str]) -> dict[TableDay, History]:
    found = {of: parse_artifact(text) for of, text in texts.items()}
    return {
        of: History.of(checkpoint)
        for of, checkpoint in found.items()
        if checkpoint is not None and (checkpoint.table_name, checkpoint.game_date) == of
    }


def _read_ledger(
    run: Run, warehouse: Warehouse, tables: Collection[str], days: Collection[date]
) -> dict[TableDay, History]:
    sql = queries.latest_ledger(run.catalogue.table("backfill_ledger"))
    parameters: Parameters = {"from_date": min(days), "game_date": max(days), "published": sorted(PUBLISHED)}
    histories: dict[TableDay, History] = {}
    for row in warehouse.fetch(sql, parameters):  # in order of time
        of = row["table_name"], row["game_date"]
        if of[0] in tables and of[1] in days:
            checkpoint, before = Checkpoint.model_validate({**row, **_from_json(row)}), histories.get(of)
            histories[of] = History.of(checkpoint, before.published if before else None)
    return histories


def _ledger_row(checkpoint: Checkpoint) -> dict[str, Any]:
    record = checkpoint.model_dump()
    return record | {name: json.dumps(record[name], sort_keys=True) for name in _JSON_COLUMNS}


def _from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.loads(row[name]) for name in _JSON_COLUMNS}


def _failure_row(checkpoint: Checkpoint, can_retry: bool) -> dict[str, Any]:
    return {**checkpoint.model_dump(), "category": checkpoint.reason or "unknown", "can_retry": can_retry}

"""Write checkpoints, and read them back: from Prefect's artifacts and from the ledger in the warehouse."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tasks.backfill.checkpoint import Checkpoint, History, TableDay
from tasks.backfill.gate import NOT_DONE
from tasks.backfill.ledger import ledger_row, read_ledger
from tasks.backfill.result import DayResult
from tasks.runtime import markdown
from tasks.runtime.artifacts import read_markdown, write_markdown
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.text import first_of
from tasks.warehouse.base import Warehouse

RECORDS = ("backfill_ledger", "precompute_failures")
HISTORY = "failure_history"
"""The view of both that says which failures are resolved."""
_CHECKPOINTS = TypeAdapter(tuple[Checkpoint, ...])


def record_checkpoints(
    run: Run,
    game_date: date,
    checkpoints: Sequence[Checkpoint],
    *,
    retryable: Collection[str] = (),
    others: Iterable[Checkpoint] = (),
    written: set[str] | None = None,
) -> None:
    """Write a day's checkpoints: the ledger first, then the artifact that mirrors it.

    Args:
        run: The current one.
        game_date: The day.
        checkpoints: One for each table that was tried.
        retryable: The tables that failed of an error that may pass.
        others: The last checkpoints of the day's other tables.
        written: The tables that an earlier attempt has written to; those that this one writes to are added.

    Raises:
        TransientError: Another attempt can succeed.
        WarehouseError: The warehouse refused.
    """
    written = set() if written is None else written
    failed = [each for each in checkpoints if each.outcome in NOT_DONE]
    rows = {
        "backfill_ledger": [ledger_row(each) for each in checkpoints],
        "precompute_failures": [_failure_row(each, each.table_name in retryable) for each in failed],
    }
    with run.warehouse("record", game_date=game_date) as warehouse:
        for name in RECORDS:
            if rows[name] and name not in written:
                warehouse.append(run.catalogue.table(name), rows[name])
                written.add(name)
    _write_artifact(run, game_date, _in_order(run, [*others, *checkpoints]))


def _in_order(run: Run, checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Return the last checkpoint of each derived table, in the order in which the tables need each other."""
    last = {each.table_name: each for each in checkpoints}
    return [last[name] for name in run.catalogue.derived if name in last]


def _write_artifact(run: Run, game_date: date, checkpoints: Sequence[Checkpoint]) -> None:
    """Write the artifact that a person reads in Prefect's UI and ``parse_artifact`` reads back.

    An artifact that Prefect does not take is no loss: the ledger has the records, and the next plan writes it again.
    """
    said = "; ".join(f"{each.table_name} {each.outcome}: {each.message}" for each in checkpoints)
    write_markdown(artifact_key(run.settings, game_date), render_artifact(checkpoints), description=said)


def artifact_key(settings: Settings, game_date: date) -> str:
    """Return the key of a day's artifact: the day, and a digest that tells this warehouse from others."""
    return f"backfill-{game_date.isoformat()}-{settings.warehouse_digest}"


def former_key(settings: Settings, table: str, game_date: date) -> str:
    """Return the key that the artifact of one table of a day had before there was one for all of them."""
    return f"{table.replace('_', '-')}-{game_date.isoformat()}-{settings.warehouse_digest}"


def render_artifact(checkpoints: Sequence[Checkpoint]) -> str:
    """Return a day's checkpoints as markdown: a section a table for a person, then the whole records as JSON."""
    day = DayResult(game_date=checkpoints[0].game_date, kept=tuple(checkpoints))
    sections = [line for each in checkpoints for line in (*_section(each, "##"), "")]
    records = f"[{','.join(each.model_dump_json(indent=1) for each in checkpoints)}]"
    return "\n".join([f"# {day.game_date} {day.outcome}", "", *sections, *markdown.record(records), ""])


def render_former(checkpoint: Checkpoint) -> str:
    """Return one checkpoint as the markdown of an artifact of its own."""
    return "\n".join([*_section(checkpoint, "#"), "", *markdown.record(checkpoint.model_dump_json(indent=1)), ""])


def _section(checkpoint: Checkpoint, level: str) -> list[str]:
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
    lines = [f"{level} {checkpoint.table_name} {checkpoint.game_date}", "", *markdown.table(("", ""), facts.items())]
    if checkpoint.missing:
        missing = ", ".join(checkpoint.missing)
        lines += ["", f"Missing ({len(checkpoint.missing)}): {markdown.text(missing)}"]
    if checkpoint.source_missing:
        count, missing = len(checkpoint.source_missing), first_of(checkpoint.source_missing, limit=20)
        lines += ["", f"Not in the preferred source ({count}): {markdown.text(missing)}"]
    return lines


def _covered(checkpoint: Checkpoint) -> str:
    if checkpoint.covered is None:
        return "not counted: nothing was built"
    return f"{checkpoint.covered} of {checkpoint.expected} expected, {checkpoint.coverage_percent}"


def parse_artifact(text: str) -> tuple[Checkpoint, ...]:
    """Read a day's checkpoints back from its artifact; none unless the text is what would be written of them."""
    found = markdown.read_record(text)
    try:
        checkpoints = _CHECKPOINTS.validate_json(found or "[]")
    except ValidationError:
        return ()
    return checkpoints if checkpoints and render_artifact(checkpoints) == text else ()


def _parse_former(text: str) -> Checkpoint | None:
    """Read the checkpoint of an artifact of its own; None unless the text is what would be written of it."""
    found = markdown.read_record(text)
    try:
        checkpoint = Checkpoint.model_validate_json(found or "")
    except ValidationError:
        return None
    return checkpoint if render_former(checkpoint) == text else None


def read_histories(run: Run, warehouse: Warehouse, days: Collection[date]) -> dict[TableDay, History]:
    """Return the history of each derived table and day: the ledger's, or the artifact's where the ledger has none.

    The ledger is restored with the rows that it describes. An artifact that says anything else is written
    again, unless nothing is to be changed: Prefect has lost it, or did not take the last one.
    """
    histories, derived = read_ledger(warehouse, run.catalogue, days), run.catalogue.derived
    keys = {artifact_key(run.settings, day): day for day in days}
    texts = read_markdown(keys)
    if texts is None:
        return histories
    for key, text in texts.items():
        for each in parse_artifact(text):
            if each.game_date == keys[key] and each.table_name in derived:
                histories.setdefault((each.table_name, each.game_date), History.of(each))
    histories |= _read_former(run, [(name, day) for name in derived for day in days if (name, day) not in histories])
    for key, day in keys.items() if not run.dry_run else ():
        last = [histories[name, day].last for name in derived if (name, day) in histories]
        if last and texts.get(key) != render_artifact(last):
            _write_artifact(run, day, last)
    return histories


def _read_former(run: Run, wanted: Collection[TableDay]) -> dict[TableDay, History]:
    """Read the artifacts that each table of a day had before there was one for all of them."""
    keys = {former_key(run.settings, table, day): (table, day) for table, day in wanted}
    found = {}
    for key, text in (read_markdown(keys) or {}).items():
        checkpoint = _parse_former(text)
        if checkpoint is not None and (checkpoint.table_name, checkpoint.game_date) == keys[key]:
            found[keys[key]] = History.of(checkpoint)
    return found


def _failure_row(checkpoint: Checkpoint, can_retry: bool) -> dict[str, Any]:
    return {**checkpoint.model_dump(), "category": checkpoint.reason or "unknown", "can_retry": can_retry}

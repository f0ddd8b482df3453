"""The plan: for every day and table, what is there and what is to be done."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint, staleness
from tasks.backfill.day import Reference, SourceCoverage, SourceDecision
from tasks.backfill.gate import Outcome

State = Literal["none", "done", "stale", "forced", "blocked", "failed"]
Action = Literal["build", "keep", "nothing"]


class TablePlan(BaseModel):
    """One table's part of a day."""

    model_config = ConfigDict(frozen=True)

    table: str
    action: Action
    state: State
    why: str
    decision: SourceDecision
    coverage: SourceCoverage | None
    inputs: dict[str, str]
    code_version: str
    rows_there: int = 0
    checkpoint: Checkpoint | None = None


class DayPlan(BaseModel):
    """One day of the range. ``settled`` is its outcome where no work is needed to know it."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    season_start: date | None
    reference: Reference
    settled: Outcome | None
    tables: tuple[TablePlan, ...]
    absent_dependencies: tuple[str, ...] = ()
    """Tables that one of ``tables`` is built from, not done for this day and not part of this run."""
    bytes_to_read: int | None = None
    """What the day's queries would be billed for; None where reading is free, or there is no work."""

    @property
    def needs_work(self) -> bool:
        """Whether any table of the day is to be built."""
        return any(table.action == "build" for table in self.tables)


class Plan(BaseModel):
    """What a run is going to do."""

    model_config = ConfigDict(frozen=True)

    days: tuple[DayPlan, ...]
    creates: tuple[str, ...] = ()
    """Tables that are missing, and that a dry run does not create."""
    bytes_billed: int | None = None
    """What the queries of the plan itself were billed for; None where reading is free."""


def plan_table(
    table: str,
    *,
    checkpoint: Checkpoint | None,
    decision: SourceDecision,
    coverage: SourceCoverage | None,
    inputs: Mapping[str, str],
    code_version: str,
    rows_there: int,
    settled: Outcome | None,
    resume: bool,
) -> TablePlan:
    """Decide what is to be done for one table and day.

    Args:
        table: The derived table.
        checkpoint: The day's last one.
        decision: The source that would be taken now.
        coverage: What the preferred source covers now.
        inputs: Digest of every input as it is now.
        code_version: That of the table now.
        rows_there: Rows that the table holds for the day now.
        settled: The day's outcome if no work is needed to know it.
        resume: Keep what is done; False does every day again.
    """
    state, why, action = _state(checkpoint, inputs, code_version, rows_there, decision.source)
    if settled == "no_games" and rows_there:
        state, why, action = "stale", f"the table holds {rows_there} rows, the schedule says no games", "build"
    elif settled is not None:
        action, why = "nothing", settled
    elif not resume and action == "keep":
        action, why = "build", "every day is asked for again"
    return TablePlan(
        table=table,
        action=action,
        state=state,
        why=why,
        decision=decision,
        coverage=coverage,
        inputs=dict(inputs),
        code_version=code_version,
        rows_there=rows_there,
        checkpoint=checkpoint and checkpoint.brief(),
    )


def input_digest(days: Sequence[tuple[date, str]]) -> str:
    """Join the digests of the days that an input's window covers; order matters, gaps do not."""
    digest = sha256()
    for day, content in days:
        digest.update(f"{day.isoformat()}:{content};".encode())
    return digest.hexdigest()[:16]


def _state(
    checkpoint: Checkpoint | None, inputs: Mapping[str, str], code_version: str, rows_there: int, source: str
) -> tuple[State, str, Action]:
    if checkpoint is None:
        return "none", "no checkpoint", "build"
    if checkpoint.outcome == "blocked":
        return "blocked", f"blocked before: {checkpoint.reason}", "build"
    if not checkpoint.is_done:
        return "failed", f"failed before: {checkpoint.reason}", "build"
    stale = staleness(checkpoint, inputs=inputs, code_version=code_version, rows_there=rows_there, source=source)
    if stale:
        return "stale", "; ".join(stale), "build"
    if checkpoint.outcome == "forced":
        return "forced", "forced before", "keep"
    return "done", "done before", "keep"

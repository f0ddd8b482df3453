"""What came of one day."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.gate import NOT_DONE, Outcome

# The worst first: a day's outcome is that of its worst table.
_SEVERITY: Sequence[Outcome] = (
    "failed",
    "blocked",
    "not_tried",
    "forced",
    "complete_with_warning",
    "dry_run",
    "complete",
    "skipped_bootstrap",
    "no_games",
)


class TableResult(BaseModel):
    """One table's part of a day: the checkpoint that says it, and whether this run wrote it."""

    model_config = ConfigDict(frozen=True)

    checkpoint: Checkpoint
    is_new: bool
    can_retry: bool = False
    would_be: Outcome | None = None
    """In a dry run: the outcome that a real one would have had."""


class DayResult(BaseModel):
    """What came of one day."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    settled: Outcome | None = None
    tables: tuple[TableResult, ...] = ()

    def __repr__(self) -> str:
        return f"DayResult({self.game_date}, {self.outcome})"  # Prefect logs it with a failed day's state

    def brief(self) -> "DayResult":
        """Return it without what only the records of its checkpoints need."""
        tables = tuple(t.model_copy(update={"checkpoint": t.checkpoint.brief()}) for t in self.tables)
        return self.model_copy(update={"tables": tables})

    @property
    def outcome(self) -> Outcome:
        """The outcome of the worst table."""
        outcomes = {result.checkpoint.outcome for result in self.tables} or {self.settled or "not_tried"}
        return next(outcome for outcome in _SEVERITY if outcome in outcomes)

    @property
    def is_done(self) -> bool:
        """Whether nothing of the day is left to do."""
        return self.outcome not in NOT_DONE

    @property
    def cause(self) -> str | None:
        """What the day failed of, by kind; None if it did not fail. A blocked day did not fail: it was judged."""
        reasons = sorted(r.checkpoint.reason or "" for r in self.tables if r.checkpoint.outcome == "failed")
        return ", ".join(reasons) if reasons else None

    @property
    def summary(self) -> str:
        """The outcome and, where the day is not done, the first reason."""
        for result in self.tables:
            if result.checkpoint.outcome == self.outcome and self.outcome in NOT_DONE:
                return f"{self.outcome}: {result.checkpoint.table_name}: {result.checkpoint.message}"
        return self.outcome

"""What came of one day."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import Reason
from tasks.backfill.gate import NOT_DONE, Outcome

# The worst first: a day's outcome is that of its worst table.
_SEVERITY: Sequence[Outcome] = (
    "failed",
    "blocked",
    "not_tried",
    "waived",
    "forced",
    "complete_with_warning",
    "dry_run",
    "complete",
    "skipped_bootstrap",
    "no_games",
)


class DayResult(BaseModel):
    """What came of one day: the last checkpoint of each of its tables."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    skipped: Outcome | None = None
    """The outcome of a day without checkpoints."""
    kept: tuple[Checkpoint, ...] = ()
    """Of an earlier run."""
    tried: tuple[Checkpoint, ...] = ()
    """Of this run."""

    def __repr__(self) -> str:
        return f"DayResult({self.game_date}, {self.outcome})"  # Prefect logs it with a failed day's state

    def for_report(self) -> "DayResult":
        """Return it without what only the ledger needs."""
        kept, tried = (tuple(each.for_report() for each in found) for found in (self.kept, self.tried))
        return self.model_copy(update={"kept": kept, "tried": tried})

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """One for each table of the day."""
        return (*self.kept, *self.tried)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the worst table."""
        outcomes = {checkpoint.outcome for checkpoint in self.checkpoints} or {self.skipped or "not_tried"}
        return next(outcome for outcome in _SEVERITY if outcome in outcomes)

    @property
    def is_done(self) -> bool:
        """Whether nothing of the day is left to do."""
        return self.outcome not in NOT_DONE

    @property
    def cause(self) -> str | None:
        """What the day failed of, by kind; None if it did not fail. A blocked day did not fail: it was judged."""
        reasons = sorted(each.reason or "" for each in self.checkpoints if each.outcome == "failed")
        return ", ".join(reasons) if reasons else None

    @property
    def summary(self) -> str:
        """The outcome and, where the day is not done, the first reason."""
        for checkpoint in self.checkpoints:
            if checkpoint.outcome == self.outcome and self.outcome in NOT_DONE:
                return f"{self.outcome}: {checkpoint.table_name}: {checkpoint.message}"
        return self.outcome


def only_waits(reasons: Collection[Reason], waits_for: AbstractSet[str], retryable: AbstractSet[str]) -> bool:
    """Tell whether a table is blocked for nothing but others, each of which another attempt may do.

    Args:
        reasons: Why it is blocked.
        waits_for: The tables that it is built from and that are not done.
        retryable: The tables of which another attempt can succeed with the same inputs.
    """
    return {each.category for each in reasons} == {"dependency_blocked"} and waits_for <= retryable

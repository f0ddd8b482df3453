"""What a person decides about a day against the gate: to publish it all the same, or to do without it."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import NamedTuple

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import Reason, Reference
from tasks.backfill.replacement import WORSE, Standing
from tasks.tables.spec import LookBack

NO_REASON = "no reason given"
REFERENCE = "reference"
"""The name of the audit of the games among the inputs of a day."""
NOT_WAIVED = (
    "coverage_below_threshold",
    WORSE,
    "dependency_blocked",
    "dependency_missing",
    "dependency_stale",
)
"""Not for want of data that will never come: of these something can be published, or another table must be done."""


class Decision(NamedTuple):
    """Why a person overruled the gate, and who it was, as far as it is known."""

    reason: str
    by: str


def waiver(
    reasons: Collection[Reason], *, asked: Decision | None, last: Checkpoint | None, there: Standing | None
) -> Decision | None:
    """Return the decision by which a blocked day is waived; None if it stays blocked.

    A waiver holds for what it was given for: a day that is blocked for anything else, or of which something is
    published, stays blocked.

    Args:
        reasons: Why the day is blocked.
        asked: The run's own decision.
        last: The last attempt, which may have been waived.
        there: What is published already.
    """
    if there is not None or not all(each.overridable and each.category not in NOT_WAIVED for each in reasons):
        return None
    if asked is not None:
        return asked
    if last is None or last.outcome != "waived" or not all(str(each) in last.message for each in reasons):
        return None
    return Decision(last.decision_reason or NO_REASON, last.decided_by or "unknown")


def reference_digest(reference: Reference, looks_back_on: LookBack = "season") -> str:
    """Return a digest of what is wrong with a day's games, and with those before it: its verdict follows from that."""
    wrong = [*reference.blocks(), *reference.warnings(looks_back_on)]
    return sha256("; ".join(map(str, wrong)).encode()).hexdigest()[:16]


def decided(outcome: str, reasons: Sequence[Reason], decision: Decision) -> str:
    """Say what was decided, over what, by whom and why."""
    over = ", ".join(dict.fromkeys(each.category for each in reasons if each.overridable))
    return f"{outcome} over {over} by {decision.by}: {decision.reason}"

"""The gate: judges a day's staged rows before anything is published."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.backfill.day import Reason
from tasks.tables.spec import Thresholds
from tasks.text import first_of, percent

Outcome = Literal[
    "complete",
    "complete_with_warning",
    "forced",
    "waived",
    "blocked",
    "failed",
    "skipped_bootstrap",
    "no_games",
    "dry_run",
    "not_tried",
]
PUBLISHED: frozenset[Outcome] = frozenset({"complete", "complete_with_warning", "forced"})
NOT_DONE: frozenset[Outcome] = frozenset({"blocked", "failed", "not_tried"})


class StagedFacts(BaseModel):
    """What was read back from a day's staged rows."""

    model_config = ConfigDict(frozen=True)

    row_count: int
    expected: int
    covered: int
    missing: tuple[str, ...] = ()
    unexpected: int = 0
    duplicate_keys: int = 0
    null_keys: int = 0
    other_days: int = 0
    rows_with_values: int
    rows_digest: str | None = None
    """Of the rows' content."""
    look_back_coverage: float | None = None
    """Share of the expected whose look-back has no hole, from 0 to 1; None if it is unknown."""
    mean_completeness: float | None = None
    """Mean share of the rows' inputs that are known, in percent; None if the table has no such column."""
    out_of_range: dict[str, int] = {}

    @property
    def coverage(self) -> float:
        """Covered / expected, from 0 to 1; 0 if nothing is expected."""
        return self.covered / self.expected if self.expected else 0.0


class Verdict(BaseModel):
    """What the gate decided, on what, and how many rows were published of it."""

    model_config = ConfigDict(frozen=True)

    facts: StagedFacts
    outcome: Literal["complete", "complete_with_warning", "forced", "blocked"]
    reasons: tuple[Reason, ...] = ()
    published_rows: int = 0

    @property
    def publishes(self) -> bool:
        """Whether the staged rows may replace the day."""
        return self.outcome != "blocked"


def judge(
    facts: StagedFacts,
    thresholds: Thresholds,
    *,
    force: bool = False,
    before: Iterable[Reason] = (),
    worse: Iterable[Reason] = (),
    may_be_empty: bool = False,
) -> Verdict:
    """Decide whether staged rows may be published.

    Args:
        facts: Read back from the staged rows.
        thresholds: Coverage from 0 to 1; a day exactly at a threshold is on its better side.
        force: Publish although coverage, or the reference behind it, is not enough; never against integrity.
        before: What earlier checks object to.
        worse: Why the rows that are published already are better.
        may_be_empty: Whether there may be nothing to build: no game was played before the first day of a season.
    """
    judgement, warnings = list(before), list[Reason]()
    if may_be_empty and not (facts.expected or facts.row_count or judgement):
        return Verdict(facts=facts, outcome="complete")
    integrity = _integrity(facts)
    coverage = facts.coverage
    counts = f"{facts.covered} of {facts.expected} expected are there ({percent(coverage)})"
    if coverage < thresholds.block_below:
        message = f"{counts}, below {percent(thresholds.block_below)}; missing: {first_of(facts.missing)}"
        judgement.append(Reason(category="coverage_below_threshold", message=message, overridable=True))
    elif coverage < thresholds.warn_below:
        message = f"{counts}, below {percent(thresholds.warn_below)}; missing: {first_of(facts.missing)}"
        warnings.append(Reason(category="coverage_low", message=message))
    judgement += worse
    if facts.unexpected:
        message = f"{facts.unexpected} entities have a row but are not expected"
        warnings.append(Reason(category="unexpected_rows", message=message))
    final = [reason for reason in judgement if not reason.overridable]
    if integrity or final or (judgement and not force):
        return Verdict(facts=facts, outcome="blocked", reasons=(*integrity, *judgement))
    if judgement:
        return Verdict(facts=facts, outcome="forced", reasons=(*judgement, *warnings))
    outcome: Outcome = "complete_with_warning" if warnings else "complete"
    return Verdict(facts=facts, outcome=outcome, reasons=tuple(warnings))


def _integrity(facts: StagedFacts) -> list[Reason]:
    if not facts.row_count:
        return [Reason(category="no_rows", message="the build made no row at all")]
    found = {
        "duplicate_keys": (facts.duplicate_keys, "keys stand on more than one row"),
        "null_keys": (facts.null_keys, "rows have a NULL in their key"),
        "wrong_day": (facts.other_days, "rows belong to another day"),
    }
    reasons = [
        Reason(category=category, message=f"{count} {what}; look for the same in the inputs")
        for category, (count, what) in found.items()
        if count
    ]
    reasons += [
        Reason(category="out_of_range", message=f"{count} values of {column} are outside the range of table.yaml")
        for column, count in facts.out_of_range.items()
        if count
    ]
    if not facts.rows_with_values:
        reasons.append(Reason(category="all_null", message="every score of every row is NULL"))
    return reasons

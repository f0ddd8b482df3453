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
    duplicates: tuple[str, ...] = ()
    """Whose keys these are, by name."""
    null_keys: int = 0
    other_days: int = 0
    rows_with_values: int
    rows_digest: str | None = None
    """Of the rows' content."""
    out_of_range: dict[str, int] = {}
    rows_without_own_games: int = 0
    """Rows that look back on a game of their own that is not loaded as it was played."""
    rows_without_games: int = 0
    """Rows that look back on any such game: their own, the team's or the opponent's."""
    look_back_touched: tuple[str, ...] = ()
    """Whose rows these are, by name."""
    rows_look_back_unknown: int = 0
    """Rows that do not say what they look back on in vain; those of a build always do."""
    mean_completeness: float | None = None
    """Mean share of the inputs that are known, in percent; None where a table does not say."""
    is_suspect: bool = False
    """A score has one value for all, or most rows lack an input: the 30 days before tell whether that is as ever."""
    constant_columns: tuple[str, ...] = ()
    """Scores with one value for all, which differed in the 30 days before."""
    unknown_anew: tuple[str, ...] = ()
    """Inputs that more than half of the rows lack, and most rows of the 30 days before had."""

    @property
    def look_back_coverage(self) -> float:
        """Share of the rows whose own look-back lacks no game, from 0 to 1; 1 of no rows."""
        return 1 - self.rows_without_own_games / self.row_count if self.row_count else 1.0

    @property
    def known_look_back_coverage(self) -> float | None:
        """The same; None if it is unknown of any row."""
        return None if self.rows_look_back_unknown else self.look_back_coverage

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
    complete_from: float | None = None,
    force: bool = False,
    before: Iterable[Reason] = (),
    worse: Iterable[Reason] = (),
    may_be_empty: bool = False,
    is_after_break: bool = False,
) -> Verdict:
    """Decide whether staged rows may be published.

    Args:
        facts: Read back from the staged rows.
        thresholds: Shares from 0 to 1; a day exactly at a threshold is on its better side.
        complete_from: Mean completeness in percent below which there is a warning.
        force: Publish although judgement says no; never against integrity.
        before: What earlier checks object to.
        worse: Why the rows that are published already are better.
        is_after_break: Whether many teams have not played for a week; then no value is suspicious for being unusual.
        may_be_empty: Whether there may be nothing to build: no game was played before the first day of a season.
    """
    before = tuple(before)
    if may_be_empty and not (facts.expected or facts.row_count or before):
        return Verdict(facts=facts, outcome="complete")
    judgement = [*before, *_below(facts, thresholds), *worse]
    if not is_after_break:
        judgement += _suspicious(facts)
    integrity = _integrity(facts)
    warnings = _warnings(facts, thresholds, complete_from)
    final = [reason for reason in judgement if not reason.overridable]
    if integrity or final or (judgement and not force):
        return Verdict(facts=facts, outcome="blocked", reasons=(*integrity, *judgement))
    if judgement:
        return Verdict(facts=facts, outcome="forced", reasons=(*judgement, *warnings))
    outcome: Outcome = "complete_with_warning" if warnings else "complete"
    return Verdict(facts=facts, outcome=outcome, reasons=tuple(warnings))


def _coverage_message(facts: StagedFacts, threshold: float) -> str:
    counts = f"{facts.covered} of {facts.expected} expected are there ({percent(facts.coverage)})"
    return f"{counts}, below {percent(threshold)}; missing: {first_of(facts.missing)}"


def _look_back_message(facts: StagedFacts) -> str:
    return (
        f"{facts.rows_without_games} of {facts.row_count} rows look back on a game that is not loaded as played, "
        f"be it their own, their team's or their opponent's: {first_of(facts.look_back_touched)}; "
        f"{percent(facts.look_back_coverage)} lack none of their own"
    )


def _below(facts: StagedFacts, thresholds: Thresholds) -> list[Reason]:
    """Return the shares that are too low to publish."""
    reasons = []
    if facts.coverage < thresholds.block_below:
        message = _coverage_message(facts, thresholds.block_below)
        reasons.append(Reason(category="coverage_below_threshold", message=message, overridable=True))
    if facts.look_back_coverage < thresholds.look_back_block_below:
        message = f"{_look_back_message(facts)}, below {percent(thresholds.look_back_block_below)}"
        reasons.append(Reason(category="look_back_incomplete", message=message, overridable=True))
    return reasons


def _suspicious(facts: StagedFacts) -> list[Reason]:
    """Return what rows of the days before make hard to believe."""
    messages = []
    if facts.constant_columns:
        messages.append(f"one value for all in {', '.join(facts.constant_columns)}, unlike in the 30 days before")
    if facts.unknown_anew:
        messages.append(f"unknown for most rows, and known in the 30 days before: {', '.join(facts.unknown_anew)}")
    return [
        Reason(category="values_suspicious", message=f"{message}; look at the inputs of the day", overridable=True)
        for message in messages
    ]


def _warnings(facts: StagedFacts, thresholds: Thresholds, complete_from: float | None) -> list[Reason]:
    reasons = []
    if facts.expected and thresholds.block_below <= facts.coverage < thresholds.warn_below:
        reasons.append(Reason(category="coverage_low", message=_coverage_message(facts, thresholds.warn_below)))
    if facts.rows_without_games and facts.look_back_coverage >= thresholds.look_back_block_below:
        reasons.append(Reason(category="look_back_incomplete", message=_look_back_message(facts)))
    if facts.mean_completeness is not None and complete_from is not None and facts.mean_completeness < complete_from:
        message = f"{facts.mean_completeness:.1f} % of the inputs are known on average, below {complete_from:g} %"
        reasons.append(Reason(category="completeness_low", message=message))
    if facts.unexpected:
        message = f"{facts.unexpected} entities have a row but are not expected"
        reasons.append(Reason(category="unexpected_rows", message=message))
    return reasons


def _integrity(facts: StagedFacts) -> list[Reason]:
    if not facts.row_count:
        return [Reason(category="no_rows", message="the build made no row at all")]
    whose = f": {first_of(facts.duplicates)}" if facts.duplicates else ""
    found = {
        "duplicate_keys": (facts.duplicate_keys, f"keys stand on more than one row{whose}"),
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

"""What a day that is published already may be replaced by: never by less, and not without a reason."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint, Rows
from tasks.backfill.day import Reason
from tasks.backfill.gate import StagedFacts
from tasks.tables.spec import Build
from tasks.text import percent

WORSE = "would_be_worse"
"""The category of the reason that keeps what is there."""


class Standing(BaseModel):
    """The rows that are there for a day that was published, and what they are worth at best."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    recorded_at: datetime
    source: str | None
    covered: int | None
    expected: int | None
    look_back_coverage: float | None
    """None if it is unknown, or of other rows."""

    def __str__(self) -> str:
        return f"what run {self.run_id} published on {self.recorded_at:%Y-%m-%d}"

    @property
    def coverage(self) -> float | None:
        """Covered / expected, from 0 to 1; None if it is unknown."""
        return self.covered / self.expected if self.expected and self.covered is not None else None


def standing(published: Checkpoint | None, rows: Rows) -> Standing | None:
    """Return what a day's rows are worth; None if nothing was published, or nothing of it is left.

    Of rows that are not those that were published only the number is known: they cover no more than that.
    """
    if published is None or not rows.count:
        return None
    is_same, covered = published.has_published(rows), published.covered
    return Standing(
        run_id=published.run_id,
        recorded_at=published.recorded_at,
        source=published.source,
        covered=covered if is_same or covered is None else min(covered, rows.count),
        expected=published.expected,
        look_back_coverage=published.look_back_coverage if is_same else None,
    )


def worse(facts: StagedFacts, there: Standing | None) -> tuple[Reason, ...]:
    """Say why staged rows must not replace those that are there; empty if they are at least as good.

    A share that is unknown of those that are there is not compared.
    """
    if there is None:
        return ()
    less = []
    if there.coverage is not None and facts.coverage < there.coverage:
        before = _counts(there.covered, there.expected, there.coverage)
        less.append(f"would cover {_counts(facts.covered, facts.expected, facts.coverage)} instead of {before}")
    now, then = facts.look_back_coverage, there.look_back_coverage
    if then is not None and now < then:
        less.append(f"would lack none of their own earlier games in {percent(now)} instead of {percent(then)}")
    if not less:
        return ()
    message = f"the new rows {' and '.join(less)}, compared with {there}; repair the inputs, or use force"
    return (Reason(category=WORSE, message=message, overridable=True),)


def why_another_source(build: Build, source: str, there: Standing | None, why: str) -> str | None:
    """Say what made a day be built from the fallback after the preferred source; None if it was not.

    Args:
        build: The table's build.
        source: What the day is built from now.
        there: What was published before.
        why: Why the day is built again.
    """
    if (
        there is None
        or build.preferred is None
        or not build.is_fallback(source)
        or there.source != build.preferred.name
    ):
        return None
    return f"it was built from {there.source} before, which no longer covers the day; built again because {why}"


def _counts(covered: int | None, expected: int | None, coverage: float) -> str:
    return f"{covered} of {expected} ({percent(coverage)})"

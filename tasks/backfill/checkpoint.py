"""A checkpoint: what was decided about one table and day, and whether that still holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from tasks.backfill.gate import PUBLISHED, Outcome
from tasks.text import percent

TableDay = tuple[str, date]
"""A table's name and a day."""
OTHER_ROWS = "the rows that are there are not those that were published"
"""Said where their number is right."""
ADOPTED = "adopted as the rows were; nothing was written"
"""The reason of the source of a day that no run built."""


@dataclass(frozen=True)
class Rows:
    """The rows that a table holds for a day."""

    count: int = 0
    digest: str | None = None
    """Of their content; None without rows."""


class Checkpoint(BaseModel):
    """The record of one attempt at one table and day; the same in the artifact and in the ledger."""

    model_config = ConfigDict(frozen=True)

    table_name: str
    game_date: date
    run_id: str
    attempt: int = 1
    outcome: Outcome
    reason: str | None = None
    message: str
    source: str | None = None
    source_reason: str | None = None
    source_missing: tuple[str, ...] = ()
    """Expected, but not in the preferred source, whether or not it was used."""
    expected: int | None = None
    covered: int | None = None
    coverage: float | None = None
    look_back_coverage: float | None = None
    """Share of the expected whose look-back has no hole."""
    mean_completeness: float | None = None
    """Mean share of the rows' inputs that are known, in percent; None if the table does not say it."""
    expected_digest: str | None = None
    """Of who was expected, by player and game; None if the table does not depend on who played on the day."""
    row_count: int | None = None
    rows_digest: str | None = None
    """Of the content of the rows published; None in records that are older than it."""
    missing: tuple[str, ...] = ()
    decision_reason: str | None = None
    """Why a person overruled the gate; None if nobody did."""
    decided_by: str | None = None
    """Who it was, as far as it is known."""
    inputs: dict[str, str] = {}
    code_version: str
    started_at: datetime
    recorded_at: datetime

    @field_validator("inputs")
    @classmethod
    def _in_order(cls, inputs: dict[str, str]) -> dict[str, str]:
        """Put the inputs in the order in which the ledger has them: one record is one text."""
        return dict(sorted(inputs.items()))

    @property
    def is_done(self) -> bool:
        """Whether the day was published."""
        return self.outcome in PUBLISHED

    def has_published(self, rows: Rows) -> bool:
        """Tell whether the rows that are there are those that were published, as far as the record can tell."""
        return rows.count == self.row_count and self.rows_digest in (None, rows.digest)

    @property
    def is_adopted(self) -> bool:
        """Whether the rows were there, and no run built them."""
        return self.source_reason == ADOPTED

    def for_report(self) -> "Checkpoint":
        """Return it without what only the ledger needs: a run keeps one of every day to its end."""
        return self.model_copy(update={"source_missing": (), "inputs": {}})

    @property
    def completeness_percent(self) -> str:
        """Mean completeness for a person to read."""
        return "" if self.mean_completeness is None else percent(self.mean_completeness / 100)

    @property
    def coverage_percent(self) -> str:
        """Coverage for a person to read."""
        return "" if self.coverage is None else percent(self.coverage)


class Attempt(NamedTuple):
    """How an attempt at a table and day ended."""

    outcome: str
    reason: str | None
    inputs: str
    """What it was made on, as the ledger has it."""


@dataclass(frozen=True)
class History:
    """What the records say of one table and day."""

    last: Checkpoint
    """The last attempt."""
    published: Checkpoint | None
    """The last one that published; attempts after it have left its rows in place."""

    @classmethod
    def of(cls, last: Checkpoint, published: Checkpoint | None = None) -> "History":
        """Return the history that ends with a checkpoint."""
        return cls(last, last if last.is_done else published)


@dataclass(frozen=True)
class Now:
    """A table's day as it is now; what a checkpoint says of it is compared with this."""

    inputs: Mapping[str, str]
    """Digest of every input, by name; the preferred source's only if it would be taken."""
    code_version: str
    rows: Rows
    source: str
    """What would be taken."""
    expected_digest: str | None = None
    """Of who is expected; None if the table does not depend on it."""
    would_be: str | None = None
    """The digest of the rows that would be built; None if nobody has looked."""


BEFORE = " of the days before"
"""Ends the name of an input's part that lies before the day: of it, a row looks back on few games."""


def staleness(checkpoint: Checkpoint, now: Now) -> tuple[str, ...]:
    """Say why a published day no longer counts as done; empty if it does.

    An input that a day was built from may vanish by design (upcoming rows are cleaned up after a week): that alone
    does not make the day stale, or cleaning up would undo what was built from it.
    """
    reasons = []
    if now.rows.count != checkpoint.row_count:
        reasons.append(f"the table holds {now.rows.count} rows, the checkpoint says {checkpoint.row_count}")
    elif not checkpoint.has_published(now.rows):
        reasons.append(OTHER_ROWS)
    if checkpoint.expected_digest is not None and now.expected_digest not in (None, checkpoint.expected_digest):
        reasons.append("other players are expected now")
    if now.code_version != checkpoint.code_version:
        reasons.append(f"the code changed from {checkpoint.code_version} to {now.code_version}")
    return (*reasons, *changed_inputs(checkpoint, now))


def is_as_tried(checkpoint: Checkpoint, now: Now) -> bool:
    """Tell whether an attempt that did not publish was made on what would be read now, by the same code."""
    if checkpoint.is_done or checkpoint.code_version != now.code_version:
        return False
    if checkpoint.source not in (None, now.source):
        return False
    return checkpoint.expected_digest in (None, now.expected_digest) and not changed_inputs(checkpoint, now)


def is_stale_by_look_back(checkpoint: Checkpoint, now: Now) -> bool:
    """Tell whether a published day is stale by nothing but what has changed before it."""
    before = {name: checkpoint.inputs.get(name, digest) for name, digest in now.inputs.items() if name.endswith(BEFORE)}
    return bool(staleness(checkpoint, now)) and not staleness(checkpoint, replace(now, inputs={**now.inputs, **before}))


def depends_on_rows(checkpoint: Checkpoint, now: Now) -> bool:
    """Tell whether a published day is stale or not by what its rows would be: what has changed lies before it."""
    same = replace(now, would_be=checkpoint.rows_digest)
    return checkpoint.rows_digest is not None and bool(staleness(checkpoint, now)) and not staleness(checkpoint, same)


def changed_inputs(checkpoint: Checkpoint, now: Now) -> tuple[str, ...]:
    """Say which inputs have changed since a checkpoint, or are new; empty if none has and none is.

    A change before the day counts if the day's rows would be others. What they would be is not known of rows of a
    source that is gone; but if the source had everybody, they were made of it, and of other tables' rows, alone.
    """
    reasons, before = [], checkpoint.inputs
    changed = [name for name, digest in now.inputs.items() if name in before and before[name] != digest]
    if (now.would_be is not None and now.would_be == checkpoint.rows_digest) or _is_of_a_source_gone(checkpoint, now):
        changed = [name for name in changed if not name.endswith(BEFORE)]
    added = [name for name in now.inputs if name not in before]
    if changed:
        reasons.append(f"changed since: {', '.join(sorted(changed))}")
    if added:
        is_source = added == [f"source {now.source}"]
        reasons.append(f"{now.source} is available now" if is_source else f"new inputs: {added}")
    return tuple(reasons)


def _is_of_a_source_gone(checkpoint: Checkpoint, now: Now) -> bool:
    source = f"source {checkpoint.source}"
    return source in checkpoint.inputs and source not in now.inputs and not checkpoint.source_missing

"""The cleanup's rules: which rows are stale, which of them may be deleted, and whether the deletion was right."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.parameters import WHOLE_NUMBER, Request
from tasks.text import first_of

Trigger = Literal["upcoming_tables_ttl", "by_hand"]
Days = Annotated[int, Field(ge=1, le=3650), WHOLE_NUMBER]
Seconds = Annotated[int, Field(ge=1, le=604_800), WHOLE_NUMBER]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CleanupRequest(Request):
    """What a run of the cleanup was asked to do; the flow's docstring says what each parameter means."""

    as_of: date
    """Today in the league's calendar; passed in, never read from a clock."""
    ttl_days: Days | None
    dry_run: bool | None
    approval: bool
    approval_timeout_seconds: Seconds
    cleanup_type: Trigger

    @model_validator(mode="after")
    def _asks_for_something_to_approve(self) -> Self:
        if self.dry_run and self.approval:
            raise ValueError("dry_run=True, approval=True: a dry run has nothing to approve; leave dry_run out")
        return self

    @property
    def previews_only(self) -> bool:
        """Whether nothing is deleted: a run that says nothing of it deletes only what a person approves."""
        return not self.approval if self.dry_run is None else self.dry_run

    def cutoff(self, ttl_days: int | None) -> date:
        """Return the first day that stays; rows before it are stale.

        Args:
            ttl_days: What the table itself says, in days.
        """
        return self.as_of - timedelta(days=self.ttl(ttl_days))

    def ttl(self, ttl_days: int | None) -> int:
        """Return the age in days that a row may have: what was asked for, else what the table itself says."""
        asked = ttl_days if self.ttl_days is None else self.ttl_days
        if asked is None:
            raise ValueError("a table without ttl_days has no stale rows")
        return asked


_UNNEEDED_GAMES = 3
"""Games that a final series which is decided early leaves in a schedule for ever: they say nothing of the date."""


class DayRows(_Frozen):
    """The rows of one day, whatever their number, in a digest. Grain: game_date."""

    game_date: date
    row_count: int
    digest: str

    @property
    def fingerprint(self) -> str:
        """What a statement can compare: the day and its digest."""
        return f"{self.game_date.isoformat()} {self.digest}"


class TablePreview(_Frozen):
    """What of one table is stale. ``error`` says why that is not known, if it is not."""

    table: str
    full_name: str
    ttl_days: int
    cutoff: date
    started_at: datetime
    stale: tuple[DayRows, ...] = ()
    undated_rows: int = 0
    """Rows without a day: never deleted."""
    error: str | None = None

    @property
    def row_count(self) -> int:
        """Stale rows."""
        return sum(day.row_count for day in self.stale)

    @property
    def oldest(self) -> date | None:
        """The first stale day."""
        return min((day.game_date for day in self.stale), default=None)

    @property
    def newest(self) -> date | None:
        """The last stale day."""
        return max((day.game_date for day in self.stale), default=None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left alone whatever happens."""
        if not self.undated_rows:
            return ()
        return (f"{self.undated_rows} rows have no game_date and are never deleted; give them one, or remove them",)


def content_digest(previews: Sequence[TablePreview]) -> str:
    """Return what tells the content that a person approves from every other: tables, cutoffs, days and their rows."""
    content = [(each.full_name, f"{each.cutoff}", [day.fingerprint for day in each.stale]) for each in previews]
    return sha256(json.dumps(content).encode()).hexdigest()[:16]


def doubt_the_day(
    previews: Sequence[TablePreview], *, known: date | None, unplayed: int, first_unplayed: date | None
) -> tuple[str, ...]:
    """Say why it cannot be as late as the previews take it to be; nothing if it can.

    Off season no day is doubted: the last rows were written before their games, and the last games are final.

    Args:
        previews: What would be stale.
        known: The newest day of which the warehouse has a final game, a box score, or a written row.
        unplayed: Games before the newest cutoff that the schedule says are not played, after the newest that is.
        first_unplayed: The first of their days.
    """
    doubts = []
    if unplayed > _UNNEEDED_GAMES:
        doubts.append(
            f"by the schedule, {unplayed} games from {first_unplayed} on are yet to be played, and none later is final"
        )
    for preview in previews:
        to_come = [day for day in preview.stale if known is not None and day.game_date > known]
        if to_come:
            doubts.append(
                f"{sum(day.row_count for day in to_come)} rows of {preview.full_name} would go that are of days after "
                f"{known}, the newest day of a final game, a box score or a written row"
            )
    return tuple(doubts)


class Approval(_Frozen):
    """A person's answer; a run that asks for none has an empty one."""

    approved_by: str | None = None
    refusal: str | None = None
    """Why nothing may be deleted; None if it may."""


class Confirmed(_Frozen):
    """The days that may be deleted: the same in the preview, in the table as it was then, and in the backup."""

    days: tuple[DayRows, ...]
    notes: tuple[str, ...] = ()
    """Which days are left alone and why."""
    error: str | None = None
    """Why nothing may be deleted: the backup does not hold what the table does."""

    @property
    def row_count(self) -> int:
        """Rows that are to be deleted."""
        return sum(day.row_count for day in self.days)


def confirm(
    preview: Sequence[DayRows], now: Sequence[DayRows], backup: Sequence[DayRows], *, streamed_rows: int
) -> Confirmed:
    """Decide which days are deleted.

    Args:
        preview: The stale days as a person may have seen them.
        now: The stale days when the backup had been made.
        backup: What the backup holds of them.
        streamed_rows: Rows that were just streamed into the table: a backup does not hold them yet.
    """
    at_hand, kept = ({day.game_date: day for day in days} for days in (now, backup))
    previewed = {day.game_date: day for day in preview}
    changed = sorted(day for day in at_hand.keys() | previewed.keys() if at_hand.get(day) != previewed.get(day))
    differing = sorted(day for day in at_hand if day not in changed and kept.get(day) != at_hand[day])
    notes = []
    if changed:
        notes.append(f"changed since the preview, left for the next run: {_days(changed)}")
    if differing and streamed_rows:
        notes.append(
            f"some of about {streamed_rows} rows that were just streamed are of these days and cannot be backed up or "
            f"deleted for up to 90 minutes, left for the next run: {_days(differing)}"
        )
    elif differing:
        error = f"the backup does not hold the rows of {_days(differing)} as the table does; nothing was deleted"
        return Confirmed(days=(), notes=tuple(notes), error=error)
    left = {*changed, *differing}
    return Confirmed(days=tuple(day for day in preview if day.game_date not in left), notes=tuple(notes))


class Deletion(_Frozen):
    """What was deleted, and the rows that were to stay, by digest, as they were right before."""

    deleted: int
    kept: dict[str, int]
    notes: tuple[str, ...] = ()


def verify(
    deletion: Deletion, confirmed: Confirmed, *, stale_now: Sequence[DayRows], kept_now: Mapping[str, int]
) -> tuple[str, ...]:
    """Say what is wrong after a deletion; nothing if no confirmed row is left and every other row is still there.

    Args:
        deletion: What the engine said, and the rows that were to stay.
        confirmed: What was to be deleted.
        stale_now: The stale days that are left.
        kept_now: The rows on or after the cutoff, or without a day, by digest: those that came since do no harm.
    """
    left = {day.game_date: day for day in stale_now}
    still = [day for day in confirmed.days if left.get(day.game_date) == day]
    gone = sum(day.row_count for day in confirmed.days if day.game_date not in left)
    lost = Counter(deletion.kept) - Counter(kept_now)
    problems = []
    if still and not deletion.notes:
        rows = sum(day.row_count for day in still)
        problems.append(f"{rows} stale rows are still there: {_days([day.game_date for day in still])}")
    if deletion.deleted < gone or (deletion.deleted != gone and not left):
        problems.append(f"the engine deleted {deletion.deleted} rows, and {gone} rows of the backup are gone")
    if lost:
        problems.append(f"{lost.total()} rows that were to stay are not there as they were")
    return tuple(problems)


class RestoreRequest(Request):
    """What a run of the restore was asked to do."""

    backup: str
    dry_run: bool


class RestorePreview(_Frozen):
    """What a backup holds, and what of it the table lacks."""

    backup: str
    full_name: str
    cutoff: date
    row_count: int
    missing: int
    oldest: date | None
    newest: date | None


def _days(days: Sequence[date]) -> str:
    return first_of([day.isoformat() for day in days])

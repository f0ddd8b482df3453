"""The audit log of cleanups and restores: what is about to be done, what came of it, and what of it is still open.

Rows are only ever added. Before a table is touched a row says that it is about to be, with the Prefect server on whose
behalf; another one of the same id says later what came of it. Whatever is read as an outcome in between is an error:
``BEGUN`` is in the column of the error.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from tasks.cleanup.rules import Trigger
from tasks.warehouse.backup_name import BackupName

BEGUN = "begun, and has not said how it ended"
"""The error of a row that says what is about to be done."""
LONGEST = timedelta(hours=6)
"""An operation that has not ended after this time belongs to a run that died."""

CleanupType = Trigger | Literal["interrupted", "restore"]

_SERVER = "on behalf of Prefect server "
_ATTEMPT = re.compile(r"__([0-9]+)$")


class Operation(BaseModel):
    """What came of one table in one attempt of a run, or that it has begun: a row of the audit log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cleanup_id: str
    cleanup_type: CleanupType
    table_name: str
    ttl_days: int | None
    cutoff: date
    previewed: int | None
    deleted: int = 0
    restored: int = 0
    backup_name: str | None = None
    verified: bool | None = None
    errors: str | None = None
    notes: str | None = None
    run_id: str
    approved_by: str | None = None
    cleanup_time: datetime
    duration_seconds: float = 0.0

    def begun(self, server: str) -> Self:
        """Return the row that says that this is about to be done."""
        return self.model_copy(update={"errors": BEGUN, "notes": f"{_SERVER}{server}"})

    def ended(
        self,
        now: datetime,
        *,
        deleted: int = 0,
        restored: int = 0,
        verified: bool | None = None,
        errors: str | None = None,
        notes: str | None = None,
        backup_name: str | None = None,
        cleanup_type: CleanupType | None = None,
        started_at: datetime | None = None,
    ) -> Self:
        """Return the row that says what came of it.

        Args:
            now: When it ended.
            deleted: Rows deleted, by the engine's own count.
            restored: Rows put back.
            verified: Whether the table holds what it should; None if that was not checked.
            errors: What went wrong.
            notes: What else is worth knowing.
            backup_name: The backup, if only now there is one.
            cleanup_type: What it turned out to be.
            started_at: When it began, if that is not when its first row was written.
        """
        return self.model_copy(
            update={
                "cleanup_time": now,
                "duration_seconds": (now - (started_at or self.cleanup_time)).total_seconds(),
                "deleted": deleted,
                "restored": restored,
                "verified": verified,
                "errors": errors,
                "notes": notes,
                "backup_name": backup_name or self.backup_name,
                "cleanup_type": cleanup_type or self.cleanup_type,
            }
        )

    @property
    def is_open(self) -> bool:
        """Whether this row says no more than that it has begun."""
        return self.errors == BEGUN

    @property
    def server(self) -> str | None:
        """The Prefect server on whose behalf it has begun; None if the row does not say it."""
        found = (self.notes or "").partition(_SERVER)[2]
        return found or None

    @property
    def backup(self) -> str:
        """The name of its backup, if it has one; a cleanup's id is that of its backup."""
        return self.backup_name or self.cleanup_id

    @property
    def line(self) -> str:
        """What happened, on which numbers, in a line."""
        parts = [f"{self.table_name}: {self.deleted:,} of {self.previewed or 0:,} stale rows deleted"]
        parts += [f"{self.restored:,} put back"] if self.restored else []
        parts += [text for text in (self.errors, self.notes) if text]
        return "; ".join(parts)


def open_operations(log: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """Return what has begun and has not said how it ended, each once.

    Args:
        log: Every row of the audit log, by column.
    """
    ended = {row["cleanup_id"] for row in log if row["errors"] != BEGUN}
    known = Operation.model_fields.keys()
    found = {
        row["cleanup_id"]: Operation.model_validate({name: value for name, value in row.items() if name in known})
        for row in log
        if row["cleanup_id"] not in ended
    }
    return list(found.values())


def next_attempt(log: Iterable[Mapping[str, Any]], run_id: str, run_count: int) -> int:
    """Return the number of an attempt of a run that no row has yet: a run that was suspended keeps its run count."""
    used = [_ATTEMPT.search(row["cleanup_id"]) for row in log if row["run_id"] == run_id]
    return max([run_count, *(int(found[1]) + 1 for found in used if found)])


def before_the_log(name: BackupName, full_name: str, made_at: datetime) -> Operation:
    """Return the operation of a backup without any row: an earlier version wrote its rows only at the end."""
    return Operation(
        cleanup_id=str(name),
        cleanup_type="interrupted",
        table_name=full_name,
        ttl_days=None,
        cutoff=name.cutoff,
        previewed=None,
        errors=BEGUN,
        run_id=name.run_id,
        cleanup_time=made_at,
    )

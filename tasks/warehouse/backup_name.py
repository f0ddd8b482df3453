"""The name of a backup."""

import re
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

_BACKUP_NAME = re.compile(
    r"(?P<table>[a-z][a-z0-9_]*?)__before_(?P<cutoff>[0-9]{8})__(?P<run>[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12})"
    r"__(?P<attempt>[0-9]+)"
)


class BackupName(BaseModel):
    """A backup's name: its table, cutoff, run and attempt. A cleanup's id is the name of its backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    cutoff: date
    run_id: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.table}__before_{self.cutoff:%Y%m%d}__{self.run_id.replace('-', '_')}__{self.attempt}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Parse a name; None if it is not a backup's."""
        found = _BACKUP_NAME.fullmatch(name)
        if found is None:
            return None
        try:
            cutoff = datetime.strptime(found["cutoff"], "%Y%m%d").date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            return None
        return cls(
            table=found["table"], cutoff=cutoff, run_id=found["run"].replace("_", "-"), attempt=int(found["attempt"])
        )

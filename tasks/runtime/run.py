"""A flow run, and what each of its steps works with."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from tasks.runtime.origin import current_origin, current_run, started_by
from tasks.settings import Settings
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.warehouse.base import Warehouse
from tasks.warehouse.dry_run import open_for_run
from tasks.warehouse.moment import Moment


@dataclass(frozen=True)
class Run:
    """One attempt of a flow run; the flow makes it once, and hands it to every step.

    It holds no connection: steps run in threads, and each opens its own.
    """

    settings: Settings
    id: str
    attempt: int
    """From 1."""
    dry_run: bool = False
    """Whether its warehouse refuses every change, and reads a missing table as an empty one."""
    started_by: str = "unknown"
    """Who started it, as far as Prefect knows."""
    moment: Moment | None = None
    """When its inputs are read as they were; None if they are read as they are."""

    @classmethod
    def begin(cls, settings: Settings, *, dry_run: bool = False) -> Self:
        """Return the current flow run."""
        run_id, attempt = current_run()
        return cls(settings, run_id, attempt, dry_run, started_by())

    @property
    def catalogue(self) -> Catalogue:
        """The tables; their folders are read once a process."""
        return load_catalogue(self.settings)

    def warehouse(
        self, step: str, *, table: str | None = None, game_date: date | None = None, part: str | None = None
    ) -> Warehouse:
        """Return the warehouse, not yet connected: use it in a ``with`` block.

        Args:
            step: What the connection is for; with the others it names the jobs that BigQuery keeps a record of.
            table: The table that is worked on.
            game_date: The day that is worked on.
            part: What tells two connections apart that share the rest.
        """
        origin = current_origin(step, table=table, game_date=game_date, part=part)
        return open_for_run(self.settings, origin, dry_run=self.dry_run, moment=self.moment)

"""Show how far a run is: a progress artifact in Prefect's UI and, if the settings ask for it, a bar on the terminal."""

import time
from typing import Self
from uuid import UUID

from prefect.runtime import flow_run
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from tasks.backfill.result import DayResult
from tasks.printable import printable
from tasks.runtime.artifacts import start_progress, update_progress
from tasks.settings import Settings

_KEY = "backfill-progress"
_UPDATE_SECONDS = 2.0  # an artifact update is a request to the server


class Progress:
    """Counts the days of a run that have ended."""

    def __init__(self, settings: Settings, *, total: int) -> None:
        self._total, self._ended, self._updated = total, 0, 0.0
        self._artifact: UUID | None = None
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("days"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}"),
            console=Console(stderr=True),
            disable=not settings.progress_bar,
        )
        self._line = self._bar.add_task("backfill", total=total, last="")

    def __enter__(self) -> Self:
        self._bar.start()
        if self._total:
            self._publish()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._bar.stop()
        self._publish()

    def advance(self, result: DayResult) -> None:
        """Count a day that has ended."""
        self._ended += 1
        self._bar.update(self._line, advance=1, last=f"{result.game_date} {result.outcome}")
        if time.monotonic() - self._updated > _UPDATE_SECONDS:
            self._publish()

    def _publish(self) -> None:
        if not self._total:
            return
        percentage = 100.0 * self._ended / self._total
        if self._artifact is None or not update_progress(_KEY, self._artifact, percentage):
            # the first, or it was deleted
            self._artifact = start_progress(_KEY, percentage, description="Days that have ended")
        self._updated = time.monotonic()


def name_run() -> str:
    """Return the name of the current run: the days that it was asked for."""
    given = flow_run.get_parameters()
    dates, first, last = given.get("dates"), given.get("start_date"), given.get("end_date")
    if isinstance(dates, list | tuple) and dates:
        days = f"{len(dates)} days"
    else:
        days = f"{first} to {last}" if last else str(dates or first)
    marks = [name for name in ("force", "adopt", "dry_run") if given.get(name)]
    return printable(" ".join([days, *marks]))

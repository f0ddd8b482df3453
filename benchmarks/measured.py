"""What the processes of the benchmark tell: nothing is imported here that would cost memory."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Written(BaseModel):
    """The league that was written to a warehouse."""

    model_config = ConfigDict(frozen=True)

    tables: int
    """Derived tables that the backfill makes of it."""
    seasons: list[tuple[date, date]]
    """The first and the last day with a game of each."""
    days: list[date]
    """Those that are built: with games, after bootstrap."""


class Measurement(BaseModel):
    """What one process measured of one variant; what does not apply is 0."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    """Of the call alone: imports and what comes after it do not count."""
    flow_seconds: float = 0.0
    """The flow run's own time, by the server."""
    processor_seconds: float = 0.0
    """Processor time of the process, all its threads, during the call."""
    server_seconds: float = 0.0
    """Processor time of the Prefect server until it was at rest again."""
    database_bytes: float = 0.0
    """By how much the database of the Prefect server grew."""
    peak_mib: float = 0.0
    """The most memory that the process had, in MiB."""
    flow_run_id: UUID | None = None
    days_built: int = 0
    days_changed: int = 0
    """Days of which a row is not what it was before."""
    task_runs: int = 0
    artifacts: int = 0
    statements_of_days: int = 0
    statements_of_run: int = 0
    """Statements of the plan and the report."""

    @property
    def all_processor_seconds(self) -> float:
        """Processor time of the process and of the server."""
        return self.processor_seconds + self.server_seconds


class Difference(BaseModel):
    """How two warehouses differ in one derived table, in every column but the volatile ones."""

    model_config = ConfigDict(frozen=True)

    rows: int
    """Of the first warehouse."""
    different: int
    """Rows that only one of the two holds."""
    days: frozenset[date]
    """Those of these rows."""

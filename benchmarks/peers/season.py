"""The season that all peers work on, and what their rows are compared with."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb  # noqa: TID251 - the peers' files are not opened as Fullcourt's warehouse

from benchmarks.backfill import INCIDENT_SEASON
from benchmarks.bench import run_step
from benchmarks.limit import run_limit
from benchmarks.measured import Written
from benchmarks.peers.install import own_environment
from benchmarks.peers.render import write_days
from benchmarks.rows import compare, correct
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue


@dataclass(frozen=True)
class Season:
    """The league that all of them work on."""

    league: Path
    """Fullcourt's; it has none of the derived tables."""
    given: Path
    """The same for the peers, with the schema ``benchmark``."""
    reference: Path
    """With the derived tables of the set-based limit; then of Fullcourt, once it has run."""
    rebuilt: Path
    """With those of the limit, built after the correction."""
    days: Sequence[date]
    """Those that are built."""

    @property
    def first(self) -> date:
        """The first day."""
        return self.days[0]

    @property
    def last(self) -> date:
        """The last day."""
        return self.days[-1]

    @property
    def corrected_day(self) -> date:
        """The day of which a box score is corrected: in the middle of the season, as the other benchmark does."""
        return self.days[(len(self.days) - 1) // 2]

    def changed_days(self) -> set[date]:
        """Return the days that have other rows after the correction."""
        found = compare(load_catalogue(settings_of(self.league)), self.reference, self.rebuilt)
        return {day for table in found.values() for day in table.days}


def write_season(folder: Path, most_days: int | None) -> Season:
    """Write the incident's season, what the peers are given of it, and what their rows are compared with."""
    league, given, reference, rebuilt = (
        folder / f"{name}.duckdb" for name in ("league", "given", "reference", "rebuilt")
    )
    written = Written.model_validate(run_step(own_environment(), "league", league, "--years", INCIDENT_SEASON))
    season = Season(league, given, reference, rebuilt, written.days[:most_days])
    for copy in (given, reference, rebuilt):
        shutil.copy(league, copy)
    write_days(settings_of(given), season.first, season.last)
    correct(rebuilt, season.corrected_day)
    for file in (reference, rebuilt):
        run_limit(settings_of(file), season.first, season.last)
    return season


def settings_of(warehouse: Path) -> Settings:
    """Return the settings that all measure with, for a warehouse."""
    return load_settings().model_copy(update={"warehouse": "duckdb", "duckdb_path": warehouse})


def differences(warehouse: Path, right: Path) -> tuple[int, int]:
    """Return how many derived rows a warehouse has, and how many only one of it and the right one has."""
    found = compare(load_catalogue(settings_of(warehouse)), warehouse, right).values()
    return sum(table.rows for table in found), sum(table.different for table in found)


def days_written(warehouse: Path, since: datetime) -> set[date]:
    """Return the days of which any table has rows that were written since a moment."""
    catalogue = load_catalogue(settings_of(warehouse))
    with closing(duckdb.connect(warehouse, read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {
            day
            for table in map(catalogue.table, catalogue.derived)
            for (day,) in connection.execute(
                f"SELECT DISTINCT {table.partition} FROM {table.full_name} WHERE processed_at >= $since",
                {"since": since},
            ).fetchall()
        }

"""What was measured, and the table that says it."""

import os
import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from statistics import median
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

MAX_RATIO_TO_LIMIT = 1.25
MAX_NOTHING_SECONDS = 3.0
MAX_RATIO_OF_SEASONS = 1.15
MAX_STATEMENTS = 6

_WIDTH = 120  # of output that does not go to a terminal


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
    peak_mib: float = 0.0
    """The most memory that the process had, in MiB."""
    flow_run_id: UUID | None = None
    task_runs: int = 0
    artifacts: int = 0
    statements_of_days: int = 0
    statements_of_run: int = 0
    """Statements of the plan and the report."""


class Round(BaseModel):
    """One measurement of each variant."""

    model_config = ConfigDict(frozen=True)

    limit: Measurement
    floor: Measurement
    empty: Measurement
    nothing: Measurement


class Size(BaseModel):
    """All that was measured for a number of seasons."""

    model_config = ConfigDict(frozen=True)

    seasons: int
    days: int
    """Days that are built: with games, after bootstrap."""
    tables: int
    rows: int
    """Rows of all derived tables, in which limit and backfill were found to be equal."""
    rounds: Sequence[Round]

    def seconds(self, variant: str) -> float:
        """Return a variant's median."""
        return median(measurement.seconds for measurement in self._all(variant))

    @property
    def nothing_flow_seconds(self) -> float:
        """The flow's own time with nothing to do: the median."""
        return median(one.nothing.flow_seconds for one in self.rounds)

    @property
    def ratio(self) -> float:
        """From empty, over floor and limit together."""
        return self.seconds("empty") / (self.seconds("floor") + self.seconds("limit"))

    @property
    def milliseconds_per_day(self) -> float:
        """From empty, for each day that is built."""
        return 1000 * self.seconds("empty") / self.days

    @property
    def statements(self) -> float:
        """Warehouse statements for each day and table, without plan and report: the most of any round."""
        return max(one.empty.statements_of_days for one in self.rounds) / (self.days * self.tables)

    def peak_mib(self, variant: str) -> float:
        """Return the most memory that any process of a variant had."""
        return max(measurement.peak_mib for measurement in self._all(variant))

    def processors(self, variant: str) -> str:
        """Return the processor time of a variant's process and of the server: medians, in seconds."""
        every = self._all(variant)
        process, server = (
            median(getattr(one, f"{whose}_seconds") for one in every) for whose in ("processor", "server")
        )
        return f"{process:.1f} + {server:.1f}"

    def spread(self, variant: str) -> str:
        """Return a variant's median, least and most, in seconds."""
        every = [measurement.seconds for measurement in self._all(variant)]
        return f"{median(every):.2f}" + (f" ({min(every):.2f} to {max(every):.2f})" if len(every) > 1 else "")

    def _all(self, variant: str) -> list[Measurement]:
        return [getattr(one, variant) for one in self.rounds]


def print_results(console: Console, sizes: Sequence[Size]) -> None:
    """Print what was measured, one column for each number of seasons, against the goals."""
    console.print(_versions(), markup=False)
    rounds = len(sizes[0].rounds)
    table = Table(box=None, header_style="bold", pad_edge=False)
    title = f"medians of {rounds} rounds (least to most)" if rounds > 1 else "one round"
    table.add_column(title, no_wrap=True)
    for size in sizes:
        table.add_column(f"{size.seasons} season{'s' if size.seasons > 1 else ''}", justify="right", no_wrap=True)
    table.add_column("goal")
    for name, cell, goal in (*_times(sizes), *_counts()):
        table.add_row(name, *(cell(size) for size in sizes), goal)
    console.print(table)
    console.print("Each variant in a process of its own, imports not counted; logs of level WARNING; one server.")


def make_console() -> Console:
    """Return a console that is wide enough for the table wherever it goes to."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


_Line = tuple[str, Callable[[Size], str], str]


def _times(sizes: Sequence[Size]) -> list[_Line]:
    least, most = sizes[0], sizes[-1]
    growth = most.milliseconds_per_day / least.milliseconds_per_day
    lines: list[_Line] = [
        ("days built", lambda s: f"{s.days:,}", ""),
        ("rows, equal in limit and backfill", lambda s: f"{s.rows:,}", ""),
        ("set-based limit, s", lambda s: s.spread("limit"), ""),
        ("Prefect floor, s", lambda s: s.spread("floor"), ""),
        ("backfill from empty, s", lambda s: s.spread("empty"), ""),
        (
            "  over floor + limit",
            lambda s: f"{s.ratio:.2f}",
            _goal({f"{s.seasons}": s.ratio for s in sizes}, MAX_RATIO_TO_LIMIT),
        ),
        ("  a day, ms", lambda s: f"{s.milliseconds_per_day:.1f}", ""),
        ("nothing to do, s", lambda s: s.spread("nothing"), ""),
        (
            "  the flow's own time, s",
            lambda s: f"{s.nothing_flow_seconds:.2f}",
            _goal({f"{most.seasons}": most.nothing_flow_seconds}, MAX_NOTHING_SECONDS),
        ),
    ]
    if most is not least:
        goal = _goal({f"{most.seasons}": growth}, MAX_RATIO_OF_SEASONS)
        lines.insert(7, ("  a day, over one season's", lambda s: f"{growth:.2f}" if s is most else "", goal))
    return lines


def _counts() -> list[_Line]:
    return [
        ("statements a day and table", lambda s: f"{s.statements:.2f}", f"at most {MAX_STATEMENTS}"),
        ("statements of plan and report", lambda s: f"{s.rounds[0].empty.statements_of_run}", "the same"),
        ("processors, floor: process + server, s", lambda s: s.processors("floor"), ""),
        ("processors, from empty: process + server, s", lambda s: s.processors("empty"), ""),
        ("task runs", lambda s: f"{s.rounds[0].floor.task_runs:,}", ""),
        ("artifacts", lambda s: f"{s.rounds[0].floor.artifacts:,}", ""),
        ("peak memory, from empty, MiB", lambda s: f"{s.peak_mib('empty'):.0f}", "the same"),
        ("peak memory, nothing to do, MiB", lambda s: f"{s.peak_mib('nothing'):.0f}", "the same"),
        ("peak memory, floor, MiB", lambda s: f"{s.peak_mib('floor'):.0f}", ""),
    ]


def _goal(found: Mapping[str, float], most: float) -> str:
    missed = [seasons for seasons, value in found.items() if value > most]
    return f"at most {most:g}: " + (f"[red]missed for {', '.join(missed)}[/]" if missed else "[green]met[/]")


def _versions() -> str:
    parts = [f"Python {platform.python_version()}", f"Prefect {version('prefect')}", f"DuckDB {version('duckdb')}"]
    parts += [
        f"SQLite {sqlite3.sqlite_version}",
        f"{platform.system()} {platform.machine()}",
        f"{os.cpu_count()} cores",
    ]
    return ", ".join(parts)

"""What was measured, and the table that says it."""

import os
import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from benchmarks.measured import Measurement

MAX_RATIO_TO_LIMIT = 1.25
MAX_NOTHING_SECONDS = 3.0
MAX_RATIO_TO_PREFECT = 1.5
MAX_RATIO_OF_DAYS = 1.1
MAX_RATIO_OF_SECONDS = 1.1
MAX_RATIO_OF_MEMORY = 1.15
MAX_STATEMENTS = 6

_WIDTH = 140  # of output that does not go to a terminal


class Size(BaseModel):
    """All that was measured for a number of seasons."""

    model_config = ConfigDict(frozen=True)

    seasons: int
    days: int
    """Days that are built from empty: with games, after bootstrap."""
    tables: int
    """Derived tables."""
    rows: int
    """Rows of all derived tables, in which limit and backfill were found to be equal; 0 if they were not compared."""
    rounds: Sequence[Mapping[str, Measurement]]
    """One measurement of each variant, by its name."""

    @property
    def label(self) -> str:
        """Its column's name."""
        return f"{self.seasons} season{'s' if self.seasons > 1 else ''}"

    def all(self, variant: str, what: str = "seconds") -> list[Any]:
        """Return what was measured of a variant, by round."""
        return [getattr(measured[variant], what) for measured in self.rounds]

    def median(self, variant: str, what: str = "seconds") -> float:
        """Return the median of what was measured of a variant."""
        return float(median(self.all(variant, what)))

    def a_day(self, what: str = "seconds") -> float:
        """Return the median of what was measured from empty, for each day that is built."""
        return self.median("empty", what) / self.days

    def spread(self, variant: str) -> str:
        """Return a variant's median, least and most, in seconds."""
        every = self.all(variant)
        return f"{median(every):.2f}" + (f" ({min(every):.2f} to {max(every):.2f})" if len(every) > 1 else "")


@dataclass(frozen=True)
class _Line:
    """A line of the table; it is printed if the variants that it is about were measured."""

    name: str
    variants: str
    cell: Callable[[Size], float | str]
    form: str = ".2f"
    most: float | None = None
    """The goal."""
    relative: bool = False
    """To the first number of seasons."""

    def text(self, size: Size) -> str:
        cell = self.cell(size)
        return cell if isinstance(cell, str) else format(cell, self.form)

    def goal(self, sizes: Sequence[Size]) -> str:
        if self.most is None:
            return ""
        missed = [str(size.seasons) for size in sizes if float(self.cell(size)) > self.most]
        verdict = f"[red]missed for {', '.join(missed)}[/]" if missed else "[green]met[/]"
        return f"at most {self.most:g}: {verdict}"


def print_results(console: Console, sizes: Sequence[Size]) -> None:
    """Print what was measured, one column for each number of seasons, against the goals."""
    console.print(versions(), markup=False)
    rounds = len(sizes[0].rounds)
    table = Table(box=None, header_style="bold", pad_edge=False)
    title = f"medians of {rounds} rounds (least to most)" if rounds > 1 else "one round"
    table.add_column(title, no_wrap=True)
    for size in sizes:
        table.add_column(size.label, justify="right", no_wrap=True)
    table.add_column("goal")
    measured = sizes[0].rounds[0].keys()
    for line in _lines(sizes):
        if measured >= set(line.variants.split()) and not (line.relative and len(sizes) == 1):
            table.add_row(line.name, *map(line.text, sizes), line.goal(sizes))
    console.print(table)
    console.print("Each variant in a process of its own, imports not counted; logs of level WARNING; one server.")


def make_console() -> Console:
    """Return a console that is wide enough for the table wherever it goes to."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def _lines(sizes: Sequence[Size]) -> list[_Line]:
    over_first = f"over that of {sizes[0].label}"

    def over(number: Callable[[Size], float]) -> Callable[[Size], float]:
        return lambda size: number(size) / number(sizes[0])

    def processors(variant: str) -> Callable[[Size], str]:
        return lambda size: " + ".join(
            f"{size.median(variant, f'{whose}_seconds'):.1f}" for whose in ("processor", "server")
        )

    def peak(variant: str) -> Callable[[Size], float]:
        return lambda size: max(size.all(variant, "peak_mib"))

    return [
        _Line("days built", "empty", lambda s: s.days, ",d"),
        _Line("rows, equal in limit and backfill", "limit", lambda s: s.rows, ",d"),
        _Line("set-based limit, s", "limit", lambda s: s.spread("limit")),
        _Line("Prefect floor, s", "floor", lambda s: s.spread("floor")),
        _Line("backfill from empty, s", "empty", lambda s: s.spread("empty")),
        _Line(
            "  over floor + limit",
            "empty floor limit",
            lambda s: s.median("empty") / (s.median("floor") + s.median("limit")),
            most=MAX_RATIO_TO_LIMIT,
        ),
        _Line("  a day, ms", "empty", lambda s: 1000 * s.a_day(), ".1f"),
        _Line(f"  a day, {over_first}", "empty", over(Size.a_day), most=MAX_RATIO_OF_SECONDS, relative=True),
        _Line("nothing to do, s", "nothing", lambda s: s.spread("nothing")),
        _Line(
            "  the flow's own time, s",
            "nothing",
            lambda s: s.median("nothing", "flow_seconds"),
            most=MAX_NOTHING_SECONDS,
        ),
        _Line("Prefect's empty flow, s", "prefect", lambda s: s.spread("prefect")),
        _Line(
            "  nothing to do over it",
            "nothing prefect",
            lambda s: s.median("nothing") / s.median("prefect"),
            most=MAX_RATIO_TO_PREFECT,
        ),
        _Line("one box score corrected, s", "corrected", lambda s: s.spread("corrected")),
        _Line("  days redone", "corrected", lambda s: s.median("corrected", "days_built"), "g"),
        _Line("  days whose rows changed", "corrected", lambda s: s.median("corrected", "days_changed"), "g"),
        _Line("  redone over changed", "corrected", _redone_over_changed, most=MAX_RATIO_OF_DAYS),
        *(
            _Line(f"processors, {name}: process + server, s", variant, processors(variant))
            for variant, name in (
                ("limit", "limit"),
                ("floor", "floor"),
                ("empty", "from empty"),
                ("nothing", "nothing to do"),
                ("corrected", "corrected"),
            )
        ),
        _Line(
            "processor time of all (process + server), from empty over limit",
            "empty limit",
            lambda s: s.median("empty", "all_processor_seconds") / s.median("limit", "all_processor_seconds"),
        ),
        _Line(
            "statements a day and table",
            "empty",
            lambda s: max(s.all("empty", "statements_of_days")) / (s.days * s.tables),
            most=MAX_STATEMENTS,
        ),
        _Line("statements of plan and report", "empty", lambda s: s.median("empty", "statements_of_run"), "g"),
        _Line("task runs", "floor", lambda s: s.all("floor", "task_runs")[0], ",d"),
        _Line("artifacts", "floor", lambda s: s.all("floor", "artifacts")[0], ",d"),
        _Line("server's database, a day from empty, KB", "empty", lambda s: s.a_day("database_bytes") / 1000, ".1f"),
        *(
            line
            for variant, name in (("empty", "from empty"), ("nothing", "nothing to do"))
            for line in (
                _Line(f"peak memory, {name}, MiB", variant, peak(variant), ".0f"),
                _Line(f"  {over_first}", variant, over(peak(variant)), most=MAX_RATIO_OF_MEMORY, relative=True),
            )
        ),
        _Line("peak memory, floor, MiB", "floor", peak("floor"), ".0f"),
    ]


def _redone_over_changed(size: Size) -> float:
    redone, changed = (size.median("corrected", f"days_{which}") for which in ("built", "changed"))
    return redone / changed if changed else float("inf")


def versions() -> str:
    """Return what it was measured with, and on."""
    parts = [f"Python {platform.python_version()}", f"Prefect {version('prefect')}", f"DuckDB {version('duckdb')}"]
    parts += [
        f"SQLite {sqlite3.sqlite_version}",
        f"{platform.system()} {platform.machine()}",
        f"{os.cpu_count()} cores",
    ]
    return ", ".join(parts)

"""What commands print."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tasks.printable import printable

_COLUMNS = ("day", "games", "expected", "upcoming", "source", "published", "coverage", "outcome", "missing")
_NUMBERS = {"games", "expected", "upcoming", "published", "coverage"}
_STYLES = {"complete": "green", "no_games": "dim", "skipped_bootstrap": "dim", "blocked": "red", "failed": "red"}
_WIDTH = 120  # of output that does not go to a terminal


def make_console() -> Console:
    """Return a console for stdout; it is wide enough for a report even where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def print_report(console: Console, rows: Sequence[Mapping[str, object]]) -> None:
    """Print one line a day.

    Args:
        console: Where to.
        rows: A mapping a day, with at least the keys day, games, expected, upcoming, source, published, coverage,
            outcome and missing; None is printed as nothing. Grain: day.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=name != "missing")
    for row in rows:
        cells = ("" if row[name] is None else str(row[name]) for name in _COLUMNS)
        table.add_row(*cells, style=_STYLES.get(str(row["outcome"]), "yellow"))
    console.print(table)


def say(console: Console, text: str, *, indent: int = 0, style: str | None = None) -> None:
    """Print a line that may hold what data or a user has written: nothing of it acts on the terminal."""
    console.print(" " * indent + printable(text), style=style, markup=False, soft_wrap=True)


def ask(question: str) -> str:
    """Return what a person answers on the terminal; nothing if there is none."""
    try:
        return input(question).strip()
    except EOFError:
        return ""

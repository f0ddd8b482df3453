"""What was measured of the peers, and the two tables that say it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.peers.desk import Run
from benchmarks.peers.peers import Peer
from benchmarks.results import versions


@dataclass(frozen=True)
class Result:
    """What was measured of a peer in one round."""

    first: Run
    rows: int
    days: int
    """Days of which any table has rows."""
    different: int
    """Rows that only one of the peer and Fullcourt has."""
    redone: int = 0
    """Days of which rows were written again after the correction."""
    wrong: int = 0
    """Rows that only one of the peer and a rebuild has, after the correction."""
    failed_again: str = ""
    """Why what is left to do could not be done after the correction; empty if it could."""


_RATIO = "Fullcourt's over it"

Found = Mapping[str, list[Result] | str]
"""The rounds of each peer by its name, or why there are none."""


def print_results(
    console: Console, peers: Sequence[Peer], found: Found, days: Sequence[date], corrected: date, changed_days: int
) -> None:
    """Print what was measured, a line of each table for each peer, and why one is not there.

    Args:
        console: Where to print it.
        peers: The peers, in the order of their lines.
        found: What was measured of them.
        days: The days that were built.
        corrected: The day of which a box score was corrected.
        changed_days: Days that have other rows after the correction.
    """
    ours = found.get("Fullcourt") or ""
    times = _table("peer", "version", "gate", numbers=["wall, s", _RATIO, "processors, s", _RATIO])
    rows = _table("peer", numbers=["days", "rows", "unequal", "correction noticed", "days redone", "rows wrong"])
    reasons = []
    for peer in peers:
        results, named = found[peer.name], (peer.name, peer.version, "yes" if peer.gate else "no")
        if isinstance(results, str):
            times.add_row(*named, "not run")
            reasons.append(f"{peer.name} was not run: {results}")
            continue
        times.add_row(*named, *_times(results, ours, _wall), *_times(results, ours, _processors))
        rows.add_row(peer.name, *_rows(results))
        if reason := results[-1].failed_again:
            reasons.append(f"{peer.name} failed after the correction: {reason}")
    console.print(versions(), markup=False)
    console.print(times)
    console.print()
    console.print(rows)
    for reason in reasons:
        console.print(reason, markup=False, soft_wrap=True)
    calendar = (days[-1] - days[0]).days + 1
    console.print(
        f"{len(days)} days with games from {days[0]} to {days[-1]}, of {calendar} in the calendar.\n"
        f"One box score of {corrected} was corrected; days whose rows that changes: {changed_days}.",
        markup=False,
    )


def _wall(result: Result) -> float:
    return result.first.seconds


def _processors(result: Result) -> float:
    return result.first.processor_seconds


def _times(results: Sequence[Result], ours: Sequence[Result] | str, what: Callable[[Result], float]) -> list[str]:
    """Return the median seconds of a peer, and Fullcourt's over it."""
    seconds = median(map(what, results))
    over = "" if isinstance(ours, str) else f"{median(map(what, ours)) / seconds:.2f}"
    return [f"{seconds:.1f}", over]


def _rows(results: Sequence[Result]) -> list[str]:
    last, different = results[-1], max(one.different for one in results)
    redone = ["failed", "", ""]
    if not last.failed_again:
        redone = ["yes" if last.redone else "no", str(last.redone), f"{last.wrong:,}"]
    return [str(last.days), f"{last.rows:,}", f"{different:,}", *redone]


def _table(*names: str, numbers: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table

"""Numbers and lists in sentences."""

from collections.abc import Sequence


def percent(share: float) -> str:
    """A share from 0 to 1 as a percentage that never rounds up to a threshold it has not reached."""
    return f"{int(share * 1000 + 1e-9) / 10:.1f} %"


def count_of(count: int, noun: str) -> str:
    """A number of things: ``1 game``, ``2 games``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def first_of(names: Sequence[str], limit: int = 10) -> str:
    """The first names, and how many more there are."""
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest

"""The arithmetic of what a run costs."""

from collections.abc import Mapping

TIB = 1024**4


def per_day(known: Mapping[int, int], age: int) -> int:
    """Interpolate the bytes that a day reads.

    Args:
        known: Bytes by age in days since the season began; one or two ages.
        age: The day's, between them.
    """
    (first, low), (last, high) = min(known.items()), max(known.items())
    if first == last:
        return low
    return round(low + (high - low) * (age - first) / (last - first))


def price(read_bytes: int, usd_per_tib: float) -> float:
    """Return the price of reading so many bytes, in US dollars (https://cloud.google.com/bigquery/pricing)."""
    return read_bytes / TIB * usd_per_tib

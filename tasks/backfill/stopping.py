"""When a run gives up on the days that are left: only for what would fail again."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.backfill.result import DayResult
from tasks.errors import AccessError, FullcourtError, SchemaError, StorageError, TransientError

_OF_THE_WAREHOUSE = (AccessError, SchemaError, StorageError)
_OF_EVERY_DAY = frozenset(kind.__name__ for kind in _OF_THE_WAREHOUSE)
"""What is wrong with the warehouse, or with the right to it, and with no day of its own."""


@dataclass
class Failures:
    """How many days failed in a row of one cause, in the order in which they ended.

    A cause that is of no one day's stops the rest at once. Any other may be of just these days: then the rest is
    probed, one day at a time and far apart, and is given up only if ``limit`` probes fail of the same. What passes by
    itself stops nothing.
    """

    limit: int
    cause: str | None = None
    in_a_row: int = 0
    probes: int = 0

    def count(self, result: DayResult, *, is_probe: bool = False) -> None:
        """Count a day that has ended."""
        cause = None if result.cause is None or _kinds(result.cause) & _PASSING else result.cause
        if cause is None or cause != self.cause:
            self.cause, self.in_a_row, self.probes = cause, int(cause is not None), 0
        else:
            self.in_a_row, self.probes = self.in_a_row + 1, self.probes + is_probe

    @property
    def are_enough(self) -> bool:
        """Whether the rest would fail, too."""
        return self._are_many and (_kinds(self.cause) <= _OF_EVERY_DAY or self.probes >= self.limit)

    @property
    def are_in_doubt(self) -> bool:
        """Whether the next day is to be a probe."""
        return self._are_many and not self.are_enough

    @property
    def _are_many(self) -> bool:
        return self.cause is not None and self.in_a_row >= self.limit

    def place(self, waiting: int) -> int:
        """Return the place of the day to be done next, among those that wait: the first, or that of a probe."""
        if not self.are_in_doubt:
            return 0
        return round((waiting - 1) * _share(self.probes))


def can_be_of_some_days(error: FullcourtError) -> bool:
    """Tell whether what fails many days at once can leave out some of them: it neither passes nor is of every day."""
    return not isinstance(error, (TransientError, *_OF_THE_WAREHOUSE))


def _share(number: int) -> float:
    """Return where a probe is taken, from 0 to 1: at the end, in the middle, at a quarter, at three quarters, ..."""
    share, step = 0.0, 1.0
    while number:
        step /= 2
        share += step * (number & 1)
        number >>= 1
    return 1.0 - share


def _kinds(cause: str | None) -> set[str]:
    return set(cause.split(", ")) if cause else set()


def _names(kind: type[Exception]) -> Iterator[str]:
    yield kind.__name__
    for each in kind.__subclasses__():
        yield from _names(each)


_PASSING = frozenset(_names(TransientError))

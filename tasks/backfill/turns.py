"""The order in which days at work are judged: by what the days before hold, when that is decided."""

from collections.abc import Iterable
from datetime import date
from threading import Condition

from tasks.errors import TransientError


class Turns:
    """The tables of the days at work that are not decided yet.

    A gate compares a day with what is published of the days before. Days are at work together: without an order, a day
    would be compared with what happens to be there.
    """

    def __init__(self) -> None:
        self._undecided: dict[date, set[str]] = {}
        self._changed = Condition()
        self._is_over = False

    def begin(self, game_date: date, tables: Iterable[str]) -> None:
        """Take a day up, before any later one."""
        with self._changed:
            self._undecided[game_date] = set(tables)

    def decide(self, game_date: date, table: str | None = None) -> None:
        """Say that a table of a day, or the day as a whole, is published or will not be."""
        with self._changed:
            if table is None:
                self._undecided.pop(game_date, None)
            else:
                self._undecided.get(game_date, set()).discard(table)
            self._changed.notify_all()

    def wait(self, game_date: date, table: str) -> None:
        """Wait until a table is decided for every earlier day that is at work.

        Raises:
            TransientError: The run is being ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or not self._are_undecided_before(game_date, table))
            if self._is_over:
                raise TransientError("the run is being ended; nothing was published")

    def end(self) -> None:
        """Let nobody wait any more: no day is taken up again."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _are_undecided_before(self, game_date: date, table: str) -> bool:
        return any(day < game_date and table in tables for day, tables in self._undecided.items())

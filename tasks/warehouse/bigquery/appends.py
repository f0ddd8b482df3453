"""Append rows in batches: BigQuery allows 1,500 load jobs a table and day, and many days end at the same time.

https://cloud.google.com/bigquery/quotas#load_jobs
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Load = Callable[[Sequence[str]], None]


@dataclass
class _Batch:
    """The rows of one load job, and its result."""

    lines: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Appends:
    """The rows that the threads of this process append to one table.

    The first caller loads its rows together with those that arrive while it waits for its turn. Every caller returns
    when its own rows are in the table, or raises what their load job raised.
    """

    def __init__(self) -> None:
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._waiting: _Batch | None = None
        self._last_load = float("-inf")

    def append(self, lines: Sequence[str], load: Load, *, interval_seconds: float) -> None:
        """Load the lines, no sooner than ``interval_seconds`` after the previous load."""
        with self._lock:
            is_first = self._waiting is None
            batch = self._waiting = self._waiting or _Batch()
            batch.lines += lines
        if is_first:
            self._load(batch, load, interval_seconds)
        else:
            batch.ended.wait()
        if batch.error is not None:
            raise batch.error

    def _load(self, batch: _Batch, load: Load, interval_seconds: float) -> None:
        with self._turn:
            try:
                time.sleep(max(0.0, self._last_load + interval_seconds - time.monotonic()))
                self._close()
                load(batch.lines)
            except BaseException as error:
                batch.error = error
                raise
            finally:
                self._close()
                self._last_load = time.monotonic()
                batch.ended.set()

    def _close(self) -> None:
        """Let later callers join the next load."""
        with self._lock:
            self._waiting = None


_tables: defaultdict[tuple[str, str], Appends] = defaultdict(Appends)


def appends_to(warehouse: str, table: str) -> Appends:
    """Return this process's batcher for a table of a warehouse."""
    return _tables[warehouse, table]

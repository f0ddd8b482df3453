"""What a process uses: seconds, processor time, memory, statements of the warehouse."""

import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from benchmarks.measured import Measurement
from tasks.runtime import run
from tasks.settings import Settings
from tasks.warehouse.base import Origin, Warehouse
from tasks.warehouse.dry_run import open_for_run

Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[Result, Measurement]:
    """Call it; returns its result, and what the process used meanwhile."""
    start, processor = time.perf_counter(), _processor_seconds()
    result = call()
    seconds, processor = time.perf_counter() - start, _processor_seconds() - processor
    return result, Measurement(seconds=seconds, processor_seconds=processor, peak_mib=_peak_mib())


@contextmanager
def counted_statements() -> Iterator[Counter[str]]:
    """Count the warehouse statements of every step."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    @contextmanager
    def counted(settings: Settings, origin: Origin, **how: Any) -> Iterator[Warehouse]:
        with open_for_run(settings, origin, **how) as warehouse:
            try:
                yield warehouse
            finally:
                with lock:
                    counts[origin.step] += warehouse.statements

    with patch.object(run, "open_for_run", counted):
        yield counts


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)

"""A backfill of the days from the first to the last argument; its exit code is 1 if a day is not done."""

import os
import sys
from datetime import date

from flows.backfill import backfill

if __name__ == "__main__":
    first, last = map(date.fromisoformat, sys.argv[1:])
    state = backfill(start_date=first, end_date=last, return_state=True)
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(not state.is_completed())  # as benchmarks.process does, for DuckDB's binding

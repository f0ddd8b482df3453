"""Try damaged leagues: ``python -m tests.proof 2000``; from another seed on: ``python -m tests.proof 100 5000``.

The exit code is 1 if any day was complete and different.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.proof.bench import Bench
from tests.proof.proof import Proof, Tally

_A_FILE = 25
"""Leagues for which one file is used: it grows with each."""


def main(leagues: int, first: int = 0) -> int:
    """Try seeds, and print what came of them."""
    memory = Path("/dev/shm")  # noqa: S108 - the files need not outlast the process
    started, proof = time.monotonic(), None
    for start in range(first, first + leagues, _A_FILE):
        with (
            tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
            Bench(Path(folder) / "proof.duckdb") as bench,
        ):
            proof = proof or Proof(bench)
            proof.bench = bench
            for seed in range(start, min(start + _A_FILE, first + leagues)):
                for difference in proof.try_seed(seed)[:1]:
                    print(f"{difference}"[:400], flush=True)
        print(f"{proof.tally.leagues} leagues, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    tally = proof.tally if proof else Tally()
    print(tally)
    return 0 if tally.holds else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

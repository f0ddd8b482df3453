"""``make bench-peers``: the same season of the same tables by Fullcourt and by general tools, one after the other.

Every peer is a folder beside this module: ``peer.toml`` says how it is run, ``requirements.txt`` pins what is installed
into a virtual environment of its own, and the rest is its project, into which the rendered SQL is written. All work on
the demo league, on copies of one DuckDB file, with one thread of DuckDB. Each peer

- writes the season, day by day or as it does, from a warehouse that has none of the tables; its rows are compared with
  Fullcourt's;
- does what it finds left to do, after one box score of a day in the middle of the season was corrected. The rows are
  compared with a rebuild, and the days counted that were written again.

A peer that cannot be installed or run is reported with the reason, and the others go on.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb  # noqa: TID251 - the peers' files are not opened as Fullcourt's warehouse
from rich.console import Console

from benchmarks.peers.desk import open_desk
from benchmarks.peers.install import default_cache, install
from benchmarks.peers.peers import PEERS, Peer, PeerError, read_peers
from benchmarks.peers.render import tables, write_project
from benchmarks.peers.results import Found, Result, print_results
from benchmarks.peers.season import Season, days_written, differences, settings_of, write_season
from benchmarks.results import make_console
from benchmarks.rows import correct
from deployments.local.prefect_server import free_port
from tasks.errors import FullcourtError, RequestError

_CLOSE_SECONDS = 40.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.runner", description="Compare with other tools.")
    parser.add_argument("--days", type=int, help="only the first so many days after bootstrap")
    parser.add_argument("--rounds", type=int, default=1, help="rounds (default: 1)")
    parser.add_argument("--peers", nargs="+", help="only these peers, by name or folder, beside Fullcourt")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the peers are installed")
    parser.add_argument("--keep", type=Path, help="a new folder for warehouses, projects and logs, which is kept")
    parser.add_argument("--timeout", type=float, default=3600.0, help="most seconds of one command (default: 3600)")
    chosen = parser.parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    try:
        _check(chosen)
        peers = read_peers(PEERS, chosen.peers)
        with _work_folder(chosen.keep) as folder:
            runner = _Runner(folder, chosen.cache, chosen.timeout, progress)
            season, found = runner.measure(peers, chosen.days, chosen.rounds)
            changed = len(season.changed_days())
            print_results(make_console(), peers, found, season.days, season.corrected_day, changed)
    except FullcourtError as error:
        progress.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    return 0


def _check(chosen: argparse.Namespace) -> None:
    for name in ("days", "rounds"):
        if (number := getattr(chosen, name)) is not None and number < 1:
            raise RequestError(f"--{name} {number}: must be at least 1")


@contextmanager
def _work_folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="fullcourt-peers-") as name:
            yield Path(name)
    else:
        kept.mkdir(parents=True)
        yield kept.resolve()


@dataclass(frozen=True)
class _Runner:
    """Where to measure, and how to say what is being measured."""

    folder: Path
    cache: Path
    timeout: float
    progress: Console

    def measure(self, peers: Sequence[Peer], most_days: int | None, rounds: int) -> tuple[Season, Found]:
        """Measure every peer in turn, as often as there are rounds; a peer that fails has the reason instead."""
        self._say("writing the league")
        season = write_season(self.folder, most_days)
        found: dict[str, list[Result] | str] = {peer.name: [] for peer in peers}
        for number in range(1, rounds + 1):
            for peer in peers:
                results = found[peer.name]
                if isinstance(results, str):
                    continue
                try:
                    self._say(f"round {number} of {rounds}: {peer.name}")
                    results.append(self._measure(peer, season, install(peer, self.cache)))
                except (PeerError, OSError, duckdb.Error, subprocess.SubprocessError) as error:
                    found[peer.name] = _one_line(error)
        return season, found

    def _measure(self, peer: Peer, season: Season, python: Path) -> Result:
        place = Path(tempfile.mkdtemp(prefix=f"{peer.folder.name}-", dir=self.folder))
        warehouse = Path(shutil.copy(season.league if peer.is_ours else season.given, place / "warehouse.duckdb"))
        words = {
            "python": str(python),
            "bin": str(python.parent),
            "work": str(place),
            "warehouse": str(warehouse),
            "first": season.first.isoformat(),
            "last": season.last.isoformat(),
            "end": (season.last + timedelta(days=1)).isoformat(),
            "port": str(free_port()),
            "secret": secrets.token_hex(32),
            **peer.values,
        }
        if not peer.is_ours:
            write_project(peer.folder, place, tables(settings_of(season.given), season.first), words, peer.sql)
        with open_desk(peer, place, words, self.timeout, self.folder / "prefect") as desk:
            first = desk.run(peer.run, "run")
            _wait_until_closed(warehouse)
            rows, different = differences(warehouse, season.reference)
            if peer.is_ours and not different:
                shutil.copy(warehouse, season.reference)
            days = days_written(warehouse, datetime.min.replace(tzinfo=UTC))
            self._say(f"{first.seconds:.1f} s, {first.processor_seconds:.1f} s of processors, {different} rows differ")
            result = Result(first, rows, len(days), different)
            correct(warehouse, season.corrected_day)
            moment = datetime.now(UTC)
            try:
                desk.run(peer.again, "again")
            except PeerError as error:
                return replace(result, failed_again=_one_line(error))
        _, wrong = differences(warehouse, season.rebuilt)
        return replace(result, redone=len(days_written(warehouse, moment)), wrong=wrong)

    def _say(self, what: str) -> None:
        self.progress.print(f"{datetime.now(UTC):%H:%M:%S}  {what}", markup=False)


def _wait_until_closed(warehouse: Path) -> None:
    """Wait until no service of a peer has the warehouse open."""
    deadline = time.monotonic() + _CLOSE_SECONDS
    while time.monotonic() < deadline:
        try:
            duckdb.connect(warehouse).close()
        except duckdb.IOException:
            time.sleep(1)
        else:
            return


def _one_line(error: Exception, most: int = 200) -> str:
    line = " ".join(str(error).split())
    return line if len(line) <= most else f"{line[:most]} ..."


if __name__ == "__main__":
    for variable in [name for name in os.environ if name.startswith("FULLCOURT_")]:
        del os.environ[variable]  # every process measures with the same settings
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # services stop and the folder goes then as well
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding reports leaks on the terminal when the interpreter shuts down in the usual way

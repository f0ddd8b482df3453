"""``make bench-peers``: the same season of the same tables by Fullcourt and by general tools, one after the other.

Every peer is a folder beside this module: ``peer.toml`` says how it is run, ``requirements.txt`` pins what is installed
into a virtual environment of its own, and the rest is its project, into which the rendered SQL is written. All work on
the demo league, on copies of one DuckDB file, with one thread of DuckDB. Each peer

- writes the season, day by day or as it does, from a warehouse that has none of the tables; its rows are compared with
  Fullcourt's;
- does what it finds left to do, after one raw box-score row of a day in the middle of the season was corrected. The
  rows are compared with a rebuild, and the days counted that were written again.

A peer that cannot be installed or run is reported with the reason, and the others go on.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import duckdb  # noqa: TID251 - the peers' files are not opened as Fullcourt's warehouse
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.backfill import INCIDENT_SEASON
from benchmarks.limit import run_limit
from benchmarks.measured import Difference
from benchmarks.peers.render import tables, write_days, write_project
from benchmarks.results import make_console, versions
from benchmarks.rows import compare
from deployments.local.prefect_server import environment, find_server, prefect_server
from tasks.errors import FullcourtError, RequestError, TerminalError
from tasks.settings import PROJECT_ROOT, Settings, load_settings
from tasks.tables.catalogue import load_catalogue

PEERS = Path(__file__).parent
_KEPT_OUT = ("FULLCOURT_", "PREFECT_", "DAGSTER_", "AIRFLOW_", "SQLMESH_", "DBT_", "PYTHON", "VIRTUAL_ENV")
_SETTLE_SECONDS, _WATCH_SECONDS, _BUSY_SHARE = 40.0, 1.0, 0.3


class PeerError(TerminalError):
    """A peer could not be installed or run; the message is the reason that the table gives."""


@dataclass(frozen=True)
class Peer:
    """One way to run one tool, as its ``peer.toml`` says."""

    name: str
    folder: Path
    package: str
    gate: str = ""
    """What its gate is; empty if it has none."""
    unit: str = ""
    """What it runs at once."""
    setup: Sequence[Sequence[str]] = ()
    """Commands before anything is measured."""
    services: Sequence[Sequence[str]] = ()
    """Commands that run beside the measured one; their processor time counts."""
    prefect: bool = False
    """Whether a Prefect server runs beside it."""
    run: Sequence[str] = ()
    again: Sequence[str] = ()
    """The command that does what is left to do."""
    env: Mapping[str, str] = field(default_factory=dict)
    sql: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> Path:
        """What is installed for it; the file is missing if it is run by Fullcourt's own interpreter."""
        return self.folder / "requirements.txt"

    @property
    def version(self) -> str:
        """The version that is pinned."""
        if not self.requirements.exists():
            return version(self.package)
        text = self.requirements.read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(self.package)}==(\S+)", text, re.MULTILINE)
        return found[1] if found else "?"


@dataclass(frozen=True)
class Run:
    """What one command cost, and what it left."""

    seconds: float
    """Wall time of the whole command, its start included; services were up before."""
    processor_seconds: float
    """Of the command and of the services beside it, with all of their children."""


@dataclass(frozen=True)
class Result:
    """What was measured of a peer in one round."""

    first: Run
    rows: int
    days: int
    """Days of which any table has rows."""
    different: int
    """Rows that only one of the peer and Fullcourt has."""
    again: Run | None = None
    redone: int = 0
    """Days of which rows were written again after the correction."""
    wrong: int = 0
    """Rows that only one of the peer and a rebuild has, after the correction."""
    failed_again: str = ""


@dataclass(frozen=True)
class Season:
    """The league that all of them work on."""

    folder: Path
    league: Path
    """Fullcourt's; it has none of the derived tables."""
    given: Path
    """The same for the peers, with the schema ``benchmark``."""
    reference: Path
    """With the derived tables of the set-based limit; then of Fullcourt, once it has run."""
    rebuilt: Path
    """The same, built after the correction."""
    first: date
    last: date
    days: Sequence[date]

    @property
    def corrected_day(self) -> date:
        """The day of which a raw row is corrected."""
        return self.days[len(self.days) // 2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.runner", description="Compare with other tools.")
    parser.add_argument("--days", type=int, help="only the first so many days after bootstrap")
    parser.add_argument("--rounds", type=int, default=1, help="rounds (default: 1)")
    parser.add_argument("--peers", nargs="+", help="only these peers, by name or folder, beside Fullcourt")
    parser.add_argument("--cache", type=Path, default=_default_cache(), help="where the peers are installed")
    parser.add_argument("--keep", type=Path, help="a new folder for warehouses, projects and logs, which is kept")
    parser.add_argument("--timeout", type=float, default=3600.0, help="most seconds of one command (default: 3600)")
    chosen = parser.parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    try:
        peers = read_peers(PEERS, chosen.peers)
        _check(chosen)
        with _work_folder(chosen.keep) as folder:
            bench = Bench(folder, chosen.cache, chosen.timeout, progress)
            season = bench.write_season(chosen.days)
            found = bench.measure(peers, season, chosen.rounds)
            print_results(make_console(), peers, found, season, _stale_days(season))
    except FullcourtError as error:
        progress.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    return 0


def read_peers(folder: Path, names: Sequence[str] | None = None) -> list[Peer]:
    """Return the peers of a folder: Fullcourt first, then by what ``peer.toml`` says of their order.

    Args:
        folder: Where a folder of each tool is.
        names: Only the peers of these names or folders, and Fullcourt; None for all.

    Raises:
        RequestError: There is no such peer.
    """
    described = [(file.parent, tomllib.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*/peer.toml"))]
    described.sort(key=lambda each: int(each[1].pop("order")))
    every = [peer for place, found in described for peer in _variants(place, found)]
    known = {name for peer in every for name in (peer.folder.name, peer.name)}
    if unknown := sorted({*(names or ())} - known):
        raise RequestError(f"--peers {', '.join(unknown)}: there are {'; '.join(peer.name for peer in every)}")
    wanted = known if names is None else {*names, "fullcourt"}
    return [peer for peer in every if wanted & {peer.folder.name, peer.name}]


def _variants(folder: Path, described: dict[str, Any]) -> Iterator[Peer]:
    variants = described.pop("variants", [{}])
    for variant in variants:
        yield Peer(folder=folder, **{**described, **variant})


@dataclass
class Bench:
    """Where to measure, and how to say what is being measured."""

    folder: Path
    cache: Path
    timeout: float
    progress: Console
    broken: dict[Path, str] = field(default_factory=dict)

    def write_season(self, most_days: int | None) -> Season:
        """Write the incident's season, what the peers are given of it, and what their rows are compared with."""
        self._say("writing the league")
        league, given, reference, rebuilt = (
            self.folder / f"{name}.duckdb" for name in ("league", "given", "reference", "rebuilt")
        )
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.process", "league", "--years", str(INCIDENT_SEASON)],
            cwd=PROJECT_ROOT,
            env=_environment() | {"FULLCOURT_WAREHOUSE": "duckdb", "FULLCOURT_DUCKDB_PATH": str(league)},
            capture_output=True,
            text=True,
            check=True,
        )
        days = [date.fromisoformat(day) for day in json.loads(done.stdout.splitlines()[-1])["days"]][:most_days]
        season = Season(self.folder, league, given, reference, rebuilt, days[0], days[-1], days)
        for copy in (given, reference, rebuilt):
            shutil.copy(league, copy)
        write_days(_settings(given), season.first, season.last)
        correct(rebuilt, season.corrected_day)
        for file in (reference, rebuilt):
            run_limit(_settings(file), season.first, season.last)
        return season

    def measure(self, peers: Sequence[Peer], season: Season, rounds: int) -> dict[str, list[Result] | str]:
        """Measure every peer in turn, as often as there are rounds; a peer that fails has the reason instead."""
        found: dict[str, list[Result] | str] = {peer.name: [] for peer in peers}
        for number in range(1, rounds + 1):
            for peer in peers:
                results = found[peer.name]
                if isinstance(results, str):
                    continue
                try:
                    python = self.install(peer)
                    self._say(f"round {number} of {rounds}: {peer.name}")
                    results.append(self._measure(peer, season, python))
                except (PeerError, OSError, duckdb.Error, subprocess.SubprocessError) as error:
                    found[peer.name] = _one_line(str(error))
        return found

    def install(self, peer: Peer) -> Path:
        """Return the interpreter of a peer; it is installed if it is not there yet.

        Raises:
            PeerError: That failed; the message is the installer's.
        """
        if not peer.requirements.exists():
            return Path(sys.executable)
        text = peer.requirements.read_bytes()
        if peer.folder in self.broken:
            raise PeerError(self.broken[peer.folder])
        place = self.cache / f"{peer.folder.name}-{hashlib.sha256(text).hexdigest()[:12]}"
        python = place / "bin" / "python"
        if not (place / "installed").exists():
            self._say(f"installing {peer.package} {peer.version}")
            shutil.rmtree(place, ignore_errors=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            venv, install = [sys.executable, "-m", "venv", str(place)], [*pip, "-r", str(peer.requirements)]
            for command in (venv, install):
                done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
                if done.returncode:
                    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                    self.broken[peer.folder] = f"not installed: {(lines or done.stderr.splitlines() or ['?'])[-1]}"
                    raise PeerError(self.broken[peer.folder])
            (place / "installed").touch()
        return python

    def _measure(self, peer: Peer, season: Season, python: Path) -> Result:
        place = Path(tempfile.mkdtemp(prefix=f"{peer.folder.name}-", dir=self.folder))
        is_ours = not peer.requirements.exists()
        warehouse = Path(shutil.copy(season.league if is_ours else season.given, place / "warehouse.duckdb"))
        words = {
            "python": str(python),
            "bin": str(python.parent),
            "work": str(place),
            "warehouse": str(warehouse),
            "first": season.first.isoformat(),
            "last": season.last.isoformat(),
            "end": (season.last + timedelta(days=1)).isoformat(),
            "days": str(len(season.days)),
            "port": str(_free_port()),
            "secret": secrets.token_hex(32),
            **peer.values,
        }
        if not is_ours:
            write_project(peer.folder, place, tables(_settings(season.given), season.first), words, peer.sql)
        with _Desk(peer, place, words, self.timeout, self.folder) as desk:
            first = desk.run(peer.run, "run")
            desk.wait_until_closed(warehouse)
            rows, different = _total(compare(load_catalogue(_settings(warehouse)), season.reference, warehouse))
            if is_ours and not different:
                shutil.copy(warehouse, season.reference)
            days = len(_written_since(warehouse, datetime.min.replace(tzinfo=UTC)))
            self._say(f"{first.seconds:.1f} s, {first.processor_seconds:.1f} s of processors, {different} rows differ")
            moment = correct(warehouse, season.corrected_day)
            try:
                again = desk.run(peer.again, "again")
            except PeerError as error:
                return Result(first, rows, days, different, failed_again=_one_line(str(error)))
        _, wrong = _total(compare(load_catalogue(_settings(warehouse)), season.rebuilt, warehouse))
        return Result(first, rows, days, different, again, len(_written_since(warehouse, moment)), wrong)

    def _say(self, what: str) -> None:
        self.progress.print(f"{datetime.now(UTC):%H:%M:%S}  {what}", markup=False)


class _Desk:
    """A peer's work folder, with its services running beside the commands."""

    def __init__(self, peer: Peer, place: Path, words: Mapping[str, str], timeout: float, folder: Path) -> None:
        self._peer, self._place, self._words, self._timeout, self._folder = peer, place, words, timeout, folder
        self._env = _environment() | {name: _filled(text, words) for name, text in peer.env.items()}
        self._services: list[psutil.Process] = []
        self._open = ExitStack()

    def __enter__(self) -> "_Desk":
        try:
            if self._peer.prefect:
                home = self._folder / "prefect"
                url = self._open.enter_context(prefect_server(home))
                server = find_server(home)
                self._services += [server.id.process] if server and server.id.process else []
                of_server = environment(home, api_url=url)
                self._env = {k: v for k, v in of_server.items() if k.startswith("PREFECT_")} | self._env
            for number, command in enumerate(self._peer.setup):
                self.run(command, f"setup-{number}")
            for number, command in enumerate(self._peer.services):
                self._services.append(self._open.enter_context(self._service(command, number)))
            self._settle()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._open.close()

    def wait_until_closed(self, warehouse: Path) -> None:
        """Wait until no service has the warehouse open."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            try:
                duckdb.connect(warehouse).close()
            except duckdb.IOException:
                time.sleep(_WATCH_SECONDS)
            else:
                return

    def run(self, command: Sequence[str], name: str) -> Run:
        """Run a command to its end.

        Raises:
            PeerError: It failed, or took longer than it may.
        """
        before, start = self._processor_seconds(), time.perf_counter()
        log, ended, stopped = self._place / f"{name}.log", threading.Event(), list[str]()
        with log.open("wb") as out:
            process = self._start(command, out)
            watch = threading.Thread(target=self._watch, args=(process.pid, ended, stopped), daemon=True)
            watch.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                _kill(process.pid)
                raise
            finally:
                ended.set()
                watch.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode:
            why = stopped or [f"exit code {process.returncode}", _reason(log)]
            raise PeerError(": ".join([name, *why]))
        self._settle()
        return Run(seconds, usage.ru_utime + usage.ru_stime + self._processor_seconds() - before)

    def _watch(self, process_group: int, ended: threading.Event, stopped: list[str]) -> None:
        """End a command that takes longer than it may, or that waits for a service that is no more; say why."""
        deadline = time.monotonic() + self._timeout
        while not ended.wait(_WATCH_SECONDS):
            if time.monotonic() > deadline:
                stopped += [f"took more than {self._timeout:.0f} s"]
            elif (number := self._ended_service()) is not None:
                stopped += [f"service {number} ended", _reason(self._place / f"service-{number}.log")]
            else:
                continue
            _kill(process_group)
            return

    def _ended_service(self) -> int | None:
        for number, service in enumerate(self._services):
            if not service.is_running() or service.status() == psutil.STATUS_ZOMBIE:
                return number
        return None

    @contextmanager
    def _service(self, command: Sequence[str], number: int) -> Iterator[psutil.Process]:
        with (self._place / f"service-{number}.log").open("wb") as out:
            process = self._start(command, out)
            try:
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                _kill(process.pid)
                process.wait()

    def _start(self, command: Sequence[str], out: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [_filled(word, self._words) for word in command],
            cwd=self._place if self._peer.requirements.exists() else PROJECT_ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _settle(self) -> None:
        """Wait until the services have worked off what a command has left them."""
        deadline, busy = time.monotonic() + _SETTLE_SECONDS, bool(self._services)
        while busy and time.monotonic() < deadline:
            before = self._processor_seconds()
            time.sleep(_WATCH_SECONDS)
            busy = self._processor_seconds() - before > _BUSY_SHARE * _WATCH_SECONDS

    def _processor_seconds(self) -> float:
        """Return what the services and all of their children, also those that have ended, have used so far."""
        used = 0.0
        for service in self._services:
            with suppress(psutil.NoSuchProcess):
                used += sum(map(_used, [service, *service.children(recursive=True)]))
        return used


def _used(process: psutil.Process) -> float:
    """Return the processor seconds of a process and of those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)  # not on every system
    return float(times.user + times.system + children)


def correct(warehouse: Path, day: date) -> datetime:
    """Correct one raw box-score row of a day: a miss in the paint that was not counted.

    Returns:
        When that was, in UTC.
    """
    one = """(SELECT MIN(player_lookup) FROM nba_analytics.player_game_summary
        WHERE game_date = $day AND minutes_played > 0 AND paint_attempts > 0)"""
    with closing(duckdb.connect(warehouse)) as connection:
        connection.execute(
            "UPDATE nba_analytics.player_game_summary "
            "SET fg_attempts = fg_attempts + 1, paint_attempts = paint_attempts + 1 "
            f"WHERE game_date = $day AND player_lookup = {one}",
            {"day": day},
        )
    return datetime.now(UTC)


def _written_since(warehouse: Path, moment: datetime) -> set[date]:
    """Return the days of which any table has rows that were written since a moment."""
    catalogue = load_catalogue(_settings(warehouse))
    with closing(duckdb.connect(warehouse, read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {
            day
            for table in map(catalogue.table, catalogue.derived)
            for (day,) in connection.execute(
                f"SELECT DISTINCT {table.partition} FROM {table.full_name} WHERE processed_at >= $moment",
                {"moment": moment},
            ).fetchall()
        }


def _stale_days(season: Season) -> int:
    """Return how many days have other rows after the correction."""
    catalogue = load_catalogue(_settings(season.league))
    days: set[date] = set()
    with closing(duckdb.connect(season.reference, read_only=True)) as connection:
        connection.execute(f"ATTACH '{season.rebuilt}' AS rebuilt (READ_ONLY)")
        for table in map(catalogue.table, catalogue.derived):
            columns = ", ".join(table.content_columns)
            ours, theirs = (f"SELECT {columns} FROM {place}{table.full_name}" for place in ("", "rebuilt."))
            rows = connection.execute(f"SELECT DISTINCT {table.partition} FROM ({theirs} EXCEPT ALL {ours})")
            days |= {day for (day,) in rows.fetchall()}
    return len(days)


def print_results(
    console: Console, peers: Sequence[Peer], found: Mapping[str, list[Result] | str], season: Season, stale: int
) -> None:
    """Print what was measured, a line for each peer, and why one is not there."""
    ours = found.get("Fullcourt")
    own = _medians(ours) if isinstance(ours, list) and ours else (0.0, 0.0)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("peer", no_wrap=True)
    for name in ("version", "gate"):
        table.add_column(name, no_wrap=True)
    for name in (
        "wall, s",
        "over it",
        "proc., s",
        "over it",
        "days",
        "rows",
        "unequal",
        "noticed",
        "redone",
        "wrong",
    ):
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    reasons = []
    for peer in peers:
        results = found[peer.name]
        cells = [peer.name, peer.version, "yes" if peer.gate else "no"]
        if isinstance(results, str):
            table.add_row(*cells, "not run")
            reasons.append(f"{peer.name} was not run: {results}")
        elif results:
            table.add_row(*cells, *_cells(results, own), *_correction(results[-1]))
            if results[-1].failed_again:
                reasons.append(f"{peer.name} failed after the correction: {results[-1].failed_again}")
    console.print(versions(), markup=False)
    console.print(table)
    for reason in reasons:
        console.print(reason, markup=False, soft_wrap=True)
    calendar = (season.last - season.first).days + 1
    console.print(
        f"{len(season.days)} days with games from {season.first} to {season.last}, of {calendar} in the calendar. "
        "Wall: of the whole command; services were up. Proc.: processor time of the command, its services and all "
        "their children. Over it: Fullcourt's over the peer's; below 1, Fullcourt took less. Unequal: rows that only "
        f"one of the peer and Fullcourt has. Then one raw row of {season.corrected_day} was corrected, which changes "
        f"the rows of {stale} days, and each did what it found left to do. Noticed: any day was done again of itself. "
        "Redone: so many days. Wrong: rows that only one of the peer and a rebuild has.",
        markup=False,
    )


def _cells(results: Sequence[Result], own: tuple[float, float]) -> Iterator[str]:
    for seconds, of_fullcourt in zip(_medians(results), own, strict=True):
        yield f"{seconds:.1f}"
        yield f"{of_fullcourt / seconds:.2f}" if of_fullcourt else ""
    last, different = results[-1], max(one.different for one in results)
    yield str(last.days)
    yield f"{last.rows:,}"
    yield f"{different:,}"


def _correction(result: Result) -> tuple[str, str, str]:
    if result.again is None:
        return "failed", "", ""
    noticed = "yes" if result.redone else "no"
    return noticed, str(result.redone), f"{result.wrong:,}"


def _medians(results: Sequence[Result]) -> tuple[float, float]:
    """Return wall and processor seconds."""
    return median(one.first.seconds for one in results), median(one.first.processor_seconds for one in results)


def _total(found: Mapping[str, Difference]) -> tuple[int, int]:
    return sum(each.rows for each in found.values()), sum(each.different for each in found.values())


def _settings(warehouse: Path) -> Settings:
    return load_settings().model_copy(update={"warehouse": "duckdb", "duckdb_path": warehouse})


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fullcourt" / "peers"


def _environment() -> dict[str, str]:
    """Return this program's environment without what is meant for itself or for a peer."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_OUT)}


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text)


def _free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _kill(process_group: int) -> None:
    """End what is left of a command that was started in a session of its own."""
    try:
        os.killpg(process_group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reason(log: Path) -> str:
    """Return what a log most likely says of what went wrong: the last line that names an error, and the next one."""
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [place for place, line in enumerate(lines) if "rror" in line]
    place = named[-1] if named else len(lines) - 2
    return " ".join(lines[max(place, 0) :][:2]) or "it printed nothing"


@contextmanager
def _work_folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="fullcourt-peers-") as name:
            yield Path(name)
    else:
        kept.mkdir(parents=True)
        yield kept.resolve()


def _one_line(text: str, most: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]} ..."


def _check(chosen: argparse.Namespace) -> None:
    for name in ("days", "rounds"):
        if (number := getattr(chosen, name)) is not None and number < 1:
            raise RequestError(f"--{name} {number}: must be at least 1")


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

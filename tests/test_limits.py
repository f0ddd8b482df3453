"""Prefect's limits: many readers or one writer of a table, and only so many publishes of a table in 10 seconds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.errors import WarehouseBusyError
from tasks.runtime.limits import LEASE_SECONDS, READERS, limits_of, reading, register_limits, throttle_publish, writing
from tasks.settings import Settings, load_settings
from tests.backfill.observe import DAY, open_season, outcomes, published, start_python
from tests.fixtures.flows import InThread
from tests.league import League

PLAYERS, TEAMS = "upcoming_player_game_context", "upcoming_team_game_context"
BOTH = [PLAYERS, TEAMS]
_HOLD = """
import sys
from tasks.runtime.limits import reading
from tasks.settings import load_settings
with reading(load_settings(), ["upcoming_player_game_context"]):
    print("held", flush=True)
    sys.stdin.read()
"""


class Holder:
    """Somebody who holds a lock in a thread of its own until it is told to let go."""

    def __init__(self, in_thread: InThread, lock: Callable[..., Any], settings: Settings, tables: list[str]) -> None:
        self.holds, self._ends = threading.Event(), threading.Event()
        self._lock, self._settings, self._tables = lock, settings, tables
        self.future = in_thread(self._hold)

    def _hold(self) -> None:
        with self._lock(self._settings, self._tables):
            self.holds.set()
            assert self._ends.wait(300)

    def waits(self) -> bool:
        """Whether it has not got the lock in a time in which it would have."""
        return not self.holds.wait(3)

    def let_go(self) -> None:
        """Let go, and wait until that has happened."""
        self._ends.set()
        self.future.result(timeout=300)


Hold = Callable[..., Holder]


@pytest.fixture
def hold(in_thread: InThread, settings: Settings) -> Iterator[Hold]:
    """Start somebody who reads or writes tables."""
    with ExitStack() as ends:

        def _hold(lock: Callable[..., Any], *tables: str, of: Settings = settings) -> Holder:
            holder = Holder(in_thread, lock, of, list(tables))
            ends.callback(holder.let_go)
            return holder

        yield _hold


def read_limit(name: str) -> GlobalConcurrencyLimitResponse:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name)


def test_many_read_a_table_at_the_same_time(hold: Hold) -> None:
    assert all(hold(reading, PLAYERS).holds.wait(300) for _ in range(3))


def test_a_writer_waits_for_every_reader_and_a_reader_for_the_writer(hold: Hold) -> None:
    readers = [hold(reading, PLAYERS), hold(reading, *BOTH)]
    assert all(reader.holds.wait(300) for reader in readers)
    writer = hold(writing, *BOTH)
    assert writer.waits()
    readers[0].let_go()
    assert writer.waits()
    readers[1].let_go()
    assert writer.holds.wait(300)
    late = hold(reading, TEAMS)
    assert late.waits()
    writer.let_go()
    assert late.holds.wait(300)


def test_two_do_not_write_a_table_at_the_same_time(hold: Hold) -> None:
    first = hold(writing, PLAYERS)
    assert first.holds.wait(300)
    second, elsewhere = hold(writing, *BOTH), hold(writing, TEAMS)
    assert second.waits() or elsewhere.waits()
    first.let_go()
    elsewhere.let_go()
    assert second.holds.wait(300)


def test_a_writer_that_waits_is_not_passed_by_readers_that_come_later(hold: Hold) -> None:
    early = hold(reading, PLAYERS)
    assert early.holds.wait(300)
    writer = hold(writing, PLAYERS)
    assert writer.waits()
    late = hold(reading, PLAYERS)
    assert late.waits()
    early.let_go()
    assert writer.holds.wait(300)
    assert not late.holds.is_set()
    writer.let_go()
    assert late.holds.wait(300)


def test_many_who_name_the_tables_in_any_order_all_get_them(settings: Settings, in_thread: InThread) -> None:
    inside, most = [0], [0]

    def change(*tables: str) -> None:
        for _ in range(3):
            with writing(settings, tables):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.05)
                inside[0] -= 1

    for done in [in_thread(change, *BOTH), in_thread(change, *reversed(BOTH)), in_thread(change, PLAYERS)]:
        done.result(timeout=100)
    assert most == [1]


def test_two_warehouses_do_not_wait_for_each_other(
    hold: Hold, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hold(writing, PLAYERS).holds.wait(300)
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(settings.duckdb_path.with_name("other.duckdb")))
    assert hold(writing, PLAYERS, of=load_settings()).holds.wait(300)


def test_who_waits_says_for_which_limit_and_run_and_gives_up_in_time(
    settings: Settings, in_thread: InThread, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FULLCOURT_INTERLOCK_TIMEOUT_SECONDS", "8")  # an event takes some seconds to be found
    impatient, holds, ends = load_settings(), threading.Event(), threading.Event()

    @flow(flow_run_name="the other one")
    def read() -> None:
        with reading(settings, [PLAYERS]):
            holds.set()
            assert ends.wait(300)

    other = in_thread(read)
    assert holds.wait(300)
    started = time.monotonic()
    with (
        pytest.raises(WarehouseBusyError) as raised,
        writing(impatient, [PLAYERS]),
    ):
        pass
    assert time.monotonic() - started >= 8
    ends.set()
    other.result(timeout=300)
    name = f"fullcourt-upcoming-player-game-context-{settings.warehouse_digest}"
    assert f"waited 8 s to change {PLAYERS}: {name} has 1 of {READERS} slots taken, by flow run the other one" in str(
        raised.value
    )
    assert f"prefect gcl update {name} --active-slots 0" in str(raised.value)
    (line,) = [record.getMessage() for record in caplog.records if "waits to change" in record.getMessage()]
    assert name in line
    assert read_limit(name).active_slots == 0
    assert read_limit(f"{name}-turn").active_slots == 0


def test_a_backfill_waits_for_a_cleanup_of_the_table_that_it_reads_and_not_if_it_reads_none(
    league: League, settings: Settings, run: Callable[..., Report], hold: Hold, in_thread: InThread
) -> None:
    open_season(league, DAY)
    league.write(settings)
    writer = hold(writing, PLAYERS)
    assert writer.holds.wait(300)
    assert outcomes(run(DAY, context_source="synthetic")) == {DAY: "complete"}
    assert run(DAY, tables=["team_defense_zone_analysis"]).is_done
    waiting = in_thread(run, DAY)
    with pytest.raises(TimeoutError):
        waiting.result(timeout=4)
    writer.let_go()
    assert waiting.result(timeout=300).is_done


def test_a_backfill_that_may_not_wait_fails_before_it_has_written_anything(
    league: League, settings: Settings, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_season(league, DAY)
    league.write(settings)
    assert hold(writing, PLAYERS).holds.wait(300)
    monkeypatch.setenv("FULLCOURT_INTERLOCK_TIMEOUT_SECONDS", "0")
    state = backfill(start_date=DAY, return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), WarehouseBusyError)
    assert published(settings) == {}


@pytest.mark.slow
def test_who_is_killed_holds_the_table_no_longer_than_its_lease(settings: Settings, hold: Hold, api_url: str) -> None:
    killed = start_python(_HOLD, api_url)
    with killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "held\n"
        killed.kill()
    writer = hold(writing, PLAYERS)
    assert writer.waits()
    assert writer.holds.wait(4 * LEASE_SECONDS)  # a slot that is never freed is never had


def test_limits_are_made_when_they_are_needed_and_registering_them_mends_and_never_doubles(settings: Settings) -> None:
    names = [limit.name for limit in limits_of(settings)]
    assert len(names) == len(set(names)) == 4
    with reading(settings, BOTH):
        slots = {name: read_limit(name).active_slots for name in names}
    assert slots == {name: 0 if name.endswith("-turn") else 1 for name in names}
    with get_client(sync_client=True) as client:
        client.request(
            "PATCH", "/v2/concurrency_limits/{id_or_name}", path_params={"id_or_name": names[0]}, json={"limit": 7}
        )
    for _ in range(2):
        assert {limit.name: limit.slots for limit in register_limits(settings)} == {
            name: read_limit(name).limit for name in names
        }


def test_a_warehouse_that_takes_any_number_of_publishes_is_not_throttled(settings: Settings) -> None:
    assert settings.connection().table_updates_per_10_seconds is None
    started = time.monotonic()
    for _ in range(1000):
        throttle_publish(settings, "player_composite_factors")
    assert time.monotonic() - started < 125  # half of what the limit of a warehouse that has one would make of it

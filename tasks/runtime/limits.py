"""Prefect's global concurrency limits: who may read or change a table at the same time, and how often one is published.

The interlock of a table is a lock for many readers or one writer: a limit with many slots, of which a reader occupies
one and a writer all. Who is next takes the limit's turn first, which has one slot, and a writer keeps it: readers that
come later cannot pass one that waits. No run waits while it has slots, and several tables are taken at once or not at
all, so that no two runs wait for each other.

Correctness does not depend on it: a lost lease does not end a run, and every writer verifies what it wrote. It saves a
run from reading rows that another is about to change.

Waiting is done here, and not by Prefect: after a refusal, its client waits for the occupancy of a slot times the slots
asked for, up to 30 s, and says nothing of who holds them.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from logging import Logger, LoggerAdapter
from typing import Any

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventResourceFilter
from prefect.exceptions import MissingContextError, ObjectAlreadyExists, ObjectNotFound
from prefect.logging import get_logger

from tasks.errors import WarehouseBusyError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue

READERS = 100
"""Runs that may read a table at the same time."""
LEASE_SECONDS = 60.0
"""How long after a run was killed its slots are free again; the shortest lease that Prefect allows."""
_PUBLISH_TIMEOUT_SECONDS = 600.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 2.0
_QUIET_SECONDS, _REMINDER_SECONDS = 1.0, 60.0
_WINDOW_SECONDS = 10
_EVENTS = 50  # a page of Prefect's API
_HTTP_LOCKED = 423


@dataclass(frozen=True)
class Limit:
    """One global concurrency limit. A ``decay`` (slots a second) makes it a limit of how often, not of how many."""

    name: str
    slots: int
    decay: float = 0.0


def limits_of(settings: Settings) -> list[Limit]:
    """Return every limit of the warehouse: of the tables that are cleaned up, and of those that are published."""
    catalogue = load_catalogue(settings)
    locks = [
        limit for table in catalogue.with_ttl for limit in (_turn(settings, table.name), _lock(settings, table.name))
    ]
    throttles = [throttle for table in catalogue.derived if (throttle := _throttle(settings, table))]
    return [*locks, *throttles]


def register_limits(settings: Settings) -> list[Limit]:
    """Create the missing limits, and set the slots of the existing ones."""
    limits = limits_of(settings)
    with get_client(sync_client=True) as client:
        for limit in limits:
            client.upsert_global_concurrency_limit_by_name(limit.name, limit.slots, limit.decay)
    return limits


@contextmanager
def reading(settings: Settings, tables: Collection[str]) -> Iterator[None]:
    """Keep writers, but not readers, from the tables for the duration of the block.

    Args:
        settings: The application's, with the longest wait.
        tables: Names; if there are none, there is no wait.

    Raises:
        WarehouseBusyError: A writer did not release them in time.
    """
    patience = _Patience(settings, "read", tables)
    with ExitStack() as held:
        with _occupied([_turn(settings, table) for table in sorted(tables)], 1, patience):
            held.enter_context(_occupied([_lock(settings, table) for table in sorted(tables)], 1, patience))
        yield


@contextmanager
def writing(settings: Settings, tables: Collection[str]) -> Iterator[None]:
    """Keep readers and other writers from the tables for the duration of the block.

    Args:
        settings: The application's, with the longest wait.
        tables: Names; if there are none, there is no wait.

    Raises:
        WarehouseBusyError: Another run did not release them in time.
    """
    patience = _Patience(settings, "change", tables)
    with (
        _occupied([_turn(settings, table) for table in sorted(tables)], 1, patience),
        _occupied([_lock(settings, table) for table in sorted(tables)], READERS, patience),
    ):
        yield


def throttle_publish(settings: Settings, table: str) -> None:
    """Wait until a table may be published again, where the warehouse limits how often; all runs share the limit.

    Raises:
        WarehouseBusyError: Its turn did not come in time; another attempt can succeed.
    """
    throttle = _throttle(settings, table)
    if throttle is None:
        return
    try:
        _pass(throttle)
    except AcquireConcurrencySlotTimeoutError as error:
        raise WarehouseBusyError(
            f"waited {_PUBLISH_TIMEOUT_SECONDS:g} s for {throttle.name}, the limit of how often {table} is published: "
            "too many runs publish it; let some of them end, then run this again"
        ) from error


def _lock(settings: Settings, table: str) -> Limit:
    return Limit(_name(settings, table), READERS)


def _turn(settings: Settings, table: str) -> Limit:
    return Limit(_name(settings, table, "turn"), 1)


def _throttle(settings: Settings, table: str) -> Limit | None:
    """Return the limit of how often a table is published; None if its warehouse has none.

    A publish is one update. A quarter of what is allowed may come at once, the rest evenly over the window: together
    never more than is allowed in any window.
    """
    allowed = settings.connection().table_updates_per_10_seconds
    if allowed is None:
        return None
    at_once = max(1, allowed // 4)
    return Limit(_name(settings, table, "publish"), at_once, (allowed - at_once) / _WINDOW_SECONDS)


def _name(settings: Settings, table: str, *part: str) -> str:
    return "-".join(["fullcourt", table.replace("_", "-"), settings.warehouse_digest, *part])


@contextmanager
def _occupied(limits: Sequence[Limit], slots: int, patience: "_Patience") -> Iterator[None]:
    """Occupy slots of every limit at once, for the duration of the block."""
    if not limits:
        yield
        return
    for limit in limits:
        _create_if_missing(limit)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(
                    concurrency(
                        [limit.name for limit in limits],
                        occupy=slots,
                        max_retries=0,
                        lease_duration=LEASE_SECONDS,
                        strict=True,
                        raise_on_lease_renewal_failure=False,
                    )
                )
                break
            except ConcurrencySlotAcquisitionError as error:
                if not _is_taken(error):
                    raise
            patience.wait(limits)
        yield


class _Patience:
    """The time that a run may wait for others, and what it logs meanwhile."""

    def __init__(self, settings: Settings, verb: str, tables: Collection[str]) -> None:
        self._limit_seconds = settings.interlock_timeout_seconds
        self._aim = f"to {verb} {', '.join(sorted(tables))}"
        self._started = time.monotonic()
        self._pause, self._speaks_at = _FIRST_WAIT_SECONDS, _QUIET_SECONDS

    def wait(self, limits: Sequence[Limit]) -> None:
        """Sleep before the next attempt.

        Raises:
            WarehouseBusyError: The time is up.
        """
        waited = time.monotonic() - self._started
        if waited >= self._limit_seconds:
            names = " ".join(limit.name for limit in limits)
            raise WarehouseBusyError(
                f"waited {waited:.0f} s {self._aim}: {_state(limits)}. Let that run end, or cancel it, then run this "
                "again; FULLCOURT_INTERLOCK_TIMEOUT_SECONDS is how long to wait. If no run is at work, free it: "
                f"prefect gcl update {names.split()[0]} --active-slots 0"
            )
        if waited >= self._speaks_at:
            self._speaks_at = waited + _REMINDER_SECONDS
            left = self._limit_seconds - waited
            _logger().warning("waits %s, for at most %.0f s more: %s", self._aim, left, _state(limits))
        time.sleep(min(self._pause, self._limit_seconds - waited))
        self._pause = min(2 * self._pause, _LONGEST_WAIT_SECONDS)


def _state(limits: Sequence[Limit]) -> str:
    """Describe how many slots of each limit are taken, and by which runs as far as Prefect knows."""
    taken = []
    with get_client(sync_client=True) as client:
        for limit in limits:
            try:
                there = client.read_global_concurrency_limit_by_name(limit.name)
            except ObjectNotFound:
                continue
            if there.active_slots:
                holders = ", ".join(_holders(client, str(there.id))) or "a run of which Prefect has no event"
                taken.append(f"{limit.name} has {there.active_slots} of {there.limit} slots taken, by {holders}")
    return "; ".join(taken) or f"{limits[0].name} was taken a moment ago"


def _holders(client: SyncPrefectClient, limit_id: str) -> list[str]:
    """Return the runs that acquired slots of a limit and did not release them, by Prefect's events."""
    steps = "prefect.concurrency-limit.acquired", "prefect.concurrency-limit.released"
    wanted = EventFilter(
        event=EventNameFilter(name=list(steps)),
        resource=EventResourceFilter(id=[f"prefect.concurrency-limit.{limit_id}"]),
        order=EventOrder.DESC,
    )
    try:
        page = client.read_events(wanted, limit=_EVENTS)
    except httpx.HTTPError:  # their names are not worth failing a run
        return []
    released = {event.follows for event in page.events if event.event == steps[1]}
    found = []
    for event in page.events:
        if event.event == steps[0] and event.id not in released:
            runs = [related for related in event.related if related.role == "flow-run"]
            found += [f"flow run {run.name} ({run.id.removeprefix('prefect.flow-run.')})" for run in runs]
    return list(dict.fromkeys(found))


def _is_taken(error: ConcurrencySlotAcquisitionError) -> bool:
    cause = error.__cause__
    return isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code == _HTTP_LOCKED


def _pass(throttle: Limit) -> None:
    try:
        rate_limit(throttle.name, timeout_seconds=_PUBLISH_TIMEOUT_SECONDS, strict=True)
    except ConcurrencySlotAcquisitionError as error:
        if error.__cause__ is not None:
            raise
        _create_if_missing(throttle)
        rate_limit(throttle.name, timeout_seconds=_PUBLISH_TIMEOUT_SECONDS, strict=True)


def _create_if_missing(limit: Limit) -> None:
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(limit.name)
        except ObjectNotFound:
            wanted = GlobalConcurrencyLimitCreate(
                name=limit.name, limit=limit.slots, slot_decay_per_second=limit.decay, active=True
            )
            with suppress(ObjectAlreadyExists):  # created by a run that started at the same moment
                client.create_global_concurrency_limit(wanted)


def _logger() -> "Logger | LoggerAdapter[Any]":
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("fullcourt")

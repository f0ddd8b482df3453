"""What a run would read, and what that costs: known before it reads anything."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from tasks.backfill.coverage import window
from tasks.backfill.plan import DayPlan, Plan
from tasks.backfill.request import BackfillRequest
from tasks.errors import RequestError
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.adoption_query import adoption_query
from tasks.tables.catalogue import Catalogue
from tasks.tables.compose import tables_read
from tasks.tables.gate_query import gate_query
from tasks.warehouse.base import Parameters, Warehouse
from tasks.warehouse.dry_run import STAGED


class _Sample(NamedTuple):
    """A day whose queries stand for those of others."""

    game_date: date
    season_start: date

    @property
    def age(self) -> int:
        """Days since the season began: what a day reads grows with it."""
        return (self.game_date - self.season_start).days


def with_costs(
    run: Run, warehouse: Warehouse, request: BackfillRequest, plan: Sequence[DayPlan]
) -> tuple[DayPlan, ...]:
    """Add to every day that needs work the bytes that its queries would be billed for; nothing where reading is free.

    A day reads its season so far. So the queries of two days, the earliest and the latest in their season, are tried
    in dry runs, and the days between are interpolated: a constant number of dry runs for any range. If one day compares
    its sources, every day is taken to: never less than a run reads.
    """
    todo = [_Sample(day.game_date, day.season_start) for day in plan if day.needs_work and day.season_start]
    if not todo:
        return tuple(plan)
    ends = [min(todo, key=lambda s: s.age), max(todo, key=lambda s: s.age)]
    checks = _checks(run.catalogue, request, plan)
    tried = {sample.age: _bytes_of_day(run, warehouse, request, sample, checks) for sample in dict.fromkeys(ends)}
    known = {age: found for age, found in tried.items() if found is not None}
    if not known:
        return tuple(plan)
    estimates = {sample.game_date: per_day(known, sample.age) for sample in todo}
    return tuple(day.model_copy(update={"bytes_to_read": estimates.get(day.game_date)}) for day in plan)


def capped(settings: Settings, request: BackfillRequest) -> Settings:
    """Return the settings with a run's own ``max_bytes_billed``, if it has one: every job is given that cap."""
    if request.max_bytes_billed is None:
        return settings
    return settings.model_copy(update={"max_bytes_billed": request.max_bytes_billed})


def describe_cost(settings: Settings, plan: Plan) -> str | None:
    """Say how much a run reads, with what its plan has read, and what it costs; None where reading is free."""
    total = total_bytes(plan)
    if total is None:
        return None
    usd = price(total, settings.usd_per_tib)
    return f"about {_size(total)}, the plan included, {usd:.2f} USD at {settings.usd_per_tib} a TiB"


def refuse_if_too_expensive(settings: Settings, plan: Plan) -> None:
    """Refuse a run that would read more than it may, before it reads anything but what the plan needed.

    Raises:
        RequestError: The plan's bytes are more than ``max_bytes_billed``, of the run or else of the settings.
    """
    total, allowed = total_bytes(plan), settings.max_bytes_billed
    if total is not None and total > allowed and any(day.needs_work for day in plan.days):
        raise RequestError(
            f"max_bytes_billed={allowed} ({_size(allowed)}): the run would read {describe_cost(settings, plan)}; "
            "nothing was started: narrow the range, or raise max_bytes_billed"
        )


def total_bytes(plan: Plan) -> int | None:
    """Return the bytes of all days, and of the plan's own queries; None where reading is free."""
    if plan.bytes_billed is None:
        return None
    return plan.bytes_billed + sum(day.bytes_to_read or 0 for day in plan.days)


def _checks(catalogue: Catalogue, request: BackfillRequest, plan: Sequence[DayPlan]) -> list[str]:
    """Return the queries that look at a day before it is built."""
    tables = [catalogue.table(name) for name in request.tables]
    work = [table for day in plan if day.needs_work for table in day.tables if table.action in ("build", "adopt")]
    in_both = {table.table for table in work if table.source_counts and table.source_counts.players}
    comparisons = (queries.disagreement(catalogue, table) for table in tables if table.name in in_both)
    return [queries.check(catalogue, tables), *(each for each in comparisons if each is not None)]


def _bytes_of_day(
    run: Run, warehouse: Warehouse, request: BackfillRequest, sample: _Sample, checks: Iterable[str]
) -> int | None:
    catalogue, day = run.catalogue, sample.game_date
    read = window(run.settings, sample.season_start, day, day)
    season: Parameters = {**read, "run_id": "", "processed_at": datetime.combine(day, time(), UTC)}
    tables = [catalogue.table(name) for name in request.tables]
    found = [warehouse.estimate(check, read) for check in checks]
    for table in tables:
        if request.adopt:
            found.append(warehouse.estimate(adoption_query(catalogue, table), read))
        sources = catalogue.build(table.name).sources
        builds = [catalogue.query(table.name, "build", source=source.name) for source in sources]
        if run.dry_run:  # the gate reads the rows from the build itself
            builds = [gate_query(catalogue, table, STAGED, build) for build in builds]
        found.append(_most([warehouse.estimate(build, season) for build in builds]))
        if run.dry_run:
            continue
        staged = f"(SELECT * FROM {table.full_name} WHERE {table.partition} = @game_date)"
        found.append(warehouse.estimate(gate_query(catalogue, table, staged), season))
        if table.full_name in tables_read(gate_query(catalogue, table, STAGED)):  # staged rows are a table of their own
            found.append(warehouse.estimate(f"SELECT * FROM {staged} AS staged", read))
    return None if None in found else sum(each for each in found if each is not None)


def _most(estimates: Sequence[int | None]) -> int | None:
    """Return the bytes of the source that reads most, as it is not known yet which one a day will be built from."""
    return None if None in estimates else max(each for each in estimates if each is not None)


def _size(count: int) -> str:
    size, unit = float(count), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, bigger
    return f"{size:.3g} {unit}"


TIB = 1024**4


def per_day(known: Mapping[int, int], age: int) -> int:
    """Interpolate the bytes that a day reads.

    Args:
        known: Bytes by age in days since the season began; one or two ages.
        age: The day's, between them.
    """
    (first, low), (last, high) = min(known.items()), max(known.items())
    if first == last:
        return low
    return round(low + (high - low) * (age - first) / (last - first))


def price(read_bytes: int, usd_per_tib: float) -> float:
    """Return the price of reading so many bytes, in US dollars (https://cloud.google.com/bigquery/pricing)."""
    return read_bytes / TIB * usd_per_tib

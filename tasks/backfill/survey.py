"""Plan a run: what is there for every day, and what is to be done; a constant number of queries for any range."""

from collections.abc import Mapping, Sequence
from datetime import date

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.cost import describe_cost, with_costs
from tasks.backfill.coverage import read_coverage, read_reference
from tasks.backfill.day import Reference, SourceCoverage, choose_source, is_bootstrap
from tasks.backfill.gate import Outcome
from tasks.backfill.plan import DayPlan, Plan, TablePlan, input_digest, plan_table
from tasks.backfill.records import RECORDS, read_checkpoints
from tasks.backfill.request import BackfillRequest
from tasks.runtime.artifacts import write_table
from tasks.runtime.origin import current_origin, sweep_staged
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.warehouse.base import Warehouse
from tasks.warehouse.dry_run import DryRun, open_for_run
from tasks.warehouse.schema import prepare_tables

Place = tuple[str, date]
DayDigests = dict[str, list[tuple[date, str]]]


@step("plan", run_name="plan")
def plan_backfill(settings: Settings, request: BackfillRequest) -> Plan:
    """Look at the whole range at once, and decide for every day and table what is to be done.

    Returns:
        The plan, with each day that was asked for, in order.

    Raises:
        SchemaError: A table or column is missing or has another type; nothing was written.
        TransientError: Another attempt can succeed; the task is retried.
    """
    with open_for_run(settings, current_origin("plan"), dry_run=request.dry_run) as warehouse:
        if not request.dry_run:
            sweep_staged(warehouse)
        days = with_costs(warehouse, settings, request, _Survey(warehouse, settings, request).plan())
        creates = tuple(warehouse.not_created) if isinstance(warehouse, DryRun) else ()
        return Plan(days=days, creates=creates, bytes_billed=warehouse.bytes_billed)


@step("publish-plan", run_name="publish-plan")
def publish_plan(settings: Settings, plan: Plan) -> None:
    """Publish the plan as an artifact, before any work starts. Grain: one row a day."""
    said = [f"{len(plan.days)} days, {sum(day.needs_work for day in plan.days)} of them need work"]
    if cost := describe_cost(settings, plan):
        said.append(f"to read: {cost}")
    if plan.creates:
        said.append(f"a run that is no dry run would create {', '.join(plan.creates)}")
    write_table("backfill-plan", [_plan_row(day) for day in plan.days], description="; ".join(said))


class _Survey:
    """All that is read for a plan."""

    def __init__(self, warehouse: Warehouse, settings: Settings, request: BackfillRequest) -> None:
        self._settings, self._request = settings, request
        self._catalogue = load_catalogue(settings)
        first, last = request.first_date, request.last_date
        everything = self._catalogue.with_dependencies(request.tables)
        inputs = {i.table for name in everything for i in self._catalogue.build(name).inputs}
        inputs |= {s.table for name in everything for s in self._catalogue.build(name).sources if s.table}
        inputs |= {"nba_schedule", "player_game_summary"}  # the reference check reads them
        prepare_tables(warehouse, self._catalogue, inputs=inputs, written=[*everything, *RECORDS])
        self._reference = read_reference(warehouse, settings, first, last, request.as_of)
        self._season_starts = _read_season_starts(warehouse, self._catalogue, first, last)
        self._coverage = {
            name: read_coverage(warehouse, settings, name, first, last, with_missing=False) for name in request.tables
        }
        self._digests = self._read_digests(warehouse)
        self._rows_there = _read_row_counts(warehouse, self._catalogue, everything, first, last)
        self._settled = {day: self._settle(day) for day in request.days()}
        open_days = [day for day, settled in self._settled.items() if settled is None]
        self._checkpoints = (
            read_checkpoints(warehouse, settings, everything, open_days, is_dry_run=request.dry_run)
            if open_days
            else {}
        )

    def plan(self) -> tuple[DayPlan, ...]:
        return tuple(self._plan_day(day) for day in self._request.days())

    def _plan_day(self, day: date) -> DayPlan:
        tables: list[TablePlan] = []
        for name in self._request.tables:  # dependencies first
            tables.append(self._follow_dependencies(self._plan_table(name, day), tables))
        depends_on = {d for name in self._request.tables for d in self._catalogue.build(name).depends_on}
        absent = [name for name in sorted(depends_on - set(self._request.tables)) if not self._is_there(name, day)]
        settled = self._settled[day]
        return DayPlan(
            game_date=day,
            season_start=self._season_start(day),
            reference=self._day_reference(day),
            settled=None if any(table.action == "build" for table in tables) else settled,
            tables=tuple(tables),
            absent_dependencies=tuple(absent) if settled is None else (),
        )

    def _plan_table(self, name: str, day: date) -> TablePlan:
        build = self._catalogue.build(name)
        coverage = self._coverage[name].get(day)
        if coverage is None and build.preferred is not None:
            coverage = SourceCoverage(source=build.preferred.name, expected=self._day_reference(day).expected_players)
        decision = choose_source(build, coverage, self._request.context_source)
        return plan_table(
            name,
            checkpoint=self._checkpoints.get((name, day)),
            decision=decision,
            coverage=coverage,
            inputs=self._inputs(name, day, decision.source) if self._settled[day] is None else {},
            code_version=self._catalogue.code_version(name),
            rows_there=self._rows_there.get((name, day), 0),
            settled=self._settled[day],
            resume=self._request.resume,
        )

    def _follow_dependencies(self, table: TablePlan, before: Sequence[TablePlan]) -> TablePlan:
        """Build a table again if one that it is built from is, or was since."""
        checkpoint = table.checkpoint
        if table.action != "keep" or checkpoint is None:
            return table
        rebuilt = {other.table for other in before if other.action == "build"}
        for name in self._catalogue.build(table.table).depends_on:
            other = self._checkpoints.get((name, checkpoint.game_date))
            if name in rebuilt or (other is not None and other.recorded_at > checkpoint.recorded_at):
                why = f"{name} is newer"
                return table.model_copy(update={"action": "build", "state": "stale", "why": why})
        return table

    def _inputs(self, name: str, day: date, source_name: str) -> dict[str, str]:
        build, start = self._catalogue.build(name), self._season_start(day)
        inputs = {}
        for needed in build.inputs:
            inputs[needed.table] = input_digest(
                [
                    (at, digest)
                    for at, digest in self._digests[needed.table]
                    if (needed.window != "day" and (start is None or start <= at) and at < day)
                    or (needed.window != "season_before" and at == day)
                ]
            )
        for source in build.sources:
            if source.table and source.name == source_name:
                inputs[f"source {source.name}"] = input_digest(
                    [(at, digest) for at, digest in self._digests[source.table] if at == day]
                )
        return inputs

    def _read_digests(self, warehouse: Warehouse) -> DayDigests:
        builds = [self._catalogue.build(name) for name in self._request.tables]
        first, last = self._request.first_date, self._request.last_date
        since = {s.table: first for build in builds for s in build.sources if s.table}
        season = min([first, *(start for start in self._season_starts.values() if start is not None)])
        for needed in (needed for build in builds for needed in build.inputs):
            start = first if needed.window == "day" else season
            since[needed.table] = min(start, since.get(needed.table, start))
        return {
            name: [
                (row["game_date"], row["digest"])
                for row in warehouse.fetch(
                    queries.digests(self._catalogue.table(name)), {"from_date": start, "game_date": last}
                )
            ]
            for name, start in since.items()
        }

    def _settle(self, day: date) -> Outcome | None:
        if not self._day_reference(day).has_games:
            return "no_games"
        if is_bootstrap(day, self._season_start(day), self._settings.bootstrap_days):
            return "skipped_bootstrap"
        return None

    def _is_there(self, name: str, day: date) -> bool:
        checkpoint: Checkpoint | None = self._checkpoints.get((name, day))
        return (
            checkpoint is not None
            and checkpoint.is_done
            and checkpoint.row_count == self._rows_there.get((name, day), 0)
        )

    def _day_reference(self, day: date) -> Reference:
        return self._reference.get(day) or Reference(game_date=day)

    def _season_start(self, day: date) -> date | None:
        year = self._day_reference(day).season_year
        return self._season_starts.get(year) if year is not None else None


def _read_season_starts(warehouse: Warehouse, catalogue: Catalogue, first: date, last: date) -> Mapping[int, date]:
    rows = warehouse.fetch(catalogue.shared_query("seasons"), {"from_date": first, "game_date": last})
    return {
        row["season_year"]: row["season_start"] or row["first_date"]
        for row in rows
        if row["first_date"] <= last and row["last_date"] >= first
    }


def _read_row_counts(
    warehouse: Warehouse, catalogue: Catalogue, tables: Sequence[str], first: date, last: date
) -> dict[Place, int]:
    sql = queries.row_counts([catalogue.table(name) for name in tables])
    rows = warehouse.fetch(sql, {"from_date": first, "game_date": last})
    return {(row["table_name"], row["game_date"]): row["row_count"] for row in rows}


def _plan_row(day: DayPlan) -> dict[str, object]:
    reference, covered = day.reference, next((table for table in day.tables if table.coverage is not None), None)
    row: dict[str, object] = {
        "day": day.game_date.isoformat(),
        "action": "build" if day.needs_work else day.settled or "keep",
        "scheduled": reference.scheduled_games,
        "final": reference.final_games,
        "loaded": reference.loaded_games,
        "expected players": reference.expected_players,
    }
    if covered is not None and covered.coverage is not None:
        row[f"{covered.coverage.source} players"] = covered.coverage.players
        row["source"] = covered.decision.source if reference.has_games else ""
    for table in day.tables:
        row[table.table] = f"{table.action}; {table.state}: {table.why}"
    if day.bytes_to_read is not None:
        row["bytes to read"] = day.bytes_to_read
    if covered is not None:
        row["why that source"] = covered.decision.reason if reference.has_games else ""
    return row

"""Plan a run: survey the whole range with a constant number of queries, and decide on what they found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from tasks.backfill.checkpoint import Rows, TableDay
from tasks.backfill.cost import describe_cost, with_costs
from tasks.backfill.coverage import read_references, read_source_counts, window
from tasks.backfill.day import read_from
from tasks.backfill.findings import DayDigest, Survey
from tasks.backfill.plan import DayPlan, Plan, describe_work, doubtful, plan_days
from tasks.backfill.records import HISTORY, RECORDS, read_histories
from tasks.backfill.request import BackfillRequest
from tasks.runtime.artifacts import write_table
from tasks.runtime.origin import sweep_staged
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.tables import queries
from tasks.tables.catalogue import Catalogue
from tasks.tables.spec import Build
from tasks.warehouse.base import Warehouse
from tasks.warehouse.dry_run import DryRun
from tasks.warehouse.schema import prepare_tables


@step("plan", run_name="plan")
def plan_backfill(run: Run, request: BackfillRequest) -> Plan:
    """Survey the whole range at once, and decide for every day and table what is to be done.

    Returns:
        The plan, with each day that was asked for, in order.

    Raises:
        SchemaError: A table or column is missing or has another type; nothing was written.
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("plan") as warehouse:
        if not run.dry_run:
            sweep_staged(warehouse)
        days = read_plan(run, warehouse, request)
        days = with_costs(run, warehouse, request, days)
        creates = tuple(warehouse.not_created) if isinstance(warehouse, DryRun) else ()
        billed, moment = warehouse.bytes_billed, run.moment
        if billed is not None and moment is not None:
            billed += moment.bytes_billed
        return Plan(days=days, creates=creates, bytes_billed=billed)


def read_plan(run: Run, warehouse: Warehouse, request: BackfillRequest) -> tuple[DayPlan, ...]:
    """Survey the range and decide on every day of it; a constant number of queries."""
    return plan_days(_survey(run, warehouse, request), request)


@step("publish-plan", run_name="publish-plan")
def publish_plan(run: Run, plan: Plan) -> None:
    """Publish the plan as an artifact, before any work starts. Grain: one row a day."""
    said = [describe_work(plan.days)]
    if cost := describe_cost(run.settings, plan):
        said.append(f"to read: {cost}")
    if plan.creates:
        said.append(f"a run that is no dry run would create {', '.join(plan.creates)}")
    write_table("backfill-plan", [_plan_row(day) for day in plan.days], description="; ".join(said))


def _survey(run: Run, warehouse: Warehouse, request: BackfillRequest) -> Survey:
    """Read all that a plan is decided on."""
    catalogue, first, last = run.catalogue, request.first_date, request.last_date
    builds = {name: catalogue.build(name) for name in catalogue.with_dependencies(request.tables)}
    inputs = {table.name for table in catalogue.inputs(builds)}
    prepare_tables(warehouse, catalogue, inputs=inputs, written=[*builds, *RECORDS, HISTORY])
    season_starts = _read_season_starts(warehouse, catalogue, first, last)
    season = min([first, *season_starts.values()])
    references = read_references(run, warehouse, season, first, last)
    found = Survey(
        builds=builds,
        code_versions={name: catalogue.code_version(name) for name in builds},
        bootstrap_days=run.settings.bootstrap_days,
        references=references,
        season_starts=season_starts,
        source_counts={name: read_source_counts(run, warehouse, name, season, first, last) for name in builds},
        digests=_read_digests(warehouse, catalogue, builds.values(), request, season),
        expected_digests=_read_expected_digests(run, warehouse, season, first, last),
        rows=read_rows_there(warehouse, catalogue, list(builds), first, last),
        histories={},
        derived=catalogue.derived,
    )
    days = [day for day in request.days() if found.skipped(day) is None]
    found = replace(found, histories=read_histories(run, warehouse, days) if days else {})
    return replace(found, would_be=_read_would_be(run, warehouse, season, doubtful(found, request)))


def read_rows_there(
    warehouse: Warehouse, catalogue: Catalogue, tables: Sequence[str], first: date, last: date
) -> dict[TableDay, Rows]:
    """Count and digest the rows of each table and day; a day without rows is left out."""
    sql = queries.rows_there([catalogue.table(name) for name in tables])
    rows = warehouse.fetch(sql, {"from_date": first, "game_date": last})
    return {(row["table_name"], row["game_date"]): Rows(row["row_count"], row["digest"]) for row in rows}


def _read_expected_digests(run: Run, warehouse: Warehouse, season: date, first: date, last: date) -> dict[date, str]:
    sql = queries.expected_digests(run.catalogue)
    rows = warehouse.fetch(sql, window(run.settings, season, first, last))
    return {row["game_date"]: row["digest"] for row in rows}


def _read_would_be(
    run: Run, warehouse: Warehouse, season: date, doubtful: Mapping[tuple[str, str], Sequence[date]]
) -> dict[tuple[str, date, str], str]:
    """Digest the rows that would be built now, of the days of which it matters; one query for each table and source."""
    found: dict[tuple[str, date, str], str] = {}
    for (table, source), days in doubtful.items():
        sql = queries.would_be(run.catalogue, run.catalogue.table(table), source)
        read = window(run.settings, season, min(days), max(days))
        rows = warehouse.fetch(sql, {**read, "run_id": run.id, "processed_at": datetime.now(UTC)})
        found |= {(table, row["game_date"], source): row["digest"] for row in rows}
    return found


def _read_season_starts(warehouse: Warehouse, catalogue: Catalogue, first: date, last: date) -> Mapping[int, date]:
    rows = warehouse.fetch(catalogue.shared_query("seasons"), {"from_date": first, "game_date": last})
    return {
        row["season_year"]: row["season_start"] or row["first_date"]
        for row in rows
        if row["first_date"] <= last and row["last_date"] >= first
    }


def _read_digests(
    warehouse: Warehouse, catalogue: Catalogue, builds: Collection[Build], request: BackfillRequest, season: date
) -> dict[str, list[DayDigest]]:
    """Read a digest of each day of every input, since ``season`` where a day depends on its season."""
    first = request.first_date
    since = {source.table: first for build in builds for source in build.sources if source.table}
    for needed in (needed for build in builds for needed in build.inputs):
        start = first if needed.window == "day" else read_from(season)
        since[needed.table] = min(start, since.get(needed.table, start))
    digests = {}
    for name, start in since.items():
        sql = queries.digests(catalogue.as_read(name))
        rows = warehouse.fetch(sql, {"from_date": start, "game_date": request.last_date})
        digests[name] = [(row["game_date"], row["digest"]) for row in rows]
    return digests


def _plan_row(day: DayPlan) -> dict[str, object]:
    reference, actions = day.reference, {table.action for table in day.tables}
    row: dict[str, object] = {
        "day": day.game_date.isoformat(),
        "action": next((each for each in ("build", "adopt") if each in actions), day.skipped or "keep"),
        "scheduled": reference.scheduled_games,
        "final": reference.final_games,
        "loaded": reference.loaded_games,
        "expected players": reference.expected_players,
    }
    chosen = next((table for table in day.tables if table.source_counts is not None), None)
    if chosen is not None and chosen.source_counts is not None:
        row[f"{chosen.source_counts.source} players"] = chosen.source_counts.players
        row["source"] = chosen.source if reference.has_games else ""
    for table in day.tables:
        row[table.table] = table.why if table.action == "nothing" else f"{table.action}; {table.state}: {table.why}"
    if day.bytes_to_read is not None:
        row["bytes to read"] = day.bytes_to_read
    if chosen is not None:
        row["why that source"] = chosen.source_reason if reference.has_games else ""
    return row

"""Build a day's rows, judge them, and publish what passes: write, audit, publish."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.backfill.coverage import names
from tasks.backfill.day import Reason
from tasks.backfill.gate import StagedFacts, Verdict, judge
from tasks.runtime.limits import throttle_publish
from tasks.runtime.origin import current_origin
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.warehouse.base import Parameter, Parameters, Staged, Warehouse
from tasks.warehouse.dry_run import open_for_run


class BuildOrder(BaseModel):
    """One table and day to build. ``objections`` are what the checks before found; ``force`` overrides judgement."""

    model_config = ConfigDict(frozen=True)

    table: str
    game_date: date
    season_start: date
    source: str
    run_id: str
    processed_at: datetime
    force: bool
    dry_run: bool
    objections: tuple[Reason, ...] = ()


class Built(BaseModel):
    """What the gate read and decided, and how many rows were published."""

    model_config = ConfigDict(frozen=True)

    facts: StagedFacts
    verdict: Verdict
    published_rows: int


@step("build-rows", run_name="build {order.table} {order.game_date}")
def build_rows(settings: Settings, order: BuildOrder) -> Built:
    """Stage a day's rows from the order's source, gate them, and publish them if they pass.

    Raises:
        TransientError: Another attempt can succeed; the task is retried. Nothing is half-written.
        WarehouseError: The warehouse refused.
    """
    return _stage_gate_publish(settings, order)


@step("synthesize-context", run_name="synthesize {order.table} {order.game_date}")
def synthesize_context(settings: Settings, order: BuildOrder) -> Built:
    """Do what ``build_rows`` does, with the context rebuilt from box scores: the preferred source is not enough.

    Raises:
        TransientError: Another attempt can succeed; the task is retried. Nothing is half-written.
        WarehouseError: The warehouse refused.
    """
    return _stage_gate_publish(settings, order)


def _stage_gate_publish(settings: Settings, order: BuildOrder) -> Built:
    catalogue = load_catalogue(settings)
    spec, build = catalogue.table(order.table), catalogue.build(order.table)
    parameters: dict[str, Parameter] = {
        "game_date": order.game_date,
        "from_date": order.season_start,
        "run_id": order.run_id,
        "processed_at": order.processed_at,
    }
    sql = catalogue.query(order.table, "build", source=order.source)
    origin = current_origin("build", table=order.table, game_date=order.game_date)
    with (
        open_for_run(settings, origin, dry_run=order.dry_run) as warehouse,
        warehouse.stage(spec, sql, parameters, game_date=order.game_date, run_id=order.run_id) as staged,
    ):
        facts = _read_facts(warehouse, catalogue, staged, parameters)
        verdict = judge(facts, build.thresholds, force=order.force, before=order.objections)
        published = 0
        if verdict.publishes and not order.dry_run:
            throttle_publish(settings, order.table)
            published = warehouse.publish(staged)
    return Built(facts=facts, verdict=verdict, published_rows=published)


def _read_facts(warehouse: Warehouse, catalogue: Catalogue, staged: Staged, parameters: Parameters) -> StagedFacts:
    sql = queries.gate(catalogue, staged.table, staged.location, staged.query)
    (row,) = warehouse.fetch(sql, parameters)
    facts: Mapping[str, Any] = row
    return StagedFacts(
        row_count=facts["row_count"],
        expected=facts["expected"],
        covered=facts["covered"],
        missing=names(facts["missing"]),
        unexpected=facts["unexpected"],
        duplicate_keys=facts["duplicate_keys"],
        null_keys=facts["null_keys"],
        other_days=facts["other_days"],
        rows_with_values=facts["rows_with_values"],
        out_of_range={
            column.name: facts[f"range_{column.name}"]
            for column in staged.table.columns
            if column.range and facts[f"range_{column.name}"]
        },
    )

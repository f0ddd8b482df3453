"""Build a day's rows, judge them, and publish what passes: write, audit, publish."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime

from tasks.backfill.coverage import window
from tasks.backfill.day import Reason
from tasks.backfill.facts import changed, compared, facts_of_day
from tasks.backfill.gate import Verdict, judge
from tasks.backfill.replacement import Standing, worse
from tasks.backfill.staging import StagedRows
from tasks.backfill.turns import Turns
from tasks.runtime.limits import throttle_publish
from tasks.runtime.run import Run
from tasks.warehouse.base import Parameter


def build_rows(
    run: Run,
    table: str,
    game_date: date,
    *,
    season_start: date,
    source: str,
    has_holes: bool,
    is_after_break: bool,
    objections: Sequence[Reason],
    dependencies: Mapping[str, str],
    there: Standing | None,
    staged: StagedRows | None,
    turns: Turns,
    force: bool,
    processed_at: datetime,
) -> Verdict:
    """Stage a day's rows, gate them, and publish them if they pass.

    Args:
        run: The current one.
        table: The derived table.
        game_date: The day.
        season_start: The first day of its season.
        source: Where the context comes from.
        has_holes: Whether a row may look back on a game that is not loaded as it was played.
        is_after_break: Whether many of the day's teams have not played for a week: their values are not as usual.
        objections: What earlier checks object to.
        dependencies: The digest that each table's rows must have that the day is built from.
        there: What is published already.
        staged: Rows that were built already, of this day and of others.
        turns: The order in which days at work are judged.
        force: Publish although judgement says no; never against integrity.
        processed_at: When the rows were built, as they record it.

    Raises:
        TransientError: Another attempt can succeed. Nothing is half-written.
        WarehouseError: The warehouse refused.
    """
    catalogue = run.catalogue
    spec, build = catalogue.table(table), catalogue.build(table)
    read = window(run.settings, season_start, game_date, game_date)
    parameters: dict[str, Parameter] = {**read, "run_id": run.id, "processed_at": processed_at}

    def is_doubtful(verdict: Verdict) -> bool:
        return verdict.facts.unexpected > 0 or not (verdict.publishes or objections)

    def attempt(offered: StagedRows | None) -> Verdict:
        with run.warehouse("build", table=table, game_date=game_date) as warehouse, ExitStack() as stack:
            if offered:
                rows, facts = offered.of_day(spec, game_date), offered.facts[game_date]
                if facts.is_suspect:
                    turns.wait(game_date, table)
                facts, found = compared(warehouse, catalogue, rows, facts, parameters)
            else:
                sql = catalogue.query(table, "build", source=source, has_holes=has_holes)
                rows = stack.enter_context(warehouse.stage(spec, sql, parameters, game_date=game_date, run_id=run.id))
                if build.varying or build.unknown_fields:
                    turns.wait(game_date, table)
                facts, found = facts_of_day(warehouse, catalogue, rows, parameters)
            verdict = judge(
                facts,
                build.thresholds,
                complete_from=build.completeness.warn_below if build.completeness else None,
                force=force,
                before=(*objections, *(() if run.dry_run else changed(found, dependencies))),
                worse=worse(facts, there),
                is_after_break=is_after_break,
                may_be_empty=not build.reads_the_day,
            )
            if run.dry_run or not verdict.publishes or (offered and is_doubtful(verdict)):
                return verdict
            throttle_publish(run.settings, table)
            return verdict.model_copy(update={"published_rows": warehouse.publish(rows)})

    if staged is not None and staged.are_of(game_date, source=source, dependencies=dependencies):
        verdict = attempt(staged)
        if not is_doubtful(verdict):
            return verdict
    return attempt(None)  # also before a fault is found in rows that were staged: then the day's own are judged

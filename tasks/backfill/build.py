"""Build a day's rows, judge them, and publish what passes: write, audit, publish."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from tasks.backfill.batch import StagedRows
from tasks.backfill.coverage import names, window
from tasks.backfill.day import Reason
from tasks.backfill.gate import StagedFacts, Verdict, judge
from tasks.backfill.replacement import Standing, worse
from tasks.backfill.turns import Turns
from tasks.runtime.limits import throttle_publish
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.tables.gate_query import gate_query
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Parameter, Row


@step("build-rows", run_name="build {table} {game_date}")
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
        is_after_break: Whether most of the day's teams have not played for a week: their values are not as usual.
        objections: What earlier checks object to.
        dependencies: The digest that each table's rows must have that the day is built from.
        there: What is published already.
        staged: Rows that were built already, of this day and of others.
        turns: The order in which days at work are judged.
        force: Publish although judgement says no; never against integrity.
        processed_at: When the rows were built, as they record it.

    Raises:
        TransientError: Another attempt can succeed; the task is retried. Nothing is half-written.
        WarehouseError: The warehouse refused.
    """
    catalogue = run.catalogue
    spec, build = catalogue.table(table), catalogue.build(table)
    read = window(run.settings, season_start, game_date, game_date)
    parameters: dict[str, Parameter] = {**read, "run_id": run.id, "processed_at": processed_at}

    def is_doubtful(verdict: Verdict) -> bool:
        return verdict.facts.unexpected > 0 or not (verdict.publishes or objections)

    def attempt(staged: StagedRows | None) -> Verdict:
        sql, expected = _queries(run, table, source, staged, has_holes=has_holes)
        with (
            run.warehouse("build", table=table, game_date=game_date) as warehouse,
            warehouse.stage(spec, sql, parameters, game_date=game_date, run_id=run.id) as rows,
        ):
            sql = gate_query(catalogue, spec, rows.location, rows.query, expected=expected)
            if build.varying or build.unknown_fields:  # compared with what is published of the days before
                turns.wait(game_date, table)
            (row,) = warehouse.fetch(sql, parameters)
            facts = facts_of(spec, row)
            verdict = judge(
                facts,
                build.thresholds,
                complete_from=build.completeness.warn_below if build.completeness else None,
                force=force,
                before=(*objections, *(() if run.dry_run else _changed(row, dependencies))),
                worse=worse(facts, there),
                is_after_break=is_after_break,
                may_be_empty=not build.reads_the_day,
            )
            if run.dry_run or not verdict.publishes or (staged and is_doubtful(verdict)):
                return verdict
            throttle_publish(run.settings, table)
            return verdict.model_copy(update={"published_rows": warehouse.publish(rows)})

    if staged is not None and staged.are_of(game_date, source=source, dependencies=dependencies):
        verdict = attempt(staged)
        if not is_doubtful(verdict):
            return verdict
    return attempt(None)  # also before a fault is found in rows that were staged: then the day's own are judged


def _queries(
    run: Run, table: str, source: str, staged: StagedRows | None, *, has_holes: bool
) -> tuple[str, str | None]:
    """Return what gives a day's rows, and its expected set if the table's own query is not to."""
    if staged is None:
        return run.catalogue.query(table, "build", source=source, has_holes=has_holes), None
    partition = run.catalogue.table(table).partition
    return (
        f"SELECT * FROM {staged.rows} WHERE {partition} = @game_date",
        f"SELECT * FROM {staged.expected} WHERE game_date = @game_date",
    )


synthesize_context = build_rows.with_options(name="synthesize-context", task_run_name="synthesize {table} {game_date}")
"""The same, from the fallback: the name shows in the UI that the preferred source was not enough."""


def _changed(row: Row, dependencies: Mapping[str, str]) -> Iterator[Reason]:
    """Yield the tables whose rows were not those that the day was to be built from, whoever has changed them."""
    for name, digest in dependencies.items():
        if (row[f"digest_of_{name}"] or "") != digest:
            message = f"{name} of the day changed while it was read; run the day again"
            yield Reason(category="dependency_stale", message=message)


def facts_of(table: TableSpec, row: Row) -> StagedFacts:
    """Return what the gate's query has found of a table's rows of a day."""
    return StagedFacts(
        row_count=row["row_count"],
        expected=row["expected"],
        covered=row["covered"],
        missing=names(row["missing"]),
        unexpected=row["unexpected"],
        duplicate_keys=row["duplicate_keys"],
        duplicates=names(row["duplicates"]),
        null_keys=row["null_keys"],
        other_days=row["other_days"],
        rows_with_values=row["rows_with_values"],
        rows_digest=row["rows_digest"],
        rows_without_own_games=row["without_own_games"],
        rows_without_games=row["without_games"],
        look_back_touched=names(row["look_back_touched"]),
        mean_completeness=row["mean_completeness"],
        constant_columns=names(row["constant_columns"]),
        unknown_anew=names(row["unknown_anew"]),
        out_of_range={
            column.name: row[f"range_{column.name}"]
            for column in table.columns
            if column.range and row[f"range_{column.name}"]
        },
    )

"""Adopt a day that is in a table already, and that no run published: validate its rows, and leave them as they are."""

from collections.abc import Iterator
from datetime import date

from tasks.backfill.checkpoint import ADOPTED
from tasks.backfill.coverage import names, window
from tasks.backfill.day import Reason
from tasks.backfill.facts import facts_of
from tasks.backfill.gate import StagedFacts, Verdict, judge
from tasks.backfill.plan import TablePlan
from tasks.runtime.run import Run
from tasks.tables.adoption_query import adoption_query, calculation_version
from tasks.tables.spec import Build
from tasks.warehouse.base import Row

UNKNOWN_SOURCE = "adopted"
"""The source of rows that do not say theirs."""


def adopt_rows(
    run: Run, table: str, game_date: date, *, season_start: date, is_after_break: bool
) -> tuple[Verdict, str]:
    """Judge the rows that a table holds for a day as the gate judges those of a build; nothing is written.

    Args:
        run: The current one.
        table: The derived table.
        game_date: The day.
        season_start: The first day of its season.
        is_after_break: Whether many of the day's teams have not played for a week: their values are not as usual.

    Returns:
        The verdict, and the source that the rows say they were built from.

    Raises:
        TransientError: Another attempt can succeed.
        WarehouseError: The warehouse refused.
    """
    catalogue = run.catalogue
    spec, build = catalogue.table(table), catalogue.build(table)
    with run.warehouse("adopt", table=table, game_date=game_date) as warehouse:
        sql = adoption_query(catalogue, spec)
        (row,) = warehouse.fetch(sql, window(run.settings, season_start, game_date, game_date))
    facts = facts_of(spec, row).model_copy(update={"rows_look_back_unknown": row["look_back_unknown"]})
    verdict = judge(
        facts,
        build.thresholds,
        complete_from=build.completeness.warn_below if build.completeness else None,
        before=objections(facts, row, build, calculation_version(catalogue, table)),
        is_after_break=is_after_break,
    )
    if not verdict.publishes:
        return verdict, UNKNOWN_SOURCE
    if doubts := tuple(unknowns(row)):
        outcome, reasons = "complete_with_warning", (*verdict.reasons, *doubts)
        verdict = verdict.model_copy(update={"outcome": outcome, "reasons": reasons})
    return verdict.model_copy(update={"published_rows": facts.row_count}), source_of(row, build)


def objections(facts: StagedFacts, row: Row, build: Build, version: str | None) -> Iterator[Reason]:
    """Yield what the gate need not ask of a build's own rows, and must of others."""
    if empty := facts.row_count - facts.rows_with_values:
        yield Reason(category="all_null", message=f"{empty} rows have no value in {', '.join(build.never_all_null)}")
    without = {name: row[f"null_{name}"] for name in build.varying if row[f"null_{name}"]}
    if without:
        said = ", ".join(f"{name} in {count}" for name, count in without.items())
        yield Reason(category="null_values", message=f"scores are NULL that a build always gives: {said} rows")
    others = [each for each in names(row["versions"]) if each != version]
    if version is not None and others:
        message = f"calculation_version is {', '.join(others)} in rows of the day, and {version} in those of a build"
        yield Reason(category="other_version", message=message)


def unknowns(row: Row) -> Iterator[Reason]:
    """Yield what the rows do not say of themselves: it is unknown, which is no reason to build them again."""
    what = {
        "look_back": "which games they look back on in vain",
        "completeness": "how many of their inputs are known",
        "version": "which calculation they are of",
        "kind": "from which source they are",
    }
    said = [f"{row[f'{name}_unknown']} do not say {words}" for name, words in what.items() if row[f"{name}_unknown"]]
    if said:
        yield Reason(category="adopted_with_unknowns", message=f"of {row['row_count']} rows, {', '.join(said)}")


def source_of(row: Row, build: Build) -> str:
    """Return the source that rows say they were built from: the preferred one if any of them is from it."""
    kinds = names(row["kinds"])
    if row["kind_unknown"] or not kinds or any(kind not in {each.name for each in build.sources} for kind in kinds):
        return UNKNOWN_SOURCE
    preferred = build.preferred
    return preferred.name if preferred and preferred.name in kinds else kinds[0]


def adopted(table: TablePlan, source: str) -> TablePlan:
    """Return the plan of a table whose rows were adopted."""
    return table.model_copy(update={"source": source, "source_reason": ADOPTED})


def not_adopted(table: TablePlan, verdict: Verdict) -> TablePlan:
    """Return the plan of a table whose rows did not pass: it is built, and its record says why."""
    why = "; ".join(str(reason) for reason in verdict.reasons)
    return table.model_copy(update={"source_reason": f"{table.source_reason}; not adopted: {why}"})

"""Check what a day's inputs cover, before anything is built from them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from tasks.backfill.day import Disagreement, Reference, SourceCounts, read_from
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.warehouse.base import Parameter, Parameters, Row, Warehouse

Checked = tuple[Reference, dict[str, SourceCounts]]
"""A day's reference, and what the preferred source of each table holds of it."""


@step("check-coverage", run_name="check-coverage {game_date}")
def check_coverage(
    run: Run, game_date: date, season_start: date, tables: Sequence[str], checked: Checked | None = None
) -> Checked:
    """Compare a day's box scores with the schedule, and each preferred source with the expected set and the fallback.

    Args:
        run: The current one.
        game_date: The day.
        season_start: The first day of its season: the audit goes back to it.
        tables: Derived tables that are to be built.
        checked: What was found already, of these inputs.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    if checked is not None:
        return checked
    with run.warehouse("check", game_date=game_date) as warehouse:
        return read_checks(run, warehouse, tables, season_start, game_date, game_date)[game_date]


def read_checks(
    run: Run, warehouse: Warehouse, tables: Sequence[str], season_start: date, first: date, last: date
) -> dict[date, Checked]:
    """Check every day of a range, which lies in one season."""
    parameters = window(run.settings, season_start, first, last)
    found = {}
    for row in warehouse.fetch(queries.check(run.catalogue, list(map(run.catalogue.table, tables))), parameters):
        counts = {}
        for name in tables:
            if preferred := run.catalogue.build(name).preferred:
                of_table = {column: row[f"{name}__{column}"] for column in queries.COVERAGE_COLUMNS}
                counts[name] = _source_counts(preferred.name, of_table)
        found[row["game_date"]] = _reference(row["game_date"], row), counts
    for name in tables:
        by_day = {day: counts[name] for day, (_, counts) in found.items() if name in counts}
        for day, compared in _compared(run, warehouse, name, by_day, parameters).items():
            found[day][1][name] = compared
    return found


def read_references(
    run: Run, warehouse: Warehouse, season_start: date, first: date, last: date
) -> dict[date, Reference]:
    """Read the reference of every day; one query for any range.

    Args:
        run: The current one.
        warehouse: Where to read.
        season_start: The first day of the season of the first day.
        first: The first day.
        last: The last day.
    """
    rows = warehouse.fetch(run.catalogue.shared_query("reference"), window(run.settings, season_start, first, last))
    return {row["game_date"]: _reference(row["game_date"], row) for row in rows}


def read_source_counts(
    run: Run, warehouse: Warehouse, table: str, season_start: date, first: date, last: date
) -> dict[date, SourceCounts]:
    """Count what a table's preferred source holds of each day; one query for any range, none without such a source."""
    spec, source = run.catalogue.table(table), run.catalogue.build(table).preferred
    if source is None:
        return {}
    sql = queries.coverage(run.catalogue, spec, source, with_missing=False)
    rows = warehouse.fetch(sql, window(run.settings, season_start, first, last))
    return {row["game_date"]: _source_counts(source.name, row) for row in rows}


def window(settings: Settings, season_start: date, first: date, last: date) -> dict[str, Parameter]:
    """Return the parameters of every query that reads box scores: the days from first to last, and what is before."""
    return {
        "from_date": read_from(min(season_start, first)),
        "first_date": first,
        "game_date": last,
        "min_players_per_team": settings.min_players_per_team,
    }


def names(joined: str | None) -> tuple[str, ...]:
    """Split what STRING_AGG joined with commas."""
    return tuple(joined.split(",")) if joined else ()


def _compared(
    run: Run, warehouse: Warehouse, table: str, counts: Mapping[date, SourceCounts], parameters: Parameters
) -> dict[date, SourceCounts]:
    """Add how often the preferred source says other than the fallback; nothing is asked where it has no rows."""
    has_rows = any(each.players for each in counts.values())
    sql = queries.disagreement(run.catalogue, run.catalogue.table(table)) if has_rows else None
    found: defaultdict[date, list[Disagreement]] = defaultdict(list)
    for row in warehouse.fetch(sql, parameters) if sql is not None else ():
        found[row["game_date"]].append(Disagreement.model_validate(row))
    return {day: counts[day].model_copy(update={"disagreements": tuple(those)}) for day, those in found.items()}


def _reference(game_date: date, row: Row) -> Reference:
    known = {name: value for name, value in row.items() if name in Reference.model_fields and value is not None}
    return Reference.model_validate(known | {"game_date": game_date})


def _source_counts(source: str, row: Row) -> SourceCounts:
    return SourceCounts(
        source=source,
        expected=row["expected"] or 0,
        covered=row["covered"] or 0,
        players=row["source_players"] or 0,
        duplicates=row["duplicates"] or 0,
        missing=names(row["missing"]),
    )

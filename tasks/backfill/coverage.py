"""Check what a day's inputs cover, before anything is built from them."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict

from tasks.backfill.day import Reference, SourceCoverage
from tasks.runtime.origin import current_origin
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Parameters, Row, Warehouse
from tasks.warehouse.open import open_warehouse


class DayCheck(BaseModel):
    """The reference of a day, and what each table's preferred source covers of it."""

    model_config = ConfigDict(frozen=True)

    reference: Reference
    coverage: dict[str, SourceCoverage]


@step("check-coverage", run_name="check-coverage {game_date}")
def check_coverage(settings: Settings, game_date: date, tables: Sequence[str], as_of: date) -> DayCheck:
    """Compare a day's box scores with the schedule, and each preferred source with the expected set.

    Args:
        settings: The application's.
        game_date: The day.
        tables: Derived tables that are to be built.
        as_of: Today.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    catalogue = load_catalogue(settings)
    sql = queries.check(catalogue, [catalogue.table(name) for name in tables])
    with open_warehouse(settings.connection(), current_origin("check", game_date=game_date)) as warehouse:
        (row,) = warehouse.fetch(sql, day_window(settings, game_date, as_of))
    coverage = {}
    for name in tables:
        if preferred := catalogue.build(name).preferred:
            found = {column: row[f"{name}__{column}"] for column in queries.COVERAGE_COLUMNS}
            coverage[name] = _source_coverage(preferred.name, found)
    return DayCheck(reference=_reference(game_date, row), coverage=coverage)


def read_reference(
    warehouse: Warehouse, settings: Settings, first: date, last: date, as_of: date
) -> dict[date, Reference]:
    """Read the reference of every day that has a game; one query for any range."""
    sql = load_catalogue(settings).shared_query("reference")
    rows = warehouse.fetch(sql, _window(settings, first, last, as_of))
    return {row["game_date"]: _reference(row["game_date"], row) for row in rows}


def read_coverage(
    warehouse: Warehouse, settings: Settings, table: str, first: date, last: date, *, with_missing: bool
) -> dict[date, SourceCoverage]:
    """Read what a table's preferred source covers of each day; one query for any range, none without such a source."""
    catalogue = load_catalogue(settings)
    spec, source = catalogue.table(table), catalogue.build(table).preferred
    if source is None:
        return {}
    sql = queries.coverage(catalogue, spec, source, with_missing=with_missing)
    rows = warehouse.fetch(sql, {"from_date": first, "game_date": last})
    return {row["game_date"]: _source_coverage(source.name, row) for row in rows}


def day_window(settings: Settings, game_date: date, as_of: date) -> Parameters:
    """Return the parameters of ``queries.check`` for a day."""
    return _window(settings, game_date, game_date, as_of)


def names(joined: str | None) -> tuple[str, ...]:
    """Split what STRING_AGG joined with commas."""
    return tuple(joined.split(",")) if joined else ()


def _window(settings: Settings, first: date, last: date, as_of: date) -> Parameters:
    return {
        "from_date": first,
        "game_date": last,
        "as_of": as_of,
        "min_players_per_team": settings.min_players_per_team,
    }


def _reference(game_date: date, row: Row) -> Reference:
    known = {name: value for name, value in row.items() if name in Reference.model_fields and value is not None}
    return Reference.model_validate(known | {"game_date": game_date})


def _source_coverage(source: str, row: Row) -> SourceCoverage:
    return SourceCoverage(
        source=source,
        expected=row["expected"] or 0,
        covered=row["covered"] or 0,
        players=row["source_players"] or 0,
        duplicates=row["duplicates"] or 0,
        missing=names(row["missing"]),
    )

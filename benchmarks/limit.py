"""The set-based limit: the derived tables of all days at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from tasks.backfill.coverage import window
from tasks.backfill.day import SourceCounts, choose_source, is_bootstrap
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.batch_query import batch_query, days_of
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.warehouse.base import Parameter, Warehouse
from tasks.warehouse.open import open_warehouse

_EXPECTED_DAYS = """SELECT DISTINCT d.game_date, d.season_year
FROM days AS d
JOIN expected_players AS e ON e.game_date = d.game_date"""


def run_limit(settings: Settings, first: date, last: date) -> None:
    """Build the derived tables of a warehouse that has none of them, with one statement a table.

    The queries are the backfill's. No day is looked at by itself: no audit, no gate, no checkpoint, no transaction of
    its own.

    Args:
        settings: The warehouse; the limit has the same threads and memory as the backfill.
        first: First day to write.
        last: Last day to write.
    """
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(catalogue.table(name) for name in catalogue.derived)
        read, days = days_to_build(warehouse, catalogue, settings, first, last)
        values: dict[str, Parameter] = {**read, "run_id": "limit", "processed_at": datetime.now(UTC)}
        for name in catalogue.derived:
            table, chosen = catalogue.table(name), by_source(warehouse, catalogue, name, read, days)
            columns = ", ".join(column.name for column in table.columns)
            rows = batch_query(catalogue, table, chosen, has_holes=False, with_others=False)
            listed = {days_of(source): those for source, those in chosen.items()}
            warehouse.change(table, f"INSERT INTO {table.full_name} ({columns})\n{rows}", {**values, **listed})


def days_to_build(
    warehouse: Warehouse, catalogue: Catalogue, settings: Settings, first: date, last: date
) -> tuple[dict[str, Parameter], list[date]]:
    """Return the parameters of the queries for a range, and its days with expected players after bootstrap."""
    seasons = warehouse.fetch(catalogue.shared_query("seasons"), {"from_date": first, "game_date": last})
    starts = {row["season_year"]: row["season_start"] for row in seasons if row["last_date"] >= first}
    read = window(settings, min(starts.values()), first, last)
    days = [
        row["game_date"]
        for row in warehouse.fetch(catalogue.complete(_EXPECTED_DAYS), read)
        if not is_bootstrap(row["game_date"], starts[row["season_year"]], settings.bootstrap_days)
    ]
    return read, days


def by_source(
    warehouse: Warehouse, catalogue: Catalogue, name: str, read: Mapping[str, Parameter], days: Sequence[date]
) -> Mapping[str, list[str]]:
    """Return the days of a table by the source that the backfill takes for them."""
    table, build = catalogue.table(name), catalogue.build(name)
    counts: dict[date, SourceCounts] = {}
    if (preferred := build.preferred) is not None:
        rows = warehouse.fetch(queries.coverage(catalogue, table, preferred, with_missing=False), read)
        counts = {
            row["game_date"]: SourceCounts(
                source=preferred.name,
                expected=row["expected"],
                covered=row["covered"],
                duplicates=row["duplicates"],
            )
            for row in rows
        }
    chosen: defaultdict[str, list[str]] = defaultdict(list)
    for day in days:
        source, _ = choose_source(build, counts.get(day))
        chosen[source].append(day.isoformat())
    return chosen

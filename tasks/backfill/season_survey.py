"""Read the seasons of tables: from the ledger and the schedule alone, in three queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from tasks.backfill.checkpoint import Checkpoint, TableDay
from tasks.backfill.choose_tables import choose_tables
from tasks.backfill.ledger import read_ledger
from tasks.backfill.season import Season, make_season
from tasks.tables.catalogue import Catalogue
from tasks.warehouse.base import Warehouse

_A_SEASON = timedelta(days=437)
"""The longest one."""


def read_seasons(
    warehouse: Warehouse,
    catalogue: Catalogue,
    tables: Sequence[str],
    *,
    first: date,
    last: date,
    as_of: date,
    bootstrap_days: int,
    tried: Mapping[TableDay, Checkpoint] | None = None,
    not_tried: Collection[date] = (),
) -> list[Season]:
    """Read every season that has a day from ``first`` to ``last``.

    Args:
        warehouse: Where to read.
        catalogue: The tables.
        tables: Derived tables.
        first: The first day; the whole of its season is read.
        last: The last day.
        as_of: Today in the league's calendar: only days before it are over.
        bootstrap_days: The days of a season on which nothing is built.
        tried: What a run has just found of some days; it counts for more than the ledger.
        not_tried: Days that this run has left out.

    Returns:
        A season for each year and table, in this order.
    """
    games = _games_by_season(warehouse, catalogue, first, min(last, as_of - timedelta(days=1)), as_of)
    if not games:
        return []
    begin, end = min(min(days) for days in games.values()), max(max(days) for days in games.values())
    starts = _season_starts(warehouse, catalogue, begin, end)
    every = {day for days in games.values() for day in days}
    lasts: defaultdict[str, dict[date, Checkpoint]] = defaultdict(dict)
    published: defaultdict[str, dict[date, Checkpoint]] = defaultdict(dict)
    for (table, day), history in read_ledger(warehouse, catalogue, every).items():
        lasts[table][day] = history.last
        if history.published is not None:
            published[table][day] = history.published
    for (table, day), checkpoint in (tried or {}).items():
        lasts[table][day] = checkpoint
        if checkpoint.is_done:
            published[table][day] = checkpoint
    return [
        make_season(
            table,
            year,
            games=games[year],
            season_start=starts[year][0] if year in starts else None,
            goes_on=year in starts and starts[year][1] >= as_of,
            bootstrap_days=bootstrap_days,
            last=lasts[table],
            published=published[table],
            is_default=table in choose_tables(catalogue, None),
            not_tried=not_tried,
        )
        for year in sorted(games)
        for table in tables
    ]


def _games_by_season(
    warehouse: Warehouse, catalogue: Catalogue, first: date, last: date, as_of: date
) -> dict[int, dict[date, int]]:
    """Return the days that are over of every season that has a day in a range, and how many games each of them has."""
    parameters = {"first_date": first - _A_SEASON, "game_date": min(last + _A_SEASON, as_of - timedelta(days=1))}
    parameters["from_date"] = parameters["first_date"]
    rows = warehouse.fetch(catalogue.shared_query("season_days"), parameters)
    asked = {row["season_year"] for row in rows if first <= row["game_date"] <= last}
    found: defaultdict[int, dict[date, int]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: date.toordinal(row["game_date"])):
        if row["season_year"] in asked:
            found[row["season_year"]][row["game_date"]] = row["games"]
    return dict(found)


def _season_starts(warehouse: Warehouse, catalogue: Catalogue, first: date, last: date) -> dict[int, tuple[date, date]]:
    """Return the first day of each regular season, and the last day of the season."""
    rows = warehouse.fetch(catalogue.shared_query("seasons"), {"from_date": first, "game_date": last})
    return {row["season_year"]: (row["season_start"] or row["first_date"], row["last_date"]) for row in rows}

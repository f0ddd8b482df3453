"""Check the clock against the data before anything is deleted.

A clock that is ahead would delete rows of games to come, and a Prefect server on the same machine has the same clock:
only the data can tell.
"""

from collections.abc import Sequence
from datetime import date, datetime

from prefect import get_run_logger

from tasks.calendar import league_day
from tasks.cleanup.rules import TablePreview, doubt_the_day
from tasks.errors import WarehouseError
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Warehouse
from tasks.warehouse.schema import differences

NEWEST_FINAL_GAME = """SELECT MAX(game_date) AS newest
FROM nba_reference.nba_schedule
WHERE game_date >= DATE '0001-01-01' AND game_status = 3"""
NEWEST_BOX_SCORE = """SELECT MAX(game_date) AS newest
FROM nba_analytics.player_game_summary
WHERE game_date >= DATE '0001-01-01'"""
UNPLAYED_GAMES = """SELECT COUNT(*) AS games, MIN(game_date) AS first_day
FROM nba_reference.nba_schedule
WHERE game_date > @newest_final AND game_date < @cutoff AND game_status <> 3 AND NOT is_all_star"""


@step("doubt", run_name="compare today with the data")
def doubt_today(run: Run, previews: Sequence[TablePreview]) -> tuple[str, ...]:
    """Say why it cannot be as late as the previews take it to be, by the schedule and the newest data; usually nothing.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    if not previews:
        return ()
    catalogue, cutoff = run.catalogue, max(preview.cutoff for preview in previews)
    schedule, box_scores = catalogue.table("nba_schedule"), catalogue.table("player_game_summary")
    with run.warehouse("doubt") as warehouse:
        there = warehouse.schema([schedule, box_scores, *catalogue.with_ttl])

        def newest(table: TableSpec, sql: str) -> date | None:
            if differences(table, there):
                return None
            try:
                return _day(warehouse, sql)
            except WarehouseError as error:  # without its newest day there is more doubt, not less
                get_run_logger().warning("%s cannot be compared with the clock: %s", table.full_name, error)
                return None

        final = newest(schedule, NEWEST_FINAL_GAME)
        known = [final, newest(box_scores, NEWEST_BOX_SCORE)]
        known += [newest(table, sql) for table in catalogue.with_ttl if (sql := newest_row(table))]
        unplayed, first_day = 0, None
        if not differences(schedule, there):
            given = {"newest_final": final or date.min, "cutoff": cutoff}
            (row,) = warehouse.fetch(UNPLAYED_GAMES, given)
            unplayed, first_day = row["games"], row["first_day"]
    return doubt_the_day(
        previews, known=max((day for day in known if day), default=None), unplayed=unplayed, first_unplayed=first_day
    )


def newest_row(table: TableSpec) -> str | None:
    """Return the query for when a table's newest row was written; None if its rows do not say it."""
    written = next((column.name for column in table.columns if column.volatile and column.type == "TIMESTAMP"), None)
    if written is None:
        return None
    return f"""SELECT MAX({written}) AS newest
FROM {table.full_name}
WHERE {table.partition} >= DATE '0001-01-01' OR {table.partition} IS NULL"""


def _day(warehouse: Warehouse, sql: str) -> date | None:
    (row,) = warehouse.fetch(sql)
    newest: datetime | date | None = row["newest"]
    return league_day(newest) if isinstance(newest, datetime) else newest

"""Doubt the clock: what it says cannot contradict Prefect's server, nor what the warehouse knows to have happened.

A cleanup deletes what is older than today: a clock that is ahead deletes what is to come; a backfill takes days to come
for past ones. Whoever relies on the clock compares it with the server's; on one machine both are wrong together, and
only the data can tell.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from tasks.domain.cleanup import TablePreview, doubt_the_day
from tasks.domain.day import league_day
from tasks.domain.errors import ClockError, WarehouseError
from tasks.domain.table import TableSpec
from tasks.origin import current_origin
from tasks.schema import differences
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Warehouse
from tasks.warehouse.open import open_warehouse

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock and the server's may be apart; an answer of a busy server takes a while."""

NEWEST_FINAL_GAME = """SELECT MAX(game_date) AS newest
FROM nba_reference.nba_schedule
WHERE game_date >= DATE '0001-01-01' AND game_status = 3"""
NEWEST_BOX_SCORE = """SELECT MAX(game_date) AS newest
FROM nba_analytics.player_game_summary
WHERE game_date >= DATE '0001-01-01'"""
UNPLAYED_GAMES = """SELECT COUNT(*) AS games, MIN(game_date) AS first_day
FROM nba_reference.nba_schedule
WHERE game_date > @newest_final AND game_date < @cutoff AND game_status <> 3 AND NOT is_all_star"""


def check_clock(now: datetime) -> None:
    """Compare the clock of this machine with the one of Prefect's server, before anything is done by it.

    Args:
        now: What this machine's clock says.

    Raises:
        ClockError: They are more than ``CLOCK_TOLERANCE`` apart; nothing was changed.
    """
    theirs = server_time()
    if theirs is None:
        get_run_logger().warning("the Prefect server does not say what time it is: the clock is not compared with it")
    elif abs(now - theirs) > CLOCK_TOLERANCE:
        raise ClockError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC and the Prefect server's {theirs:%Y-%m-%d %H:%M} UTC: "
            "one of them is wrong. Set it right, then run this again; nothing was changed"
        )


def server_time() -> datetime | None:
    """Return what the clock of Prefect's server says, to the second; None if it says nothing."""
    with get_client(sync_client=True) as client:
        said = client.request("GET", "/health").headers.get("date")
    try:
        return None if said is None else parsedate_to_datetime(said).astimezone(UTC)
    except ValueError:
        return None


@task(name="doubt", task_run_name="compare today with the data", cache_policy=NO_CACHE, persist_result=False)
def doubt_today(settings: Settings, previews: Sequence[TablePreview]) -> tuple[str, ...]:
    """Say why it cannot be as late as the previews take it to be, by the schedule and the newest data; usually nothing.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    if not previews:
        return ()
    catalogue, cutoff = load_catalogue(settings), max(preview.cutoff for preview in previews)
    schedule, box_scores = catalogue.table("nba_schedule"), catalogue.table("player_game_summary")
    with open_warehouse(settings.connection(), current_origin("doubt")) as warehouse:
        there = warehouse.schema([schedule, box_scores, *catalogue.perishable])

        def newest(table: TableSpec, sql: str) -> date | None:
            if differences(table, there):
                return None
            try:
                return _day(warehouse, sql)
            except WarehouseError as error:  # it speaks for no day then, which raises more doubt and not less
                get_run_logger().warning("%s cannot be compared with the clock: %s", table.full_name, error)
                return None

        final = newest(schedule, NEWEST_FINAL_GAME)
        known = [final, newest(box_scores, NEWEST_BOX_SCORE)]
        known += [newest(table, sql) for table in catalogue.perishable if (sql := newest_row(table))]
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

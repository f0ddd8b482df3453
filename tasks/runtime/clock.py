"""Doubt the clock: a backfill with one that is ahead takes days to come for past ones, and a cleanup deletes them."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from prefect import get_run_logger
from prefect.client.orchestration import get_client

from tasks.errors import ClockError

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock and the server's may be apart; an answer of a busy server takes a while."""


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

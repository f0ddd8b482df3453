"""Check the clock: if it is ahead, a backfill takes future days for past ones, and a cleanup deletes them."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from prefect import get_run_logger
from prefect.client.orchestration import get_client

from tasks.errors import ClockError

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock and the server's may differ; a busy server answers late."""


def check_clock(now: datetime) -> None:
    """Compare the clock of this machine with the clock of Prefect's server.

    Args:
        now: The time by this machine's clock.

    Raises:
        ClockError: They differ by more than ``CLOCK_TOLERANCE``; nothing was changed.
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
    """Return the time by the clock of Prefect's server, to the second; None if it does not send it."""
    with get_client(sync_client=True) as client:
        sent = client.request("GET", "/health").headers.get("date")
    try:
        return None if sent is None else parsedate_to_datetime(sent).astimezone(UTC)
    except ValueError:
        return None

"""The league's calendar."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LEAGUE_BEGAN = date(1946, 11, 1)
_LEAGUE = ZoneInfo("America/New_York")


def league_day(moment: datetime) -> date:
    """Return the day that it is in the league's calendar, America/New_York, at a moment of any time zone."""
    return moment.astimezone(_LEAGUE).date()

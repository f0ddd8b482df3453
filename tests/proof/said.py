"""What is compared of two runs: all that they have stored, but not who wrote it, and when."""

from collections.abc import Mapping, Sequence
from datetime import date

from tests.proof.league import Row

NOT_COMPARED = ("run_id", "processed_at", "started_at", "recorded_at")


def row_said(row: Row) -> str:
    """Return a row's content."""
    return str({name: value for name, value in row.items() if name not in NOT_COMPARED})


def rows_said(rows: Mapping[str, Mapping[date, Sequence[Row]]]) -> dict[tuple[str, date], list[str]]:
    """Return the content of the rows of each table and day, in order."""
    return {(table, day): sorted(map(row_said, found)) for table, days in rows.items() for day, found in days.items()}

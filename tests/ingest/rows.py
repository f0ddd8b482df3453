"""What one row of a game log is read as."""

from typing import Any

from tasks.ingest.cells import read_row
from tasks.ingest.game_log_row import GameLogRow
from tests.ingest.files import log_row


def summary(**changes: Any) -> dict[str, object]:
    """Return the row of the summary that a row becomes."""
    row = read_row(GameLogRow, log_row(**changes))
    assert isinstance(row, GameLogRow), row
    return row.to_summary()


def problems(**changes: Any) -> list[tuple[str, str]]:
    """Return what is wrong with a row: the column of each problem, and the reason."""
    found = read_row(GameLogRow, log_row(**changes))
    assert isinstance(found, list), found
    return [(problem.column, problem.reason) for problem in found]

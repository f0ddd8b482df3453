"""A day takes the rows that are staged for it if they are those that it would build."""

from datetime import date, timedelta

import pytest

from tasks.backfill.gate import StagedFacts
from tasks.backfill.staging import StagedRows

pytestmark = pytest.mark.no_server

DAY = date(2023, 2, 23)
WITHOUT_ROWS = DAY + timedelta(days=2)
STAGED = StagedRows(
    rows="staged.rows",
    facts={DAY: StagedFacts(row_count=1, expected=1, covered=1, rows_with_values=1)},
    sources={DAY: "synthetic", WITHOUT_ROWS: "synthetic"},
    read={"zones": {DAY: "a digest", WITHOUT_ROWS: "a digest"}},
)


@pytest.mark.parametrize(
    ("day", "source", "digest", "are_of_it"),
    [
        (DAY, "synthetic", "a digest", True),
        (DAY, "upcoming", "a digest", False),
        (DAY, "synthetic", "another digest", False),
        (DAY, "synthetic", "", False),
        (DAY + timedelta(days=1), "synthetic", "", False),
        (WITHOUT_ROWS, "synthetic", "a digest", False),
    ],
)
def test_rows_are_those_of_a_day_if_source_and_dependencies_are(
    day: date, source: str, digest: str, are_of_it: bool
) -> None:
    assert STAGED.are_of(day, source=source, dependencies={"zones": digest}) is are_of_it

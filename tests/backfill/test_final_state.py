"""What a caller of the flow gets."""

from datetime import date

import pytest

from flows.backfill import backfill
from tasks.errors import IncompleteError
from tasks.settings import Settings
from tests.league import League

OPENING, DAY = date(2023, 1, 1), date(2023, 1, 15)


@pytest.fixture
def _half_loaded(league: League, settings: Settings) -> None:
    league.game(OPENING, "BOS", "DEN")
    league.game(DAY, "BOS", "DEN")
    league.game(DAY, "MIA", "PHX", loaded=False)
    league.write(settings)


@pytest.mark.usefixtures("_half_loaded")
def test_a_direct_call_raises_what_is_not_done_and_carries_the_report() -> None:
    with pytest.raises(IncompleteError, match="1 days, 1 of them worked on: 1 blocked; first: 2023-01-15") as raised:
        backfill(start_date=DAY)
    (row,) = raised.value.report.rows
    assert (row.outcome, row.games, row.published) == ("blocked", 2, 0)
    assert "PHX at MIA" in row.reason


@pytest.mark.usefixtures("_half_loaded")
def test_a_run_is_named_after_its_days_and_ends_failed_with_one_line() -> None:
    state = backfill(start_date=OPENING, end_date=DAY, return_state=True)
    assert state.is_failed()
    assert state.message is not None
    assert "\n" not in state.message
    assert state.message.startswith("15 days, 1 of them worked on: 1 blocked, 13 no_games, 1 skipped_bootstrap")

"""A cleanup and a backfill that reads the same table do not overlap."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from tasks.backfill.report import Report
from tasks.errors import WarehouseBusyError
from tasks.runtime.limits import reading
from tasks.settings import Settings, load_settings
from tests.backfill.observe import DAY, lookups, open_season, outcomes, wait_until
from tests.cleanup.observe import PLAYERS, days_of, everything, put_some
from tests.fixtures.flows import Clean, InThread
from tests.league import League

UPCOMING = ["upcoming_player_game_context"]


def test_a_cleanup_waits_for_a_backfill_that_reads_the_table(
    settings: Settings, clean: Clean, in_thread: InThread
) -> None:
    put_some(settings)
    before, reads, ends = everything(settings), threading.Event(), threading.Event()

    def read() -> None:
        with reading(settings, UPCOMING):
            reads.set()
            assert ends.wait(300)

    backfill = in_thread(read)
    assert reads.wait(300)
    cleaning = in_thread(clean)
    wait_until(lambda: cleaning.running())
    with pytest.raises(TimeoutError):
        cleaning.result(timeout=4)
    assert everything(settings) == before
    ends.set()
    backfill.result(timeout=300)
    assert cleaning.result(timeout=300).is_done
    assert len(days_of(settings, PLAYERS)) == 3


def test_it_waits_a_bounded_time_says_for_what_and_deletes_nothing(
    settings: Settings, clean: Clean, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_INTERLOCK_TIMEOUT_SECONDS", "2")
    put_some(settings)
    before = everything(settings)
    with reading(load_settings(), UPCOMING), pytest.raises(WarehouseBusyError, match="upcoming-player-game-context"):
        clean()
    assert everything(settings) == before
    assert clean().is_done


def test_a_cleanup_between_two_backfills_does_not_undo_what_was_built_from_the_rows(
    league: League, settings: Settings, run: Callable[..., Report], clean: Clean
) -> None:
    open_season(league, DAY)
    league.expect_upcoming(DAY, lookups(league, DAY))
    league.write(settings)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert clean().tables[0].deleted == 40
    report = run((DAY, DAY + timedelta(days=1)))
    assert report.rows[0].work == "kept"

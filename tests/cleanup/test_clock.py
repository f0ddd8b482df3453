"""A clock that is wrong: what it says is compared with the server's and with the data before anything is deleted."""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from functools import partial

import pytest

from tasks.backfill.report import Report
from tasks.errors import ClockError
from tasks.runtime import clock
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backdoor import is_untouched
from tests.cleanup.observe import (
    NOW,
    PLAYERS,
    TODAY,
    backups,
    days_ago,
    days_of,
    everything,
    player,
    put,
    put_some,
)
from tests.fixtures.flows import Clean, Restore, SetClock

_ask_the_server = clock.server_time  # the other tests of this folder set the server's clock, too
AHEAD = timedelta(days=40)


def put_season(settings: Settings) -> None:
    """Put rows of 20 days before today and 3 days after, each written before its game or today."""
    written = [min(days_ago(n), TODAY) for n in range(-3, 20)]
    at = [datetime.combine(day, time(15), UTC) for day in written]
    put(settings, [player(f"p{n}", days_ago(n), processed_at=when) for n, when in zip(range(-3, 20), at, strict=True)])


def put_schedule(settings: Settings, played: Iterable[int], to_come: Iterable[int]) -> None:
    """Put games, by how many days ago they are."""
    rows = [
        {
            "game_id": f"00222{number:05d}",
            "game_date": days_ago(ago),
            "season_year": 2022,
            "game_status": status,
            "home_team_tricode": "DEN",
            "away_team_tricode": "LAL",
            "is_regular_season": True,
            "is_playoffs": False,
            "is_all_star": False,
        }
        for number, (ago, status) in enumerate([*((ago, 3) for ago in played), *((ago, 1) for ago in to_come)])
    ]
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.append(load_catalogue(settings).table("nba_schedule"), rows)


@pytest.mark.parametrize("wrong", [AHEAD, timedelta(minutes=-10)], ids=["ahead", "behind"])
def test_a_clock_that_is_not_the_servers_is_refused_before_anything_is_touched(
    settings: Settings,
    clean: Clean,
    put_back: Restore,
    run: Callable[..., Report],
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    wrong: timedelta,
) -> None:
    set_clock(datetime.now(UTC) + wrong)
    monkeypatch.setattr(sys.modules["flows.backfill"], "datetime", sys.modules["flows.cleanup"].datetime)
    monkeypatch.setattr(clock, "server_time", _ask_the_server)
    for start in (clean, partial(put_back, "any"), partial(run, TODAY)):
        with pytest.raises(ClockError, match=r"this machine's clock says .* UTC and the Prefect server's .* UTC"):
            start()
    assert is_untouched(settings)


@pytest.mark.duckdb_only
def test_a_clock_that_is_the_servers_is_believed(
    settings: Settings, clean: Clean, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings)
    set_clock(datetime.now(UTC))
    monkeypatch.setattr(clock, "server_time", _ask_the_server)
    assert clean().is_done


@pytest.mark.parametrize("with_schedule", [True, False], ids=["with a schedule", "without one"])
def test_rows_of_games_to_come_are_not_deleted_by_clocks_that_are_wrong_together(
    settings: Settings, clean: Clean, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch, with_schedule: bool
) -> None:
    put_season(settings)
    if with_schedule:
        put_schedule(settings, range(1, 20), range(-60, 1))
    before = everything(settings)
    set_clock(NOW + AHEAD)
    with pytest.raises(ClockError, match="it cannot be 2023-04-10 in New York: ") as refused:
        clean()
    assert "3 rows of nba_analytics.upcoming_player_game_context would go that are of days after 2023-03-01" in str(
        refused.value
    )
    assert ("33 games from 2023-03-01 on are yet to be played" in str(refused.value)) is with_schedule
    assert everything(settings) == before
    assert backups(settings) == []
    looked = clean(dry_run=True)
    assert "**Is today's date right?**" in looked.markdown

    monkeypatch.setenv("FULLCOURT_APPROVAL_PROMPT", "true")
    monkeypatch.setattr("builtins.input", lambda _: "23")
    assert clean(approval=True, dry_run=None).tables[0].deleted == 23


@pytest.mark.duckdb_only
def test_a_date_in_doubt_drops_no_backup(settings: Settings, clean: Clean, set_clock: SetClock) -> None:
    put_some(settings)
    clean()
    kept = backups(settings)
    put_schedule(settings, range(1, 20), range(-1500, 1))
    set_clock(datetime.now(UTC) + AHEAD)
    with pytest.raises(ClockError):
        clean()
    put(settings)
    with open_warehouse(settings.connection()) as warehouse:
        for table in load_catalogue(settings).with_ttl:
            warehouse.change(table, f"DELETE FROM {table.full_name} WHERE TRUE", {})
    assert clean().is_done
    assert backups(settings) == kept


def test_off_season_no_day_is_doubted(settings: Settings, clean: Clean, set_clock: SetClock) -> None:
    put_season(settings)
    put_schedule(settings, range(-3, 20), [-5, -7, -9, -200, -202, -204, -206])  # a series that was decided early
    set_clock(NOW + timedelta(days=90))
    assert clean().tables[0].deleted == 23
    assert days_of(settings, PLAYERS) == []

"""Heal, from what it finds to what the backfill makes of it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Running, Scheduled

from flows.backfill import backfill
from flows.heal import heal
from tasks.backfill.heal_rules import HealReport
from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import (
    MAIN,
    TABLES,
    content,
    days,
    held,
    ledger,
    lookups,
    open_season,
    published,
    run_artifact,
)
from tests.fixtures.flows import SetClock
from tests.league import League

RunBackfill = Callable[..., Report]
WINDOW = days(6)


@pytest.fixture
def deployment() -> Iterator[None]:
    """The deployment that heal starts: without a worker, its runs wait."""
    with get_client(sync_client=True) as client:
        flow = client.create_flow(backfill)
        created = client.create_deployment(
            flow_id=flow, name="player-composite-factors", entrypoint="flows/backfill.py"
        )
        yield
        client.delete_deployment(created)


@pytest.fixture
def ill(league: League, settings: Settings, set_clock: SetClock, deployment: None) -> League:
    """A season with a game on each of six days, as it is on the day after them."""
    open_season(league, *WINDOW)
    league.write(settings)
    set_clock(datetime.combine(WINDOW[-1] + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=17))
    return league


def look(**given: Any) -> HealReport:
    state = heal(return_state=True, **given)
    assert state.is_completed(), state
    report = state.result()
    assert isinstance(report, HealReport)
    return report


def mend(report: HealReport) -> None:
    """Do what the worker would do: the run that heal has asked for."""
    assert report.flow_run_id is not None
    with get_client(sync_client=True) as client:
        asked = client.read_flow_run(report.flow_run_id)
        assert "heal" in asked.tags
        assert "force" not in asked.parameters
        backfill(return_state=True, **asked.parameters)
        client.set_flow_run_state(report.flow_run_id, Completed(), force=True)


def mended(report: HealReport) -> list[date]:
    return [each.game_date for each in report.mends]


@pytest.mark.usefixtures("ill")
def test_a_warehouse_of_which_nothing_is_recorded_is_left_to_a_first_backfill() -> None:
    assert look().summary == "nothing to mend"


def test_what_was_deleted_corrected_and_never_asked_for_is_right_after_one_run_and_nothing_else_is_touched(
    ill: League, settings: Settings, run: RunBackfill
) -> None:
    deleted, kept, corrected, later, left_out, last = WINDOW
    run((deleted, later))
    run(last)
    assert mended(look(dry_run=True)) == [left_out]
    run_sql(settings, f"DELETE FROM nba_precompute.{MAIN} WHERE game_date = '{deleted}'")
    run_sql(
        settings,
        f"UPDATE nba_analytics.player_game_summary SET minutes_played = 41 "
        f"WHERE game_date = '{corrected}' AND player_lookup = 'bos1'",
    )
    report = look()
    assert set(mended(report)) == {deleted, corrected, later, left_out, last}  # those after it look back on it
    assert kept not in mended(report)
    mend(report)
    right = content(settings)
    assert set(published(settings)) == set(WINDOW)
    before = len(ledger(settings))
    assert look().summary == "nothing to mend"
    assert len(ledger(settings)) == before
    run((WINDOW[0], WINDOW[-1]), resume=False)
    assert content(settings) == right
    assert ill


def test_a_blocked_day_is_parked_until_its_data_changes_and_then_mended(
    league: League, settings: Settings, set_clock: SetClock, deployment: None, run: RunBackfill
) -> None:
    blocked, after = days(2)
    open_season(league, after)
    unloaded = league.game(blocked, "BOS", "NYK", loaded=False)
    league.write(settings)
    set_clock(datetime.combine(after + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=17))
    run((blocked, after))
    report = look()
    assert (report.mends, [each.game_date for each in report.parked]) == ((), [blocked])
    assert report.summary == "nothing to mend; 1 day parked"
    attempts = len(ledger(settings))
    for team, opponent in (("BOS", "NYK"), ("NYK", "BOS")):
        for number in range(1, 11):
            league.player(f"{team.lower()}{number}", blocked, unloaded, team, opponent)
    league.write(settings)
    report = look()
    assert mended(report)[0] == blocked
    mend(report)
    assert len(ledger(settings)) > attempts
    assert ledger(settings, table_name=MAIN, game_date=blocked)[-1]["outcome"] == "complete"
    assert look().summary == "nothing to mend"


def test_an_old_day_that_can_be_mended_takes_the_days_that_look_back_on_it_with_it(
    ill: League, settings: Settings, run: RunBackfill
) -> None:
    run((WINDOW[0], WINDOW[-1]))
    run_sql(
        settings,
        "UPDATE nba_analytics.player_game_summary SET minutes_played = 41 "
        f"WHERE game_date = '{WINDOW[0]}' AND player_lookup = 'bos1'",
    )
    run_sql(settings, f"DELETE FROM nba_orchestration.backfill_ledger WHERE game_date = '{WINDOW[1]}'")
    assert mended(look(window_days=1)) == WINDOW[1:]
    assert ill


def test_a_second_run_asks_for_nothing_while_the_first_ones_backfill_is_at_work(
    ill: League, settings: Settings, run: RunBackfill
) -> None:
    run(WINDOW[0])
    first = look()
    assert mended(first) == WINDOW[1:]
    second = look()
    assert second.flow_run_id is None
    assert second.waits_for is not None
    assert re.fullmatch("the backfill .* has not ended", second.waits_for)
    assert second.summary == f"nothing begun: {second.waits_for}"
    mend(first)
    assert look().summary == "nothing to mend"
    assert ill


@pytest.mark.parametrize(("state", "waits"), [(Running(), True), (Scheduled(), False)], ids=["at work", "scheduled"])
def test_a_backfill_by_hand_that_is_at_work_is_waited_for_and_one_that_is_scheduled_is_not(
    ill: League, run: RunBackfill, state: State[None], waits: bool
) -> None:
    run(WINDOW[0])
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("backfill/player-composite-factors")
        by_hand = client.create_flow_run_from_deployment(deployment.id, state=state)
        report = look()
        client.set_flow_run_state(by_hand.id, Completed(), force=True)
    assert (report.waits_for == f"the backfill {by_hand.name} has not ended") is waits
    assert (report.flow_run_id is None) is waits
    assert ill


@pytest.mark.duckdb_only
def test_a_warehouse_that_another_process_holds_is_left_to_the_next_run(
    ill: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(WINDOW[0])
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "0.1")
    with held(settings):
        report = look()
    assert (report.mends, report.parked, report.has_looked) == ((), (), False)
    assert report.summary.startswith("nothing begun: ")
    assert mended(look()) == WINDOW[1:]
    assert ill


def test_the_run_says_what_it_found_and_shows_the_season(ill: League, settings: Settings, run: RunBackfill) -> None:
    run(WINDOW[0])
    state = heal(dry_run=True, return_state=True)
    found = run_artifact(state.state_details.flow_run_id, "heal-report")
    assert found is not None
    assert f"- {WINDOW[1]} {TABLES[0]}: no checkpoint" in found["data"].replace("\\", "")
    assert state.message == f"to mend: 5 days, {WINDOW[1]} to {WINDOW[-1]}"
    assert ill


def test_without_its_deployment_it_says_so_and_changes_nothing(
    league: League, settings: Settings, set_clock: SetClock, run: RunBackfill
) -> None:
    open_season(league, *WINDOW)
    league.write(settings)
    set_clock(datetime.combine(WINDOW[-1] + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=17))
    run(WINDOW[0])
    state = heal(return_state=True)
    assert state.is_failed()
    assert "404" in str(state.message)


def test_a_day_that_was_blocked_and_has_no_games_any_more_is_closed(
    league: League, settings: Settings, set_clock: SetClock, deployment: None, run: RunBackfill
) -> None:
    done, blocked, after = days(3)
    open_season(league, done, after)
    league.game(blocked, "BOS", "NYK", loaded=False)
    league.write(settings)
    set_clock(datetime.combine(after + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=17))
    run((done, after))
    run_sql(settings, f"UPDATE nba_reference.nba_schedule SET game_status_text = 'PPD' WHERE game_date = '{blocked}'")
    report = look()
    assert (blocked, "no_games now: what is open of it is closed") in [
        (each.game_date, each.why) for each in report.mends
    ]
    mend(report)
    assert ledger(settings, table_name=MAIN, game_date=blocked)[-1]["outcome"] == "no_games"
    assert look().summary == "nothing to mend"


def test_a_suspicious_day_is_tried_again_when_the_days_before_it_have_been_corrected(
    league: League, settings: Settings, set_clock: SetClock, deployment: None, run: RunBackfill
) -> None:
    some = days(5)
    open_season(league, *some)
    for day in some:
        for number, name in enumerate(lookups(league, day)):
            usage = 20.0 if day == some[-1] else 18.0 + number % 5
            league.expect_upcoming(day, [name], projected_usage_rate=usage)
    league.write(settings)
    set_clock(datetime.combine(some[-1] + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=17))
    run((some[0], some[-1]))
    assert ledger(settings, table_name=MAIN, game_date=some[-1])[-1]["reason"] == "values_suspicious"
    assert look().mends == ()
    for row in league.upcoming:
        row["projected_usage_rate"] = 20.0
    league.write(settings)
    mend(look())
    again = look()
    if again.mends:  # it was judged before the last of the days before it was published
        assert mended(again) == [some[-1]]
        mend(again)
    assert ledger(settings, table_name=MAIN, game_date=some[-1])[-1]["outcome"] == "complete"
    assert look().summary == "nothing to mend"

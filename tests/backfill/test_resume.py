import os
import signal
from collections import Counter
from collections.abc import Callable
from threading import Barrier

import pytest

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.settings import Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backfill.observe import (
    MAIN,
    TABLES,
    built,
    checkpointed,
    content,
    days,
    ledger,
    open_season,
    outcomes,
    published,
    start_backfill,
    wait_until,
)
from tests.fixtures.flows import InThread
from tests.fixtures.warehouses import AddTable, Elsewhere
from tests.league import League, fetch

RunBackfill = Callable[..., Report]


def copies(settings: Settings) -> set[int]:
    """Return how often a row stands in the tables: {1} if each stands there once."""
    return set(Counter(content(settings)).values())


@pytest.mark.slow
def test_a_killed_run_continued_gives_the_table_of_an_uninterrupted_one_and_does_only_what_was_left(
    league: League, settings: Settings, run: RunBackfill, elsewhere: Elsewhere, api_url: str
) -> None:
    some = days(8)
    open_season(league, *some)
    league.write(settings)
    process = start_backfill(api_url, start_date=some[0], end_date=some[-1], max_concurrency=2)
    wait_until(lambda: len(checkpointed(settings, *some)) >= 3 or process.poll() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    done = {row["game_date"] for row in ledger(settings, table_name=MAIN)}
    assert 3 <= len(done) < len(some)
    report = run((some[0], some[-1]))
    assert built(report) == set(some) - done
    assert set(outcomes(report).values()) == {"complete"}
    assert len(ledger(settings, table_name=MAIN)) == len(some)
    continued = content(settings)
    assert copies(settings) == {1}

    other = elsewhere("uninterrupted")
    league.write(other)
    run((some[0], some[-1]), max_concurrency=1)
    assert content(other) == continued


def test_order_and_concurrency_of_days_change_nothing(
    league: League, settings: Settings, run: RunBackfill, elsewhere: Elsewhere
) -> None:
    some = days(4)
    open_season(league, *some)
    league.expect_upcoming(some[2], [row["player_lookup"] for row in league.box if row["game_date"] == some[2]])
    league.write(settings)
    run((some[0], some[-1]), max_concurrency=8)
    together = content(settings)
    assert len(together) == 4 * (40 + 40 + 4)

    other = elsewhere("one-by-one")
    league.write(other)
    for day in reversed(some):
        run(day, max_concurrency=1)
    assert content(other) == together


def test_resume_false_redoes_every_day_and_the_rows_are_the_same(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    before = content(settings)
    assert built(run((one, two))) == set()
    assert built(run((one, two), resume=False)) == {one, two}
    assert content(settings) == before
    assert len(ledger(settings, table_name=MAIN)) == 4


def test_an_explicit_list_of_days_is_done_once_each_and_nothing_between(league: League, settings: Settings) -> None:
    some = days(4)
    open_season(league, *some)
    league.write(settings)
    state = backfill(dates=[some[3], some[0], some[3]], return_state=True)
    assert state.is_completed()
    assert set(published(settings)) == {some[0], some[3]}
    assert len(ledger(settings)) == 2 * len(TABLES)


def test_two_runs_over_the_same_range_in_one_process_end_with_one_copy_of_every_row(
    league: League, settings: Settings, run: RunBackfill, in_thread: InThread
) -> None:
    some = days(4)
    open_season(league, *some)
    league.write(settings)
    runs = [in_thread(run, (some[0], some[-1]), resume=False) for _ in range(2)]
    for report in (future.result(timeout=300) for future in runs):
        assert set(outcomes(report).values()) == {"complete"}
    assert len(content(settings)) == 4 * (40 + 40 + 4)
    assert copies(settings) == {1}
    assert built(run((some[0], some[-1]))) == set()


def test_two_runs_over_the_same_range_in_two_processes_end_with_one_copy_of_every_row(
    league: League, settings: Settings, run: RunBackfill, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = days(4)
    open_season(league, *some)
    league.write(settings)
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "600")
    processes = [start_backfill(api_url, start_date=some[0], end_date=some[-1]) for _ in range(2)]
    written = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(written)
    assert len(content(settings)) == 4 * (40 + 40 + 4)
    assert copies(settings) == {1}
    assert set(published(settings)) == set(some)
    assert built(run((some[0], some[-1]))) == set()


def test_two_writers_of_the_same_empty_day_at_the_same_moment_leave_one_copy(
    league: League, settings: Settings, add_table: AddTable, in_thread: InThread
) -> None:
    add_table("scores", "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected")
    settings = load_settings()
    league.write(settings)
    table = load_catalogue(settings).table("scores")
    some = days(20)
    together = Barrier(2)

    def write_each_day(run_id: str) -> None:
        with open_warehouse(settings.connection()) as warehouse:
            warehouse.create([table])
            for day in some:
                sql = "SELECT 'bos1' AS player_lookup, @game_date AS game_date, 1.0 AS score"
                with warehouse.stage(table, sql, {"game_date": day}, game_date=day, run_id=run_id) as staged:
                    together.wait(timeout=300)
                    warehouse.publish(staged)

    for writer in [in_thread(write_each_day, run_id) for run_id in ("one", "other")]:
        writer.result(timeout=240)
    rows = fetch(settings, "SELECT game_date FROM nba_precompute.scores ORDER BY game_date")
    assert [row["game_date"] for row in rows] == some

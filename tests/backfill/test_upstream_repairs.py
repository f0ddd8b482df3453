"""The upstream was repaired after a day was checkpointed, and the day was never rebuilt: checkpoints go stale."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    artifacts,
    built,
    checkpoint,
    content,
    days,
    ledger,
    lookups,
    open_season,
    outcomes,
    published,
)
from tests.fixtures.warehouses import AddTable
from tests.league import League, fetch

RunBackfill = Callable[..., Report]
BOX = "nba_analytics.player_game_summary"


def why_planned(day: date) -> str:
    """Return why the last run did what it did with the main table of a day."""
    (plan,) = artifacts(key={"any_": ["backfill-plan"]})
    return str(next(row[MAIN] for row in json.loads(plan["data"]) if row["day"] == day.isoformat()))


def test_repaired_box_scores_rebuild_their_day_and_the_days_that_look_back_on_it(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run((one, three))
    minutes = "SELECT fatigue_context_json AS text FROM nba_precompute.player_composite_factors "
    minutes += "WHERE game_date = @day AND player_lookup = 'bos1'"
    assert '"minutes_in_last_7_days":48' in fetch(settings, minutes, day=three)[0]["text"]

    run_sql(
        settings,
        f"UPDATE {BOX} SET minutes_played = 34 WHERE game_date = '{two}' AND player_lookup = 'bos1'",
        f"UPDATE {BOX} SET processed_at = now() WHERE game_date = '{one}'",  # says nothing about the day
    )
    report = run((one, three))
    assert built(report) == {two, three}
    assert '"minutes_in_last_7_days":58' in fetch(settings, minutes, day=three)[0]["text"]
    assert "changed since: player_game_summary" in why_planned(three)
    assert "done before" in why_planned(one)
    assert built(run((one, three))) == set()


def test_a_correction_rebuilds_its_day_and_those_later_days_whose_rows_it_changes(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three, much_later = *days(3), DAY + timedelta(days=10)
    open_season(league, one, two, three, much_later)
    league.write(settings)
    run((one, much_later))
    box = f"UPDATE {BOX} SET {{}} WHERE game_date = '{one}' AND player_lookup = 'bos1'"

    run_sql(settings, box.format("assists = assists + 1"))  # no later day reads them
    assert built(run((one, much_later))) == {one}
    assert "done before" in why_planned(two)

    run_sql(settings, box.format("usage_rate = usage_rate + 5"))  # of the last week only
    assert built(run((one, much_later))) == {one, two, three}
    assert "changed since: player_game_summary of the days before" in why_planned(two)
    assert "done before" in why_planned(much_later)
    before = content(settings)
    run((one, much_later), resume=False)
    assert content(settings) == before


def test_a_day_of_pre_game_rows_that_are_gone_is_rebuilt_for_nothing_that_it_did_not_need(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.expect_upcoming(two, lookups(league, two))
    league.write(settings)
    run((one, two))
    run_sql(
        settings,
        "DELETE FROM nba_analytics.upcoming_player_game_context",
        f"UPDATE {BOX} SET minutes_played = minutes_played + 2 WHERE game_date = '{one}' AND player_lookup = 'bos1'",
    )
    report = run((one, two))
    assert built(report) == {one}
    assert [row.source for row in report.rows] == ["synthetic", "upcoming"]

    shots = "paint_makes = paint_makes - 1"  # the zones of the day before are what the day is built from
    run_sql(settings, f"UPDATE {BOX} SET {shots} WHERE game_date = '{one}' AND player_lookup = 'bos1'")
    report = run((one, two))
    assert [row.source for row in report.rows] == ["synthetic", "synthetic"]
    decided = checkpoint(settings, two)
    assert decided is not None
    assert "it was built from upcoming before, which no longer covers the day" in (decided.source_reason or "")


def test_a_changed_schedule_rebuilds_its_day_and_the_days_that_look_back_on_it(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run((one, three))
    game = f"WHERE game_date = '{two}' AND 'BOS' IN (home_team_tricode, away_team_tricode)"
    swapped = "home_team_tricode = away_team_tricode, away_team_tricode = home_team_tricode"
    run_sql(settings, f"UPDATE nba_reference.nba_schedule SET {swapped} {game}")
    assert built(run((one, three))) == {two}  # no row looks back on who was at home
    assert "changed since: nba_schedule" in why_planned(two)

    all_star = "is_all_star = TRUE, game_id = '0032200001'"
    run_sql(settings, f"UPDATE nba_reference.nba_schedule SET {all_star} {game}")
    assert built(run((one, three))) == {two, three}
    assert "changed since: nba_schedule of the days before" in why_planned(three)
    (plan,) = artifacts(key={"any_": ["backfill-plan"]})
    said = "3 days, 2 of them need work, 1 only because they look back on a day that has changed"
    assert plan["description"].split(";")[0] == said
    assert {day: len(players) for day, players in published(settings).items()} == {one: 40, two: 20, three: 40}


def test_upcoming_rows_that_arrive_later_are_taken_if_they_cover_the_day_and_may_go_again(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    synthetic = content(settings)

    league.expect_upcoming(one, lookups(league, one)[:35])  # 87.5 %: not enough to change anything
    league.expect_upcoming(two, lookups(league, two))
    league.write(settings)
    report = run((one, two))
    assert built(report) == {two}
    assert [row.source for row in report.rows] == ["synthetic", "upcoming"]
    assert "upcoming is available now" in why_planned(two)

    upcoming = "nba_analytics.upcoming_player_game_context"
    run_sql(settings, f"UPDATE {upcoming} SET player_age = 40 WHERE game_date = '{two}'")
    assert built(run((one, two))) == {two}
    assert "changed since: source upcoming" in why_planned(two)
    ages = "SELECT DISTINCT fatigue_score FROM nba_precompute.player_composite_factors WHERE game_date = @day"
    tired = [{"fatigue_score": 75}]  # 15 for the back-to-back, 10 for the age
    assert fetch(settings, ages, day=two) == tired

    run_sql(settings, f"DELETE FROM {upcoming}")  # the cleanup removes what is a week old
    assert built(run((one, two))) == set()
    assert fetch(settings, ages, day=two) == tired
    run((one, two), resume=False)
    assert content(settings) == synthetic


def test_a_new_version_of_the_code_rebuilds_what_it_builds(
    league: League,
    settings: Settings,
    run: RunBackfill,
    add_table: AddTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = "SELECT player_lookup, @game_date AS game_date, {} AS score FROM expected"
    add_table("scores", build.format("1.0"))
    open_season(league, DAY)
    league.write(settings)
    assert built(run(DAY, tables=["scores"])) == {DAY}
    assert built(run(DAY, tables=["scores"])) == set()

    before = ledger(settings)[0]["code_version"]
    newer = tmp_path / "newer"
    (tmp_path / "tables").rename(newer)
    (newer / "scores" / "build.sql").write_text(build.format("2.0"), encoding="utf-8")
    monkeypatch.setenv("FULLCOURT_EXTRA_TABLES_DIR", str(newer))
    assert built(run(DAY, tables=["scores"])) == {DAY}
    assert fetch(settings, "SELECT DISTINCT score FROM nba_precompute.scores") == [{"score": 2.0}]
    rows = ledger(settings)
    assert [row["code_version"] == before for row in rows] == [True, False]


def test_a_done_day_that_no_longer_passes_is_blocked_and_keeps_its_rows_until_it_passes_again(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    before = content(settings)
    run_sql(settings, f"DELETE FROM {BOX} WHERE game_date = '{DAY}' AND team_abbr = 'MIA'")
    for _ in range(2):  # also when it was blocked before
        report = run(DAY)
        assert outcomes(report) == {DAY: "blocked"}
        assert report.rows[0].published == 40
        assert content(settings) == before
    decided = checkpoint(settings, DAY)
    assert decided is not None
    assert (decided.outcome, decided.reason) == ("blocked", "reference_incomplete")

    league.write(settings)
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert content(settings) == before
    assert published(settings)[DAY] == lookups(league, DAY)


def test_a_day_that_stays_because_a_game_before_it_is_gone_names_the_game(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    gone = league.games[-4]["game_id"]
    run_sql(settings, f"DELETE FROM nba_analytics.player_game_summary WHERE game_id = '{gone}'")
    (row,) = run(two).rows
    assert (row.outcome, row.published) == ("blocked", 40)
    assert "would_be_worse: the new rows would lack none of their own earlier games in 50.0 % instead of" in row.reason
    assert f"not loaded as played: 1 earlier game of the season; of the last 30 days: {one} NYK at BOS" in row.reason

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    OPENING,
    built,
    checkpoint,
    days,
    ledger,
    lookups,
    open_season,
    outcomes,
    play,
    published,
)
from tests.league import League, fetch

RunBackfill = Callable[..., Report]
BOX = "nba_analytics.player_game_summary"
SCHEDULE = "nba_reference.nba_schedule"


def test_the_first_fourteen_days_of_a_season_are_skipped_and_off_days_have_no_games(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    last_skipped, first_done = OPENING + timedelta(days=13), OPENING + timedelta(days=14)
    open_season(league, last_skipped, first_done)
    league.write(settings)
    report = run((OPENING - timedelta(days=1), first_done))
    expected = {row.day: "no_games" for row in report.rows}
    expected[OPENING - timedelta(days=1)] = "blocked"  # no schedule speaks of it
    expected |= dict.fromkeys((OPENING, OPENING + timedelta(days=7), last_skipped), "skipped_bootstrap")
    assert outcomes(report) == {**expected, first_done: "complete"}
    assert len(report.rows) == 16
    assert set(published(settings)) == {first_done}
    assert {row["game_date"] for row in ledger(settings, outcome="complete")} == {first_done}
    assert {row["reason"] for row in ledger(settings, outcome="blocked")} == {"schedule_missing"}


def test_a_second_season_is_skipped_at_its_start_and_does_not_look_back_on_the_first(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    opening = date(2023, 10, 24)
    day = opening + timedelta(days=14)
    open_season(league, DAY)
    league.season = 2023
    play(league, opening)
    league.game(day, "BOS", "CHI")  # nobody of CHI has played this season
    league.write(settings)
    report = run((opening, day))
    outcomes_in_order = [row.outcome for row in report.rows]
    assert outcomes_in_order == ["skipped_bootstrap", *["no_games"] * 13, "complete_with_warning"]
    assert "completeness_low" in report.rows[-1].reason
    assert not any(team in ("CHI", "TOR") for team in published(settings, "team_defense_zone_analysis")[day])
    samples = "SELECT MAX(games_in_sample_10) AS games FROM nba_precompute.player_shot_zone_analysis"
    assert fetch(settings, samples) == [{"games": 1}]
    assert published(settings)[day] == lookups(league, day)


def test_a_game_that_is_not_final_blocks_its_day_unless_it_was_moved_or_postponed(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    postponed, postponed_alone, with_box_scores, with_the_visitors_only, live = days(5)
    said_so = {"game_status_text": "Postponed"}
    open_season(league)
    for day in (postponed, with_box_scores, with_the_visitors_only, live):
        league.game(day, "LAL", "MIA")
    league.game(postponed, "BOS", "NYK", status=1, loaded=False)
    league.games[-1] |= said_so
    league.game(postponed_alone, "BOS", "NYK", status=1, loaded=False)
    league.games[-1] |= said_so
    league.game(with_box_scores, "BOS", "NYK", status=1)
    half = league.game(with_the_visitors_only, "BOS", "NYK", status=1, loaded=False)
    league.player("nyk1", with_the_visitors_only, half, "NYK", "BOS")
    league.game(live, "BOS", "NYK", status=2, loaded=False)
    league.game(live, "CHI", "DEN")
    league.games.append({**league.games[-1], "game_date": postponed, "game_status": 1})  # moved
    league.write(settings)

    report = run((postponed, live))

    assert outcomes(report) == {
        postponed: "complete",
        postponed_alone: "no_games",
        with_box_scores: "blocked",
        with_the_visitors_only: "blocked",
        live: "blocked",
    }
    assert published(settings) == {postponed: [p for p in lookups(league, postponed) if p[:3] in ("lal", "mia")]}
    for row in report.rows[2:]:
        assert "games_not_final: the schedule does not say final for NYK at BOS" in row.reason

    run_sql(settings, f"UPDATE {SCHEDULE} SET game_status = 3 WHERE game_date = '{with_box_scores}'")
    assert outcomes(run(with_box_scores)) == {with_box_scores: "complete"}
    assert published(settings)[with_box_scores] == lookups(league, with_box_scores)


def test_todays_games_are_waited_for_although_nothing_is_loaded_yet(settings: Settings, run: RunBackfill) -> None:
    today = datetime.now(ZoneInfo("America/New_York")).date()
    league = League(season=today.year)
    for days_ago in (30, 20, 1):
        play(league, today - timedelta(days=days_ago))
    league.game(today, "BOS", "NYK", status=1, loaded=False)
    league.write(settings)
    report = run((today - timedelta(days=1), today))
    assert [row.outcome for row in report.rows] == ["complete", "blocked"]
    assert "games_not_final" in report.rows[1].reason


def test_all_star_players_are_never_expected(league: League, settings: Settings, run: RunBackfill) -> None:
    all_star_alone, beside_a_game, after = days(3)
    open_season(league)
    league.game(all_star_alone, "EST", "WST", all_star=True)
    play(league, beside_a_game)
    league.game(beside_a_game, "EST", "WST", all_star=True, loaded=False)
    play(league, after)
    league.write(settings)
    report = run((all_star_alone, after))
    assert outcomes(report) == {all_star_alone: "no_games", beside_a_game: "complete", after: "complete"}
    assert [row.expected for row in report.rows] == [None, 40, 40]
    assert not any(name.startswith(("est", "wst")) for players in published(settings).values() for name in players)
    zones = published(settings, "player_shot_zone_analysis")[after]
    assert not any(name.startswith(("est", "wst")) for name in zones)


def test_an_empty_schedule_blocks_every_day_and_says_that_box_scores_have_no_game_to_belong_to(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one)
    league.games.clear()
    league.write(settings)
    report = run((one, two))
    assert outcomes(report) == {one: "blocked", two: "blocked"}
    assert "box scores hold games that the schedule lacks" in report.rows[0].reason
    assert all("schedule_missing: no schedule speaks of this day" in row.reason for row in report.rows)
    assert published(settings) == {}
    assert {row["outcome"] for row in ledger(settings)} == {"blocked"}


def test_no_rows_anywhere_are_days_that_no_schedule_speaks_of(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    league.write(settings)
    report = run((DAY, days(3)[-1]))
    assert not report.is_done
    assert report.summary.startswith("3 days, 3 of them worked on: 3 blocked; first: ")
    assert all("schedule_missing" in row.reason for row in report.rows)


def test_box_scores_of_games_that_the_schedule_lacks_block_and_are_not_expected(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    for team, opponent in (("CHI", "TOR"), ("TOR", "CHI")):
        for number in range(1, 11):
            league.player(f"{team.lower()}{number}", DAY, "0022299999", team, opponent)
    league.write(settings)
    (row,) = run(DAY).rows
    assert (row.outcome, row.expected, row.published) == ("blocked", 40, 0)
    decided = checkpoint(settings, DAY)
    assert decided is not None
    assert decided.reason == "unscheduled_games"
    assert "0022299999" in decided.message
    (row,) = run(DAY, force=True).rows
    assert (row.outcome, row.expected, row.published) == ("forced", 40, 60)
    assert built(run(DAY)) == set()


def test_rows_of_a_day_that_the_schedule_has_lost_are_pointed_out(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    _, day, _ = some = days(3)
    open_season(league, *some)
    league.write(settings)
    run(day)
    run_sql(settings, *(f"DELETE FROM {table} WHERE game_date = '{day}'" for table in (SCHEDULE, BOX)))
    (row,) = run(day).rows
    assert row.outcome == "blocked"
    assert "40 rows, the schedule says no games" in ledger(settings, table_name=MAIN)[-1]["message"]
    assert published(settings)[day] == lookups(league, day)


def test_a_failure_is_closed_once_the_schedule_says_that_its_day_has_no_games(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    off, played = days(2)
    open_season(league, played)
    league.game(off, "BOS", "NYK", status=1, loaded=False)
    league.write(settings)
    assert outcomes(run((off, played)))[off] == "blocked"
    assert failure_states(settings) == {("open", None)}
    run_sql(settings, f"UPDATE {SCHEDULE} SET game_status_text = 'Postponed' WHERE game_date = '{off}'")
    assert outcomes(run(off, dry_run=True)) == {off: "no_games"}
    assert failure_states(settings) == {("open", None)}
    for _ in range(2):
        assert outcomes(run((off, played))) == {off: "no_games", played: "complete"}
        assert failure_states(settings) == {("resolved", "no_games")}
        assert len(ledger(settings, game_date=off, outcome="no_games")) == 3
    found = checkpoint(settings, off)
    assert found is not None
    assert (found.outcome, "no game was played" in found.message) == ("no_games", True)
    league.games = [game for game in league.games if game["game_date"] != off]
    play(league, off)
    league.write(settings)
    assert outcomes(run(off)) == {off: "complete"}


def failure_states(settings: Settings) -> set[tuple[str, str | None]]:
    """Return what is said of the failures: whether they are resolved, and by what."""
    rows = fetch(settings, "SELECT resolution_status, resolution FROM nba_orchestration.failure_history")
    return {(row["resolution_status"], row["resolution"]) for row in rows}

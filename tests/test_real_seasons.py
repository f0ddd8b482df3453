"""Two real seasons, where their data is present: every day published but those that are truly incomplete."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.ingest import ingest
from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.league import SHARED_DATA, fetch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SHARED_DATA.is_dir(), reason="the real seasons are not beside this checkout (../shared/data)"
    ),
]

Run = Callable[..., Report]
SEASONS = {
    "2022-23": ("league_game_log_2022_23.parquet", date(2022, 10, 18), date(2023, 6, 12), 209),
    "2023-24": ("league_game_log_2023_24.parquet", date(2023, 10, 24), date(2024, 6, 17), 204),
}
PLAY_IN_DAYS = {
    "2022-23": {date(2023, 4, 11): 2, date(2023, 4, 12): 2, date(2023, 4, 14): 2},
    "2023-24": {date(2024, 4, 16): 2, date(2024, 4, 17): 2, date(2024, 4, 19): 2},
}
BROKEN_LOOK_BACK = {
    "2022-23": {date(2023, 4, 19), date(2023, 4, 24)},
    "2023-24": set[date](),
}
"""Days after the play-in of which more than half of the players have a game of theirs missing."""
LAST_ATTEMPTS = {"2022-23": None, "2023-24": date(2024, 4, 7)}
"""The last day of which the log has shooting attempts: a week later usage is unknown, then pace."""
INCIDENT = (date(2023, 2, 23), date(2023, 2, 24))


def load(*logs: str) -> None:
    state = ingest(
        schedules=[str(SHARED_DATA / "games_2021_2025.csv")],
        game_logs=[str(SHARED_DATA / log) for log in logs],
        return_state=True,
    )
    # Five games of 2024-25 have no home team in the schedule file: rejected, and no concern of the seasons here.
    assert state.is_failed()
    assert ", 5 rejected" in str(state.message)


def put_upcoming(settings: Settings, day: date, condition: str) -> None:
    """Leave stale pre-game rows of a day behind, for the players that the condition picks."""
    run_sql(
        settings,
        "INSERT INTO nba_analytics.upcoming_player_game_context (player_lookup, game_id, game_date, days_rest, "
        "games_in_last_7_days, minutes_in_last_7_days) "
        f"SELECT player_lookup, game_id, game_date, 1, 3, 72.0 FROM nba_analytics.player_game_summary "
        f"WHERE game_date = DATE '{day}' AND {condition}",
    )


def table_of(settings: Settings, first: date, last: date) -> dict[tuple[date, str], str]:
    rows = fetch(
        settings,
        "SELECT game_date, player_lookup, data_hash FROM nba_precompute.player_composite_factors "
        "WHERE game_date BETWEEN @first AND @last",
        first=first,
        last=last,
    )
    table = {(row["game_date"], row["player_lookup"]): row["data_hash"] for row in rows}
    assert len(table) == len(rows)
    return table


@pytest.mark.parametrize("season", SEASONS)
def test_every_day_of_a_real_season_is_published_but_the_play_in_days_and_those_that_look_back_on_them(
    season: str, settings: Settings, run: Run
) -> None:
    log, first, last, game_days = SEASONS[season]
    load(log)
    report = run((first, last))
    by_outcome: dict[str, set[date]] = {}
    for row in report.rows:
        by_outcome.setdefault(row.outcome, set()).add(row.day)
    unlike_before = {row.day for row in report.rows if row.outcome == "blocked" and "values_suspicious" in row.reason}
    assert by_outcome["blocked"] == {*PLAY_IN_DAYS[season], *BROKEN_LOOK_BACK[season], *unlike_before}
    ended = LAST_ATTEMPTS[season]
    assert all(ended is not None and day >= ended + timedelta(days=7) for day in unlike_before)
    assert bool(unlike_before) is (ended is not None)
    published = by_outcome.get("complete", set()) | by_outcome["complete_with_warning"]
    assert by_outcome.keys() <= {"complete", "complete_with_warning", "blocked", "no_games", "skipped_bootstrap"}
    assert len(published | by_outcome["skipped_bootstrap"] | BROKEN_LOOK_BACK[season] | unlike_before) == game_days
    for row in report.rows:
        if row.day in published:
            assert row.published == row.expected
            assert row.coverage == "100.0 %"
        if row.day in PLAY_IN_DAYS[season]:
            assert "reference_incomplete" in row.reason
            named = {line.split(" has ")[0] for line in row.reason.split("; ") if " has no box scores for " in line}
            assert len(named) == PLAY_IN_DAYS[season][row.day], "each missing game is named"
        if row.day in BROKEN_LOOK_BACK[season]:
            assert "look_back_incomplete" in row.reason
    assert not report.is_done


def test_the_incident_on_its_own_real_days(settings: Settings, run: Run) -> None:
    load("league_game_log_2022_23.parquet")
    put_upcoming(settings, INCIDENT[0], "player_lookup = 'reggiejackson'")
    put_upcoming(
        settings,
        INCIDENT[1],
        "player_lookup IN (SELECT player_lookup FROM nba_analytics.player_game_summary "
        f"WHERE game_date = DATE '{INCIDENT[1]}' ORDER BY player_lookup LIMIT 68)",
    )
    report = run(INCIDENT)
    assert [(row.upcoming, row.source, row.published, row.expected, row.outcome) for row in report.rows] == [
        (1, "synthetic", 187, 187, "complete_with_warning"),
        (68, "synthetic", 175, 175, "complete_with_warning"),
    ]
    assert all("completeness_low" in row.reason for row in report.rows), "the log has no attempts"
    expected = fetch(
        settings,
        "SELECT DISTINCT game_date, player_lookup FROM nba_analytics.player_game_summary "
        "WHERE game_date BETWEEN @first AND @last",
        first=INCIDENT[0],
        last=INCIDENT[1],
    )
    assert table_of(settings, *INCIDENT).keys() == {(row["game_date"], row["player_lookup"]) for row in expected}


def test_partial_upcoming_rows_under_other_days_change_no_result(
    settings: Settings, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    week = (date(2024, 1, 8), date(2024, 1, 14))
    load("league_game_log_2023_24.parquet")
    run(week)
    clean = table_of(settings, *week)
    assert len(clean) > 800
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / "other.duckdb"))
    other = Settings()
    load("league_game_log_2023_24.parquet")
    for number in range(7):
        day = date(2024, 1, 8 + number)
        put_upcoming(other, day, f"LENGTH(player_lookup) % 7 < {number // 2}")
    report = run(week)
    assert {row.source for row in report.rows if row.games} == {"synthetic"}
    assert sum(row.upcoming or 0 for row in report.rows) > 100
    assert table_of(other, *week) == clean

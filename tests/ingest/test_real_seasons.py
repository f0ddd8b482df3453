"""The ingest on real seasons, where they are there."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tasks.backfill.survey import plan_backfill
from tasks.runtime.run import Run as BackfillRun
from tasks.settings import PROJECT_ROOT, Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tests.ingest.files import Run, content, query, run_ingest
from tests.proof.bench import request_of, without_prefect

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"
GAME_LOGS = [str(SHARED_DATA / f"league_game_log_{season}.parquet") for season in ("2022_23", "2023_24")]
PLAY_IN = {
    2022: (date(2022, 10, 18), date(2023, 6, 12), [date(2023, 4, 11), date(2023, 4, 12), date(2023, 4, 14)]),
    2023: (date(2023, 10, 24), date(2024, 6, 17), [date(2024, 4, 16), date(2024, 4, 17), date(2024, 4, 19)]),
}
"""The first day of a season, its last, and those of its play-in games, which the logs do not have."""
GAMES = str(SHARED_DATA / "games_2021_2025.csv")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SHARED_DATA.is_dir(), reason="the real seasons are not here: ../shared/data is no part of the project"
    ),
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, api_url: str) -> Iterator[tuple[Settings, Run, Run]]:
    """A warehouse with both seasons, and the runs that loaded its schedule and its logs."""
    with pytest.MonkeyPatch.context() as environment:
        path = tmp_path_factory.mktemp("real") / "warehouse.duckdb"
        environment.setenv("FULLCOURT_DUCKDB_PATH", str(path))
        yield load_settings(), run_ingest(schedules=[GAMES]), run_ingest(game_logs=GAME_LOGS)


def test_every_player_game_of_both_seasons_is_loaded_and_none_rejected(loaded: tuple[Settings, Run, Run]) -> None:
    settings, _, logs = loaded
    assert logs.state.is_completed()
    assert logs.state.message == "2 files, 55,709 rows: 55,709 loaded, 0 rejected"
    counts = query(
        settings,
        "SELECT season_year, COUNT(*) AS player_games, COUNT(DISTINCT game_date) AS days "
        "FROM nba_analytics.player_game_summary GROUP BY season_year ORDER BY season_year",
    )
    assert counts == [
        {"season_year": 2022, "player_games": 27623, "days": 209},
        {"season_year": 2023, "player_games": 28086, "days": 204},
    ]


def test_the_five_games_on_neutral_ground_without_a_home_team_are_rejected_by_name(
    loaded: tuple[Settings, Run, Run],
) -> None:
    settings, schedule, _ = loaded
    assert schedule.state.is_failed()
    assert [(row["line"], row["column"], row["reason"]) for row in schedule.rejections] == [
        (line, "HOME_TEAM", "is empty") for line in (4049, 4337, 4338, 4608, 4620)
    ]
    assert len(content(settings, "nba_schedule")) == 5276


def test_the_points_of_every_team_add_up_to_the_final_score(loaded: tuple[Settings, Run, Run]) -> None:
    settings, _, _ = loaded
    points: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in content(settings, "player_game_summary"):
        points[row["game_id"], row["team_abbr"]] += row["points"]
    scores: dict[tuple[str, str], int] = {}
    for line in (SHARED_DATA / "games_2021_2025.csv").read_text(encoding="utf-8").splitlines()[1:]:
        game_id, _, season, home, away, home_points, away_points = line.split(",")
        if season in ("2022", "2023") and not game_id.startswith("005"):
            scores |= {(game_id, home): int(home_points), (game_id, away): int(away_points)}
    assert points == scores


def test_every_game_is_played_by_the_two_teams_of_the_schedule(loaded: tuple[Settings, Run, Run]) -> None:
    settings, _, _ = loaded
    strangers = query(
        settings,
        "SELECT b.game_id FROM nba_analytics.player_game_summary AS b "
        "JOIN nba_reference.nba_schedule AS s ON s.game_id = b.game_id AND s.game_date = b.game_date "
        "WHERE (b.team_abbr = s.home_team_tricode AND b.opponent_team_abbr = s.away_team_tricode) "
        "OR (b.team_abbr = s.away_team_tricode AND b.opponent_team_abbr = s.home_team_tricode)",
    )
    assert len(strangers) == 55709


@pytest.mark.parametrize("season", PLAY_IN)
def test_the_audit_of_a_real_season_objects_to_its_play_in_games_and_to_nothing_else(
    loaded: tuple[Settings, Run, Run], season: int
) -> None:
    settings, _, _ = loaded
    first, last, play_in = PLAY_IN[season]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    catalogue = load_catalogue(settings)
    with without_prefect():
        plan = plan_backfill.fn(BackfillRun(settings, "audit", 1), request_of(catalogue, days))
    references = {day.game_date: day.reference for day in plan.days}
    found = {day: [reason.category for reason in each.blocks()] for day, each in references.items() if each.blocks()}
    assert found == {day: ["reference_incomplete"] for day in play_in}
    assert [references[day].loaded_games for day in play_in] == [0, 0, 0]
    assert [references[day].final_games for day in play_in] == [2, 2, 2]
    warned = [day for day, each in references.items() if each.warnings()]
    assert not [day for day in warned if day <= play_in[0]], "nothing is odd before"
    assert min(day for day in references if day > play_in[-1] and references[day].has_games) in warned


@pytest.mark.parametrize(("day", "players"), [(date(2023, 2, 23), 187), (date(2023, 2, 24), 175)])
def test_as_many_players_are_expected_as_played_on_the_days_of_the_incident(
    loaded: tuple[Settings, Run, Run], day: date, players: int
) -> None:
    settings, _, _ = loaded
    sql = load_catalogue(settings).shared_query("expected_players")
    expected = query(settings, sql, from_date=day, game_date=day)
    assert len({row["player_lookup"] for row in expected}) == len(expected) == players
    assert ("reggiejackson", "DEN", "CLE") in {
        (row["player_lookup"], row["team_abbr"], row["opponent_team_abbr"]) for row in expected
    } or day == date(2023, 2, 24)


def test_usage_is_unknown_without_attempts_and_averages_a_fifth_with_them(loaded: tuple[Settings, Run, Run]) -> None:
    settings, _, _ = loaded
    usage: defaultdict[int, list[Any]] = defaultdict(list)
    weighted: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in content(settings, "player_game_summary"):
        usage[row["season_year"]].append(row["usage_rate"])
        if row["usage_rate"] is not None:
            weighted[row["game_id"], row["team_abbr"]] += row["usage_rate"] * row["minutes_played"]
    assert set(usage[2022]) == {None}
    assert sum(rate is not None for rate in usage[2023]) == 24502
    minutes = query(
        settings,
        "SELECT game_id, team_abbr, SUM(IF(usage_rate IS NOT NULL, minutes_played, NULL)) AS minutes, "
        "COUNTIF(usage_rate IS NULL AND fg_attempts + ft_attempts + turnovers > 0) AS unknown "
        "FROM nba_analytics.player_game_summary WHERE season_year = 2023 GROUP BY game_id, team_abbr",
    )
    whole = [row for row in minutes if row["minutes"] and not row["unknown"]]
    assert len(whole) > 2000
    for row in whole:
        share = weighted[row["game_id"], row["team_abbr"]] / row["minutes"]
        assert share == pytest.approx(20.0, abs=1e-4)


def test_loading_the_real_seasons_again_changes_no_content(loaded: tuple[Settings, Run, Run]) -> None:
    settings, _, _ = loaded
    before = content(settings, "player_game_summary"), content(settings, "nba_schedule")
    again = run_ingest_in(settings, schedules=[GAMES], game_logs=GAME_LOGS)
    assert "60,990 rows: 60,985 loaded, 5 rejected" in str(again.state.message)
    assert (
        "| player_game_summary | 27,623 | 27,623 | 27,623 | 0 | 1,314 | 209 | 2022-10-18 | 2023-06-12 |" in again.report
    )
    assert (content(settings, "player_game_summary"), content(settings, "nba_schedule")) == before


def run_ingest_in(settings: Settings, **parameters: Any) -> Run:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FULLCOURT_DUCKDB_PATH", str(settings.duckdb_path))
        return run_ingest(**parameters)

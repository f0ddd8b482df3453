"""Both engines give the same rows: DuckDB, as the application runs it, and Google's reference evaluator."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from deployments.commands.demo_league import generate
from tasks.cleanup.audit import BEGUN
from tasks.settings import Settings
from tests.googlesql.agreement import DAY, START, Rows, assert_agree, parameters
from tests.googlesql.analyser import GoogleSQL
from tests.league import League

pytestmark = pytest.mark.no_server

SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
UPCOMING = "nba_analytics.upcoming_player_game_context"
CLEANUPS = "nba_orchestration.cleanup_operations"


def league_rows(league: League) -> Rows:
    return {SCHEDULE: league.games, BOX: league.box, UPCOMING: league.upcoming}


def test_a_league_with_every_kind_of_game_and_player(googlesql: GoogleSQL, settings: Settings) -> None:
    league = League()
    for number, day in enumerate([START, DAY - timedelta(days=8), DAY - timedelta(days=2), DAY - timedelta(days=1)]):
        league.game(day, "BOS", "NYK", players=6, points=10 + number, fg_attempts=9 + number)
        league.game(
            day,
            "LAL",
            "MIA",
            players=6,
            three_pt_attempts=7,
            paint_attempts=number,
            paint_makes=0,
            fg_attempts=9 + number,
        )
    league.game(DAY - timedelta(days=3), "BOS", "LAL", players=6, minutes_played=38.1234)  # 228.7404 a team
    league.game(DAY - timedelta(days=4), "BOS", "LAL", players=6, points=7)
    league.games[-1] |= {"home_team_score": 42, "away_team_score": 43}
    moved = league.games[-1] | {"game_date": DAY - timedelta(days=7)}
    called_off = moved | {"game_id": "0022299999", "game_status": 1, "game_status_text": "Postponed"}
    league.game(DAY - timedelta(days=5), "BOS", "LAL", players=6)
    league.games[-1] |= {"home_team_tricode": "DEN"}  # the box scores have another opponent
    league.games += [moved, called_off]
    league.game(DAY, "BOS", "LAL", players=6)
    league.game(DAY, "NYK", "MIA", players=6, status=2)
    league.game(DAY, "EST", "WST", players=5, all_star=True)
    league.game(DAY, "DEN", "UTA", loaded=False)
    league.box[-1] |= {"minutes_played": None, "is_dnp": True}
    league.box[3] |= {"paint_attempts": None, "mid_range_attempts": None}
    league.box[5] |= {"minutes_played": 0.0, "points": 0}
    covered = ["bos1", "bos2", "lal1", "lal1"]
    known = {"games_in_last_7_days": 2, "minutes_in_last_7_days": 71.5, "avg_minutes_per_game_last_7": float("inf")}
    league.expect_upcoming(DAY, covered, days_rest=None, projected_usage_rate=27.3, **known)
    assert assert_agree(googlesql, settings, league_rows(league)) > 100


def test_days_of_the_demo_league(googlesql: GoogleSQL, settings: Settings) -> None:
    demo = generate([2022])
    teams = {"BOS", "NYK", "LAL", "MIA"}  # the evaluator compares each row of a join with each
    box = [
        row
        for row in demo.box_scores.to_pylist()
        if row["team_abbr"] in teams and row["opponent_team_abbr"] in teams and row["game_date"] < date(2023, 3, 1)
    ]
    games = {row["game_id"] for row in box}
    day = max(row["game_date"] for row in box)
    rows: Rows = {
        SCHEDULE: [row for row in demo.schedule.to_pylist() if row["game_id"] in games],
        BOX: box,
        UPCOMING: [row for row in demo.upcoming.to_pylist() if row["game_date"] == day],
    }
    assert len(box) > 150
    assert assert_agree(googlesql, settings, rows, parameters(day, START)) > 100


NUMBERS = st.one_of(st.none(), st.integers(0, 3), st.sampled_from([10**6, 10**9]))
MINUTES = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 12.5, 35.000001, 48.0, 240.0]))
NAMES = st.sampled_from(["a", "b", "c1", "d2"])
TEAMS = st.sampled_from([("BOS", "NYK"), ("NYK", "BOS"), ("LAL", "MIA")])
FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -0.05, 0.05, 0.25, 2.5, 1e12, -1e12, 33.333333333]))


@st.composite
def boxes(draw: st.DrawFn) -> dict[str, Any]:
    league, (team, opponent) = League(), draw(TEAMS)
    day = DAY - timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 6, 7, 13, 14, 29, 30, 90])))
    chart = {name: draw(NUMBERS) for name in ("paint_attempts", "mid_range_attempts", "three_pt_attempts")}
    charted = sum(attempts or 0 for attempts in chart.values())
    return league.player(
        draw(NAMES),
        day,
        f"00222{draw(st.integers(1, 3)):05d}",
        team,
        opponent,
        **{name: draw(NUMBERS) for name in ("points", "ft_attempts", "turnovers", "offensive_rebounds")},
        **chart,
        fg_attempts=draw(st.one_of(NUMBERS, st.just(charted))),
        minutes_played=draw(MINUTES),
        usage_rate=draw(FLOATS),
        is_active=draw(st.booleans()),
        is_dnp=draw(st.booleans()),
    )


@st.composite
def upcomings(draw: st.DrawFn) -> dict[str, Any]:
    league = League()
    floats = ("minutes_in_last_7_days", "avg_minutes_per_game_last_7", "projected_usage_rate", "pace_differential")
    special = st.one_of(FLOATS, st.sampled_from([float("nan"), float("inf"), float("-inf")]))
    league.expect_upcoming(
        DAY,
        [draw(NAMES)],
        **{name: draw(special) for name in floats},
        days_rest=draw(NUMBERS),
        player_age=draw(NUMBERS),
        back_to_back=draw(st.one_of(st.none(), st.booleans())),
        star_teammates_out=draw(NUMBERS),
    )
    return league.upcoming[0]


@st.composite
def games(draw: st.DrawFn) -> dict[str, Any]:
    league, (home, away) = League(), draw(TEAMS)
    back = draw(st.sampled_from([0, 0, 1, 7, 30]))
    league.game(
        DAY - timedelta(days=back),
        home,
        away,
        status=draw(st.integers(1, 3)),
        all_star=draw(st.booleans()),
        loaded=False,
    )
    return league.games[0] | {"game_id": f"00222{draw(st.integers(1, 3)):05d}"}


@st.composite
def cleanups(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "cleanup_id": draw(NAMES),
        "cleanup_time": datetime(2023, 1, 1, 4, draw(st.integers(0, 59)), tzinfo=UTC),
        "cleanup_type": draw(st.sampled_from(["upcoming_tables_ttl", "by_hand", "interrupted", "restore"])),
        "table_name": draw(NAMES),
        "cutoff": DAY,
        "deleted": draw(st.sampled_from([0, 1, 2**40])),
        "restored": draw(st.sampled_from([0, 1, 2**40])),
        "errors": draw(st.sampled_from([None, "it failed", BEGUN])),
        "duration_seconds": 1.5,
        "run_id": draw(st.sampled_from(["one", "two"])),
    }


EXAMPLES = 12
few = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take the evaluator minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


APART = 3
"""Years between two examples: no statement looks that far."""


def put_apart(rows: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Move the rows of an example to seasons of its own."""
    return [
        row | {"game_date": row["game_date"] + apart(number), "season_year": row.get("season_year", 0) + APART * number}
        for row in rows
    ]


def apart(number: int) -> timedelta:
    return timedelta(days=365 * APART * number)


def test_days_of_nulls_ties_duplicates_and_extremes(googlesql: GoogleSQL, settings: Settings) -> None:
    rows: Rows = {BOX: [], UPCOMING: [], SCHEDULE: []}
    windows: list[dict[str, Any]] = []

    @few
    @given(
        box=st.lists(boxes(), max_size=14),
        upcoming=st.lists(upcomings(), max_size=4),
        schedule=st.lists(games(), max_size=5),
    )
    def add(box: list[dict[str, Any]], upcoming: list[dict[str, Any]], schedule: list[dict[str, Any]]) -> None:
        number = len(windows)
        rows[BOX] += put_apart(box, number)
        rows[UPCOMING] += put_apart(upcoming, number)
        rows[SCHEDULE] += put_apart(schedule, number)
        windows.append(parameters(DAY + apart(number), START + apart(number)))

    add()  # the examples first, then all of them at once: analysing a statement takes longer than running it
    assert len(windows) >= EXAMPLES
    assert_agree(googlesql, settings, rows, *windows)


@few
@given(rows=st.lists(cleanups(), max_size=9, unique_by=lambda row: row["cleanup_time"]))
def test_the_history_of_cleanups(
    googlesql: GoogleSQL, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    settings = Settings(duckdb_path=tmp_path_factory.mktemp("agree") / "warehouse.duckdb")
    runs = {row["run_id"] for row in rows if row["cleanup_type"] != "restore"}
    compared = assert_agree(googlesql, settings, {CLEANUPS: rows}, only={"cleanup_history/view"})
    assert compared >= len(runs)

"""Both engines give the same rows: DuckDB, as the application runs it, and Google's reference evaluator."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.demo_league import generate
from tasks.settings import Settings
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.googlesql.analyser import GoogleSQL, comparable
from tests.googlesql.statements import catalogue, statements
from tests.league import League

Rows = dict[str, list[dict[str, Any]]]

DAY = date(2023, 1, 20)
START = date(2022, 10, 18)
SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
UPCOMING = "nba_analytics.upcoming_player_game_context"
ZONES = ("player_shot_zone_analysis", "team_defense_zone_analysis")


def parameters(day: date, start: date) -> dict[str, Any]:
    return {
        "as_of": day + timedelta(days=1),
        "first_game": "0",
        "from_date": start,
        "game_date": day,
        "last_game": "9",
        "min_players_per_team": 5,
        "processed_at": datetime(2023, 6, 1, 12, 30, tzinfo=UTC),
        "run_id": "a run",
    }


def write(settings: Settings, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Put the rows into an empty warehouse."""
    with open_warehouse(settings.connection()) as warehouse:
        for table in catalogue().tables.values():
            warehouse.create([table])
            given_rows = rows.get(table.full_name)
            if given_rows:
                arrow = pa.Table.from_pylist([dict(row) for row in given_rows], arrow_schema(table))
                warehouse.replace(table, arrow, match=[table.partition])


def with_zone_rows(settings: Settings, rows: Rows, day: date, start: date) -> Rows:
    """Add the rows of the zone tables, which the main table is built from."""
    built: Rows = {}
    with open_warehouse(settings.connection()) as warehouse:
        for name in ZONES:
            table = catalogue().table(name)
            sql = catalogue().query(name, "build", source=catalogue().build(name).fallback.name)
            found = warehouse.fetch(sql, parameters(day, start))
            built[table.full_name] = found
            if found:
                arrow = pa.Table.from_pylist(found, arrow_schema(table))
                warehouse.replace(table, arrow, match=[table.partition])
    return rows | built


def assert_agree(googlesql: GoogleSQL, settings: Settings, rows: Rows, day: date = DAY, start: date = START) -> int:
    """Run every statement on both; returns how many rows were compared."""
    write(settings, rows)
    rows = with_zone_rows(settings, rows, day, start)
    compared = 0
    for name, sql in statements():
        with open_warehouse(settings.connection()) as warehouse:
            mine = [comparable(row) for row in warehouse.fetch(sql, parameters(day, start))]
        theirs = [comparable(row) for row in googlesql.run(sql, parameters(day, start), rows)]
        for row in mine:
            assert row in theirs, f"{name}: only DuckDB has this row: {_unlike(row, theirs)}"
        assert len(mine) == len(theirs), name
        compared += len(mine)
    return compared


def _unlike(row: tuple[tuple[str, object], ...], others: Sequence[tuple[tuple[str, object], ...]]) -> object:
    """Name the columns in which a row differs from the one that is most like it."""
    if not others:
        return row
    nearest = max(others, key=lambda other: len(set(map(repr, row)) & set(map(repr, other))))
    return [(mine, theirs[1]) for mine, theirs in zip(row, nearest, strict=True) if repr(mine) != repr(theirs)]


def league_rows(league: League) -> Rows:
    return {SCHEDULE: league.games, BOX: league.box, UPCOMING: league.upcoming}


def test_a_league_with_every_kind_of_game_and_player(googlesql: GoogleSQL, settings: Settings) -> None:
    league = League()
    for number, day in enumerate([START, DAY - timedelta(days=8), DAY - timedelta(days=2), DAY - timedelta(days=1)]):
        league.game(day, "BOS", "NYK", players=6, points=10 + number, fg_attempts=9 + number)
        league.game(day, "LAL", "MIA", players=6, three_pt_attempts=7, paint_attempts=number, paint_makes=0)
    league.game(DAY, "BOS", "LAL", players=6)
    league.game(DAY, "NYK", "MIA", players=6, status=2)
    league.game(DAY, "EST", "WST", players=5, all_star=True)
    league.game(DAY, "DEN", "UTA", loaded=False)
    league.box[-1] |= {"minutes_played": None, "is_dnp": True}
    league.box[3] |= {"paint_attempts": None, "mid_range_attempts": None}
    league.box[5] |= {"minutes_played": 0.0, "points": 0}
    league.expect_upcoming(DAY, ["bos1", "bos2", "lal1", "lal1"], days_rest=None, projected_usage_rate=27.3)
    assert assert_agree(googlesql, settings, league_rows(league)) > 100


def test_days_of_the_demo_league(googlesql: GoogleSQL, settings: Settings) -> None:
    demo = generate([2022])
    teams = {"BOS", "NYK", "LAL", "MIA", "DEN", "PHX"}
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
    assert len(box) > 300
    assert assert_agree(googlesql, settings, rows, day) > 100


NUMBERS = st.one_of(st.none(), st.integers(0, 3), st.sampled_from([10**6, 10**9]))
MINUTES = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 12.5, 35.000001, 48.0, 240.0]))
NAMES = st.sampled_from(["a", "b", "c1", "d2"])
TEAMS = st.sampled_from([("BOS", "NYK"), ("NYK", "BOS"), ("LAL", "MIA")])
FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -0.05, 0.05, 0.25, 2.5, 1e12, -1e12, 33.333333333]))


@st.composite
def boxes(draw: st.DrawFn) -> dict[str, Any]:
    league, (team, opponent) = League(), draw(TEAMS)
    day = DAY - timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 6, 7, 13, 14, 29, 30, 90])))
    return league.player(
        draw(NAMES),
        day,
        f"00222{draw(st.integers(1, 3)):05d}",
        team,
        opponent,
        **{name: draw(NUMBERS) for name in ("points", "fg_attempts", "ft_attempts", "turnovers", "offensive_rebounds")},
        **{name: draw(NUMBERS) for name in ("paint_attempts", "mid_range_attempts", "three_pt_attempts")},
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


@hypothesis_settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take the evaluator minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    box=st.lists(boxes(), max_size=14),
    upcoming=st.lists(upcomings(), max_size=4),
    schedule=st.lists(games(), max_size=5),
)
def test_days_of_nulls_ties_duplicates_and_extremes(
    googlesql: GoogleSQL,
    tmp_path_factory: pytest.TempPathFactory,
    box: list[dict[str, Any]],
    upcoming: list[dict[str, Any]],
    schedule: list[dict[str, Any]],
) -> None:
    settings = Settings(duckdb_path=tmp_path_factory.mktemp("agree") / "warehouse.duckdb")
    assert_agree(googlesql, settings, {BOX: box, UPCOMING: upcoming, SCHEDULE: schedule})

"""What holds for every league: ranges, nothing from the future, the same bytes every time."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb  # noqa: TID251 - to make a file that DuckDB reads with several threads
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tasks.backfill.coverage import window
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.gate_query import gate_query
from tasks.warehouse.open import open_warehouse
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, SEASON_START, Case, build_all, read, score, write

pytestmark = pytest.mark.no_server

INT64 = st.one_of(st.none(), st.integers(-1, 60), st.integers(-(2**63), 2**63 - 1))
FLOAT64 = st.one_of(st.none(), st.floats(-60, 300), st.floats())
CONTEXT = st.fixed_dictionaries(
    {
        "days_rest": INT64,
        "back_to_back": st.one_of(st.none(), st.booleans()),
        "games_in_last_7_days": INT64,
        "minutes_in_last_7_days": FLOAT64,
        "avg_minutes_per_game_last_7": FLOAT64,
        "back_to_backs_last_14_days": INT64,
        "player_age": INT64,
        "avg_usage_rate_last_7_games": FLOAT64,
        "projected_usage_rate": FLOAT64,
        "star_teammates_out": INT64,
        "pace_differential": FLOAT64,
        "opponent_pace_last_10": FLOAT64,
    }
)
SHARE = st.one_of(st.none(), st.floats(0, 100))
RATING = st.one_of(st.none(), st.floats(-100, 100))
ZONE = st.fixed_dictionaries(
    {
        "primary_scoring_zone": st.sampled_from([None, "paint", "mid_range", "perimeter", "balanced"]),
        "paint_rate_last_10": SHARE,
        "mid_range_rate_last_10": SHARE,
        "three_pt_rate_last_10": SHARE,
    }
)
RATINGS = st.fixed_dictionaries(
    {f"{zone}_defense_vs_league_avg": RATING for zone in ("paint", "mid_range", "three_pt")}
)
CASES = st.lists(
    st.builds(Case, CONTEXT, st.one_of(st.none(), ZONE), st.one_of(st.none(), RATINGS)), min_size=1, max_size=25
)

COUNT = st.one_of(st.none(), st.integers(0, 40))
STATS = st.fixed_dictionaries(
    {
        "minutes_played": st.one_of(st.none(), st.floats(0, 58)),
        "usage_rate": st.one_of(st.none(), st.floats(0, 100)),
        "is_dnp": st.booleans(),
        **dict.fromkeys(
            (
                "fg_attempts",
                "ft_attempts",
                "offensive_rebounds",
                "turnovers",
                "paint_makes",
                "paint_attempts",
                "mid_range_makes",
                "mid_range_attempts",
                "three_pt_makes",
                "three_pt_attempts",
            ),
            COUNT,
        ),
    }
)
PLAYED = STATS.map(lambda stats: {**stats, "minutes_played": stats["minutes_played"] or 20.0, "is_dnp": False})
TEAMS = ("BOS", "LAL", "NYK", "MIA")
PAIRS = tuple((home, away) for home in TEAMS for away in TEAMS if home < away)
# Days from DAY, who plays, and whose statistics each player gets.
GAMES = st.tuples(st.integers(-40, -1), st.sampled_from(PAIRS), st.integers(0, 9))


def add_games(league: League, games: Sequence[tuple[int, tuple[str, str], int]], stats: Sequence[Row]) -> None:
    """Add each game once a day and pair, with two players a team; they take their statistics in turn."""
    for days, (home, away) in sorted({game[:2] for game in games}):
        shift = next(game[2] for game in games if game[:2] == (days, (home, away)))
        day = DAY + timedelta(days=days)
        game_id = league.game(day, home, away, players=0)
        for number, (team, other) in enumerate(((home, away), (away, home)) * 2):
            league.player(
                f"{team.lower()}{number // 2}", day, game_id, team, other, **stats[(number + shift) % len(stats)]
            )


@st.composite
def leagues(draw: st.DrawFn) -> League:
    """A league with a past, and with a day on which two or four teams play."""
    league = League()
    add_games(league, draw(st.lists(GAMES, max_size=12)), draw(st.lists(STATS, min_size=1, max_size=6)))
    tonight = draw(st.sampled_from([[(0, PAIRS[0], 0)], [(0, ("LAL", "MIA"), 0), (0, ("BOS", "NYK"), 0)]]))
    add_games(league, tonight, [{}])
    return league


@limits(deadline=None, max_examples=60)
@given(CASES)
def test_every_score_is_in_its_range_whatever_the_pre_game_table_says(bench: Settings, cases: list[Case]) -> None:
    rows = score(bench, {str(number): case for number, case in enumerate(cases)})
    assert len(rows) == len(cases)
    for column in load_catalogue(bench).table(COMPOSITE).columns:
        if column.range:
            lowest, highest = column.range
            values = [row[column.name] for row in rows.values()]
            assert all(value is not None and lowest <= value <= highest for value in values), column.name


@limits(deadline=None, max_examples=30)
@given(CASES)
def test_what_is_unknown_is_neutral_and_named(bench: Settings, cases: list[Case]) -> None:
    rows = score(bench, {str(number): case for number, case in enumerate(cases)})
    for number, case in enumerate(cases):
        row, named = rows[str(number)], set((rows[str(number)]["missing_data_fields"] or "").split(","))
        unknown = {  # NaN, an infinity and what is too large for a NUMERIC are no numbers
            name
            for name, value in case.context.items()
            if value is None or (isinstance(value, float) and not abs(value) < 1e29)
        }
        if row["context_source"] == "synthetic":
            assert unknown & {"games_in_last_7_days", "minutes_in_last_7_days"}, "else the pre-game row is used"
            continue
        assert unknown - {"opponent_pace_last_10"} <= named
        if "pace_differential" in unknown:
            assert row["pace_score"] == 0.0
        if unknown & {"projected_usage_rate", "avg_usage_rate_last_7_games"}:
            assert row["usage_spike_score"] == 0.0
        if case.zone is None or case.defense is None:
            assert row["shot_zone_mismatch_score"] == 0.0


@limits(deadline=None, max_examples=40)
@given(
    league=leagues(),
    tonight=st.lists(PLAYED, min_size=1, max_size=4),
    later=st.lists(st.tuples(st.integers(1, 20), st.sampled_from(PAIRS), st.integers(0, 9)), max_size=8),
    stats=st.lists(STATS, min_size=1, max_size=4),
    contexts=st.lists(CONTEXT, max_size=3),
)
def test_a_day_depends_on_nothing_from_then_on_but_who_played(
    bench: Settings,
    league: League,
    tonight: list[Row],
    later: list[tuple[int, tuple[str, str], int]],
    stats: list[Row],
    contexts: list[Row],
) -> None:
    write(bench, league)
    before = build_all(bench)

    changed = League(games=list(league.games), box=[dict(row) for row in league.box])
    for number, row in enumerate(row for row in changed.box if row["game_date"] == DAY):
        row.update(tonight[number % len(tonight)])
    add_games(changed, later, stats)
    for number, context in enumerate(contexts):
        changed.expect_upcoming(DAY + timedelta(days=number), ["bos0", "lal1"], **context)
    write(bench, changed)
    assert build_all(bench) == before


@limits(deadline=None, max_examples=15)
@given(league=leagues(), random=st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_bytes_in_whatever_order_it_is_stored(
    bench: Settings, league: League, random: Any
) -> None:
    write(bench, league)
    first, context = build_all(bench), contexts(bench)
    assert build_all(bench, run_id="run-2") == first
    for rows in (league.games, league.box):
        random.shuffle(rows)
    write(bench, league)
    assert build_all(bench, run_id="run-3") == first
    assert contexts(bench) == context


def contexts(settings: Settings, day: date = DAY) -> str:
    """The contexts that scores are rounded from, to the last bit."""
    return repr(sorted(read(settings, "context_synthetic", day), key=lambda row: str(row["player_lookup"])))


@limits(deadline=None, max_examples=25)
@given(league=leagues())
def test_every_expected_player_gets_one_row_from_box_scores_and_the_gate_finds_no_fault(
    bench: Settings, league: League
) -> None:
    write(bench, league)
    build_all(bench)
    catalogue = load_catalogue(bench)
    sql = gate_query(catalogue, catalogue.table(COMPOSITE), f"nba_precompute.{COMPOSITE}")
    with open_warehouse(bench.connection()) as warehouse:
        (facts,) = warehouse.fetch(sql, window(bench, SEASON_START, DAY, DAY))
    faults = ("unexpected", "duplicate_keys", "null_keys", "other_days", *(f for f in facts if f.startswith("range_")))
    assert {name: facts[name] for name in faults} == dict.fromkeys(faults, 0)
    assert facts["row_count"] == facts["expected"] == facts["covered"]


def test_scores_are_finite_though_their_inputs_are_not(bench: Settings) -> None:
    worst = (math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324, 1e29)
    floats = ("minutes_in_last_7_days", "projected_usage_rate", "pace_differential")
    rows = score(bench, {f"{name} {value}": Case({name: value}) for name in floats for value in worst})
    assert all(math.isfinite(row["total_composite_adjustment"]) for row in rows.values())


@pytest.mark.parametrize("threads", [2, 4])
def test_the_number_of_threads_changes_no_byte(demo: Settings, threads: int) -> None:
    with duckdb.connect() as connection:  # small row groups: DuckDB gives one to a thread
        path = demo.duckdb_path.with_name("small-groups.duckdb")
        connection.execute(f"ATTACH '{demo.duckdb_path}' AS season (READ_ONLY)")
        connection.execute(f"ATTACH '{path}' AS grouped (ROW_GROUP_SIZE 2048)")
        connection.execute("COPY FROM DATABASE season TO grouped")
    built = []
    for count in (1, threads):
        settings = demo.model_copy(update={"duckdb_path": path, "duckdb_threads": count})
        with open_warehouse(settings.connection()) as warehouse:
            warehouse.create(load_catalogue(settings).tables.values())
            days = [DAY + timedelta(days=number) for number in (0, 1, 35)]
            built.append([(build_all(settings, day), contexts(settings, day)) for day in days])
    assert built[0] == built[1]
    assert all(len(tables[COMPOSITE]) > 10_000 for tables, _ in built[0])

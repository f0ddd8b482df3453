"""The demo league keeps its promises: shape, arithmetic, the incident, and the same bytes everywhere."""

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from deployments.commands.demo_league import DemoLeague, generate, load
from deployments.commands.demo_league.schedule import ALL_STAR_TEAMS, TEAMS
from tasks.backfill.coverage import window
from tasks.errors import RequestError
from tasks.settings import PROJECT_ROOT, load_settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse

pytestmark = pytest.mark.no_server

SEASONS = (2021, 2022, 2023, 2024)
COUNTS = (
    "points", "fg_attempts", "three_pt_attempts", "ft_attempts", "offensive_rebounds", "defensive_rebounds", "assists",
    "steals", "blocks", "turnovers", "personal_fouls",
)  # fmt: skip
# Of season 2022. It changes only when somebody means to change the league.
DIGEST = "bbbbe269f380b793f4eb9dd340585d50581897134aec60f822e8ab3bf9d70937"
PRINT_DIGEST = """
import hashlib, json
from deployments.commands.demo_league import generate
league = generate([2022])
rows = [t.to_pylist() for t in (league.schedule, league.box_scores, league.upcoming)]
print(hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest())
"""
TYPES = {
    pa.string(): "STRING",
    pa.int64(): "INT64",
    pa.float64(): "FLOAT64",
    pa.bool_(): "BOOL",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}

Row = dict[str, Any]


def played(row: Row) -> bool:
    if not row["is_active"] or row["is_dnp"] or row["minutes_played"] is None:
        return False
    return row["minutes_played"] > 0 or any(row[name] for name in COUNTS)


@pytest.fixture(scope="module")
def league() -> DemoLeague:
    return generate(SEASONS)


@pytest.fixture(scope="module")
def games(league: DemoLeague) -> list[Row]:
    rows: list[Row] = league.schedule.to_pylist()
    return rows


@pytest.fixture(scope="module")
def box_scores(league: DemoLeague) -> list[Row]:
    rows: list[Row] = league.box_scores.to_pylist()
    return rows


@pytest.fixture(scope="module")
def players(box_scores: list[Row]) -> list[Row]:
    return [row for row in box_scores if played(row)]


@pytest.fixture(scope="module")
def sides(players: list[Row]) -> dict[tuple[str, str], list[Row]]:
    by_side = defaultdict(list)
    for row in players:
        by_side[row["game_id"], row["team_abbr"]].append(row)
    return by_side


def test_no_two_rows_share_their_key(league: DemoLeague) -> None:
    for table, key in (
        (league.schedule, ["game_id"]),
        (league.box_scores, ["player_lookup", "game_id"]),
        (league.box_scores, ["player_lookup", "game_date"]),
        (league.upcoming, ["player_lookup", "game_date"]),
    ):
        assert table.group_by(key).aggregate([]).num_rows == table.num_rows


@pytest.mark.parametrize("season", SEASONS)
def test_a_season_has_165_game_days_and_82_games_a_team(games: list[Row], season: int) -> None:
    regular = [g for g in games if g["season_year"] == season and g["is_regular_season"]]
    assert len({g["game_date"] for g in regular}) == 165
    assert date(season, 10, 14) < min(g["game_date"] for g in regular) < date(season, 10, 22)
    assert date(season + 1, 4, 5) < max(g["game_date"] for g in regular) < date(season + 1, 4, 15)
    assert Counter(t for g in regular for t in (g["home_team_tricode"], g["away_team_tricode"])) == dict.fromkeys(
        TEAMS, 82
    )
    assert [g["game_id"] for g in regular] == [f"002{season % 100}{n:05d}" for n in range(1, 1231)]
    assert all(g["game_status"] == 3 and not g["is_playoffs"] for g in regular)


def test_no_team_plays_twice_a_day(games: list[Row]) -> None:
    teams = Counter((g["game_date"], g[side]) for g in games for side in ("home_team_tricode", "away_team_tricode"))
    assert set(teams.values()) == {1}


@pytest.mark.parametrize("season", SEASONS)
def test_the_all_star_game_is_alone_in_its_break(games: list[Row], season: int) -> None:
    (all_star,) = (g for g in games if g["season_year"] == season and g["is_all_star"])
    assert all_star["game_id"] == f"003{season % 100}00001"
    assert not all_star["is_regular_season"]
    day = all_star["game_date"]
    around = [g for g in games if day - timedelta(days=2) <= g["game_date"] <= day + timedelta(days=3)]
    assert around == [all_star]
    if season == 2022:
        assert day == date(2023, 2, 19)


@pytest.mark.parametrize(("day", "games_played", "players_who_played"), [("23", 9, 187), ("24", 8, 175)])
def test_the_incidents_days_are_as_they_were(
    games: list[Row], players: list[Row], day: str, games_played: int, players_who_played: int
) -> None:
    when = date(2023, 2, int(day))
    assert sum(g["game_date"] == when for g in games) == games_played
    assert len({p["player_lookup"] for p in players if p["game_date"] == when}) == players_who_played


def test_upcoming_holds_the_leftovers_and_two_covered_days_and_nothing_else(
    league: DemoLeague, players: list[Row]
) -> None:
    upcoming, expected = defaultdict(set), defaultdict(set)
    for row in league.upcoming.to_pylist():
        upcoming[row["game_date"].isoformat()].add((row["player_lookup"], row["game_id"], row["team_abbr"]))
    for row in players:
        expected[row["game_date"].isoformat()].add((row["player_lookup"], row["game_id"], row["team_abbr"]))
    assert {day: len(rows) for day, rows in upcoming.items()} == {
        "2023-02-23": 1,
        "2023-02-24": 68,
        "2023-02-26": len(expected["2023-02-26"]),
        "2023-02-28": len(expected["2023-02-28"]),
    }
    assert all(rows <= expected[day] for day, rows in upcoming.items())


def test_upcoming_values_are_plausible(league: DemoLeague, players: list[Row]) -> None:
    days = defaultdict(list)
    for p in players:
        if p["team_abbr"] not in ALL_STAR_TEAMS:
            days[p["player_lookup"], p["season_year"]].append(p["game_date"])
    for row in league.upcoming.to_pylist():
        assert 19 <= row["player_age"] <= 42
        usual, projected = row["avg_usage_rate_last_7_games"], row["projected_usage_rate"]
        assert (usual is None) == (projected is None)
        assert usual is None or abs(projected - usual) < 4
        assert row["star_teammates_out"] in {0, 1, 2}
        assert 90 < row["opponent_pace_last_10"] < 110
        assert abs(row["pace_differential"]) < 12
        before = [day for day in days[row["player_lookup"], 2022] if day < row["game_date"]]
        assert row["days_rest"] == (row["game_date"] - before[-1]).days
        assert row["back_to_back"] == (row["days_rest"] == 1)
        assert row["games_in_last_7_days"] == sum(day > row["game_date"] - timedelta(days=7) for day in before)


def test_upcoming_says_what_the_box_scores_before_the_day_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, league: DemoLeague
) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / "demo.duckdb"))
    settings = load_settings()
    catalogue = load_catalogue(settings)
    sql = queries.disagreement(catalogue, catalogue.table("player_composite_factors"))
    assert sql is not None
    parameters = window(settings, date(2022, 10, 18), date(2023, 2, 23), date(2023, 2, 28))
    with open_warehouse(settings.connection()) as warehouse:
        load(warehouse, league)
        columns = warehouse.fetch(sql, parameters)
    compared = Counter[str]()
    for column in columns:
        compared[column["column_name"]] += column["compared"]
    assert len(compared) == 8
    assert min(compared.values()) >= 250
    assert [column for column in columns if column["different"]] == []


@pytest.mark.parametrize("season", SEASONS)
def test_a_season_has_its_usual_number_of_player_games(players: list[Row], season: int) -> None:
    assert 22_000 <= sum(row["season_year"] == season for row in players) <= 28_000


def test_every_final_game_has_at_least_eight_players_a_team(
    games: list[Row], sides: dict[tuple[str, str], list[Row]]
) -> None:
    for game in games:
        home, away = game["home_team_tricode"], game["away_team_tricode"]
        for team, opponent in ((home, away), (away, home)):
            rows = sides[game["game_id"], team]
            assert sum(row["points"] for row in rows) == game[f"{'home' if team == home else 'away'}_team_score"]
            assert len(rows) >= 8
            assert sum(row["starter_flag"] for row in rows) == 5
            assert {(row["opponent_team_abbr"], row["game_date"], row["season_year"]) for row in rows} == {
                (opponent, game["game_date"], game["season_year"])
            }
    assert len(sides) == 2 * len(games)


def test_a_players_numbers_add_up(players: list[Row]) -> None:
    for row in players:
        assert (
            row["points"] == 2 * (row["fg_makes"] - row["three_pt_makes"]) + 3 * row["three_pt_makes"] + row["ft_makes"]
        )
        for what in ("makes", "attempts"):
            assert row[f"paint_{what}"] + row[f"mid_range_{what}"] + row[f"three_pt_{what}"] == row[f"fg_{what}"]
        for kind in ("fg", "three_pt", "ft", "paint", "mid_range"):
            assert 0 <= row[f"{kind}_makes"] <= row[f"{kind}_attempts"]
        assert row["personal_fouls"] <= 6
        assert 0 <= row["minutes_played"] <= 53


def test_a_teams_numbers_add_up(sides: dict[tuple[str, str], list[Row]]) -> None:
    leads = defaultdict(list)
    for (game_id, _), rows in sides.items():
        minutes = sum(row["minutes_played"] for row in rows)
        assert minutes in {240, 265}
        points, lead = sum(row["points"] for row in rows), sum(row["plus_minus"] for row in rows)
        leads[game_id].append((points, lead, minutes))
    for (points, lead, minutes), (other_points, other_lead, other_minutes) in leads.values():
        assert points != other_points
        assert lead == 5 * (points - other_points) == -other_lead
        assert minutes == other_minutes
    overtime = sum(one[2] == 265 for one, _ in leads.values())
    assert 0 < overtime < 0.1 * len(leads)


def test_usage_rates_follow_the_formula(sides: dict[tuple[str, str], list[Row]]) -> None:
    def plays(row: Row) -> Any:
        return row["fg_attempts"] + 0.44 * row["ft_attempts"] + row["turnovers"]

    for rows in sides.values():
        team_minutes, team_plays = sum(row["minutes_played"] for row in rows), sum(map(plays, rows))
        for row in rows:
            if row["minutes_played"] == 0:
                assert row["usage_rate"] is None
                continue
            usage = 100 * plays(row) * (team_minutes / 5) / (row["minutes_played"] * team_plays)
            assert row["usage_rate"] == pytest.approx(usage, abs=0.051)


def test_logs_tell_in_every_way_that_a_player_did_not_play(box_scores: list[Row]) -> None:
    ways = Counter((row["is_active"], row["is_dnp"], row["minutes_played"]) for row in box_scores if not played(row))
    assert set(ways) == {(True, True, None), (False, True, None), (True, False, None), (True, False, 0.0)}
    assert any(played(row) and row["minutes_played"] == 0 for row in box_scores)
    per_side = len(box_scores) / len({(row["game_id"], row["team_abbr"]) for row in box_scores})
    assert 12 <= per_side <= 14


def test_names_are_made_up_and_follow_the_lookup_rule(box_scores: list[Row]) -> None:
    names = {(row["player_lookup"], row["player_full_name"], row["universal_player_id"]) for row in box_scores}
    assert len(names) == len({lookup for lookup, _, _ in names}) == 15 * len(TEAMS)
    for lookup, name, _ in names:
        assert lookup == re.sub("[^a-z0-9]", "", name.lower())
        assert re.fullmatch(r"Player [A-Z]{3} \d\d", name)


def test_two_processes_generate_the_same_bytes() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "America/New_York"))
    ]
    assert digests == [DIGEST, DIGEST]


def test_a_season_is_the_same_alone_and_among_others(league: DemoLeague) -> None:
    alone = generate([2024]).box_scores
    assert league.box_scores.slice(league.box_scores.num_rows - alone.num_rows).equals(alone)


def test_seasons_out_of_bounds_are_refused() -> None:
    with pytest.raises(RequestError, match=r"seasons=\[1999\]: give at least one year from 2000 to 2098"):
        generate([1999])
    with pytest.raises(RequestError, match=r"seasons=\[\]"):
        generate([])


def test_the_tables_have_the_columns_and_types_of_their_folders_and_loading_twice_leaves_one_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, league: DemoLeague
) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / "demo.duckdb"))
    catalogue = load_catalogue(load_settings())
    with open_warehouse(load_settings().connection()) as warehouse:
        for _ in range(2):
            load(warehouse, league)
        for name, rows in (
            ("nba_schedule", league.schedule),
            ("player_game_summary", league.box_scores),
            ("upcoming_player_game_context", league.upcoming),
        ):
            table = catalogue.table(name)
            assert [(field.name, TYPES[field.type]) for field in rows.schema] == [
                (c.name, c.type) for c in table.columns
            ]
            assert warehouse.fetch(f"SELECT COUNT(*) AS n FROM {table.full_name}") == [{"n": rows.num_rows}]

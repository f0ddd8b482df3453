"""Who is expected on a day, and which pre-game row is whose."""

from datetime import timedelta
from typing import Any

import pytest

from tasks.settings import Settings
from tests.league import League
from tests.pre_game import COUNTS
from tests.tables.rows import COMPOSITE, DAY, build, read, write

pytestmark = pytest.mark.no_server

ZERO: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {"minutes_played": 0.0, "plus_minus": 0}
UNKNOWN: dict[str, Any] = dict.fromkeys(COUNTS) | {"minutes_played": 0.0, "plus_minus": None}
PLAYED: dict[str, tuple[dict[str, Any], bool]] = {
    "minutes and statistics": ({}, True),
    "a moment": ({**ZERO, "minutes_played": 0.1}, True),
    "minutes, statistics unknown": ({**UNKNOWN, "minutes_played": 12.0}, True),
    "no minutes, no statistics": (ZERO, False),
    "no minutes, statistics unknown": (UNKNOWN, False),
    "no minutes, only plus-minus": ({**ZERO, "plus_minus": -2}, False),
    "minutes unknown, no statistics": ({**ZERO, "minutes_played": None}, False),
    "minutes unknown, with statistics": ({"minutes_played": None}, True),
    "marked as DNP": ({**ZERO, "is_dnp": True}, False),
    "marked as DNP, with minutes": ({"is_dnp": True}, True),
    "not active": ({**ZERO, "is_active": False}, False),
    "not active, with minutes": ({"is_active": False}, True),
    **{f"no minutes, {name} 1": ({**ZERO, name: 1}, True) for name in COUNTS},
    **{f"no minutes, {name} 1, the rest unknown": ({**UNKNOWN, name: 1}, True) for name in COUNTS},
}


@pytest.fixture(scope="module")
def expected(bench: Settings) -> set[str]:
    league = League()
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    for name, (stats, _) in PLAYED.items():
        league.player(name, DAY, game_id, "BOS", "LAL", **stats)
    for name, status, home, away in (
        ("scheduled", 1, "NYK", "MIA"),
        ("live", 2, "CHI", "IND"),
        ("final", 3, "DEN", "MEM"),
    ):
        league.player(name, DAY, league.game(DAY, home, away, players=0, status=status), home, away)
    league.player("all-star", DAY, league.game(DAY, "EST", "WST", players=0, all_star=True), "EST", "WST")
    league.player("all-star by its id", DAY, "0032299999", "GIA", "LEB")
    league.player("preseason", DAY, "0012299999", "UTA", "POR")
    league.player("unscheduled", DAY, "0022299999", "SAC", "HOU")
    for days in (-1, 1):
        day = DAY + timedelta(days=days)
        league.player("on another day", day, league.game(day, "NYK", "MIA", players=0), "NYK", "MIA")
    write(bench, league)
    return {row["player_lookup"] for row in read(bench, "expected")}


@pytest.mark.parametrize("name", PLAYED)
def test_a_player_is_expected_if_he_played(expected: set[str], name: str) -> None:
    assert (name in expected) is PLAYED[name][1]


@pytest.mark.parametrize(
    "name", ["scheduled", "live", "all-star", "all-star by its id", "preseason", "unscheduled", "on another day"]
)
def test_only_final_games_of_the_day_are_expected(expected: set[str], name: str) -> None:
    assert name not in expected
    assert "final" in expected


def test_a_player_who_sat_out_has_no_row_from_either_source(bench: Settings) -> None:
    league = League()
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    league.player("played", DAY, game_id, "BOS", "LAL")
    league.player("satout", DAY, game_id, "BOS", "LAL", **{**ZERO, "minutes_played": None})
    league.expect_upcoming(DAY, ["played", "satout"])
    write(bench, league)
    for source in ("upcoming", "synthetic"):
        assert [row["player_lookup"] for row in build(bench, COMPOSITE, source=source)] == ["played"]


def test_a_pre_game_row_is_of_its_day_and_who_plays_whom_is_the_box_scores(bench: Settings) -> None:
    league = League()
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    league.player("traded", DAY, game_id, "BOS", "LAL", universal_player_id="traded-1")
    league.player("tomorrow", DAY, game_id, "BOS", "LAL")
    league.expect_upcoming(
        DAY,
        ["traded"],
        team_abbr="NYK",
        opponent_team_abbr="MIA",
        game_id="x",
        universal_player_id="traded-1",
        player_age=30,
    )
    league.expect_upcoming(DAY + timedelta(days=1), ["tomorrow", "traded"])
    league.expect_upcoming(DAY, ["stranger"])
    write(bench, league)
    tomorrow, row = build(bench, COMPOSITE, source="upcoming")
    assert (tomorrow["player_lookup"], tomorrow["context_source"]) == ("tomorrow", "synthetic")
    assert (row["player_lookup"], row["universal_player_id"], row["game_id"]) == ("traded", "traded-1", game_id)
    assert (row["team_abbr"], row["opponent_team_abbr"], row["fatigue_score"]) == ("BOS", "LAL", 95)
    assert (row["game_date"], row["analysis_date"], row["context_source"]) == (DAY, DAY, "upcoming")


def test_a_player_who_stands_twice_in_the_pre_game_table_is_built_twice_for_the_gate_to_see(bench: Settings) -> None:
    league = League()
    league.player("twice", DAY, league.game(DAY, "BOS", "LAL", players=0), "BOS", "LAL")
    league.expect_upcoming(DAY, ["twice", "twice"])
    write(bench, league)
    assert len(build(bench, COMPOSITE, source="upcoming")) == 2

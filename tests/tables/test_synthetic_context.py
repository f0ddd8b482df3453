"""The context that is rebuilt from box scores, worked out by hand on the edges of every window."""

from datetime import timedelta
from typing import Any

import pytest

from tasks.settings import Settings
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, LAST_SEASON, SAT_OUT, SEASON_START, build, read, write

pytestmark = pytest.mark.no_server

# Days before DAY on which each player played. He plays 24 minutes, at a usage of 20.
PLAYED: dict[str, tuple[int, ...]] = {
    "first game of the season": (),
    "yesterday": (1,),
    "2 days ago": (2,),
    "4 days ago": (4,),
    "6 days ago": (6,),
    "7 days ago": (7,),
    "on the edge of a week": (7, 6, 3, 1),
    "a pair 13 and 12 days ago": (13, 12),
    "a pair 14 and 13 days ago": (14, 13),
    "three nights running": (5, 4, 3),
    "three nights from 14 days ago": (14, 13, 12),
    "a pair and another": (10, 9, 2, 1),
    "every other day": (8, 6, 4, 2),
    "last season": ((DAY - LAST_SEASON).days,),
    "opening day": ((DAY - SEASON_START).days,),
}
NOTHING: Row = {
    "days_rest": None,
    "back_to_back": False,
    "games_in_last_7_days": 0,
    "minutes_in_last_7_days": 0.0,
    "avg_minutes_per_game_last_7": None,
    "back_to_backs_last_14_days": 0,
    "player_age": None,
    "avg_usage_rate_last_7_games": None,
    "projected_usage_rate": None,
    "star_teammates_out": None,
}


def week(games: int, minutes: float) -> Row:
    return {
        "games_in_last_7_days": games,
        "minutes_in_last_7_days": minutes,
        "avg_minutes_per_game_last_7": minutes / games,
        "avg_usage_rate_last_7_games": 20.0,
    }


EXPECTED: dict[str, Row] = {
    "first game of the season": {},
    "yesterday": {"days_rest": 1, "back_to_back": True, **week(1, 24.0)},
    "2 days ago": {"days_rest": 2, **week(1, 24.0)},
    "4 days ago": {"days_rest": 4, **week(1, 24.0)},
    "6 days ago": {"days_rest": 6, **week(1, 24.0)},
    "7 days ago": {"days_rest": 7},
    "on the edge of a week": {"days_rest": 1, "back_to_back": True, "back_to_backs_last_14_days": 1, **week(3, 72.0)},
    "a pair 13 and 12 days ago": {"days_rest": 12, "back_to_backs_last_14_days": 1},
    "a pair 14 and 13 days ago": {"days_rest": 13},
    "three nights running": {"days_rest": 3, "back_to_backs_last_14_days": 2, **week(3, 72.0)},
    "three nights from 14 days ago": {"days_rest": 12, "back_to_backs_last_14_days": 1},
    "a pair and another": {"days_rest": 1, "back_to_back": True, "back_to_backs_last_14_days": 2, **week(2, 48.0)},
    "every other day": {"days_rest": 2, **week(3, 72.0)},
    "last season": {},
    "opening day": {"days_rest": (DAY - SEASON_START).days},
}


class Careers(League):
    """A league in which everybody of interest plays on DAY, each with games of his own before it."""

    def __init__(self) -> None:
        super().__init__()
        self.tonight = self.game(DAY, "BOS", "LAL", players=0)
        self.names: dict[str, str] = {}

    def career(self, name: str, days_ago: tuple[int, ...]) -> list[Row]:
        """Add a player of DAY; returns his rows before it, in the order of ``days_ago``, to be changed."""
        lookup = f"player{len(self.names):03d}"
        self.names[lookup] = name
        self.player(lookup, DAY, self.tonight, "BOS", "LAL")
        return [
            self.player(lookup, day, f"{lookup}-{ago}", "BOS", "LAL", season_year=2022 if day >= SEASON_START else 2021)
            for ago in days_ago
            for day in (DAY - timedelta(days=ago),)
        ]

    def contexts(self, settings: Settings) -> dict[str, Row]:
        write(settings, self)
        return {self.names[row["player_lookup"]]: row for row in read(settings, "context_synthetic")}


@pytest.fixture(scope="module")
def contexts(bench: Settings) -> dict[str, Row]:
    league = Careers()
    for name, days_ago in PLAYED.items():
        league.career(name, days_ago)

    uneven = league.career("uneven minutes", (7, 6, 3, 1))
    for row, minutes in zip(uneven, (40.0, 30.5, 20.0, 41.25), strict=True):
        row["minutes_played"] = minutes
    for name, usage in {
        "8 games": (90.0, 10.0, 12.5, 15.0, 20.0, 22.5, 25.0, 30.0),
        "usage unknown once": (90.0, 10.0, 12.5, None, 20.0, 22.5, 25.0, 30.0),
        "usage never known": (None,) * 8,
        "usage 0": (0.0, 0.0),
    }.items():
        rows = league.career(name, tuple(range(len(usage), 0, -1)))
        for row, rate in zip(rows, usage, strict=True):
            row["usage_rate"] = rate

    league.career("sat out yesterday", (3, 1))[-1].update(SAT_OUT, is_dnp=True)
    league.career("sat out yesterday, by the minutes", (3, 1))[-1].update(SAT_OUT)
    league.career("was traded", (3, 1))[0].update(team_abbr="NYK", opponent_team_abbr="MIA")
    league.career("played again later", (3, -1, -2))
    return league.contexts(bench)


def shown(row: Row) -> Row:
    return {name: row[name] for name in NOTHING}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_context_is_counted_from_the_games_before(contexts: dict[str, Row], name: str) -> None:
    assert shown(contexts[name]) == {**NOTHING, **EXPECTED[name]}


def test_minutes_are_those_of_the_week_and_the_average_is_per_game(contexts: dict[str, Row]) -> None:
    row = contexts["uneven minutes"]
    assert row["minutes_in_last_7_days"] == 91.75
    assert row["avg_minutes_per_game_last_7"] == 91.75 / 3


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("8 games", 125.0 / 6),
        ("usage unknown once", 110.0 / 5),
        ("usage never known", None),
        ("usage 0", 0.0),
    ],
)
def test_usage_is_the_mean_of_the_games_of_the_week_before(
    contexts: dict[str, Row], name: str, mean: float | None
) -> None:
    assert contexts[name]["avg_usage_rate_last_7_games"] == mean


@pytest.mark.parametrize("name", ["sat out yesterday", "sat out yesterday, by the minutes"])
def test_a_game_that_a_player_sat_out_was_rest(contexts: dict[str, Row], name: str) -> None:
    assert shown(contexts[name]) == {**NOTHING, "days_rest": 3, **week(1, 24.0)}


def test_games_for_another_team_are_the_players_own(contexts: dict[str, Row]) -> None:
    assert contexts["was traded"]["games_in_last_7_days"] == 2


def test_later_games_are_not_known_yet(contexts: dict[str, Row]) -> None:
    assert shown(contexts["played again later"]) == {**NOTHING, "days_rest": 3, **week(1, 24.0)}


def test_what_box_scores_cannot_tell_is_unknown_and_named(bench: Settings) -> None:
    league = Careers()
    league.career("a rookie's first game", ())
    write(bench, league)
    (row,) = build(bench, COMPOSITE)
    assert row["context_source"] == "synthetic"
    assert row["missing_data_fields"].split(",") == [
        "days_rest",
        "avg_minutes_per_game_last_7",
        "player_age",
        "avg_usage_rate_last_7_games",
        "projected_usage_rate",
        "star_teammates_out",
        "pace_differential",
        "player_shot_zone",
        "team_defense_zone",
    ]
    scores: dict[str, Any] = {name: value for name, value in row.items() if name.endswith("_score")}
    assert scores.pop("fatigue_score") == 100
    assert set(scores.values()) == {0.0}
    assert row["total_composite_adjustment"] == 0.0
    assert row["data_completeness_pct"] == 0.0

"""The total, rounding, completeness, warnings and the digest of a row, worked out by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.settings import Settings
from tests.league import League, Row
from tests.tables.rows import COMPOSITE, DAY, DEFENSE, NEUTRAL, SHOT_ZONES, Case, build, change, score, write

pytestmark = pytest.mark.no_server

KNOWN = {"zone": {"primary_scoring_zone": "paint", "paint_rate_last_10": 50.0}}


def case(rating: float = 0.0, **context: Any) -> Case:
    """All five inputs known; ``rating`` is the mismatch before the extra weight of a large one."""
    return Case(context, **KNOWN, defense={"paint_defense_vs_league_avg": rating})


# The difference of pace, and the score: half of it to 1 decimal. Half of 2.3 is 1.15, which no binary number is:
# the nearest lies below, and so does that of every value marked *.
ROUNDED = {
    0.08: 0.0,
    0.0998: 0.0,
    0.1: 0.1,
    -0.1: -0.1,
    0.3: 0.2,  # *
    0.5: 0.3,
    -0.5: -0.3,
    0.7: 0.4,  # *
    1.1: 0.6,
    2.3: 1.2,  # *
    -2.3: -1.2,
    2.28: 1.1,
    4.1: 2.1,  # *
    -4.1: -2.1,
}
TOTALS = {
    "nothing": (case(), 0.0),
    "0.04 + 0.04 + 0.03, though each score is 0": (
        case(0.04, pace_differential=0.08, projected_usage_rate=20.1),
        0.11,
    ),
    "-0.75 + 2.5 + 1 + 1.5": (case(2.5, back_to_back=True, pace_differential=2.0, projected_usage_rate=25.0), 4.25),
    "the star's share before it is rounded, 1.725": (case(projected_usage_rate=25.0, star_teammates_out=1), 1.73),
    "the large mismatch with its extra weight, 6.12": (case(5.1), 6.12),
    "a half goes up": (case(pace_differential=0.25), 0.13),
    "a half below 0 goes down": (case(pace_differential=-0.25), -0.13),
    "a half that binary numbers put lower": (case(pace_differential=2.01), 1.01),
    "a half below 0 that binary numbers put higher": (case(pace_differential=-2.01), -1.01),
    "the highest there is": (case(50.0, pace_differential=9.0, projected_usage_rate=60.0), 16.0),
    "the lowest there is": (
        case(
            -50.0,
            pace_differential=-9.0,
            projected_usage_rate=0.0,
            back_to_back=True,
            games_in_last_7_days=4,
            minutes_in_last_7_days=241.0,
            avg_minutes_per_game_last_7=36.0,
            back_to_backs_last_14_days=2,
            player_age=35,
        ),
        -19.25,
    ),
}
FIVE = {
    "days_rest": Case({"days_rest": None}, **KNOWN, defense={"paint_defense_vs_league_avg": 1.0}),
    "projected_usage_rate": Case({"projected_usage_rate": None}, **KNOWN, defense={"paint_defense_vs_league_avg": 1.0}),
    "pace_differential": Case({"pace_differential": None}, **KNOWN, defense={"paint_defense_vs_league_avg": 1.0}),
    "player_shot_zone": Case(defense={"paint_defense_vs_league_avg": 1.0}),
    "team_defense_zone": Case(**KNOWN),
}
TIRED = {"back_to_back": True, "games_in_last_7_days": 4, "minutes_in_last_7_days": 241.0}  # 65 are left
WARNINGS = {
    "fatigue 50": (case(**TIRED, back_to_backs_last_14_days=1, player_age=35), None),
    "fatigue 48": (case(**TIRED, back_to_backs_last_14_days=2, player_age=30), "EXTREME_FATIGUE"),
    "mismatch 8": (case(6.66), None),
    "mismatch 8.04, stored as 8.0": (case(6.7), "EXTREME_MATCHUP"),
    "mismatch 8.1": (case(6.75), "EXTREME_MATCHUP"),
    "mismatch -8": (case(-6.66), None),
    "mismatch -8.1": (case(-6.75), "EXTREME_MATCHUP"),
    "total 12": (case(6.6, pace_differential=6.0, projected_usage_rate=23.6), None),  # 7.92 + 3 + 1.08
    "total 12.0042, stored as 12.0": (
        case(6.6, pace_differential=6.0, projected_usage_rate=23.614),
        "EXTREME_ADJUSTMENT",
    ),
    "total 12.01": (case(6.6, pace_differential=6.0, projected_usage_rate=23.64), "EXTREME_ADJUSTMENT"),
    "total -12": (case(-6.6, pace_differential=-6.0, projected_usage_rate=16.4), None),
    "total -12.01": (case(-6.6, pace_differential=-6.0, projected_usage_rate=16.36), "EXTREME_ADJUSTMENT"),
    "all": (
        case(-20.0, pace_differential=-6.0, **TIRED, back_to_backs_last_14_days=2, player_age=35),
        "EXTREME_FATIGUE,EXTREME_MATCHUP,EXTREME_ADJUSTMENT",
    ),
}


@pytest.fixture(scope="module")
def rows(bench: Settings) -> dict[str, Row]:
    cases: dict[str, Case] = {str(value): case(pace_differential=value) for value in ROUNDED}
    cases |= {name: made for name, (made, _) in (TOTALS | WARNINGS).items()} | FIVE
    cases["all known"] = case()
    cases["none known"] = Case({"days_rest": None, "projected_usage_rate": None, "pace_differential": None})
    return score(bench, cases)


@pytest.mark.parametrize(("value", "expected"), ROUNDED.items())
def test_a_score_has_1_decimal_and_halves_go_away_from_zero(
    rows: dict[str, Row], value: float, expected: float
) -> None:
    assert repr(rows[str(value)]["pace_score"]) == repr(expected)


@pytest.mark.parametrize("name", TOTALS)
def test_the_total_is_the_sum_of_unrounded_adjustments_to_2_decimals(rows: dict[str, Row], name: str) -> None:
    assert repr(rows[name]["total_composite_adjustment"]) == repr(TOTALS[name][1])


def test_the_deferred_scores_are_0(rows: dict[str, Row]) -> None:
    deferred = ("referee_favorability", "look_ahead_pressure", "travel_impact", "opponent_strength")
    assert {row[f"{name}_score"] for row in rows.values() for name in deferred} == {0.0}
    assert {row["calculation_version"] for row in rows.values()} == {"v1_4factors"}


def test_all_five_known_are_100_percent_and_nothing_is_missing(rows: dict[str, Row]) -> None:
    assert rows["all known"]["data_completeness_pct"] == 100.0
    assert rows["all known"]["missing_data_fields"] is None


@pytest.mark.parametrize("name", FIVE)
def test_each_of_five_inputs_is_20_percent_and_is_named(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["data_completeness_pct"] == 80.0
    assert rows[name]["missing_data_fields"] == name


def test_none_of_the_five_known_is_0_percent(rows: dict[str, Row]) -> None:
    assert rows["none known"]["data_completeness_pct"] == 0.0
    assert rows["none known"]["missing_data_fields"] == ",".join(FIVE)


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_is_for_what_lies_beyond_its_threshold(rows: dict[str, Row], name: str) -> None:
    assert rows[name]["warning_details"] == WARNINGS[name][1]
    assert rows[name]["has_warnings"] is (WARNINGS[name][1] is not None)


def write_one(settings: Settings, **context: Any) -> None:
    league = League()
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    league.player("reggiejackson", DAY, game_id, "BOS", "LAL")
    league.expect_upcoming(DAY, ["reggiejackson"], **NEUTRAL | context)
    zones = [{"player_lookup": "reggiejackson", **KNOWN["zone"]}]
    defenses = [{"team_abbr": "LAL", "paint_defense_vs_league_avg": 1.0}]
    write(settings, league, **{SHOT_ZONES: zones, DEFENSE: defenses})


def test_the_digest_does_not_depend_on_who_writes_and_when(bench: Settings) -> None:
    write_one(bench)
    (before,) = build(bench, COMPOSITE, source="upcoming")
    later = datetime(2024, 1, 1, tzinfo=UTC)
    write_one(bench, processed_at=later)
    (after,) = build(bench, COMPOSITE, source="upcoming", run_id="run-2", processed_at=later)
    assert (after["run_id"], after["processed_at"]) == ("run-2", later)
    assert after["data_hash"] == before["data_hash"]
    assert len(before["data_hash"]) == 32


def test_the_digest_depends_on_every_input(bench: Settings) -> None:
    write_one(bench)
    seen = [build(bench, COMPOSITE, source="upcoming")[0]["data_hash"]]
    for assignment in (
        "upcoming_player_game_context SET days_rest = 2",
        "upcoming_player_game_context SET back_to_back = TRUE",
        "upcoming_player_game_context SET games_in_last_7_days = 2",
        "upcoming_player_game_context SET minutes_in_last_7_days = 72.5",
        "upcoming_player_game_context SET avg_minutes_per_game_last_7 = 24.5",
        "upcoming_player_game_context SET back_to_backs_last_14_days = 1",
        "upcoming_player_game_context SET player_age = 26",
        "upcoming_player_game_context SET avg_usage_rate_last_7_games = 20.5",
        "upcoming_player_game_context SET projected_usage_rate = 20.5",
        "upcoming_player_game_context SET star_teammates_out = 1",
        "upcoming_player_game_context SET pace_differential = 0.5",
        "upcoming_player_game_context SET opponent_pace_last_10 = 100.5",
        "player_shot_zone_analysis SET paint_rate_last_10 = 40",
        "player_shot_zone_analysis SET primary_scoring_zone = 'balanced'",
        "team_defense_zone_analysis SET paint_defense_vs_league_avg = 1.5",
        "player_game_summary SET universal_player_id = 'other'",
    ):
        dataset = "nba_precompute" if "zone_analysis" in assignment else "nba_analytics"
        change(bench, f"UPDATE {dataset}.{assignment} WHERE TRUE")
        (row,) = build(bench, COMPOSITE, source="upcoming")
        assert row["data_hash"] not in seen, assignment
        seen.append(row["data_hash"])

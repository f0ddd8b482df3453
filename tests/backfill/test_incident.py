from collections.abc import Callable
from datetime import date

import pytest

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    OPENING,
    checkpoint,
    days,
    lookups,
    open_season,
    published,
)
from tests.league import League, fetch

pytestmark = pytest.mark.always_on_bigquery

INCIDENT = (date(2023, 2, 23), date(2023, 2, 24))


def who_played(settings: Settings, day: date) -> list[str]:
    """The players of a day, found without the application's own queries."""
    return [
        row["player_lookup"]
        for row in fetch(
            settings,
            "SELECT player_lookup FROM nba_analytics.player_game_summary "
            "WHERE game_date = @day AND (minutes_played > 0 OR "
            "points + fg_attempts + ft_attempts + offensive_rebounds + defensive_rebounds + assists + steals + blocks "
            "+ turnovers + personal_fouls > 0) ORDER BY player_lookup",
            day=day,
        )
    ]


def test_the_incident_replayed_ends_with_every_player_of_both_days_from_synthetic_in_one_run(
    demo: Settings, run: Callable[..., Report]
) -> None:
    report = run(INCIDENT)
    assert [
        (row.day, row.upcoming, row.expected, row.published, row.coverage, row.source, row.outcome)
        for row in report.rows
    ] == [
        (INCIDENT[0], 1, 187, 187, "100.0 %", "synthetic", "complete"),
        (INCIDENT[1], 68, 175, 175, "100.0 %", "synthetic", "complete"),
    ]
    there = published(demo)
    for day, number in zip(INCIDENT, (187, 175), strict=True):
        assert there[day] == who_played(demo, day)
        assert len(set(there[day])) == number
        sources = fetch(
            demo, f"SELECT DISTINCT context_source FROM nba_precompute.{MAIN} WHERE game_date = @day", day=day
        )
        assert sources == [{"context_source": "synthetic"}]
    for day, said, missing in (
        (INCIDENT[0], "upcoming covers 1 of 187 (0.5 %), which is below 90.0 %", 186),
        (INCIDENT[1], "upcoming covers 68 of 175 (38.8 %), which is below 90.0 %", 107),
    ):
        decided = checkpoint(demo, day)
        assert decided is not None
        assert decided.source_reason is not None
        assert decided.source_reason.startswith(f"{said}; it lacks {', '.join(decided.source_missing[:3])} and ")
        assert decided.source_reason.endswith(f" and {missing - 3} more")
        assert len(decided.source_missing) == missing
        assert set(decided.source_missing) < set(who_played(demo, day))


def test_what_the_incident_left_behind_is_replaced_although_rows_are_there(
    demo: Settings, run: Callable[..., Report]
) -> None:
    run(INCIDENT[0])
    kept = who_played(demo, INCIDENT[0])[0]
    run_sql(
        demo,
        f"DELETE FROM nba_precompute.{MAIN} WHERE player_lookup <> '{kept}'",
        "DELETE FROM nba_orchestration.backfill_ledger",
        f"UPDATE nba_precompute.{MAIN} SET context_source = 'upcoming'",
    )
    (row,) = run(INCIDENT[0]).rows
    assert (row.work, row.outcome, row.published) == ("built", "complete", 187)
    assert published(demo)[INCIDENT[0]] == who_played(demo, INCIDENT[0])


def test_of_187_players_upcoming_is_taken_from_169_on_and_synthetic_below(
    league: League, settings: Settings, run: Callable[..., Report]
) -> None:
    cases = dict(zip(days(8), (0, 1, 68, 168, 169, 186, 187, "187 wrong ones"), strict=True))
    teams = [f"T{letter}{side}" for letter in "ABCDEFGHI" for side in "HV"]
    for day in (OPENING, *cases):
        for home, away in zip(teams[::2], teams[1::2], strict=True):
            game_id = league.game(day, home, away)
        for number in range(11, 18):
            league.player(f"tiv{number}", day, game_id, "TIV", "TIH")
    for row in league.box:  # as in a league: no score has one value for all
        if row["team_abbr"] == "TAH":
            row["minutes_played"] = 36.0 if row["player_lookup"] in {f"tah{n}" for n in range(1, 6)} else 12.0
    for day, covered in cases.items():
        players = lookups(league, day)
        assert len(players) == 187
        wrong = [f"wrong{number}" for number in range(187)]
        league.expect_upcoming(day, players[:covered] if isinstance(covered, int) else wrong)
    for number, row in enumerate(league.upcoming):
        row["player_age"] = 20 + number % 20
    league.write(settings)

    report = run((DAY, days(8)[-1]))

    assert [(row.upcoming, row.source, row.published, row.outcome) for row in report.rows] == [
        (0, "synthetic", 187, "complete"),
        (1, "synthetic", 187, "complete"),
        (68, "synthetic", 187, "complete"),
        (168, "synthetic", 187, "complete"),
        (169, "upcoming", 187, "complete"),
        (186, "upcoming", 187, "complete"),
        (187, "upcoming", 187, "complete"),
        (187, "synthetic", 187, "complete"),
    ]
    decided = {covered: checkpoint(settings, day) for day, covered in cases.items()}
    assert [f"{c.covered}/{c.expected} {len(c.missing)}" for c in decided.values() if c] == ["187/187 0"] * 8
    at_the_threshold = decided[169]
    assert at_the_threshold is not None
    assert "upcoming covers 169 of 187 (90.3 %)" in at_the_threshold.message
    assert set(at_the_threshold.source_missing) == set(lookups(league, DAY)[169:])
    filled_in = fetch(
        settings,
        f"SELECT player_lookup FROM nba_precompute.{MAIN} WHERE game_date = @day AND context_source = 'synthetic'",
        day=at_the_threshold.game_date,
    )
    assert {row["player_lookup"] for row in filled_in} == set(at_the_threshold.source_missing)
    assert "is empty" in str(decided[0])
    assert "upcoming covers 168 of 187 (89.8 %), which is below 90.0 %" in str(decided[168])
    assert "upcoming covers 0 of 187 (0.0 %), which is below 90.0 %" in str(decided["187 wrong ones"])
    for day in cases:
        assert published(settings)[day] == lookups(league, day)


def test_a_partial_source_that_is_asked_for_is_filled_in_player_by_player(
    league: League, settings: Settings, run: Callable[..., Report]
) -> None:
    open_season(league, DAY)
    league.expect_upcoming(DAY, lookups(league, DAY)[:1])
    league.write(settings)
    (row,) = run(DAY, context_source="upcoming").rows
    assert (row.outcome, row.source, row.published) == ("complete", "upcoming", 40)
    sources = f"SELECT context_source, COUNT(*) AS n FROM nba_precompute.{MAIN} GROUP BY 1 ORDER BY 1"
    assert [tuple(found.values()) for found in fetch(settings, sources)] == [("synthetic", 39), ("upcoming", 1)]
    assert "asked for; upcoming covers 1 of 40 (2.5 %)" in str(checkpoint(settings, DAY))

    (row,) = run(DAY, context_source="synthetic").rows
    assert (row.outcome, row.source, row.published) == ("complete", "synthetic", 40)
    assert [tuple(found.values()) for found in fetch(settings, sources)] == [("synthetic", 40)]

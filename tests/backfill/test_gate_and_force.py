from collections.abc import Callable

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import refuse, run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    built,
    checkpoint,
    days,
    failures,
    ledger,
    lookups,
    open_season,
    outcomes,
    published,
)
from tests.fixtures.warehouses import AddTable
from tests.league import League, fetch

RunBackfill = Callable[..., Report]


def test_exactly_90_and_95_percent_are_on_their_better_side(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    cases = {35: "blocked", 36: "complete_with_warning", 37: "complete_with_warning", 38: "complete", 40: "complete"}
    game_days = days(len(cases))
    wanted = " ".join(f"WHEN DATE '{day}' THEN {covered}" for day, covered in zip(game_days, cases, strict=True))
    add_table(
        "so_many",
        f"""SELECT player_lookup, @game_date AS game_date, 1.0 AS score
FROM (SELECT player_lookup, ROW_NUMBER() OVER (ORDER BY player_lookup) AS place FROM expected) AS placed
WHERE place <= CASE @game_date {wanted} END""",
    )
    open_season(league, *game_days)
    league.write(settings)
    report = run((game_days[0], game_days[-1]), tables=["so_many"])
    assert outcomes(report) == dict(zip(game_days, cases.values(), strict=True))
    assert [row.coverage for row in report.rows] == ["87.5 %", "90.0 %", "92.5 %", "95.0 %", "100.0 %"]
    assert [row.published for row in report.rows] == [0, 36, 37, 38, 40]
    assert "36 of 40 expected are there (90.0 %), below 95.0 %" in str(checkpoint(settings, game_days[1], "so_many"))


def test_force_publishes_below_the_threshold_and_the_checkpoint_still_shows_coverage_and_missing_players(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    open_season(league, DAY)
    there, *missing = lookups(league, DAY)
    someone = (
        f"SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected WHERE player_lookup = '{there}'"
    )
    add_table("one_row", someone)
    league.write(settings)

    report = run(DAY, tables=["one_row"], force=True)

    assert outcomes(report) == {DAY: "forced"}
    assert fetch(settings, "SELECT player_lookup FROM nba_precompute.one_row") == [{"player_lookup": there}]
    decided = checkpoint(settings, DAY, "one_row")
    assert decided is not None
    assert (decided.outcome, decided.covered, decided.expected, decided.coverage) == ("forced", 1, 40, 0.025)
    assert decided.missing == tuple(missing)
    assert decided.reason == "coverage_below_threshold"
    (row,) = ledger(settings)
    assert (row["outcome"], row["covered"], row["coverage"]) == ("forced", 1, 0.025)
    assert all(player in row["missing"] for player in missing)
    assert not failures(settings)

    again = run(DAY, tables=["one_row"])
    assert (outcomes(again), built(again)) == ({DAY: "forced"}, set())


def test_force_does_not_override_integrity(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    one, two = days(2)
    someone = "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected"
    add_table("duplicates", f"{someone} UNION ALL {someone}")
    add_table("out_of_range", someone.replace("1.0", "-0.1"))
    add_table("all_null", someone.replace("1.0", "CAST(NULL AS FLOAT64)"))
    add_table("null_keys", someone.replace("player_lookup,", "NULLIF(player_lookup, 'bos1') AS player_lookup,"))
    add_table("no_rows", f"{someone} WHERE player_lookup = 'nobody'")
    add_table("few_rows", f"{someone} WHERE player_lookup = 'bos1'")
    open_season(league, one, two)
    league.box.append(dict(next(row for row in league.box if row["game_date"] == two)))
    league.write(settings)
    names = ["duplicates", "out_of_range", "all_null", "null_keys", "no_rows"]

    report = run(one, tables=[*names, "few_rows"], force=True)
    assert outcomes(report) == {one: "blocked"}
    found = {row["table_name"]: (row["outcome"], row["reason"]) for row in ledger(settings)}
    assert found == {
        "duplicates": ("blocked", "duplicate_keys"),
        "out_of_range": ("blocked", "out_of_range"),
        "all_null": ("blocked", "all_null"),
        "null_keys": ("blocked", "null_keys"),
        "no_rows": ("blocked", "no_rows"),
        "few_rows": ("forced", "coverage_below_threshold"),
    }
    assert all(not fetch(settings, f"SELECT * FROM nba_precompute.{name}") for name in names)

    report = run(two, force=True)  # the same player twice in the box scores
    assert outcomes(report) == {two: "blocked"}
    assert "duplicate_box_scores" in report.rows[0].reason
    assert published(settings) == {}


def test_force_does_not_override_an_error(league: League, settings: Settings, run: RunBackfill) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run(one)
    refuse(settings, f"nba_precompute.{MAIN}", f"game_date <> '{two}'")
    report = run((one, two), force=True)
    assert outcomes(report) == {one: "complete", two: "failed"}
    assert two not in published(settings)
    (failure,) = failures(settings)
    assert (failure["outcome"], failure["category"], failure["can_retry"]) == ("failed", "QueryError", False)


def test_force_publishes_what_is_loaded_of_an_incomplete_reference_and_says_which_games_are_missing(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league)
    league.game(DAY, "BOS", "NYK")
    league.game(DAY, "LAL", "MIA", loaded=False)
    league.write(settings)
    report = run(DAY, force=True)
    assert outcomes(report) == {DAY: "forced"}
    assert published(settings)[DAY] == lookups(league, DAY)
    for table in TABLES:
        decided = checkpoint(settings, DAY, table)
        assert decided is not None
        assert (decided.outcome, decided.reason) == ("forced", "reference_incomplete")
        assert "1 of 2 final games are whole in the box scores; MIA at LAL" in decided.message
    assert "20 of 20 (100.0 %)" in str(checkpoint(settings, DAY))


def test_a_blocked_table_blocks_what_is_built_from_it_unless_forced(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    for row in league.box:  # more attempts than a team can have: its zone rates are out of range
        if row["game_date"] < DAY and row["team_abbr"] == "BOS":
            row |= {"paint_attempts": 900, "fg_attempts": 905}
    league.write(settings)
    report = run(DAY)
    assert outcomes(report) == {DAY: "blocked"}
    found = {row["table_name"]: (row["outcome"], row["reason"]) for row in ledger(settings)}
    assert found["team_defense_zone_analysis"] == ("blocked", "out_of_range")
    assert found[MAIN] == ("blocked", "dependency_blocked")
    assert "team_defense_zone_analysis" in ledger(settings, table_name=MAIN)[0]["message"]

    run(DAY, force=True)
    then = {row["table_name"]: row["outcome"] for row in ledger(settings)}
    assert (then["team_defense_zone_analysis"], then[MAIN]) == ("blocked", "forced")


def test_a_table_whose_dependencies_are_not_there_is_blocked_until_they_are(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    (row,) = run(DAY, tables=[MAIN]).rows
    assert row.outcome == "blocked"
    assert "dependency_missing: player_shot_zone_analysis of the day is not there; add it to tables" in row.reason
    assert outcomes(run(DAY)) == {DAY: "complete"}
    run_sql(settings, f"DELETE FROM nba_precompute.{MAIN}")
    assert outcomes(run(DAY, tables=[MAIN])) == {DAY: "complete"}

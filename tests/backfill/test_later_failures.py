"""The later failures of the system that the application replaces, one test each; upstream repairs are by themselves."""

from collections.abc import Callable

from prefect import flow

from tasks.backfill.fan_out import run_days
from tasks.backfill.report import Report, report_run
from tasks.backfill.survey import plan_backfill
from tasks.runtime.run import Run
from tasks.settings import Settings
from tests.asked import backfill_request
from tests.backdoor import refuse, run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    ZONES,
    built,
    checkpoint,
    content,
    days,
    failures,
    ledger,
    lookups,
    open_season,
    outcomes,
    play,
    published,
)
from tests.fixtures.warehouses import AddTable
from tests.league import League, fetch

RunBackfill = Callable[..., Report]


def test_a_counter_that_says_done_is_not_believed_against_the_table(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run((one, three))
    before = content(settings)
    run_sql(
        settings,
        f"DELETE FROM nba_precompute.{MAIN} WHERE game_date = '{one}'",
        f"DELETE FROM nba_precompute.{ZONES[0]} WHERE analysis_date = '{two}' AND player_lookup = 'bos1'",
        f"INSERT INTO nba_precompute.{MAIN} SELECT * FROM nba_precompute.{MAIN} "
        f"WHERE game_date = '{three}' AND player_lookup = 'bos1'",
    )
    report = run((one, three))
    assert built(report) == {one, two, three}
    assert content(settings) == before
    assert "40 of 40" in str(checkpoint(settings, one))


def test_the_report_counts_the_rows_that_are_there_and_fails_where_they_are_not(
    league: League, settings: Settings
) -> None:
    open_season(league, *days(2))
    league.write(settings)
    gone = days(2)[1]

    @flow(name="backfill-and-lose-a-row", persist_result=False)
    def lose_a_row_before_the_report() -> Report:
        request = backfill_request(settings, as_of=gone, start_date=DAY, end_date=gone)
        current = Run.begin(settings)
        plan = plan_backfill(current, request)
        results = run_days(current, request, plan.days)
        run_sql(settings, f"DELETE FROM nba_precompute.{MAIN} WHERE game_date = '{gone}' AND player_lookup = 'bos1'")
        return report_run(current, request, plan.days, results)

    report = lose_a_row_before_the_report()
    assert not report.is_done
    assert [(row.outcome, row.published) for row in report.rows] == [("complete", 40), ("failed", 39)]
    assert f"{MAIN} holds 39 rows, 40 were published" in report.rows[1].reason


def test_players_who_did_not_play_are_not_expected_also_when_only_the_minutes_say_so(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    game_id = league.games[-1]["game_id"]
    counted = {name for name, value in league.box[-1].items() if isinstance(value, int) and name != "season_year"}
    nothing = dict.fromkeys(counted - {"starter_flag", "is_active", "is_dnp"}, 0)
    league.player("flagged", DAY, game_id, "MIA", "LAL", **{**nothing, "minutes_played": 0.0, "is_dnp": True})
    league.player("nominutes", DAY, game_id, "MIA", "LAL", **{**nothing, "minutes_played": None})
    league.player("zerominutes", DAY, game_id, "MIA", "LAL", **{**nothing, "minutes_played": 0.0})
    league.player("inactive", DAY, game_id, "MIA", "LAL", **{**nothing, "minutes_played": None, "is_active": False})
    league.player("playedwhateverissaid", DAY, game_id, "MIA", "LAL", is_dnp=True, is_active=False)
    league.player("fewseconds", DAY, game_id, "MIA", "LAL", **{**nothing, "minutes_played": 0.0, "personal_fouls": 1})
    league.write(settings)
    (row,) = run(DAY).rows
    assert (row.expected, row.published, row.outcome) == (42, 42, "complete")
    absent = {"flagged", "nominutes", "zerominutes", "inactive"}
    assert set(published(settings)[DAY]) == set(lookups(league, DAY)) - absent


def test_wrong_rows_block_each_for_its_own_reason(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    someone = "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected"
    cases = {
        "wrong_players": (
            someone.replace("player_lookup,", "CONCAT(player_lookup, 'x') AS player_lookup,"),
            "coverage_below_threshold",
            "0 of 40 expected are there (0.0 %)",
        ),
        "some_wrong_players": (
            someone.replace(
                "player_lookup,",
                "IF(player_lookup LIKE 'bos%', CONCAT(player_lookup, 'x'), player_lookup) AS player_lookup,",
            ),
            "coverage_below_threshold",
            "30 of 40 expected are there (75.0 %)",
        ),
        "duplicates": (f"{someone} UNION ALL {someone} WHERE player_lookup = 'bos1'", "duplicate_keys", "row: bos1"),
        "all_null": (someone.replace("1.0 AS", "CAST(NULL AS FLOAT64) AS"), "all_null", "every score of every row"),
        "no_rows_at_all": (f"{someone} WHERE player_lookup = 'nobody'", "no_rows", "no row at all"),
        "null_keys": (
            someone.replace("player_lookup,", "NULLIF(player_lookup, 'bos1') AS player_lookup,"),
            "null_keys",
            "1 rows have a NULL",
        ),
        "out_of_range": (someone.replace("1.0 AS", "100.1 AS"), "out_of_range", "40 values of score"),
        "not_a_number": (someone.replace("1.0 AS", "CAST('NaN' AS FLOAT64) AS"), "out_of_range", "40 values of score"),
        "other_day": (
            someone.replace("@game_date AS", "DATE_SUB(@game_date, INTERVAL 1 DAY) AS"),
            "wrong_day",
            "40 rows belong to another day",
        ),
    }
    add_table("rightly_built", someone)
    for name, (build, _, _) in cases.items():
        add_table(name, build)
    open_season(league, DAY)
    league.write(settings)

    report = run(DAY, tables=["rightly_built", *cases])

    assert outcomes(report) == {DAY: "blocked"}
    for name, (_, category, words) in cases.items():
        (row,) = ledger(settings, table_name=name)
        assert (name, row["outcome"], row["reason"]) == (name, "blocked", category)
        assert words in row["message"]
        (failure,) = failures(settings, table_name=name)
        assert (failure["category"], failure["can_retry"]) == (category, False)
        assert fetch(settings, f"SELECT * FROM nba_precompute.{name}") == []
    assert not failures(settings, table_name="rightly_built")
    assert len(fetch(settings, "SELECT * FROM nba_precompute.rightly_built")) == 40


def test_duplicate_box_scores_block_the_day_and_duplicate_upcoming_rows_are_not_taken(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.box.append(dict(next(row for row in league.box if row["game_date"] == two)))
    league.expect_upcoming(one, [*lookups(league, one), "bos1"])
    league.write(settings)
    report = run((one, two))
    assert outcomes(report) == {one: "complete", two: "blocked"}
    assert report.rows[0].source == "synthetic"
    assert "upcoming holds 1 players more than once" in str(checkpoint(settings, one))
    assert "duplicate_box_scores: players stand in a game more than once" in report.rows[1].reason
    assert "bos1" in report.rows[1].reason
    assert published(settings) == {one: lookups(league, one)}


def test_partial_box_scores_block_and_name_the_missing_games_although_every_loaded_player_is_covered(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league)
    pairs = [(f"H{letter}A", f"V{letter}B") for letter in "ABCDEFGHIJK"]
    for number, (home, away) in enumerate(pairs):
        league.game(DAY, home, away, loaded=number < 6)
    league.write(settings)
    (row,) = run(DAY).rows
    assert (row.outcome, row.published, row.games) == ("blocked", 0, 11)
    assert "reference_incomplete: 6 of 11 final games are whole in the box scores" in row.reason
    for home, away in pairs:
        assert (f"{away} at {home}" in row.reason) == (home in [f"H{letter}A" for letter in "GHIJK"])
    assert [entry["reason"] for entry in ledger(settings)] == ["reference_incomplete"] * len(TABLES)
    assert published(settings) == {}


def test_a_game_of_which_one_team_is_missing_or_has_too_few_players_is_not_loaded(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.box = [
        row
        for row in league.box
        if not (row["game_date"] == one and row["player_lookup"] in {f"lal{n}" for n in range(6, 11)})
        and not (row["game_date"] == two and row["player_lookup"] in {f"lal{n}" for n in range(5, 11)})
        and not (row["game_date"] == three and row["team_abbr"] == "MIA")
    ]
    for row in league.box:
        if row["game_date"] in (one, two) and row["team_abbr"] == "LAL":
            row["minutes_played"] = 48.0 if row["game_date"] == one else 60.0
    league.write(settings)
    report = run((one, three))
    assert outcomes(report) == {one: "complete", two: "blocked", three: "blocked"}
    assert all("1 of 2 final games" in row.reason and "MIA at LAL" in row.reason for row in report.rows[1:])


def test_zero_expected_players_on_a_day_of_games_is_a_block_and_no_off_day(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league)
    league.game(DAY, "BOS", "NYK", loaded=False)
    league.write(settings)
    for force in (False, True):
        (row,) = run(DAY, force=force).rows
        assert (row.outcome, row.expected, row.published) == ("blocked", 0, 0)
        assert "0 of 1 final games are whole in the box scores" in row.reason


def test_resume_does_the_failed_days_before_the_last_success_and_keeps_the_others(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one)
    unloaded = league.game(two, "BOS", "NYK", loaded=False)
    play(league, three)
    league.write(settings)
    report = run((one, three))
    assert outcomes(report) == {one: "complete", two: "blocked", three: "complete_with_warning"}
    assert "look_back_incomplete" in report.rows[2].reason

    for team, opponent in (("BOS", "NYK"), ("NYK", "BOS")):
        for number in range(1, 11):
            league.player(f"{team.lower()}{number}", two, unloaded, team, opponent)
    league.write(settings)
    report = run((one, three))
    assert outcomes(report) == dict.fromkeys((one, two, three), "complete")
    assert built(report) == {two, three}  # the third looks back on the second
    assert published(settings)[two] == lookups(league, two)


def test_a_day_is_replaced_as_a_whole_or_not_at_all(league: League, settings: Settings, run: RunBackfill) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    before = content(settings)
    run_id = ledger(settings)[0]["run_id"]
    # The delete before the insert succeeds, the insert fails at the last player.
    refuse(settings, f"nba_precompute.{MAIN}", f"NOT (game_date = '{one}' AND run_id <> '{run_id}')")

    report = run((one, two), resume=False)

    assert outcomes(report) == {one: "failed", two: "complete"}
    assert "QueryError" in ledger(settings, game_date=one, outcome="failed")[0]["reason"]
    assert content(settings) == before
    kept = fetch(settings, f"SELECT DISTINCT run_id FROM nba_precompute.{MAIN} WHERE game_date = @day", day=one)
    assert kept == [{"run_id": run_id}]
    assert built(run((one, two))) == {one}

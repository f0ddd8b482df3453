"""Days that a table holds and no run published: adopted as they are if they pass, and built if they do not."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.runtime.boundary import report_of
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import relax, run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    checkpointed,
    content,
    days,
    ledger,
    open_season,
    outcomes,
    run_artifact,
)
from tests.backfill.test_checkpoints import delete_artifacts
from tests.league import League, fetch

RunBackfill = Callable[..., Report]
FACTORS = f"nba_precompute.{MAIN}"
OURS = (
    "run_id",
    "data_hash",
    "calculation_version",
    "context_source",
    "missing_games_count",
    "look_back_missing_games",
    "team_abbr",
    "opponent_team_abbr",
)
"""Columns that rows of another program may lack the values of, but for the key."""


def forget(settings: Settings, *some: date) -> None:
    """Lose all that says which run published the rows that are there."""
    run_sql(settings, "DELETE FROM nba_orchestration.backfill_ledger")
    delete_artifacts(settings, some)


def make_foreign(settings: Settings) -> None:
    """Leave of the rows only what those of another program would have, and give them a column of its own."""
    for table in (load_catalogue(settings).table(name) for name in TABLES):
        unknown = [column for column in table.columns if column.name in OURS and column.name not in table.grain]
        for column in unknown:
            if column.required:
                relax(settings, table.full_name, column.name)
        run_sql(
            settings,
            f"UPDATE {table.full_name} SET {', '.join(f'{column.name} = NULL' for column in unknown)}",
            f"ALTER TABLE {table.full_name} ADD COLUMN note VARCHAR",
            f"UPDATE {table.full_name} SET note = 'mine'",
        )
    run_sql(settings, f"UPDATE {FACTORS} SET missing_games_count = 3")  # another program's column of that name


def stored(settings: Settings, table: str) -> list[str]:
    """Return every value of every row of a table, in order."""
    return sorted(repr(row) for row in fetch(settings, f"SELECT * FROM nba_precompute.{table}"))


def last(settings: Settings, day: date, table: str = MAIN) -> dict[str, Any]:
    """Return the last ledger row of a day."""
    return ledger(settings, table_name=table, game_date=day)[-1]


def test_a_day_of_another_program_is_adopted_as_it_is_and_kept_until_its_inputs_change(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    forget(settings, DAY)
    make_foreign(settings)
    before = {table: stored(settings, table) for table in TABLES}
    report = run(DAY, adopt=True)
    assert {(row.outcome, row.work, row.source) for row in report.rows} == {
        ("complete_with_warning", "adopted", "adopted")
    }
    assert {table: stored(settings, table) for table in TABLES} == before
    found = last(settings, DAY)
    assert (found["row_count"], found["covered"], found["expected"], found["coverage"]) == (40, 40, 40, 1.0)
    assert found["look_back_coverage"] is None
    assert found["reason"] == "adopted_with_unknowns"
    for words in ("of 40 rows, 40 do not say which games they look back on in vain", "nothing was written"):
        assert words in found["message"]
    again = run(DAY)
    assert {row.work for row in again.rows} == {"kept"}
    assert {table: stored(settings, table) for table in TABLES} == before
    run_sql(settings, "UPDATE nba_analytics.player_game_summary SET assists = 3 WHERE player_lookup = 'bos1'")
    assert {(row.outcome, row.work) for row in run(DAY).rows} == {("complete", "built")}
    assert {row["note"] for row in fetch(settings, f"SELECT note FROM {FACTORS}")} == {"mine"}


def test_rows_of_a_run_whose_records_are_lost_are_adopted_without_a_warning(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.expect_upcoming(DAY, [f"{team}{n}" for team in ("bos", "nyk", "lal", "mia") for n in range(1, 11)])
    league.write(settings)
    run(DAY)
    (first,) = ledger(settings, table_name=MAIN)
    forget(settings, DAY)
    assert {(row.outcome, row.source) for row in run(DAY, adopt=True).rows} == {("complete", "upcoming")}
    found = last(settings, DAY)
    for name in ("rows_digest", "look_back_coverage", "mean_completeness", "expected_digest", "inputs"):
        assert found[name] == first[name], name


# What is done to a day's rows, and why they are not adopted then.
DAMAGES = {
    "DELETE FROM {table} WHERE {of_bos}": "coverage_below_threshold",
    "INSERT INTO {table} SELECT * FROM {table} WHERE {of_bos}": "duplicate_keys",
    "UPDATE {table} SET player_lookup = player_lookup || 'jr' WHERE {of_bos}": "coverage_below_threshold",
    "UPDATE {table} SET travel_impact_score = 0.5 WHERE {of_bos}": "out_of_range",
    "UPDATE {table} SET fatigue_score = NULL, shot_zone_mismatch_score = NULL, pace_score = NULL, "
    "usage_spike_score = NULL WHERE {of_bos}": "all_null",
    "UPDATE {table} SET usage_spike_score = NULL WHERE {of_bos}": "null_values",
    "UPDATE {table} SET calculation_version = 'v0' WHERE {of_bos}": "other_version",
    "UPDATE {table} SET missing_games_count = 1 WHERE game_date = '{day}'": "look_back_incomplete",
}


def test_rows_that_do_not_pass_are_built_and_the_record_says_why(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(len(DAMAGES))
    open_season(league, *some)
    league.write(settings)
    run((some[0], some[-1]))
    undamaged = content(settings)
    forget(settings, *some)
    for day, damage in zip(some, DAMAGES, strict=True):
        of_bos = f"game_date = '{day}' AND player_lookup LIKE 'bos%'"
        run_sql(settings, damage.format(table=FACTORS, of_bos=of_bos, day=day))
    assert content(settings) != undamaged
    report = run((some[0], some[-1]), adopt=True)
    assert {(row.outcome, row.work) for row in report.rows} == {("complete", "built")}
    assert content(settings) == undamaged
    for day, category in zip(some, DAMAGES.values(), strict=True):
        assert f"not adopted: {category}: " in last(settings, day)["message"], day
        assert last(settings, day, TABLES[0])["source"] == "adopted"


def test_a_day_without_rows_is_built_and_one_with_a_checkpoint_is_kept(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    done, empty = days(2)
    open_season(league, done, empty)
    league.write(settings)
    run(done)
    report = run((done, empty), adopt=True)
    assert {row.day: row.work for row in report.rows} == {done: "kept", empty: "built"}


def test_rows_stay_where_the_box_scores_lack_a_game_and_are_adopted_once_it_is_there(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    forget(settings, DAY)
    run_sql(settings, f"UPDATE {FACTORS} SET run_id = 'theirs'")
    before, box = stored(settings, MAIN), list(league.box)
    league.box = [row for row in box if (row["game_date"], row["team_abbr"]) != (DAY, "BOS")]
    league.write(settings)
    assert outcomes(run(DAY, adopt=True)) == {DAY: "blocked"}
    assert "the rows that are there stay" in last(settings, DAY)["message"]
    assert stored(settings, MAIN) == before
    league.box = box
    league.write(settings)
    assert {(row.outcome, row.work) for row in run(DAY, adopt=True).rows} == {("complete", "adopted")}
    assert stored(settings, MAIN) == before


def test_a_dry_run_says_what_would_be_adopted_and_records_nothing(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    forget(settings, DAY)
    before = stored(settings, MAIN)
    state = backfill(start_date=DAY, adopt=True, dry_run=True, return_state=True)
    report = report_of(state)
    assert isinstance(report, Report)
    assert [(row.outcome, row.work, row.published) for row in report.rows] == [("dry_run", "adopted", 40)]
    assert (ledger(settings), checkpointed(settings, DAY), stored(settings, MAIN)) == ([], set(), before)
    plan = run_artifact(state.state_details.flow_run_id, "backfill-plan")
    assert plan is not None
    assert "adopt; none: no checkpoint, and 40 rows that no run published" in str(plan["data"])


def test_rows_with_another_id_of_a_game_than_its_box_scores_are_adopted_as_they_are(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two, three = days(3)
    open_season(league, one, two, three)
    league.write(settings)
    run((one, three))
    forget(settings, one, two, three)
    composed = (
        "'{day:%Y%m%d}_' || CASE team_abbr WHEN 'BOS' THEN 'NYK_BOS' WHEN 'NYK' THEN 'NYK_BOS' ELSE 'MIA_LAL' END"
    )
    box = "nba_analytics.player_game_summary"
    for table, day, of in ((FACTORS, one, one), (box, two, two), (FACTORS, three, one)):  # the last has another day's
        run_sql(settings, f"UPDATE {table} SET game_id = {composed.format(day=of)} WHERE game_date = '{day}'")
    before = fetch(
        settings, f"SELECT * FROM {FACTORS} WHERE game_date < @day ORDER BY game_id, player_lookup", day=three
    )
    report = run((one, three), adopt=True)
    assert [row.work for row in report.rows] == ["adopted", "adopted", "built"]
    assert [(last(settings, day)["covered"], last(settings, day)["expected"]) for day in (one, two)] == [(40, 40)] * 2
    assert "not adopted: coverage_below_threshold: 0 of 40" in last(settings, three)["message"]
    assert before == fetch(
        settings, f"SELECT * FROM {FACTORS} WHERE game_date < @day ORDER BY game_id, player_lookup", day=three
    )
    assert [row.work for row in run((one, three)).rows] == ["kept"] * 3

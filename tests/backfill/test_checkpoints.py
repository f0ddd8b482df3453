"""The records of what was decided: the ledger's rows and the artifacts, and what is believed of them."""

import json
from collections.abc import Callable, Iterable
from datetime import date

from prefect.client.orchestration import get_client

from flows.backfill import backfill
from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.records import artifact_key, former_key, render_former
from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import (
    DAY,
    MAIN,
    MOST,
    TABLES,
    add_most,
    artifacts,
    built,
    checkpoint,
    checkpointed,
    content,
    days,
    failures,
    ledger,
    lookups,
    open_season,
    outcomes,
)
from tests.fixtures.warehouses import AddTable, Elsewhere
from tests.league import League

RunBackfill = Callable[..., Report]
LEDGER = "nba_orchestration.backfill_ledger"


def delete_artifacts(settings: Settings, some: Iterable[date]) -> None:
    """Delete the checkpoints' artifacts as Prefect's retention does."""
    keys = [artifact_key(settings, day) for day in some]
    with get_client(sync_client=True) as client:
        body = {"artifacts": {"key": {"any_": keys}}, "limit": 200}
        for artifact in client.request("POST", "/artifacts/filter", json=body).json():
            client.request("DELETE", "/artifacts/{id}", path_params={"id": artifact["id"]})


def as_record(row: dict[str, object]) -> Checkpoint:
    """Read a ledger row as the checkpoint that it is."""
    listed = {name: json.loads(str(row[name])) for name in row if name in ("missing", "source_missing", "inputs")}
    return Checkpoint.model_validate({**row, **listed})


def test_each_table_and_day_has_a_ledger_row_and_an_artifact_that_say_the_same(
    league: League, settings: Settings, run: RunBackfill, add_table: AddTable
) -> None:
    complete, warned, blocked = days(3)
    add_most(add_table, warned)
    open_season(league, complete, warned)
    league.game(blocked, "BOS", "NYK", loaded=False)
    league.write(settings)
    run((complete, blocked), tables=[*TABLES, MOST])
    rows = ledger(settings)
    assert len(rows) == 12
    for row in rows:
        assert checkpoint(settings, row["game_date"], row["table_name"]) == as_record(row)
    assert {(row["table_name"], row["game_date"], row["category"], row["can_retry"]) for row in failures(settings)} == {
        (table, blocked, "reference_incomplete", False) for table in (*TABLES, MOST)
    }
    (artifact,) = artifacts(key={"any_": [artifact_key(settings, warned)]})
    assert artifact["type"] == "markdown"
    for said in ("complete_with_warning", "37 of 40 expected, 92.5 %", "Missing (3): nyk7, nyk8, nyk9", "box_scores"):
        assert said in artifact["data"]


def test_artifacts_that_vanished_are_written_again_from_the_ledger_and_no_day_is_done_again(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(3)
    open_season(league, *some)
    league.write(settings)
    run((some[0], some[-1]))
    before = [checkpoint(settings, day, table) for day in some for table in TABLES]
    delete_artifacts(settings, some[1:])
    assert checkpointed(settings, *some) == {some[0]}
    assert built(run((some[0], some[-1]))) == set()
    assert [checkpoint(settings, day, table) for day in some for table in TABLES] == before
    assert len(ledger(settings)) == 9


def test_a_run_that_has_nothing_to_do_writes_no_artifact_of_a_day_again(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.expect_upcoming(DAY, lookups(league, DAY))
    league.write(settings)
    keys = [artifact_key(settings, DAY)]

    def versions() -> dict[str, str]:
        return {found["key"]: found["latest_id"] for found in artifacts(key={"any_": keys})}

    run(DAY)
    written = versions()
    assert set(written) == set(keys)
    assert built(run(DAY)) == set()
    assert versions() == written


def test_without_the_ledger_the_artifacts_are_believed_where_the_rows_are_there(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    before = content(settings)
    run_sql(settings, f"DELETE FROM {LEDGER}", f"DELETE FROM nba_precompute.{MAIN} WHERE game_date = '{two}'")
    assert built(run((one, two))) == {two}
    assert content(settings) == before


def test_the_artifacts_that_each_table_of_a_day_had_are_believed_and_written_again_as_one(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    some = days(2)
    open_season(league, *some)
    league.write(settings)
    run((some[0], some[1]))
    before, recorded = content(settings), [as_record(row) for row in ledger(settings)]
    delete_artifacts(settings, some)
    with get_client(sync_client=True) as client:
        for each in recorded:
            key, data = former_key(settings, each.table_name, each.game_date), render_former(each)
            client.request("POST", "/artifacts/", json={"key": key, "type": "markdown", "data": data})
    run_sql(settings, f"DELETE FROM {LEDGER}")
    assert built(run(some[0])) == set()
    assert built(run((some[0], some[1]))) == set()  # also beside a day that has an artifact of the new kind
    assert content(settings) == before
    assert {(each.table_name, each.game_date): each for each in recorded} == {
        (table, day): checkpoint(settings, day, table) for day in some for table in TABLES
    }


def test_a_run_of_one_table_leaves_the_others_in_the_artifact_of_the_day(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    before = {table: checkpoint(settings, DAY, table) for table in TABLES}
    assert built(run(DAY, tables=[MAIN], resume=False)) == {DAY}
    after = {table: checkpoint(settings, DAY, table) for table in TABLES}
    assert None not in before.values()
    assert {table for table in TABLES if after[table] != before[table]} == {MAIN}
    assert after[MAIN] == as_record(ledger(settings, table_name=MAIN)[-1])


def test_neither_ledger_nor_artifact_is_believed_against_an_empty_table(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    before = content(settings)
    run_sql(settings, f"DROP TABLE nba_precompute.{MAIN}")
    report = run((one, two))
    assert built(report) == {one, two}
    assert all(row.outcome == "complete" for row in report.rows)
    assert content(settings) == before
    delete_artifacts(settings, [one, two])
    run_sql(settings, f"DELETE FROM {LEDGER}")
    assert built(run((one, two))) == {one, two}


def test_an_artifact_that_a_person_has_changed_past_reading_is_no_checkpoint(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    run_sql(settings, f"DELETE FROM {LEDGER}")
    (artifact,) = artifacts(key={"any_": [artifact_key(settings, DAY)]})
    with get_client(sync_client=True) as client:
        changed = artifact["data"].replace('"complete"', '"all fine"')
        client.request("PATCH", "/artifacts/{id}", path_params={"id": artifact["latest_id"]}, json={"data": changed})
    assert built(run(DAY)) == {DAY}


def test_two_warehouses_on_one_server_do_not_see_each_others_checkpoints(
    league: League, settings: Settings, run: RunBackfill, elsewhere: Elsewhere
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    other = elsewhere("other")
    league.write(other)
    assert checkpoint(other, DAY) is None
    assert built(run(DAY)) == {DAY}
    assert content(other) == content(settings)


def test_a_fourth_table_is_built_gated_and_checkpointed_without_any_python(
    league: League, settings: Settings, add_table: AddTable
) -> None:
    add_table("minutes", "SELECT player_lookup, @game_date AS game_date, 1.0 AS score FROM expected")
    open_season(league, DAY)
    league.write(settings)
    state = backfill(start_date=DAY, tables=["minutes", *TABLES], return_state=True)
    assert state.is_completed()
    assert {(row["table_name"], row["row_count"], row["covered"]) for row in ledger(settings)} >= {
        ("minutes", 40, 40),
        (MAIN, 40, 40),
    }
    assert checkpoint(settings, DAY, "minutes") == as_record(ledger(settings, table_name="minutes")[0])


def test_a_day_whose_rows_were_changed_is_done_again_although_their_number_is_right(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    one, two = days(2)
    open_season(league, one, two)
    league.write(settings)
    run((one, two))
    before = content(settings)
    table = f"nba_precompute.{MAIN}"
    run_sql(settings, f"UPDATE {table} SET player_lookup = 'x' WHERE game_date = '{one}' AND player_lookup = 'nyk1'")
    run_sql(settings, f"UPDATE {table} SET pace_score = 2.5 WHERE game_date = '{two}' AND player_lookup = 'nyk1'")
    report = run((one, two))
    assert built(report) == {one, two}
    assert outcomes(report) == {one: "complete", two: "complete"}
    assert content(settings) == before
    assert built(run((one, two))) == set()

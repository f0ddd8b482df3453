"""What the application asks of a warehouse, of BigQuery: the adapter's side of the contract."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery  # noqa: TID251 - the real client

from deployments.commands.doctor.doctor import examine_warehouse
from tasks.errors import QueryError, QuotaError, SchemaError, StorageError
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Origin, Warehouse, arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.bigquery.asking import query
from tests.league import League

ONE, TWO = date(2023, 2, 23), date(2023, 2, 24)
RUN = str(uuid4())
LEAST_BYTES = 10 * 1024 * 1024


def table(name: str) -> TableSpec:
    return load_catalogue(Settings()).table(name)


TABLES = list(load_catalogue(Settings()).tables.values())
MAIN, LEDGER, BOX = table("player_composite_factors"), table("backfill_ledger"), table("player_game_summary")
TEAMS = table("team_defense_zone_analysis")


@pytest.fixture
def warehouse(client: bigquery.Client, settings: Settings) -> Iterator[Warehouse]:
    """A connection, with every table in place and empty; gone with the client's test."""
    with open_warehouse(settings.connection(), Origin(run_id=str(uuid4()), step="contract")) as opened:
        opened.create(TABLES)
        yield opened


def query_of(spec: TableSpec, **values: str) -> str:
    """A query for one row of a table: the values given, in GoogleSQL, and NULL otherwise."""
    columns = ", ".join(f"{values.get(c.name, f'CAST(NULL AS {c.type})')} AS {c.name}" for c in spec.columns)
    return f"SELECT {columns}"


def teams(warehouse: Warehouse, location: str = TEAMS.full_name) -> list[tuple[date, str]]:
    rows = warehouse.fetch(f"SELECT analysis_date, team_abbr FROM {location} ORDER BY analysis_date, team_abbr")
    return [(row["analysis_date"], row["team_abbr"]) for row in rows]


def publish(warehouse: Warehouse, day: date, *names: str) -> int:
    sql = "\nUNION ALL\n".join(query_of(TEAMS, team_abbr=f"'{name}'", analysis_date="@game_date") for name in names)
    with warehouse.stage(TEAMS, sql, {"game_date": day}, game_date=day, run_id=RUN) as staged:
        return warehouse.publish(staged)


def ledger_row(**values: Any) -> dict[str, Any]:
    moment = datetime(2023, 6, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    blank: dict[str, dict[str, Any]] = {
        "STRING": {"value": 'a "quoted"\nline, é'},
        "INT64": {"value": 2**53 + 1},
        "FLOAT64": {"value": 0.1},
        "DATE": {"value": ONE},
        "TIMESTAMP": {"value": moment},
    }
    return {column.name: blank[column.type]["value"] for column in LEDGER.columns} | values


def test_every_table_is_made_as_the_catalogue_says_and_making_it_again_changes_nothing(
    warehouse: Warehouse, client: bigquery.Client, settings: Settings
) -> None:
    assert warehouse.schema(TABLES) == {
        each.full_name: {column.name: column.type for column in each.columns} for each in TABLES
    }
    box = client.get_table(BOX.full_name)
    assert (box.time_partitioning.field, box.clustering_fields) == ("game_date", ["player_lookup"])
    assert box.require_partition_filter
    with open_warehouse(settings.connection()) as another:
        another.create(TABLES)
    assert client.get_table(BOX.full_name).created == box.created


def test_the_first_check_finds_nothing_missing(warehouse: Warehouse, settings: Settings) -> None:
    found = list(examine_warehouse(settings.connection(), TABLES))
    assert [finding for finding in found if finding.level == "missing"] == []
    assert {f"table {each.full_name}" for each in TABLES} <= {each.subject for each in found if each.level == "ok"}


def test_a_day_is_staged_unseen_and_published_whole_in_place_of_what_was_there(warehouse: Warehouse) -> None:
    assert publish(warehouse, ONE, "BOS", "NYK") == 2
    assert publish(warehouse, TWO, "LAL") == 1
    sql = query_of(TEAMS, team_abbr="'MIA'", analysis_date="@game_date")
    with warehouse.stage(TEAMS, sql, {"game_date": ONE}, game_date=ONE, run_id=RUN) as staged:
        assert teams(warehouse, staged.location) == [(ONE, "MIA")]
        assert teams(warehouse) == [(ONE, "BOS"), (ONE, "NYK"), (TWO, "LAL")]
        assert warehouse.publish(staged) == 1
    assert teams(warehouse) == [(ONE, "MIA"), (TWO, "LAL")]
    with pytest.raises(SchemaError):
        teams(warehouse, staged.location)


def test_a_moment_is_read_as_it_was_whatever_happens_to_a_table_meanwhile(
    warehouse: Warehouse, settings: Settings
) -> None:
    publish(warehouse, ONE, "BOS")
    moment = warehouse.take_moment([TEAMS, LEDGER], run_id=RUN, may_store=False)
    publish(warehouse, ONE, "NYK", "LAL")
    with open_warehouse(settings.connection(), moment=moment) as then:
        assert teams(then) == [(ONE, "BOS")]
        sql = f"SELECT * FROM {TEAMS.full_name} WHERE analysis_date = @game_date"
        with then.stage(TEAMS, sql, {"game_date": ONE}, game_date=ONE, run_id=RUN) as staged:
            assert teams(then, staged.location) == [(ONE, "BOS")]
    assert teams(warehouse) == [(ONE, "LAL"), (ONE, "NYK")]
    warehouse.release(moment)


def test_of_a_view_a_moment_holds_a_copy_that_is_dropped_with_it(
    warehouse: Warehouse, client: bigquery.Client, settings: Settings
) -> None:
    view = TEAMS.model_copy(update={"name": "teams_as_a_view"})
    query(client, f"CREATE VIEW {view.full_name} AS SELECT * FROM {TEAMS.full_name}")
    publish(warehouse, ONE, "BOS")
    moment = warehouse.take_moment([view], run_id=RUN, may_store=True)
    assert moment.bytes_billed > 0
    publish(warehouse, ONE, "NYK")
    with open_warehouse(settings.connection(), moment=moment) as then:
        assert teams(then, view.full_name) == [(ONE, "BOS")]
    warehouse.release(moment)
    with open_warehouse(settings.connection(), moment=moment) as then, pytest.raises(SchemaError):
        teams(then, view.full_name)
    assert warehouse.take_moment([view], run_id=RUN, may_store=False).copies == {}


def test_a_day_without_rows_empties_its_partition(warehouse: Warehouse) -> None:
    publish(warehouse, ONE, "BOS")
    publish(warehouse, TWO, "LAL")
    sql = f"{query_of(TEAMS)} FROM UNNEST(GENERATE_ARRAY(1, 0)) AS nothing"
    with warehouse.stage(TEAMS, sql, {}, game_date=ONE, run_id=RUN) as staged:
        assert warehouse.publish(staged) == 0
    assert teams(warehouse) == [(TWO, "LAL")]


def test_rows_without_a_key_can_be_staged_for_the_gate_to_see(warehouse: Warehouse) -> None:
    with warehouse.stage(
        MAIN, query_of(MAIN, game_date="@game_date"), {"game_date": ONE}, game_date=ONE, run_id=RUN
    ) as staged:
        (row,) = warehouse.fetch(f"SELECT player_lookup, game_date FROM {staged.location}")
    assert row == {"player_lookup": None, "game_date": ONE}


def test_what_is_appended_is_read_as_it_was_written(warehouse: Warehouse) -> None:
    row = ledger_row()
    warehouse.append(LEDGER, [row, ledger_row(message="another", coverage=None)])
    found = warehouse.fetch(f"SELECT * FROM {LEDGER.full_name} WHERE game_date = @day ORDER BY message", {"day": ONE})
    assert found == [row, ledger_row(message="another", coverage=None)]


def test_rows_are_appended_all_or_none(warehouse: Warehouse) -> None:
    with pytest.raises(QueryError):
        warehouse.append(LEDGER, [ledger_row(), ledger_row(attempt="many")])
    assert warehouse.fetch(f"SELECT run_id FROM {LEDGER.full_name}") == []


def test_rows_take_the_place_of_those_that_share_their_keys(warehouse: Warehouse) -> None:
    league = League()
    league.game(ONE, "BOS", "NYK", players=1)
    league.game(TWO, "LAL", "MIA", players=1)
    first, second = league.box[:2], league.box[2:]
    schema = arrow_schema(BOX)
    everything = pa.Table.from_pylist(league.box, schema)
    assert warehouse.replace(BOX, everything, match=["game_id"]).inserted == 4
    moved = [row | {"game_date": TWO, "points": 30} for row in first]
    done = warehouse.replace(BOX, pa.Table.from_pylist(moved, schema), match=["game_id"])
    assert (done.deleted, done.inserted) == (2, 2)
    rows = warehouse.fetch(
        f"SELECT * FROM {BOX.full_name} WHERE game_date BETWEEN @first AND @last ORDER BY player_lookup",
        {"first": ONE, "last": TWO},
    )
    assert rows == sorted([*moved, *second], key=lambda row: str(row["player_lookup"]))


def test_a_change_says_how_many_rows_it_changed_and_a_backup_holds_them_until_it_is_dropped(
    warehouse: Warehouse,
) -> None:
    publish(warehouse, ONE, "BOS", "NYK")
    publish(warehouse, TWO, "LAL")
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    backup = warehouse.back_up(TEAMS, "teams_once", before=TWO, expires_at=expires)
    assert warehouse.back_up(TEAMS, "teams_once", before=TWO, expires_at=expires) == backup
    assert (backup.name, backup.expires_at) == ("teams_once", expires)
    assert warehouse.change(TEAMS, f"DELETE FROM {TEAMS.full_name} WHERE analysis_date < @day", {"day": TWO}) == 2
    assert teams(warehouse) == [(TWO, "LAL")]
    assert warehouse.backups() == [backup]
    names = ", ".join(column.name for column in TEAMS.columns)
    put_back = (
        f"INSERT INTO {TEAMS.full_name} ({names}) SELECT {names} FROM {backup.location} WHERE analysis_date < @day"
    )
    assert warehouse.change(TEAMS, put_back, {"day": TWO}) == 2
    assert teams(warehouse) == [(ONE, "BOS"), (ONE, "NYK"), (TWO, "LAL")]
    warehouse.drop_backup(backup)
    warehouse.drop_backup(backup)
    assert warehouse.backups() == []


def test_a_snapshot_or_table_of_others_is_no_backup_and_is_not_taken_for_one(
    warehouse: Warehouse, client: bigquery.Client, settings: Settings
) -> None:
    publish(warehouse, ONE, "BOS")
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    warehouse.back_up(TEAMS, "ours", before=TWO, expires_at=expires)
    dataset = settings.backup_dataset
    query(
        client,
        f"CREATE SNAPSHOT TABLE {dataset}.theirs\nCLONE {TEAMS.full_name}\n"
        f"OPTIONS(expiration_timestamp = TIMESTAMP '{expires:%Y-%m-%d %H:%M:%S}+00:00')",
    )
    query(client, f"CREATE TABLE {dataset}.a_table (n INT64)")
    assert [backup.name for backup in warehouse.backups()] == ["ours"]
    with pytest.raises(StorageError, match=rf"{dataset}.theirs is there, and is no backup of a cleanup: rename it"):
        warehouse.back_up(TEAMS, "theirs", before=TWO, expires_at=expires)


def test_an_estimate_is_what_would_be_billed_and_takes_no_job(warehouse: Warehouse) -> None:
    before = warehouse.statements
    sql = f"SELECT points FROM {BOX.full_name} WHERE game_date = @game_date"
    assert warehouse.estimate(sql, {"game_date": ONE}) == LEAST_BYTES
    assert warehouse.statements == before


def test_what_a_run_of_the_same_server_that_is_over_left_staged_is_dropped_and_nothing_else(
    warehouse: Warehouse, client: bigquery.Client, settings: Settings
) -> None:
    running, sql = str(uuid4()), query_of(TEAMS, team_abbr="'BOS'", analysis_date="@game_date")
    day: dict[str, Any] = {"game_date": ONE}

    def at(server: str | None) -> Warehouse:
        return open_warehouse(settings.connection(), Origin(run_id=RUN, step="contract", server=server))

    def is_over(run_id: str) -> bool:
        return run_id == RUN

    with at("a1") as here, at("b2") as elsewhere, at(None) as nowhere, ExitStack() as staged:

        def stage(by: Warehouse, run_id: str) -> str:
            return staged.enter_context(by.stage(TEAMS, sql, day, game_date=ONE, run_id=run_id)).location

        left = stage(here, RUN)
        kept = [stage(here, running), stage(elsewhere, RUN), stage(nowhere, RUN)]
        dataset, name = left.split(".")
        foreign = [f"{dataset}.{name}_2", f"{dataset}.sales__2023", f"{dataset}.copy_of_staging", f"{dataset}.seen__it"]
        own_labels = 'labels = [("application", "fullcourt"), ("purpose", "staging"), ("server", "a1"), ("run", "%s")]'
        for place, options in zip(foreign, ("", "", f"OPTIONS({own_labels % RUN})", ""), strict=True):
            query(client, f"CREATE TABLE {place} (n INT64) {options}")
        query(client, f"CREATE OR REPLACE TABLE {foreign[3]} LIKE {TEAMS.full_name} AS SELECT * FROM {left}")
        assert client.get_table(left).expires is not None
        assert nowhere.sweep(is_over) == []
        assert here.sweep(is_over) == [name]
        with pytest.raises(NotFound):
            client.get_table(left)
        assert [client.get_table(location).num_rows for location in kept] == [1, 1, 1]
        assert {client.get_table(location).table_id for location in foreign} == {f.partition(".")[2] for f in foreign}
        for spec in TABLES:
            assert client.get_table(spec.full_name)


def test_a_job_that_was_begun_before_is_found_and_not_run_again(warehouse: Warehouse, settings: Settings) -> None:
    origin = Origin(run_id=str(uuid4()), step="record")
    for _ in range(2):
        with open_warehouse(settings.connection(), origin) as again:
            again.append(LEDGER, [ledger_row()])
    (row,) = warehouse.fetch(f"SELECT COUNT(*) AS n FROM {LEDGER.full_name}")
    assert row == {"n": 1}
    with open_warehouse(settings.connection(), Origin(run_id=origin.run_id, step="record", attempt="2")) as anew:
        anew.append(LEDGER, [ledger_row()])
    (row,) = warehouse.fetch(f"SELECT COUNT(*) AS n FROM {LEDGER.full_name}")
    assert row == {"n": 2}


def test_every_error_says_what_to_do(warehouse: Warehouse, client: bigquery.Client, settings: Settings) -> None:
    with pytest.raises(SchemaError, match=r"fullcourt ddl apply"):
        warehouse.fetch("SELECT 1 AS x FROM nba_analytics.nothing")
    with pytest.raises((QueryError, SchemaError), match="nobody"):
        warehouse.fetch(f"SELECT nobody FROM {TEAMS.full_name}")
    with pytest.raises(QueryError, match="parameters that were not given: day"):
        warehouse.fetch(f"SELECT team_abbr FROM {TEAMS.full_name} WHERE analysis_date = @day")
    with pytest.raises(QueryError, match="without a filter"):
        warehouse.fetch(f"SELECT points FROM {BOX.full_name}")
    capped = settings.model_copy(update={"max_bytes_billed": 1000}).connection()
    with open_warehouse(capped) as poor, pytest.raises(QuotaError, match="raise max_bytes_billed"):
        poor.fetch(f"SELECT team_abbr FROM {TEAMS.full_name}")
    client.delete_table(TEAMS.full_name)
    assert TEAMS.full_name not in warehouse.schema(TABLES)

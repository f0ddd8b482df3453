"""The test server's snapshots, views, partitions by the day of a timestamp, and lists of tables."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, MethodNotImplemented, NotFound
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery.asking import CREATE, NO_RETRY, ONE, SCORES, TWO, copy, load, query, rows_of
from tests.bigquery_server.server import BigQueryServer

EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
SNAPSHOT = f"""CREATE SNAPSHOT TABLE IF NOT EXISTS d.kept
CLONE {SCORES}
OPTIONS(expiration_timestamp = TIMESTAMP '{EXPIRES:%Y-%m-%d %H:%M:%S}+00:00', description = "Kept.", """
SNAPSHOT += 'labels = [("application", "fullcourt")])'
VIEW = f"""CREATE VIEW IF NOT EXISTS d.best (
  who OPTIONS(description = "Who."),
  most
)
OPTIONS(description = "The best.", labels = [("application", "fullcourt")])
AS SELECT player AS who, MAX(score) AS high FROM {SCORES} WHERE game_date >= '2023-01-01' GROUP BY player"""
LOG = """CREATE TABLE IF NOT EXISTS d.log (id STRING NOT NULL, written_at TIMESTAMP NOT NULL)
PARTITION BY DATE(written_at)
OPTIONS(require_partition_filter = TRUE)"""


def test_a_snapshot_keeps_the_rows_and_the_shape_of_its_base(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    query(client, SNAPSHOT)
    table, base = client.get_table("d.kept"), client.get_table(SCORES)
    assert (table.table_type, table.num_rows, table.expires) == ("SNAPSHOT", 3, EXPIRES)
    definition: Any = table.snapshot_definition
    assert definition.base_table_reference.table_id == "scores"
    assert before <= definition.snapshot_time <= datetime.now(UTC)
    assert (table.schema, table.clustering_fields) == (base.schema, base.clustering_fields)
    assert table.time_partitioning.field == "game_date"
    assert (table.description, table.labels) == ("Kept.", {"application": "fullcourt"})
    query(client, f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'")
    query(client, SNAPSHOT)  # changes nothing
    assert len(rows_of(server, project, "d.kept")) == 3
    rows = query(client, f"SELECT player FROM d.kept WHERE game_date = '{ONE}' ORDER BY player")
    assert [row["player"] for row in rows] == ["a", "b"]
    with pytest.raises(Conflict, match="Already Exists: Table"):
        query(client, SNAPSHOT.replace("IF NOT EXISTS ", ""))


def test_a_snapshot_expires_by_itself(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    query(client, SNAPSHOT)
    server.project(project).clock.advance(days=31)
    assert [table.table_id for table in client.list_tables("d")] == ["scores"]
    with pytest.raises(NotFound):
        client.get_table("d.kept")


def test_a_snapshot_is_read_only(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    query(client, SNAPSHOT)
    message = f"{project}:d.kept is a snapshot, whose rows cannot be changed"
    for statement in (
        f"DELETE FROM d.kept WHERE game_date = '{ONE}'",
        f"INSERT INTO d.kept (player, game_date) SELECT 'c' AS p, DATE '{ONE}' AS d",
    ):
        with pytest.raises(BadRequest, match=message):
            query(client, statement)
    with pytest.raises(BadRequest, match=message):
        load(client, [("c", ONE, 1.0)], "d.kept")
    with pytest.raises(BadRequest, match=message):
        copy(client, f"{SCORES}$20230223", "d.kept$20230223")
    with pytest.raises(BadRequest, match=message):
        client.insert_rows_json(f"{project}.d.kept", [{"player": "c", "game_date": ONE}], retry=NO_RETRY)
    assert len(rows_of(server, project, "d.kept")) == 3


@pytest.mark.parametrize(
    ("permission", "on"),
    [
        ("bigquery.tables.createSnapshot", SCORES),
        ("bigquery.tables.deleteSnapshot", SCORES),
        ("bigquery.tables.get", SCORES),
        ("bigquery.tables.getData", SCORES),
        ("bigquery.tables.create", "d.kept"),
        ("bigquery.tables.updateData", "d.kept"),
    ],
)
def test_a_snapshot_takes_the_documented_permissions(
    client: bigquery.Client, server: BigQueryServer, project: str, permission: str, on: str
) -> None:
    server.revoke(project, "tester", permission, on=on)
    with pytest.raises(Forbidden, match=f"Table {project}:{on}: .* {permission}"):
        query(client, SNAPSHOT)
    assert server.table(project, "d.kept") is None


def test_a_snapshot_is_deleted_with_a_permission_of_its_own(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, SNAPSHOT)
    server.revoke(project, "tester", "bigquery.tables.delete")
    client.delete_table("d.kept")
    query(client, SNAPSHOT)
    server.revoke(project, "tester", "bigquery.tables.deleteSnapshot", on="d.kept")
    with pytest.raises(Forbidden, match="deleteSnapshot"):
        client.delete_table("d.kept", retry=NO_RETRY)


@pytest.mark.parametrize(
    "sql",
    [
        f"CREATE SNAPSHOT TABLE d.kept CLONE {SCORES} FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01 00:00:00+00:00'",
        f"CREATE SNAPSHOT TABLE d.kept CLONE {SCORES} OPTIONS(friendly_name = 'kept')",
        f"CREATE OR REPLACE SNAPSHOT TABLE d.kept CLONE {SCORES}",
        f"CREATE TABLE d.kept CLONE {SCORES}",
        "CREATE TABLE d.kept (x TIMESTAMP) PARTITION BY TIMESTAMP_TRUNC(x, MONTH)",
        f"CREATE VIEW d.kept AS SELECT player, game_date FROM {SCORES}",
    ],
)
def test_other_forms_of_ddl_are_refused(
    client: bigquery.Client, server: BigQueryServer, project: str, sql: str
) -> None:
    with pytest.raises((MethodNotImplemented, BadRequest), match=r"does not implement|Syntax error"):
        query(client, sql)
    assert server.table(project, "d.kept") is None


def test_a_view_is_read_like_a_table(client: bigquery.Client) -> None:
    query(client, VIEW)
    query(client, VIEW)  # changes nothing
    rows = query(client, "SELECT who, most FROM d.best ORDER BY who")
    assert rows == [{"who": "a", "most": 2.0}, {"who": "b", "most": None}]
    load(client, [("b", TWO, 7.0)])
    job = client.query("SELECT most FROM d.best WHERE who = 'b'")
    assert [row["most"] for row in job.result()] == [7.0]
    assert job.total_bytes_processed == 4 * (2 + 1 + 8) + 3 * 8  # what its query names, of four rows with three scores
    view = client.get_table("d.best")
    assert (view.table_type, view.description, view.labels) == ("VIEW", "The best.", {"application": "fullcourt"})
    assert [(f.name, f.field_type, f.description) for f in view.schema] == [
        ("who", "STRING", "Who."),
        ("most", "FLOAT", ""),
    ]
    assert view.view_query.startswith("SELECT player AS who")


def test_a_view_takes_the_permission_to_read_it_and_its_base(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, VIEW)
    for name in ("d.best", SCORES):
        server.revoke(project, "tester", "bigquery.tables.getData", on=name)
        with pytest.raises(Forbidden, match=f"Table {project}:{name}: .* bigquery.tables.getData"):
            query(client, "SELECT who FROM d.best")
        server.project(project).accounts[f"tester@{project}.iam.gserviceaccount.com"].revoked.clear()


def test_a_view_cannot_be_written(client: bigquery.Client, project: str) -> None:
    query(client, VIEW)
    for statement in ("DELETE FROM d.best WHERE who = 'a'", "INSERT INTO d.best (who) SELECT 'c' AS who"):
        with pytest.raises(BadRequest, match=f"{project}:d.best is a view, whose rows cannot be changed"):
            query(client, statement)
    query(client, "SELECT who FROM d.best", dry_run=True)
    client.delete_table("d.best")
    with pytest.raises(NotFound):
        query(client, "SELECT who FROM d.best")


def test_a_table_is_partitioned_by_the_day_of_a_timestamp(client: bigquery.Client) -> None:
    query(client, LOG)
    partitioning = client.get_table("d.log").time_partitioning
    assert (partitioning.type_, partitioning.field) == ("DAY", "written_at")
    lines = b"\n".join(
        b'{"id": "%d", "written_at": "2026-11-%02dT23:30:00+00:00"}' % (number, 20 + number) for number in range(3)
    )
    config = bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
        create_disposition="CREATE_NEVER",
        autodetect=False,
    )
    client.load_table_from_file(io.BytesIO(lines), f"{client.project}.d.log", job_config=config).result()
    for where, ids in (
        ("written_at >= TIMESTAMP '2026-11-21 00:00:00+00:00'", ["1", "2"]),
        ("DATE(written_at) = DATE '2026-11-21'", ["1"]),
        ("written_at IS NULL OR DATE(written_at) < DATE '2026-11-21'", ["0"]),
    ):
        assert [row["id"] for row in query(client, f"SELECT id FROM d.log WHERE {where} ORDER BY id")] == ids
    for where in ("id = '1'", "DATE(written_at, 'America/New_York') = DATE '2026-11-21'", "DATE(written_at) IS NULL"):
        with pytest.raises(BadRequest, match=r"without a filter over column\(s\) 'written_at'"):
            query(client, f"SELECT id FROM d.log WHERE {where}")
    query(client, LOG.replace("d.log", "d.copy"))
    copy(client, "d.log$20261121", "d.copy$20261121")
    assert client.get_table("d.copy").num_rows == 1
    with pytest.raises(BadRequest, match=r"PARTITION BY expression must be DATE\(<timestamp_column>\)"):
        query(client, LOG.replace("d.log", "d.wrong").replace("DATE(written_at)", "written_at"))


def test_a_list_of_tables_comes_in_pages_and_says_what_each_is(client: bigquery.Client) -> None:
    query(client, SNAPSHOT)
    query(client, VIEW)
    query(client, CREATE.replace(SCORES, "d.another"))
    listed = client.list_tables("d", page_size=3)
    pages = [list(page) for page in listed.pages]
    assert [[(table.table_id, table.table_type) for table in page] for page in pages] == [
        [("another", "TABLE"), ("best", "VIEW"), ("kept", "SNAPSHOT")],
        [("scores", "TABLE")],
    ]
    another, best, kept = pages[0]
    assert (kept.expires, kept.labels, another.expires) == (EXPIRES, {"application": "fullcourt"}, None)
    assert all(table.created.date() == datetime.now(UTC).date() for table in (another, best, kept))
    assert another.time_partitioning.field == "game_date"


def test_columns_are_added_at_the_end_and_are_null_in_the_rows_that_are_there(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    add = f'ALTER TABLE {SCORES} ADD COLUMN IF NOT EXISTS why STRING OPTIONS(description = "Why.")'
    query(client, f"{add}, ADD COLUMN IF NOT EXISTS score FLOAT64")
    query(client, add)
    fields = [(each.name, each.field_type, each.mode, each.description) for each in client.get_table(SCORES).schema]
    assert fields[2:] == [("score", "FLOAT", "NULLABLE", ""), ("why", "STRING", "NULLABLE", "Why.")]
    assert {why for *_, why in server.sql(project, f"SELECT * FROM {SCORES}")} == {None}
    with pytest.raises(BadRequest, match="Column already exists: why"):
        query(client, f"ALTER TABLE {SCORES} ADD COLUMN why STRING")
    with pytest.raises(BadRequest, match="Cannot add required columns"):
        query(client, f"ALTER TABLE {SCORES} ADD COLUMN more STRING NOT NULL")
    with pytest.raises(MethodNotImplemented):
        query(client, f"ALTER TABLE {SCORES} DROP COLUMN why")

"""The test server itself, asked by the real client: what it does, what it refuses, what goes wrong on demand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    MethodNotImplemented,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import RefreshError
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery.asking import CREATE, ONE, SCORES, TWO, copy, load, query, rows_of
from tests.bigquery_server.server import BigQueryServer, Fault


def test_a_query_gives_its_rows_and_types(client: bigquery.Client) -> None:
    rows = query(client, f"SELECT player, score FROM {SCORES} WHERE game_date = '{ONE}' ORDER BY player")
    assert rows == [{"player": "a", "score": 1.5}, {"player": "b", "score": None}]
    (row,) = query(client, "SELECT 1 AS i, 'x' AS s, TRUE AS b, TIMESTAMP '2023-01-01 12:00:00+00:00' AS t")
    assert row == {"i": 1, "s": "x", "b": True, "t": datetime(2023, 1, 1, 12, tzinfo=UTC)}


def test_parameters_are_named_and_typed(client: bigquery.Client) -> None:
    given = [
        bigquery.ScalarQueryParameter("day", "DATE", TWO),
        bigquery.ArrayQueryParameter("players", "STRING", ["a", "z"]),
    ]
    sql = f"SELECT COUNT(*) AS n FROM {SCORES} WHERE game_date = @day AND player IN UNNEST(@players)"
    assert query(client, sql, query_parameters=given) == [{"n": 1}]


def test_a_table_has_the_columns_modes_and_layout_of_its_ddl(client: bigquery.Client) -> None:
    table = client.get_table(SCORES)
    assert [(f.name, f.field_type, f.mode) for f in table.schema] == [
        ("player", "STRING", "REQUIRED"),
        ("game_date", "DATE", "REQUIRED"),
        ("score", "FLOAT", "NULLABLE"),
    ]
    assert table.schema[0].description == "Who."
    assert (table.time_partitioning.field, table.clustering_fields) == ("game_date", ["player"])
    assert table.require_partition_filter
    assert table.num_rows == 3
    query(client, CREATE)  # changes nothing
    assert client.get_table(SCORES).num_rows == 3


def test_a_query_without_a_filter_on_the_partition_is_refused(client: bigquery.Client) -> None:
    for sql in (f"SELECT * FROM {SCORES}", f"SELECT * FROM {SCORES} WHERE player = 'a'"):
        with pytest.raises(BadRequest, match=r"without a filter over column\(s\) 'game_date'"):
            query(client, sql)


def test_a_copy_replaces_exactly_one_partition(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    row = f"SELECT 'c' AS player, DATE '{ONE}' AS game_date, 9.5 AS score"
    query(client, f"CREATE OR REPLACE TABLE d.staged LIKE {SCORES} AS {row}")
    copy(client, "d.staged$20230223", f"{SCORES}$20230223")
    assert rows_of(server, project) == [("c", ONE, 9.5), ("a", TWO, 2.0)]
    with pytest.raises(Conflict, match="Already Exists"):
        copy(client, "d.staged$20230223", f"{SCORES}$20230223", "WRITE_EMPTY")


@pytest.mark.parametrize(
    ("create", "message"),
    [
        ("(player STRING, game_date DATE NOT NULL, score FLOAT64)", "changed mode from REQUIRED to NULLABLE"),
        ("(player STRING NOT NULL, game_date DATE NOT NULL, score STRING)", "changed type from FLOAT to STRING"),
        ("(player STRING NOT NULL, game_date DATE NOT NULL)", "Cannot find field score"),
    ],
)
def test_a_copy_of_other_columns_is_refused_and_changes_nothing(
    client: bigquery.Client, server: BigQueryServer, project: str, create: str, message: str
) -> None:
    before = rows_of(server, project)
    query(client, f"CREATE TABLE IF NOT EXISTS d.other {create} PARTITION BY game_date CLUSTER BY player")
    with pytest.raises(BadRequest, match=message):
        copy(client, "d.other$20230223", f"{SCORES}$20230223")
    assert rows_of(server, project) == before


def test_a_copy_from_another_layout_or_day_or_to_no_day_is_refused(client: bigquery.Client) -> None:
    query(client, "CREATE TABLE IF NOT EXISTS d.flat (player STRING NOT NULL, game_date DATE NOT NULL, score FLOAT64)")
    with pytest.raises(BadRequest, match="Incompatible table partitioning specification"):
        copy(client, "d.flat", f"{SCORES}$20230223")
    with pytest.raises(BadRequest, match="different partitions"):
        copy(client, f"{SCORES}$20230224", f"{SCORES}$20230223")
    with pytest.raises(BadRequest, match="Invalid date partition decorator"):
        copy(client, f"{SCORES}$someday", f"{SCORES}$20230223")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((None, TWO, 1.0), "Field: player; Value: NULL"),
        (("c", "yesterday", 1.0), "Could not convert value to date"),
        (("c", TWO, "much"), "Could not convert value to float"),
    ],
)
def test_a_load_is_all_or_nothing(
    client: bigquery.Client, server: BigQueryServer, project: str, bad: tuple[Any, ...], message: str
) -> None:
    before = rows_of(server, project)
    with pytest.raises(BadRequest, match=message):
        load(client, [("c", ONE, 1.0), bad])
    assert rows_of(server, project) == before


def test_a_merge_deletes_and_inserts_in_one_and_says_how_many(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, f"CREATE OR REPLACE TABLE d.staged LIKE {SCORES} OPTIONS(require_partition_filter = FALSE)")
    load(client, [("a", ONE, 7.0), ("z", ONE, 8.0)], "d.staged")
    job = client.query(
        f"""MERGE {SCORES} AS t USING d.staged AS s ON FALSE
        WHEN NOT MATCHED BY TARGET THEN INSERT (player, game_date, score) VALUES (s.player, s.game_date, s.score)
        WHEN NOT MATCHED BY SOURCE AND t.game_date BETWEEN DATE '{ONE}' AND DATE '{ONE}' THEN DELETE"""
    )
    job.result()
    assert (job.dml_stats.inserted_row_count, job.dml_stats.deleted_row_count) == (2, 2)
    assert rows_of(server, project) == [("a", ONE, 7.0), ("z", ONE, 8.0), ("a", TWO, 2.0)]


def test_a_null_in_a_required_column_fails_the_statement(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="Required field player cannot be null"):
        query(
            client,
            f"CREATE OR REPLACE TABLE d.staged LIKE {SCORES} AS "
            f"SELECT CAST(NULL AS STRING) AS player, DATE '{ONE}' AS game_date, 1.5 AS score",
        )
    with pytest.raises(NotFound):
        client.get_table("d.staged")


def test_a_used_job_id_is_refused_and_the_job_is_there(client: bigquery.Client) -> None:
    client.query("SELECT 1 AS x", job_id="once", job_retry=None).result()
    with pytest.raises(Conflict, match="Already Exists: Job"):
        client.query("SELECT 1 AS x", job_id="once", job_retry=None, retry=None)
    assert client.get_job("once", location="US").state == "DONE"


def test_a_dry_run_says_what_would_be_read_and_leaves_no_job(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    count = len(server.jobs(project))
    sql = f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'"
    job = client.query(sql, job_config=bigquery.QueryJobConfig(dry_run=True))
    assert job.total_bytes_processed == 2 * (2 + 1) + 2 * 8  # two strings of one letter, two dates
    assert [table.table_id for table in job.referenced_tables] == ["scores"]
    assert len(server.jobs(project)) == count


def test_a_cap_on_bytes_stops_a_query_before_it_runs(client: bigquery.Client) -> None:
    sql = f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'"
    # The client makes another error of it when it sees the job's own first.
    with pytest.raises(
        GoogleAPICallError, match=r"exceeded limit for bytes billed: 10000000. 10485760 or higher required"
    ):
        query(client, sql, maximum_bytes_billed=10_000_000)
    assert len(query(client, sql, maximum_bytes_billed=10_485_760)) == 2


def test_a_table_that_has_expired_is_gone(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S+00:00")
    query(
        client, f"CREATE OR REPLACE TABLE d.staged LIKE {SCORES} OPTIONS(expiration_timestamp = TIMESTAMP '{expires}')"
    )
    assert client.get_table("d.staged").expires is not None
    server.project(project).clock.advance(hours=2)
    with pytest.raises(NotFound, match="Not found: Table"):
        client.get_table("d.staged")


def test_limits_are_those_of_bigquery(
    client: bigquery.Client, server: BigQueryServer, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (server.quotas.loads_per_table_and_day, server.quotas.table_updates_in_10_seconds) == (1500, 50)
    monkeypatch.setattr(server.quotas, "loads_per_table_and_day", 1)
    with pytest.raises(Forbidden, match="Quota exceeded"):
        load(client, [("c", ONE, 1.0)])
    monkeypatch.setattr(server.quotas, "table_updates_in_10_seconds", 1)
    with pytest.raises(TooManyRequests, match="too many table update operations"):
        copy(client, f"{SCORES}$20230223", f"{SCORES}$20230223")
    server.project(project).clock.advance(seconds=11)
    copy(client, f"{SCORES}$20230223", f"{SCORES}$20230223")


def test_errors_name_what_is_missing(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match=r"Table .*:d.nothing was not found in location US"):
        query(client, "SELECT * FROM d.nothing")
    with pytest.raises(NotFound, match=r"Dataset .*:nowhere was not found"):
        query(client, "SELECT * FROM nowhere.scores")
    with pytest.raises(BadRequest, match="nobody"):
        query(client, f"SELECT nobody FROM {SCORES} WHERE game_date = '{ONE}'")


def test_permissions_are_those_of_the_account(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    server.revoke(project, "tester", "bigquery.tables.getData", on=SCORES)
    with pytest.raises(Forbidden, match=f"Table {project}:{SCORES}: .* bigquery.tables.getData"):
        query(client, f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'")
    assert query(client, "SELECT 1 AS x") == [{"x": 1}]


def test_a_key_that_was_disabled_and_a_token_that_nobody_gave_are_refused(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    server.disable(project, "tester")
    with pytest.raises((Unauthorized, RefreshError)):
        client.get_table(SCORES, retry=None)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {SCORES} SET score = 1 WHERE game_date = '{ONE}'",
        f"INSERT INTO {SCORES} (player, game_date) VALUES ('a', '{ONE}')",
        "CREATE TABLE d.t (x INT64) OPTIONS(partition_expiration_days = 1)",
        "DROP TABLE d.scores",
    ],
)
def test_a_statement_that_is_not_implemented_is_refused_and_changes_nothing(
    client: bigquery.Client, server: BigQueryServer, project: str, sql: str
) -> None:
    with pytest.raises(MethodNotImplemented, match="this test server does not implement"):
        query(client, sql)
    assert len(rows_of(server, project)) == 3


def test_a_setting_that_is_not_implemented_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="priority"):
        query(client, "SELECT 1 AS x", priority="BATCH")
    with pytest.raises(MethodNotImplemented, match=r"GET .*/datasets"):
        list(client.list_datasets(retry=None))


def test_a_fault_happens_so_often_and_no_more(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    server.faults.add(Fault(lambda r: r.project == project and r.method == "GET", times=2, status=503))
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="injected: backendError"):
            client.get_table(SCORES, retry=None)
    assert client.get_table(SCORES, retry=None).num_rows == 3


def test_pages_of_a_result_come_one_after_the_other(client: bigquery.Client) -> None:
    job = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25)) AS x ORDER BY x")
    assert [row["x"] for row in job.result(page_size=10)] == list(range(1, 26))

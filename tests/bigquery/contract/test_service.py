"""What BigQuery does, as the application relies on it; only what its documentation promises."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery.asking import NO_RETRY
from tests.bigquery.contract.scores import CREATE, DATASET, ONE, SCORES, TWO, copy, load, query, rows_of

STAGED = f"{DATASET}.staged"
BEFORE = [("a", ONE, 1.5), ("b", ONE, None), ("a", TWO, 2.0)]


@pytest.fixture
def scores(client: bigquery.Client) -> bigquery.Client:
    """The client, with the table of scores."""
    query(client, f"CREATE SCHEMA IF NOT EXISTS {DATASET} OPTIONS(location = '{client.location}')")
    query(client, CREATE)
    load(client, BEFORE)
    return client


def test_a_query_gives_its_rows_and_types(scores: bigquery.Client) -> None:
    rows = query(scores, f"SELECT player, score FROM {SCORES} WHERE game_date = '{ONE}' ORDER BY player")
    assert rows == [{"player": "a", "score": 1.5}, {"player": "b", "score": None}]
    (row,) = query(scores, "SELECT 1 AS i, 'x' AS s, TRUE AS b, TIMESTAMP '2023-01-01 12:00:00+00:00' AS t")
    assert row == {"i": 1, "s": "x", "b": True, "t": datetime(2023, 1, 1, 12, tzinfo=UTC)}


def test_parameters_are_named_and_typed(scores: bigquery.Client) -> None:
    given = [
        bigquery.ScalarQueryParameter("day", "DATE", TWO),
        bigquery.ArrayQueryParameter("players", "STRING", ["a", "z"]),
    ]
    sql = f"SELECT COUNT(*) AS n FROM {SCORES} WHERE game_date = @day AND player IN UNNEST(@players)"
    assert query(scores, sql, query_parameters=given) == [{"n": 1}]


def test_a_table_has_the_columns_modes_and_layout_of_its_ddl_which_changes_nothing_again(
    scores: bigquery.Client,
) -> None:
    table = scores.get_table(SCORES)
    assert [(f.name, f.field_type, f.mode) for f in table.schema] == [
        ("player", "STRING", "REQUIRED"),
        ("game_date", "DATE", "REQUIRED"),
        ("score", "FLOAT", "NULLABLE"),
    ]
    assert table.schema[0].description == "Who."
    assert (table.time_partitioning.field, table.clustering_fields) == ("game_date", ["player"])
    assert (table.require_partition_filter, table.description) == (True, "Scores.")
    query(scores, CREATE)
    assert rows_of(scores) == BEFORE


def test_a_query_without_a_filter_on_the_partition_is_refused(scores: bigquery.Client) -> None:
    for sql in (f"SELECT * FROM {SCORES}", f"SELECT player FROM {SCORES} WHERE player = 'a'"):
        with pytest.raises(BadRequest, match=r"without a filter over column\(s\) 'game_date'"):
            query(scores, sql)


def test_a_copy_replaces_exactly_one_partition(scores: bigquery.Client) -> None:
    row = f"SELECT 'c' AS player, DATE '{ONE}' AS game_date, 9.5 AS score"
    query(scores, f"CREATE OR REPLACE TABLE {STAGED} LIKE {SCORES} AS {row}")
    copy(scores, f"{STAGED}$20230223", f"{SCORES}$20230223")
    assert rows_of(scores) == [("c", ONE, 9.5), ("a", TWO, 2.0)]
    with pytest.raises(Conflict):
        copy(scores, f"{STAGED}$20230223", f"{SCORES}$20230223", "WRITE_EMPTY")


@pytest.mark.parametrize(
    "columns",
    [
        "(player STRING, game_date DATE NOT NULL, score FLOAT64)",
        "(player STRING NOT NULL, game_date DATE NOT NULL, score STRING)",
    ],
    ids=["another mode", "another type"],
)
def test_a_copy_of_other_columns_is_refused_and_changes_nothing(scores: bigquery.Client, columns: str) -> None:
    query(scores, f"CREATE TABLE IF NOT EXISTS {STAGED} {columns} PARTITION BY game_date CLUSTER BY player")
    with pytest.raises(BadRequest):
        copy(scores, f"{STAGED}$20230223", f"{SCORES}$20230223")
    assert rows_of(scores) == BEFORE


def test_a_copy_to_another_day_or_to_no_day_is_refused(scores: bigquery.Client) -> None:
    with pytest.raises(BadRequest):
        copy(scores, f"{SCORES}$20230224", f"{SCORES}$20230223")
    with pytest.raises(BadRequest):
        copy(scores, f"{SCORES}$someday", f"{SCORES}$20230223")
    assert rows_of(scores) == BEFORE


@pytest.mark.parametrize(
    "bad", [(None, TWO, 1.0), ("c", "yesterday", 1.0), ("c", TWO, "much")], ids=["NULL", "no day", "no number"]
)
def test_a_load_is_all_or_nothing(scores: bigquery.Client, bad: tuple[Any, ...]) -> None:
    with pytest.raises(BadRequest):
        load(scores, [("c", ONE, 1.0), bad])
    assert rows_of(scores) == BEFORE


def test_a_merge_deletes_and_inserts_in_one_and_says_how_many(scores: bigquery.Client) -> None:
    query(scores, f"CREATE OR REPLACE TABLE {STAGED} LIKE {SCORES} OPTIONS(require_partition_filter = FALSE)")
    load(scores, [("a", ONE, 7.0), ("z", ONE, 8.0)], STAGED)
    job = scores.query(
        f"""MERGE {SCORES} AS t USING {STAGED} AS s ON FALSE
        WHEN NOT MATCHED BY TARGET THEN INSERT (player, game_date, score) VALUES (s.player, s.game_date, s.score)
        WHEN NOT MATCHED BY SOURCE AND t.game_date BETWEEN DATE '{ONE}' AND DATE '{ONE}' THEN DELETE"""
    )
    job.result()
    assert job.dml_stats is not None
    assert (job.dml_stats.inserted_row_count, job.dml_stats.deleted_row_count) == (2, 2)
    assert rows_of(scores) == [("a", ONE, 7.0), ("z", ONE, 8.0), ("a", TWO, 2.0)]


def test_a_delete_and_an_insert_say_how_many_rows_they_changed(scores: bigquery.Client) -> None:
    delete = scores.query(f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'")
    delete.result()
    assert (delete.num_dml_affected_rows, rows_of(scores)) == (2, [("a", TWO, 2.0)])
    insert = scores.query(
        f"INSERT INTO {SCORES} (player, game_date) SELECT player, DATE '{ONE}' FROM {SCORES} WHERE game_date = '{TWO}'"
    )
    insert.result()
    assert (insert.num_dml_affected_rows, rows_of(scores)) == (1, [("a", ONE, None), ("a", TWO, 2.0)])
    with pytest.raises(BadRequest, match="without a filter"):
        query(scores, f"DELETE FROM {SCORES} WHERE player = 'a'")


def test_a_snapshot_keeps_the_rows_as_they_were_until_it_expires(scores: bigquery.Client) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    create = (
        f"CREATE SNAPSHOT TABLE IF NOT EXISTS {STAGED} CLONE {SCORES} "
        f"OPTIONS(expiration_timestamp = TIMESTAMP '{expires:%Y-%m-%d %H:%M:%S}+00:00')"
    )
    query(scores, create)
    query(scores, f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'")
    query(scores, create)  # changes nothing
    assert rows_of(scores, STAGED) == BEFORE
    snapshot = scores.get_table(STAGED)
    assert (snapshot.table_type, snapshot.expires) == ("SNAPSHOT", expires)
    with pytest.raises(BadRequest):
        query(scores, f"DELETE FROM {STAGED} WHERE game_date = '{ONE}'")


def test_a_null_in_a_required_column_fails_the_statement_whole(scores: bigquery.Client) -> None:
    with pytest.raises(BadRequest):
        query(
            scores,
            f"CREATE OR REPLACE TABLE {STAGED} LIKE {SCORES} AS "
            f"SELECT CAST(NULL AS STRING) AS player, DATE '{ONE}' AS game_date, 1.5 AS score",
        )
    with pytest.raises(NotFound):
        scores.get_table(STAGED)


def test_a_used_job_id_is_refused_and_the_job_is_there(client: bigquery.Client) -> None:
    job_id = f"fullcourt-contract-{uuid4().hex}"
    client.query("SELECT 1 AS x", job_id=job_id, job_retry=None).result()
    with pytest.raises(Conflict):
        client.query("SELECT 1 AS x", job_id=job_id, job_retry=None, retry=NO_RETRY)
    assert client.get_job(job_id, location=client.location).state == "DONE"


def test_a_dry_run_says_what_would_be_read_and_does_nothing(scores: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
    job = scores.query(f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'", job_config=config)
    assert job.total_bytes_processed == 2 * (2 + 1) + 2 * 8  # two strings of one letter, two dates
    assert [table.table_id for table in job.referenced_tables] == ["scores"]
    row = f"SELECT 'c' AS player, DATE '{ONE}' AS game_date, 9.5 AS score"
    scores.query(f"CREATE OR REPLACE TABLE {STAGED} LIKE {SCORES} AS {row}", job_config=config)
    with pytest.raises(NotFound):
        scores.get_table(STAGED)


def test_a_cap_on_bytes_stops_a_query_before_it_runs(scores: bigquery.Client) -> None:
    sql = f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'"
    # The client calls it a 500 or a 400, by whether it reads it from the job or from the result.
    with pytest.raises(GoogleAPICallError, match="exceeded limit for bytes billed: 10000000"):
        query(scores, sql, maximum_bytes_billed=10_000_000, use_query_cache=False)
    assert len(query(scores, sql, maximum_bytes_billed=10_485_760, use_query_cache=False)) == 2


def test_a_table_tells_when_it_expires(scores: bigquery.Client) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    query(
        scores,
        f"CREATE OR REPLACE TABLE {STAGED} LIKE {SCORES} "
        f"OPTIONS(expiration_timestamp = TIMESTAMP '{expires:%Y-%m-%d %H:%M:%S}+00:00')",
    )
    assert scores.get_table(STAGED).expires == expires


def test_what_is_missing_is_not_found_and_what_is_wrong_is_a_bad_request(scores: bigquery.Client) -> None:
    with pytest.raises(NotFound, match="nothing"):
        query(scores, f"SELECT 1 AS x FROM {DATASET}.nothing")
    with pytest.raises(NotFound, match="fullcourt_nowhere"):
        query(scores, "SELECT 1 AS x FROM fullcourt_nowhere.scores")
    with pytest.raises(BadRequest, match="nobody"):
        query(scores, f"SELECT nobody FROM {SCORES} WHERE game_date = '{ONE}'")


def test_a_job_finds_its_tables_in_its_own_location_only(scores: bigquery.Client) -> None:
    elsewhere = "EU" if str(scores.location).upper() != "EU" else "US"
    with pytest.raises(NotFound):
        scores.query(
            f"SELECT player FROM {SCORES} WHERE game_date = '{ONE}'", location=elsewhere, job_retry=None
        ).result()


def test_one_may_ask_what_one_may_do_with_a_table(scores: bigquery.Client) -> None:
    asked = ["bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData"]
    assert sorted(scores.test_iam_permissions(SCORES, asked)["permissions"]) == asked
    assert not scores.test_iam_permissions(f"{DATASET}.nothing", asked).get("permissions")


def test_pages_of_a_result_come_one_after_the_other(client: bigquery.Client) -> None:
    job = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25)) AS x ORDER BY x")
    assert [row["x"] for row in job.result(page_size=10)] == list(range(1, 26))

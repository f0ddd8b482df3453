"""The test server's DELETE and INSERT, and the line in which statements on one table stand."""

from datetime import date
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Forbidden, MethodNotImplemented, NotFound
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.backfill.observe import wait_until
from tests.bigquery.asking import CREATE, NO_RETRY, ONE, SCORES, TWO, load, query, rows_of
from tests.bigquery_server.server import BigQueryServer, Fault

CONFIRMED = f"""DELETE FROM {SCORES}
WHERE game_date < @cutoff AND game_date IN (
  SELECT game_date
  FROM (SELECT game_date, COUNT(*) AS n FROM {SCORES} WHERE game_date < @cutoff GROUP BY game_date)
  WHERE CONCAT(CAST(game_date AS STRING), ':', CAST(n AS STRING)) IN UNNEST(@confirmed)
)"""


def change(client: bigquery.Client, sql: str, **options: Any) -> bigquery.QueryJob:
    """Run a statement; returns its job, ended."""
    job = client.query(sql, job_config=bigquery.QueryJobConfig(**options), retry=NO_RETRY, job_retry=NO_RETRY)
    job.result(retry=NO_RETRY, job_retry=NO_RETRY)
    return job


def confirmed(*keys: str, cutoff: str = "2023-03-01") -> dict[str, Any]:
    return {
        "query_parameters": [
            bigquery.ScalarQueryParameter("cutoff", "DATE", cutoff),
            bigquery.ArrayQueryParameter("confirmed", "STRING", list(keys)),
        ]
    }


def test_a_delete_takes_the_rows_of_its_condition_and_says_how_many(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    job = change(client, CONFIRMED, **confirmed(f"{ONE}:2", f"{TWO}:7"))
    assert (job.statement_type, job.num_dml_affected_rows) == ("DELETE", 2)
    assert job.dml_stats is not None
    assert (job.dml_stats.deleted_row_count, job.dml_stats.inserted_row_count) == (2, 0)
    assert rows_of(server, project) == [("a", TWO, 2.0)]
    again = change(client, CONFIRMED, **confirmed(f"{ONE}:2"))
    assert again.num_dml_affected_rows == 0


@pytest.mark.parametrize(
    "where",
    [
        "player = 'a'",
        "TRUE",
        f"game_date = '{ONE}' OR player = 'b'",
        f"game_date IN (SELECT game_date FROM {SCORES} WHERE game_date = '{ONE}')",
        f"game_date = '{ONE}' AND player IN (SELECT player FROM {SCORES})",
    ],
)
def test_a_delete_needs_a_filter_on_the_partitions_of_its_target_and_of_each_subquery(
    client: bigquery.Client, server: BigQueryServer, project: str, where: str
) -> None:
    with pytest.raises(BadRequest, match=r"without a filter over column\(s\) 'game_date'"):
        query(client, f"DELETE FROM {SCORES} WHERE {where}")
    assert len(rows_of(server, project)) == 3


def test_a_delete_counts_the_columns_it_reads_and_all_of_what_it_deletes_but_nothing_for_whole_partitions(
    client: bigquery.Client,
) -> None:
    dry = bigquery.QueryJobConfig(dry_run=True)
    some = client.query(f"DELETE FROM {SCORES} WHERE game_date = '{ONE}' AND player = 'a'", job_config=dry)
    row = (2 + 1) + 8
    assert some.total_bytes_processed == 2 * row + (2 * row + 8)  # one of the two rows has no score
    whole = client.query(f"DELETE FROM {SCORES} WHERE game_date <= '{ONE}'", job_config=dry)
    assert whole.total_bytes_processed == 0


def test_an_insert_adds_what_its_query_gives_and_says_how_many(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, CREATE.replace(SCORES, "d.kept"))
    load(client, [("a", ONE, 1.5), ("z", ONE, 9.0), ("y", TWO, 8.0)], "d.kept")
    job = change(
        client,
        f"""INSERT INTO {SCORES} (player, game_date)
        SELECT player, game_date FROM d.kept
        WHERE game_date <= '{TWO}' AND CONCAT(player, CAST(game_date AS STRING)) NOT IN (
          SELECT CONCAT(player, CAST(game_date AS STRING)) FROM {SCORES} WHERE game_date <= '{TWO}'
        )""",
    )
    assert job.dml_stats is not None
    assert (job.statement_type, job.num_dml_affected_rows, job.dml_stats.inserted_row_count) == ("INSERT", 2, 2)
    assert rows_of(server, project) == [
        ("a", ONE, 1.5),
        ("b", ONE, None),
        ("z", ONE, None),
        ("a", TWO, 2.0),
        ("y", TWO, None),
    ]


@pytest.mark.parametrize(
    ("columns", "select", "message"),
    [
        ("player, game_date", "IF(x = 1, 'c', NULL), DATE '2023-03-01'", "Required field player cannot be null"),
        ("player, score", "'c', 1.5", "Required field game_date cannot be null"),
        ("player, game_date, score", "'c', DATE '2023-03-01', 'much'", "type STRING .* column score, .* type FLOAT"),
        ("player, game_date", "'c'", "wrong column count; Has 1, expected 2"),
        ("player, game_date, nobody", "'c', DATE '2023-03-01', 1", "Unrecognized name: nobody"),
        ("player, player", "'c', 'c'", "duplicate names"),
    ],
)
def test_an_insert_that_does_not_fit_changes_nothing(
    client: bigquery.Client, server: BigQueryServer, project: str, columns: str, select: str, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        query(client, f"INSERT INTO {SCORES} ({columns}) SELECT {select} FROM UNNEST([1, 2]) AS x")
    assert len(rows_of(server, project)) == 3


def test_an_insert_takes_whole_numbers_and_null_for_a_float(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    for player, score in (("c", "4"), ("d", "NULL")):
        query(
            client,
            f"INSERT INTO {SCORES} (player, game_date, score) SELECT '{player}' AS p, DATE '{TWO}' AS d, {score} AS s",
        )
    assert rows_of(server, project)[3:] == [("c", TWO, 4.0), ("d", TWO, None)]


@pytest.mark.parametrize(
    ("sql", "permission"),
    [
        (f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'", "bigquery.tables.updateData"),
        (f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'", "bigquery.tables.getData"),
        (f"INSERT INTO {SCORES} (player, game_date) SELECT 'c' AS p, DATE '{TWO}' AS d", "bigquery.tables.updateData"),
    ],
)
def test_dml_takes_the_permissions_on_its_target(
    client: bigquery.Client, server: BigQueryServer, project: str, sql: str, permission: str
) -> None:
    server.revoke(project, "tester", permission, on=SCORES)
    with pytest.raises(Forbidden, match=f"Table {project}:{SCORES}: .* {permission}"):
        query(client, sql)
    assert len(rows_of(server, project)) == 3


@pytest.mark.parametrize(
    "sql",
    [
        f"DELETE {SCORES} WHERE game_date = '{ONE}'",
        f"DELETE FROM {SCORES} WHERE game_date = '{ONE}' LIMIT 1",
        f"INSERT INTO {SCORES} SELECT 'c' AS p, DATE '{TWO}' AS d, 1.0 AS s",
        f"TRUNCATE TABLE {SCORES}",
    ],
)
def test_other_forms_of_dml_are_refused(
    client: bigquery.Client, server: BigQueryServer, project: str, sql: str
) -> None:
    with pytest.raises(MethodNotImplemented, match="this test server does not implement"):
        query(client, sql)
    assert len(rows_of(server, project)) == 3


def test_a_delete_without_a_condition_or_a_table_is_an_error(client: bigquery.Client) -> None:
    query(client, "CREATE TABLE d.flat (player STRING)")
    with pytest.raises(BadRequest, match="must have a WHERE clause"):
        query(client, "DELETE FROM d.flat")
    with pytest.raises(NotFound, match=r"Table .*:d.nothing was not found"):
        query(client, "DELETE FROM d.nothing WHERE TRUE")


def test_two_mutating_statements_run_on_a_table_twenty_wait_and_the_next_one_fails(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    server.faults.add(Fault(lambda r: r.project == project and "DELETE" in r.statement, times=22, job_delay_seconds=60))
    delete = f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'"
    jobs = [client.query(delete, job_retry=NO_RETRY) for _ in range(22)]

    def states() -> list[str]:
        for job in jobs:
            job.reload()
        return [job.state for job in jobs]

    wait_until(lambda: states() == ["RUNNING"] * 2 + ["PENDING"] * 20)
    with pytest.raises(BadRequest, match=rf"outstanding against table {project}:{SCORES}, limit is 20") as failed:
        change(client, delete)
    assert failed.value.errors[0]["reason"] == "resourcesExceeded"
    insert = f"INSERT INTO {SCORES} (player, game_date) SELECT 'c' AS p, DATE '{TWO}' AS d"
    assert change(client, insert).num_dml_affected_rows == 1  # not counted
    query(client, CREATE.replace(SCORES, "d.other"))
    assert change(client, delete.replace(SCORES, "d.other")).num_dml_affected_rows == 0  # a line of its own
    jobs[0].cancel()
    wait_until(lambda: states()[:4] == ["DONE", "RUNNING", "RUNNING", "PENDING"])
    for job in jobs[1:]:
        job.cancel()
    wait_until(lambda: set(states()) == {"DONE"})
    assert change(client, delete).num_dml_affected_rows == 2


def test_a_null_partition_is_read_and_deleted_by_null_tests_of_the_column(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    with pytest.raises(BadRequest, match="Field: game_date; Value: NULL"):
        load(client, [("n", None, 1.0)])
    server.relax(project, SCORES, "game_date")
    load(client, [("n", None, 1.0)])
    assert client.get_table(SCORES).schema[1].mode == "NULLABLE"
    for where, players in (
        ("game_date IS NULL", ["n"]),
        (f"game_date IS NULL OR game_date < '{TWO}'", ["a", "b", "n"]),
        (f"NOT game_date IS NULL AND game_date < '{TWO}'", ["a", "b"]),
        ("(game_date IS NULL OR game_date IS NOT NULL) AND score = 1.0", ["n"]),
    ):
        rows = query(client, f"SELECT player FROM {SCORES} WHERE {where} ORDER BY player")
        assert [row["player"] for row in rows] == players, where
    for where in ("DATE_ADD(game_date, INTERVAL 1 DAY) IS NULL", "game_date IS NULL OR player = 'a'"):
        with pytest.raises(BadRequest, match="without a filter over"):
            query(client, f"SELECT player FROM {SCORES} WHERE {where}")
    cutoff = [bigquery.ScalarQueryParameter("cutoff", "DATE", date.fromisoformat(TWO))]
    job = change(
        client, f"DELETE FROM {SCORES} WHERE game_date IS NULL OR game_date < @cutoff", query_parameters=cutoff
    )
    assert job.num_dml_affected_rows == 3
    assert rows_of(server, project) == [("a", TWO, 2.0)]

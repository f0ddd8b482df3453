"""The test server itself, asked by the real client: what it refuses and in which words, what goes wrong on demand.

What it does as BigQuery does is in contract/.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Forbidden,
    MethodNotImplemented,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import RefreshError
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery.asking import NO_RETRY, ONE, SCORES, TWO, copy, load, query, rows_of
from tests.bigquery_server.server import BigQueryServer, Fault


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
        client.get_table(SCORES, retry=NO_RETRY)


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
        list(client.list_datasets(retry=NO_RETRY))


def test_a_fault_happens_so_often_and_no_more(client: bigquery.Client, server: BigQueryServer, project: str) -> None:
    server.faults.add(Fault(lambda r: r.project == project and r.method == "GET", times=2, status=503))
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="injected: backendError"):
            client.get_table(SCORES, retry=NO_RETRY)
    assert client.get_table(SCORES, retry=NO_RETRY).num_rows == 3

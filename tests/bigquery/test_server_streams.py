"""The test server's streams: rows that queries see at once, and that nothing else can touch for a while."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Forbidden, MethodNotImplemented
from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery.asking import CREATE, NO_RETRY, ONE, SCORES, TWO, copy, query, rows_of
from tests.bigquery_server.server import BigQueryServer

OF_ONE = f"game_date = '{ONE}'"
REFUSED = r"UPDATE or DELETE statement over table .*\.d\.scores would affect rows in the streaming buffer"


def row(player: str, day: str | None = ONE, score: Any = 5.0) -> dict[str, Any]:
    return {"player": player, "game_date": day, "score": score}


def stream(client: bigquery.Client, *rows: dict[str, Any], table: str = SCORES) -> list[Any]:
    return list(client.insert_rows_json(f"{client.project}.{table}", rows, retry=NO_RETRY))


def players(client: bigquery.Client, where: str = OF_ONE, table: str = SCORES) -> list[str]:
    return [each["player"] for each in query(client, f"SELECT player FROM {table} WHERE {where} ORDER BY player")]


def test_streamed_rows_are_seen_at_once_and_stand_in_the_buffer_for_ninety_minutes(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    started = datetime.now(UTC) - timedelta(seconds=1)
    assert stream(client, row("s"), row("t")) == []
    assert players(client) == ["a", "b", "s", "t"]
    table = client.get_table(SCORES)
    assert (table.num_rows, table.streaming_buffer.estimated_rows) == (3, 2)
    assert table.streaming_buffer.estimated_bytes == 2 * (2 + 1 + 8 + 8)
    assert table.streaming_buffer.oldest_entry_time >= started
    server.project(project).clock.advance(minutes=91)
    table = client.get_table(SCORES)
    assert (table.num_rows, table.streaming_buffer) == (5, None)


def test_a_statement_that_would_change_a_row_streamed_in_the_last_half_hour_fails_and_no_other(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    stream(client, row("s"))
    with pytest.raises(BadRequest, match=REFUSED) as failed:
        query(client, f"DELETE FROM {SCORES} WHERE {OF_ONE}")
    assert failed.value.errors[0]["reason"] == "invalidQuery"
    assert len(rows_of(server, project)) == 4
    query(client, f"DELETE FROM {SCORES} WHERE {OF_ONE} AND player <> 's'")
    assert players(client) == ["s"]
    server.project(project).clock.advance(minutes=31)
    query(client, f"DELETE FROM {SCORES} WHERE {OF_ONE}")
    assert rows_of(server, project) == [("a", TWO, 2.0)]
    assert client.get_table(SCORES).streaming_buffer is None


def test_a_merge_that_would_delete_a_streamed_row_fails_and_changes_nothing(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, f"CREATE TABLE d.staged LIKE {SCORES} OPTIONS(require_partition_filter = FALSE)")
    stream(client, row("s"))
    merge = f"""MERGE {SCORES} AS t USING d.staged AS s ON FALSE
        WHEN NOT MATCHED BY TARGET THEN INSERT (player, game_date, score) VALUES (s.player, s.game_date, s.score)
        WHEN NOT MATCHED BY SOURCE AND t.game_date = '{{}}' THEN DELETE"""
    with pytest.raises(BadRequest, match=REFUSED):
        query(client, merge.format(ONE))
    query(client, merge.format(TWO))
    assert [each[0] for each in rows_of(server, project)] == ["a", "b", "s"]


def test_streamed_rows_are_neither_copied_nor_in_a_snapshot(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, CREATE.replace(SCORES, "d.other"))
    stream(client, row("s"), row("a", score=1.5))  # the second is the same as one that is there
    copy(client, f"{SCORES}$20230223", "d.other$20230223")
    query(client, f"CREATE SNAPSHOT TABLE d.kept CLONE {SCORES}")
    assert players(client, table="d.other") == players(client, table="d.kept") == ["a", "b"]
    server.project(project).clock.advance(minutes=91)
    copy(client, f"{SCORES}$20230223", "d.other$20230223")
    assert players(client, table="d.other") == ["a", "a", "b", "s"]


def test_a_partition_with_a_streaming_buffer_is_not_replaced(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    query(client, CREATE.replace(SCORES, "d.other"))
    stream(client, row("s"))
    with pytest.raises(MethodNotImplemented, match="replacing what has a streaming buffer"):
        copy(client, "d.other$20230223", f"{SCORES}$20230223")
    assert len(rows_of(server, project)) == 4


def test_rows_that_are_wrong_are_named_and_none_is_streamed(client: bigquery.Client) -> None:
    found = stream(client, row("s"), {"player": "t", "team": "x"}, row("u", day=None), row("v", score="much"))
    assert [(each["index"], each["errors"][0]["reason"], each["errors"][0]["location"]) for each in found] == [
        (0, "stopped", ""),
        (1, "invalid", "team"),
        (2, "invalid", "game_date"),
        (3, "invalid", "score"),
    ]
    assert found[1]["errors"][0]["message"] == "no such field: team."
    assert players(client) == ["a", "b"]


def test_a_row_that_comes_twice_with_one_insert_id_is_streamed_once(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    for _ in range(2):
        client.insert_rows_json(f"{client.project}.{SCORES}", [row("s"), row("s")], row_ids=["1", "1"])
    assert players(client) == ["a", "b", "s"]
    server.project(project).clock.advance(minutes=2)
    client.insert_rows_json(f"{client.project}.{SCORES}", [row("s")], row_ids=["1"])
    assert players(client) == ["a", "b", "s", "s"]


def test_a_stream_takes_the_permission_to_change_rows(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    server.revoke(project, "tester", "bigquery.tables.updateData", on=SCORES)
    with pytest.raises(Forbidden, match="updateData"):
        stream(client, row("s"))


def test_a_setting_of_a_stream_or_a_day_far_away_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="skipInvalidRows of a stream"):
        client.insert_rows_json(f"{client.project}.{SCORES}", [row("s")], skip_invalid_rows=True, retry=NO_RETRY)
    for day in ("1999-01-01", "2099-01-01"):
        with pytest.raises(MethodNotImplemented, match=f"streams to the partition of {day}"):
            stream(client, row("s", day=day))

"""What the application makes of errors that only some statements have."""

from decimal import Decimal

import pytest
import requests
from google.cloud import bigquery  # noqa: TID251 - the real client
from prefect import task

from tasks.errors import AccessError, DeadlineError, QueryError, StreamingBufferError
from tasks.runtime.steps import retry_policy
from tasks.settings import BigQuerySettings, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.bigquery.errors import DRIVER_ERRORS, JobFailedError, is_passing, translate
from tasks.warehouse.bigquery.jobs import Purpose
from tasks.warehouse.bigquery.warehouse import BigQueryWarehouse
from tasks.warehouse.open import open_warehouse
from tests.backdoor import relax, server_of, stream
from tests.bigquery.asking import ONE, SCORES, query
from tests.bigquery_server.errors import ApiError
from tests.bigquery_server.storage.mutations import RUNNING, WAITING, Mutations


@pytest.fixture
def bigquery_settings(settings: Settings) -> BigQuerySettings:
    connection = settings.connection()
    assert isinstance(connection, BigQuerySettings)
    return connection


def test_rows_in_the_streaming_buffer_are_an_error_of_their_own_that_no_attempt_now_can_mend(
    client: bigquery.Client, settings: Settings, bigquery_settings: BigQuerySettings, api_url: str
) -> None:
    stream(settings, SCORES, [{"player": "s", "game_date": ONE}])
    passing: list[bool] = []

    @task(**retry_policy(settings))
    def delete() -> None:
        try:
            query(client, f"DELETE FROM {SCORES} WHERE game_date = '{ONE}'")
        except DRIVER_ERRORS as error:
            passing.append(is_passing(error))
            raise translate(error, bigquery_settings, about=SCORES) from error

    with pytest.raises(
        StreamingBufferError, match=r"(?s)d\.scores: .* nothing was changed: run it again when .* 90 min"
    ):
        delete()
    assert passing == [False]


def test_a_line_of_statements_that_is_full_passes_and_a_query_that_is_too_big_does_not(
    bigquery_settings: BigQuerySettings,
) -> None:
    line = Mutations("p")
    for _ in range(RUNNING + WAITING):
        line.join(SCORES, object())
    with pytest.raises(ApiError) as full:
        line.join(SCORES, object())
    assert is_passing(JobFailedError("j", full.value.proto))
    too_big = JobFailedError("j", {"reason": "resourcesExceeded", "message": "Resources exceeded: not enough memory"})
    assert not is_passing(too_big)
    assert not isinstance(translate(too_big, bigquery_settings, about=SCORES), QueryError)


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (OSError("Could not find a suitable TLS CA certificate bundle"), AccessError, "REQUESTS_CA_BUNDLE"),
        (requests.exceptions.InvalidProxyURL("no host"), AccessError, "HTTPS_PROXY"),
        (ValueError("Out of range float values"), QueryError, "correct the value"),
        (OverflowError("date value out of range"), QueryError, "correct the value"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), QueryError, "correct the value"),
        (TimeoutError("timed out"), DeadlineError, "timed out.*run the same days again later"),
    ],
)
def test_no_raw_error_of_the_driver_or_of_what_is_under_it_crosses(
    settings: Settings, raw: Exception, kind: type[Exception], said: str
) -> None:
    def fails() -> None:
        raise raw

    hasty = settings.model_copy(update={"bigquery_retry_deadline_seconds": 0.5})
    with open_warehouse(hasty.connection()) as warehouse:
        assert isinstance(warehouse, BigQueryWarehouse)
        with pytest.raises(kind, match=f"look-up {SCORES}: .*{said}"):
            warehouse._jobs.call(Purpose("look-up", SCORES), fails)


def test_a_value_that_cannot_be_written_is_an_error_that_names_the_table(settings: Settings) -> None:
    ledger = load_catalogue(settings).table("backfill_ledger")
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create([ledger])
        with pytest.raises(QueryError, match=r"append backfill_ledger: .*Decimal.*correct the value"):
            warehouse.append(ledger, [{"table_name": Decimal(1)}])


def test_the_back_door_relaxes_a_column(client: bigquery.Client, settings: Settings) -> None:
    relax(settings, SCORES, "game_date")
    server, project = server_of(settings)
    table = server.table(project, SCORES)
    assert table is not None
    assert table["schema"]["fields"][1]["mode"] == "NULLABLE"
    assert client.get_table(SCORES).schema[0].mode == "REQUIRED"

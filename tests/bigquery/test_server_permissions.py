"""The test server says what an account may do with a table, as BigQuery does."""

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery  # noqa: TID251 - the real client
from google.oauth2 import service_account

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.bigquery.asking import NO_RETRY
from tests.bigquery_server.server import BigQueryServer

BOX = "nba_analytics.player_game_summary"
ASKED = ["bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData"]


@pytest.fixture
def client(server: BigQueryServer, project: str, settings: Settings) -> Iterator[bigquery.Client]:
    """A client of the test's project, whose inputs are there."""
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(table for table in load_catalogue(settings).tables.values() if table.role == "input")
    key = server.service_account(project, "asker")
    credentials = service_account.Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
    with bigquery.Client(project=project, credentials=credentials, location="US") as opened:
        yield opened


def permissions(client: bigquery.Client, table: str, asked: list[str]) -> list[str]:
    answer = client.test_iam_permissions(f"{client.project}.{table}", asked, retry=NO_RETRY)
    return list(answer.get("permissions", []))


def test_an_account_is_told_what_it_may_do_with_a_table(
    client: bigquery.Client, server: BigQueryServer, project: str
) -> None:
    assert permissions(client, BOX, ASKED) == ASKED
    server.revoke(project, "asker", "bigquery.tables.updateData", on=BOX)
    assert permissions(client, BOX, ASKED) == ASKED[:2]
    assert permissions(client, "nba_reference.nba_schedule", ASKED) == ASKED
    server.revoke(project, "asker", "bigquery.tables.get")
    assert permissions(client, BOX, ASKED) == ["bigquery.tables.getData"]


def test_of_a_table_that_is_not_there_nothing_is_permitted(client: bigquery.Client) -> None:
    assert permissions(client, "nba_analytics.nothing", ASKED) == []
    assert permissions(client, "nowhere.nothing", ASKED) == []


def test_a_wildcard_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="wildcards"):
        permissions(client, BOX, ["bigquery.tables.*"])

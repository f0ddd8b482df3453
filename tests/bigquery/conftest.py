"""Everything in this folder runs on BigQuery, through the test server."""

from collections.abc import Iterator

import pytest
from google.cloud import bigquery  # noqa: TID251 - the real client
from google.oauth2 import service_account

from tasks.settings import Settings
from tests.backfill.observe import DAY, open_season
from tests.bigquery.asking import CREATE, ONE, TWO, load, query
from tests.bigquery_server.server import BigQueryServer
from tests.league import League


@pytest.fixture
def warehouse_kind() -> str:
    """BigQuery."""
    return "bigquery"


@pytest.fixture
def season(league: League, settings: Settings) -> League:
    """A season with one day to fill, written."""
    open_season(league, DAY)
    league.write(settings)
    return league


@pytest.fixture
def client(server: BigQueryServer, project: str) -> Iterator[bigquery.Client]:
    """A client of the test's project, with one partitioned table: two rows on one day, one on the next."""
    key = server.service_account(project, "tester")
    credentials = service_account.Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
    with bigquery.Client(project=project, credentials=credentials, location="US") as opened:
        query(opened, "CREATE SCHEMA IF NOT EXISTS d OPTIONS(location = 'US')")
        query(opened, CREATE)
        load(opened, [("a", ONE, 1.5), ("b", ONE, None), ("a", TWO, 2.0)])
        yield opened

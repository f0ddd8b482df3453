"""Everything in this folder runs on BigQuery, through the test server."""

import pytest

from tasks.settings import Settings
from tests.backdoor import server_of
from tests.backfill.observe import DAY, open_season
from tests.bigquery_server.server import BigQueryServer
from tests.league import League


@pytest.fixture
def warehouse_kind() -> str:
    """BigQuery."""
    return "bigquery"


@pytest.fixture
def server(settings: Settings) -> BigQueryServer:
    """The server of the test's project."""
    return server_of(settings)[0]


@pytest.fixture
def project(settings: Settings) -> str:
    """The test's project."""
    return server_of(settings)[1]


@pytest.fixture
def season(league: League, settings: Settings) -> League:
    """A season with one day to fill, written."""
    open_season(league, DAY)
    league.write(settings)
    return league

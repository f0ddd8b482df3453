"""What holds of BigQuery holds of the test server: one set of tests for both.

By default they run against the test server, as part of every test run. With FULLCOURT_TEST_BIGQUERY_PROJECT they run,
unchanged, against that project: ``make test-bigquery PROJECT=...``. Table names are fixed by the catalogue, so that the
project must hold none of its datasets; those that the tests make are deleted at the end.
"""

import os
from collections.abc import Iterator, Mapping

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery  # noqa: TID251 - the real client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect_gcp import GcpCredentials

from tasks.settings import BigQuerySettings, Settings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.bigquery.client import connect
from tests.backdoor import open_project
from tests.bigquery.contract.scores import DATASET

# Read when the tests are collected: every test clears this environment, and has a Prefect server of its own.
REAL_PROJECT = os.environ.get("FULLCOURT_TEST_BIGQUERY_PROJECT")
_GIVEN = {name: value for name, value in os.environ.items() if name.startswith("FULLCOURT_BIGQUERY_")}
_PREFECT = {setting: setting.value() for setting in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
_BLOCK = "FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK"


@pytest.fixture(scope="session")
def variables(request: pytest.FixtureRequest, api_url: str) -> Iterator[Mapping[str, str]]:
    """The variables that choose the project, which is empty before and after."""
    if REAL_PROJECT is None:
        chosen = open_project(request.getfixturevalue("bigquery_server"), "contract-tests")
    else:
        chosen = _GIVEN | {"FULLCOURT_WAREHOUSE": "bigquery", "FULLCOURT_BIGQUERY_PROJECT": REAL_PROJECT}
        if block := _GIVEN.get(_BLOCK):
            _bring(block)
    with pytest.MonkeyPatch.context() as patch:
        settings = _chosen(patch, chosen)
        with connect(_connection(settings)) as client:
            if there := [name for name in _datasets(settings) if _is_there(client, name)]:
                pytest.exit(
                    f"the project {client.project} holds {', '.join(there)}: these tests write to datasets of those "
                    "names, and delete them; name a project of their own",
                    returncode=pytest.ExitCode.USAGE_ERROR,
                )
    yield chosen
    with pytest.MonkeyPatch.context() as patch:
        settings = _chosen(patch, chosen)
        with connect(_connection(settings)) as client:
            for name in _datasets(settings):
                client.delete_dataset(name, delete_contents=True, not_found_ok=True)


@pytest.fixture(autouse=True)
def settings(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the project: the same one for every test of this folder."""
    return _chosen(monkeypatch, variables)


@pytest.fixture
def client(settings: Settings) -> Iterator[bigquery.Client]:
    """A client of the project, as the adapter makes it; at the end of the test the project has no tables."""
    with connect(_connection(settings)) as opened:
        yield opened
        for name in filter(lambda name: _is_there(opened, name), _datasets(settings)):
            for table in opened.list_tables(name):
                opened.delete_table(table)


def _chosen(patch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Settings:
    for name in list(os.environ):
        if name.startswith("FULLCOURT_"):
            patch.delenv(name)
    for name, value in variables.items():
        patch.setenv(name, value)
    return load_settings()


def _bring(block: str) -> None:
    """Copy a credentials block from the user's Prefect to that of the tests."""
    with temporary_settings(_PREFECT):
        found = GcpCredentials.load(block)
    GcpCredentials(**found.model_dump(include={"service_account_info", "service_account_file", "project"})).save(
        block, overwrite=True
    )


def _connection(settings: Settings) -> BigQuerySettings:
    connection = settings.connection()
    assert isinstance(connection, BigQuerySettings)
    return connection


def _datasets(settings: Settings) -> list[str]:
    """Every dataset that the application or these tests write to."""
    named = {table.dataset for table in load_catalogue(settings).tables.values()}
    return sorted(named | {settings.bigquery_staging_dataset, settings.backup_dataset, DATASET})


def _is_there(client: bigquery.Client, dataset: str) -> bool:
    try:
        client.get_dataset(dataset)
    except NotFound:
        return False
    return True

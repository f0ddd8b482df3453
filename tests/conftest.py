"""One Prefect server for the session, and a clean environment and an empty warehouse for every test."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_LOGGING_LEVEL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

from deployments.commands.demo_league import generate, load
from deployments.local.access import auth_string
from deployments.local.prefect_server import prefect_server
from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.runtime.boundary import report_of
from tasks.settings import Settings, load_settings
from tasks.warehouse.open import open_warehouse
from tests.backdoor import drop_projects, open_project, project_of, server_of
from tests.bigquery_server.server import BigQueryServer
from tests.league import League
from tests.service_logs import pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 - hooks, found by their names


@pytest.fixture(scope="session", autouse=True)
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server, started once."""
    home = tmp_path_factory.mktemp("prefect")
    with (
        prefect_server(home) as url,
        temporary_settings(
            {
                PREFECT_API_URL: url,
                PREFECT_API_AUTH_STRING: auth_string(home),
                PREFECT_LOGGING_LEVEL: "WARNING",
                PREFECT_LOGGING_TO_API_ENABLED: False,
            }
        ),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PREFECT_API_AUTH_STRING", auth_string(home))  # for the programs that tests start
        yield url


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[BigQueryServer]:
    """A server of BigQuery's API, started once; every test has a project of its own."""
    with BigQueryServer() as server:
        yield server


@pytest.fixture
def warehouse_kind() -> str:
    """The warehouse of a test; the folders whose tests hold on both say so."""
    return "duckdb"


@pytest.fixture(autouse=True)
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse_kind: str, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """The settings of a test: nothing of the developer's own environment, a warehouse of its own, short waits."""
    for name in list(os.environ):
        if name.startswith("FULLCOURT_"):
            monkeypatch.delenv(name)
    if warehouse_kind == "bigquery":
        server: BigQueryServer = request.getfixturevalue("bigquery_server")
        for name, value in open_project(server, project_of(request.node.nodeid)).items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("FULLCOURT_DUCKDB_LOCK_TIMEOUT_SECONDS", "1")
    monkeypatch.setenv("FULLCOURT_RETRY_DELAY_SECONDS", "0.05")
    yield load_settings()
    drop_projects()


@pytest.fixture
def league() -> League:
    """An empty league."""
    return League()


@pytest.fixture(scope="session")
def _demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    with open_warehouse(Settings(duckdb_path=path).connection()) as warehouse:
        load(warehouse, generate([2022]))
    return path


@pytest.fixture
def demo(_demo_file: Path, settings: Settings) -> Settings:
    """The settings of a test whose warehouse holds the demo league's season 2022-23."""
    if settings.warehouse == "duckdb":
        shutil.copy(_demo_file, settings.duckdb_path)
    else:
        with open_warehouse(settings.connection()) as warehouse:
            load(warehouse, generate([2022]))
    return settings


@pytest.fixture
def run() -> Callable[..., Report]:
    """Run the backfill as a user does, and return its report; ``days`` may be one date or a (first, last) pair."""

    def _run(days: date | tuple[date, date], **parameters: object) -> Report:
        first, last = days if isinstance(days, tuple) else (days, days)
        state = backfill(start_date=first, end_date=last, return_state=True, **parameters)
        report = report_of(state)
        if isinstance(report, BaseException):
            raise report
        assert state.is_completed() == report.is_done, state
        return report

    return _run


@pytest.fixture
def server(settings: Settings) -> BigQueryServer:
    """The BigQuery server of the test's project."""
    return server_of(settings)[0]


@pytest.fixture
def project(settings: Settings) -> str:
    """The test's project."""
    return server_of(settings)[1]

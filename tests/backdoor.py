"""What a test does to a warehouse behind the application's back, and how it opens one of its own."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import duckdb  # noqa: TID251 - tests look behind the application's back
from prefect_gcp import GcpCredentials

from tasks.settings import DuckDBSettings, Settings
from tests.bigquery_server.server import BigQueryServer

_servers: dict[str, BigQueryServer] = {}


_PREFIX = "test-"


def project_of(test: str) -> str:
    """Return the name of a test's own project."""
    return f"{_PREFIX}{sha256(test.encode()).hexdigest()[:12]}"


def open_project(server: BigQueryServer, project: str) -> dict[str, str]:
    """Create an empty project, with an account that may do everything; returns the variables that choose it."""
    server.create_project(project)
    _servers[project] = server
    block = f"{project}-worker"
    GcpCredentials(service_account_info=server.service_account(project, "worker")).save(block, overwrite=True)
    return {
        "BIGQUERY_EMULATOR_HOST": server.url,
        "HTTPS_PROXY": server.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "FULLCOURT_WAREHOUSE": "bigquery",
        "FULLCOURT_BIGQUERY_PROJECT": project,
        "FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK": block,
        "FULLCOURT_BIGQUERY_APPEND_INTERVAL_SECONDS": "0",
        "FULLCOURT_BIGQUERY_RETRY_DEADLINE_SECONDS": "60",  # on a busy machine, a job takes some of them
    }


def drop_projects() -> None:
    """Drop the projects of a test that has ended: each holds a database, with threads of its own."""
    for project in [name for name in _servers if name.startswith(_PREFIX)]:
        _servers.pop(project).drop_project(project)


def server_of(settings: Settings) -> tuple[BigQueryServer, str]:
    """Return the server and the project of a test on BigQuery."""
    assert settings.bigquery_project is not None
    return _servers[settings.bigquery_project], settings.bigquery_project


def run_sql(settings: Settings, *statements: str) -> None:
    """Change what is stored, as a person with a client would; in DuckDB's dialect, which both sides store in."""
    connection = settings.connection()
    if isinstance(connection, DuckDBSettings):
        with duckdb.connect(connection.path) as opened:
            for statement in statements:
                opened.execute(statement)
    else:
        server, project = server_of(settings)
        server.sql(project, *statements)


def relax(settings: Settings, table: str, column: str) -> None:
    """Let a column hold NULL, as an owner of the table can."""
    connection = settings.connection()
    if isinstance(connection, DuckDBSettings):
        run_sql(settings, f"ALTER TABLE {table} ALTER {column} DROP NOT NULL")
    else:
        server, project = server_of(settings)
        server.relax(project, table, column)


def stream(settings: Settings, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Stream rows to a table of BigQuery, as another program does; values are as JSON has them."""
    server, project = server_of(settings)
    server.stream(project, table, rows)


def refuse(settings: Settings, table: str, condition: str) -> None:
    """Let a published table refuse the rows that do not meet a condition: a failure in the middle of publishing."""
    connection = settings.connection()
    if not isinstance(connection, DuckDBSettings):
        server, project = server_of(settings)
        server.project(project).refused[table] = condition
        return
    dataset, name = table.split(".")
    with duckdb.connect(connection.path) as opened:
        found = opened.execute(
            "SELECT sql FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [dataset, name]
        ).fetchone()
        assert found is not None
        create = str(found[0]).removesuffix(");") + f", CHECK ({condition}));"
        for statement in (
            f"CREATE TABLE kept AS FROM {table}",
            f"DROP TABLE {table}",
            create,
            f"INSERT INTO {table} FROM kept",
            "DROP TABLE kept",
        ):
            opened.execute(statement)


def is_untouched(settings: Settings) -> bool:
    """Whether the application has not so much as looked at the warehouse."""
    connection = settings.connection()
    if isinstance(connection, DuckDBSettings):
        return not connection.path.exists()
    server, project = server_of(settings)
    return not server.requests(project)

"""The first check of BigQuery: permissions, credentials, locations and layouts, and what to do about each."""

import re
from collections.abc import Callable

import pytest
from prefect_gcp import GcpCredentials

from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.bigquery_server.server import BigQueryServer, Fault
from tests.deployments.checkup import BOX, LEDGER, MAIN, SCHEDULE, UPCOMING, Doctor, create, state_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("warehouse_kind", ["bigquery"]),
    pytest.mark.usefixtures("told"),
]

UseAccount = Callable[[str], None]


@pytest.fixture
def use_account(server: BigQueryServer, project: str, monkeypatch: pytest.MonkeyPatch) -> UseAccount:
    """Go on as a service account of a name, which may do everything."""

    def _use(name: str) -> None:
        GcpCredentials(service_account_info=server.service_account(project, name)).save(
            f"{project}-{name}", overwrite=True
        )
        monkeypatch.setenv("FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK", f"{project}-{name}")

    return _use


@pytest.mark.parametrize(
    ("permission", "on", "subject"),
    [
        ("bigquery.jobs.create", None, "project"),
        ("bigquery.datasets.get", "nba_reference", "dataset nba_reference"),
        ("bigquery.tables.get", BOX, f"table {BOX}"),
        ("bigquery.tables.getData", SCHEDULE, f"table {SCHEDULE}"),
        ("bigquery.tables.updateData", MAIN, f"table {MAIN}"),
        ("bigquery.tables.updateData", LEDGER, f"table {LEDGER}"),
        ("bigquery.tables.create", None, "dataset fullcourt_staging"),
        ("bigquery.tables.list", "fullcourt_staging", "dataset fullcourt_staging"),
    ],
)
def test_a_permission_that_a_backfill_needs_is_named_with_where_it_is_missing(
    settings: Settings,
    ask: Doctor,
    server: BigQueryServer,
    project: str,
    use_account: UseAccount,
    permission: str,
    on: str | None,
    subject: str,
) -> None:
    create(settings, "input", "derived", "record")
    use_account("narrow")
    server.revoke(project, "narrow", permission, on=on)
    before = state_of(settings)
    assert ask() == 1
    assert permission in ask.of("missing")[subject]
    assert "grant it to the account that runs this" in ask.of("missing")[subject]
    assert subject not in ask.of("ok") or subject.startswith("dataset ")
    assert state_of(settings) == before


def test_a_permission_that_only_other_runs_need_is_noted(
    settings: Settings, ask: Doctor, server: BigQueryServer, project: str, use_account: UseAccount
) -> None:
    create(settings, "input")
    use_account("reader")
    for permission in ("bigquery.tables.updateData", "bigquery.tables.createSnapshot"):
        server.revoke(project, "reader", permission, on=UPCOMING)
    assert ask() == 0, ask.text
    note = ask.of("note")[f"table {UPCOMING}"]
    assert "bigquery.tables.updateData is not given on it (ingest and cleanup cannot change it)" in note
    assert "bigquery.tables.createSnapshot is not given on it (a cleanup cannot back it up)" in note


def test_a_table_that_a_run_could_not_create_is_said_to_be_so(
    settings: Settings, ask: Doctor, server: BigQueryServer, project: str, use_account: UseAccount
) -> None:
    create(settings, "input", "derived")
    run_sql(settings, f"DROP TABLE {MAIN}")
    use_account("narrow")
    server.revoke(project, "narrow", "bigquery.tables.create", on=MAIN)
    server.revoke(project, "narrow", "bigquery.datasets.create", on="")
    assert ask() == 1
    assert "bigquery.tables.create" in ask.of("missing")[f"table {MAIN}"]
    assert "bigquery.datasets.create" in ask.of("missing")["dataset nba_orchestration"]


def test_credentials_that_are_missing_or_refused_are_named_first_and_alone(
    settings: Settings,
    ask: Doctor,
    server: BigQueryServer,
    project: str,
    use_account: UseAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_account("gone")
    server.disable(project, "gone")
    assert ask() == 1
    assert re.search(rf"not accepted: .* renew the key .* block {project}-gone", ask.of("missing")["warehouse"])
    monkeypatch.setenv("FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK", "no-such-block")
    assert ask() == 1
    assert "there is no GcpCredentials block of that name; save one" in ask.of("missing")["warehouse"]
    assert ask.of("missing").keys() == {"warehouse"}
    assert server.jobs(project) == []


def test_another_location_is_named_for_each_dataset_and_table(
    settings: Settings, ask: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(settings, "input")
    monkeypatch.setenv("FULLCOURT_BIGQUERY_LOCATION", "EU")
    assert ask() == 1
    missing = ask.of("missing")
    for subject in ("dataset nba_analytics", f"table {BOX}"):
        assert "is in US, and FULLCOURT_BIGQUERY_LOCATION is EU: they must be the same" in missing[subject]


def test_another_layout_is_named_a_derived_table_must_have_its_days_apart(
    settings: Settings, ask: Doctor, server: BigQueryServer, project: str
) -> None:
    create(settings, "input", "derived", "record")
    tables = server.project(project).tables
    tables[MAIN].partition, tables[MAIN].cluster = None, ()
    tables[BOX].cluster, tables[BOX].requires_filter = ("team_abbr",), False
    tables[SCHEDULE].partition = None
    assert ask() == 1
    assert ask.of("missing") == {
        f"table {MAIN}": "is partitioned not at all, and should be by day of game_date: a day cannot be published; "
        "move it away and let `fullcourt ddl apply` create it again"
    }
    notes = ask.of("note")
    assert "is clustered by team_abbr, and should be by player_lookup: reading it costs more" in notes[f"table {BOX}"]
    assert f"ALTER TABLE {BOX} SET OPTIONS (require_partition_filter = TRUE)" in notes[f"table {BOX}"]
    assert "a day costs as much as all days" in notes[f"table {SCHEDULE}"]


def test_a_project_that_does_not_answer_is_said_to_once(
    settings: Settings, ask: Doctor, server: BigQueryServer, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_BIGQUERY_RETRY_DEADLINE_SECONDS", "0.3")
    fault = Fault(lambda r: r.project == project, times=999, status=503)
    server.faults.add(fault)
    assert ask() == 1
    fault.times = 0
    assert "BigQuery did not do it within 0.3 s of trying" in ask.of("missing")["warehouse"]
    assert ask.of("missing").keys() == {"warehouse"}

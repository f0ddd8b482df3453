"""The first check: it says what is there and what is missing, with what to do, and changes nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_gcp import GcpCredentials

from deployments import doctor
from deployments.local import POOL
from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql, server_of
from tests.backfill.observe import held
from tests.bigquery_server.server import BigQueryServer, Fault

SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
UPCOMING = "nba_analytics.upcoming_player_game_context"
LEDGER, MAIN = "nba_orchestration.backfill_ledger", "nba_precompute.player_composite_factors"
LINE = re.compile(r"(ok|note|missing) +([^:]+): (.+)")

on_both = pytest.mark.parametrize("warehouse_kind", ["duckdb", "bigquery"])
on_bigquery = pytest.mark.parametrize("warehouse_kind", ["bigquery"])


class Doctor:
    """Runs the check in this process, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said: list[tuple[str, str, str]] = []
        self.text = ""

    def __call__(self) -> int:
        self._capsys.readouterr()
        exit_code = doctor.main([])
        self.text = self._capsys.readouterr().out
        lines = self.text.splitlines()[:-2]
        self.said = [found.groups() for line in lines if (found := LINE.fullmatch(line))]  # type: ignore[misc]
        assert len(self.said) == len(lines), "a line that cannot be read"
        return exit_code

    def of(self, level: str) -> dict[str, str]:
        """What was said of each subject, at a level."""
        found: dict[str, str] = {}
        for said, subject, text in self.said:
            if said == level:
                found[subject] = f"{found[subject]}; {text}" if subject in found else text
        return found


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capsys)


def create(settings: Settings, *roles: str) -> None:
    """Create the tables of some roles."""
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(table for table in load_catalogue(settings).tables.values() if table.role in roles)


def state_of(settings: Settings) -> object:
    """Everything that a check could have changed: the file's bytes, or the project's jobs, datasets and tables."""
    if settings.warehouse == "duckdb":
        path = settings.duckdb_path
        return {file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*")}
    server, name = server_of(settings)
    project = server.project(name)
    tables = {table: repr(server.table(name, table)) for table in sorted(project.tables)}
    return len(server.jobs(name)), dict(project.datasets), tables


@on_both
def test_where_everything_is_there_it_says_so_of_each_part_and_changes_nothing(
    settings: Settings, ask: Doctor, api_url: str
) -> None:
    create(settings, "input", "derived", "record", "view")
    before = state_of(settings)
    assert ask() == 0, ask.text
    assert ask.text.endswith("\n\nNothing is missing.\n")
    there = ask.of("ok")
    for table in load_catalogue(settings).tables.values():
        assert there[f"table {table.full_name}"] == f"is there, with its {len(table.columns)} columns"
    assert ask.of("note").keys() <= {
        "deployments",
        "worker",
        "dataset fullcourt_backups",
    }
    assert there["Prefect API"].startswith(f"{api_url} answers, in version 3.")
    if settings.warehouse == "duckdb":
        assert there.keys() >= {"settings", "folder", "file"}
    else:
        name = settings.bigquery_project
        account = f"worker@{name}.iam.gserviceaccount.com"
        assert there["credentials"] == f"the GcpCredentials block {name}-worker: {account}, accepted"
        assert there["project"] == f"{name} takes queries in US"
        assert there["dataset nba_precompute"] == "is in US"
    assert state_of(settings) == before


@on_both
def test_what_a_run_creates_is_noted_and_an_input_is_missing(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    assert ask() == 0, ask.text
    notes = ask.of("note")
    for table in (LEDGER, MAIN):
        assert notes[f"table {table}"] == "does not exist yet: a run creates it"
    run_sql(settings, f"DROP TABLE {UPCOMING}")
    before = state_of(settings)
    assert ask() == 1
    assert ask.of("missing") == {f"table {UPCOMING}": "does not exist: load it with the ingest deployment"}
    assert ask.text.endswith("\n\n1 missing: see above what to do.\n")
    assert state_of(settings) == before


@on_both
def test_an_empty_warehouse_lacks_its_inputs_and_stays_empty(settings: Settings, ask: Doctor) -> None:
    before = state_of(settings)
    assert ask() == 1
    missing = ask.of("missing")
    assert missing.keys() >= {f"table {name}" for name in (SCHEDULE, BOX, UPCOMING)}
    assert all("ingest deployment" in text for text in missing.values())
    assert state_of(settings) == before


@on_both
def test_a_column_that_is_missing_or_of_another_type_is_named_with_what_it_must_be(
    settings: Settings, ask: Doctor
) -> None:
    create(settings, "input", "derived", "record")
    run_sql(
        settings,
        f"ALTER TABLE {BOX} DROP COLUMN minutes_played",
        f"ALTER TABLE {SCHEDULE} ALTER game_status TYPE VARCHAR",
        f"ALTER TABLE {MAIN} DROP COLUMN data_hash",
    )
    assert ask() == 1
    assert ask.of("missing") == {
        f"table {BOX}": "has no column minutes_played: add it, of type FLOAT64",
        f"table {SCHEDULE}": f"column {SCHEDULE}.game_status is STRING: it must be INT64",
        f"table {MAIN}": "has no column data_hash: add it, of type STRING",
    }
    assert f"table {BOX}" not in ask.of("ok")


def test_a_file_that_another_process_holds_is_said_to_be_held_by_it_at_once(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    with held(settings) as pid:
        assert ask() == 1
    assert f"is locked by process {pid}" in ask.of("missing")["warehouse"]


def test_a_file_that_is_no_database_and_a_folder_that_is_none_are_named(
    settings: Settings, ask: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.duckdb_path.write_text("not a database" * 400, encoding="utf-8")
    before = state_of(settings)
    assert ask() == 1
    assert f"{settings.duckdb_path} is not a DuckDB file, or is damaged" in ask.of("missing")["warehouse"]
    assert state_of(settings) == before
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(settings.duckdb_path / "inside" / "warehouse.duckdb"))
    assert ask() == 1
    assert ask.of("missing")["warehouse"] == (
        f"{settings.duckdb_path} is not a folder; choose another FULLCOURT_DUCKDB_PATH"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets root give up its right to write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, api_url: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    powers = "import ctypes\nctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{powers}import sys\nfrom deployments import doctor\nsys.exit(doctor.main([]))"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "FULLCOURT_DUCKDB_PATH": str(folder / "warehouse.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"missing  warehouse: {folder} cannot be written to; change its permissions" in done.stdout


def test_a_setting_that_is_invalid_is_named_and_nothing_else_is_looked_at(
    ask: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_WAREHOUSE", "bigquery")
    assert ask() == 1
    assert ask.said == [("missing", "settings", "FULLCOURT_WAREHOUSE=bigquery needs FULLCOURT_BIGQUERY_PROJECT")]


def test_prefect_is_not_needed_but_one_that_is_named_must_answer(settings: Settings, ask: Doctor) -> None:
    create(settings, "input")
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert ask() == 0, ask.text
    assert "PREFECT_API_URL names none" in ask.of("note")["Prefect API"]
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert ask() == 1
    assert "http://127.0.0.1:9/api does not answer as it should" in ask.of("missing")["Prefect API"]


@pytest.fixture
def pool(api_url: str) -> Iterator[SyncPrefectClient]:
    """A client of the Prefect server, which has the deployments' work pool."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        yield client
        client.delete_work_pool(POOL)


def test_deployments_and_a_worker_are_said_for_information(
    settings: Settings, ask: Doctor, pool: SyncPrefectClient
) -> None:
    create(settings, "input")
    described = yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    names = sorted(f"{each['entrypoint'].rpartition(':')[2]}/{each['name']}" for each in described)
    assert ask() == 0, ask.text
    assert ask.of("note")["deployments"].startswith(f"not registered: {', '.join(names)}; ")
    assert f"none has polled the work pool {POOL}" in ask.of("note")["worker"]
    registered = [
        pool.create_deployment(
            pool.create_flow_from_name(each["entrypoint"].rpartition(":")[2]),
            each["name"],
            entrypoint=each["entrypoint"],
            work_pool_name=POOL,
        )
        for each in described
    ]
    pool.request(
        "POST",
        "/work_pools/{work_pool_name}/workers/heartbeat",
        path_params={"work_pool_name": POOL},
        json={"name": "one", "heartbeat_interval_seconds": 30},
    )
    try:
        assert ask() == 0, ask.text
    finally:
        for deployment in registered:
            pool.delete_deployment(deployment)
    assert ask.of("ok")["deployments"] == f"all {len(names)} are registered"
    assert ask.of("ok")["worker"] == f"one polls the work pool {POOL}"


@pytest.fixture
def server(settings: Settings) -> BigQueryServer:
    return server_of(settings)[0]


@pytest.fixture
def project(settings: Settings) -> str:
    return server_of(settings)[1]


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


@on_bigquery
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


@on_bigquery
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


@on_bigquery
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


@on_bigquery
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


@on_bigquery
def test_another_location_is_named_for_each_dataset_and_table(
    settings: Settings, ask: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(settings, "input")
    monkeypatch.setenv("FULLCOURT_BIGQUERY_LOCATION", "EU")
    assert ask() == 1
    missing = ask.of("missing")
    for subject in ("dataset nba_analytics", f"table {BOX}"):
        assert "is in US, and FULLCOURT_BIGQUERY_LOCATION is EU: they must be the same" in missing[subject]


@on_bigquery
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
        "move it away and let `python -m deployments.ddl apply` create it anew"
    }
    notes = ask.of("note")
    assert "is clustered by team_abbr, and should be by player_lookup: reading it costs more" in notes[f"table {BOX}"]
    assert f"ALTER TABLE {BOX} SET OPTIONS (require_partition_filter = TRUE)" in notes[f"table {BOX}"]
    assert "a day costs as much as all days" in notes[f"table {SCHEDULE}"]


@on_bigquery
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

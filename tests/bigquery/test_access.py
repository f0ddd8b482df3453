"""Credentials, permissions, locations."""

from collections.abc import Callable

import pytest
from prefect_gcp import GcpCredentials

from tasks.backfill.report import Report
from tasks.errors import AccessError, SchemaError, SettingsError
from tasks.settings import Settings
from tests.backdoor import server_of
from tests.backfill.observe import DAY, MAIN, failures, outcomes, published
from tests.bigquery_server.server import BigQueryServer
from tests.league import League

pytestmark = pytest.mark.slow

RunBackfill = Callable[..., Report]


def use_block(monkeypatch: pytest.MonkeyPatch, name: str, key: dict[str, str]) -> None:
    GcpCredentials(service_account_info=key).save(name, overwrite=True)
    monkeypatch.setenv("FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK", name)


def test_a_block_that_is_not_there_is_named(
    season: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK", "no-such-block")
    with pytest.raises(SettingsError, match="FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK=no-such-block: there is no"):
        run(DAY)
    assert failures(settings) == []


def test_an_account_that_was_disabled_is_refused_once_and_the_block_is_named(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_block(monkeypatch, f"{project}-gone", server.service_account(project, "gone"))
    server.disable(project, "gone")
    with pytest.raises(AccessError, match=rf"not accepted: .*invalid_grant.*renew the key .* block {project}-gone"):
        run(DAY)
    assert published(settings) == {}


@pytest.mark.parametrize(
    ("permission", "on"),
    [
        ("bigquery.jobs.create", None),
        ("bigquery.tables.get", "nba_reference.nba_schedule"),
        ("bigquery.tables.getData", "nba_analytics.player_game_summary"),
        ("bigquery.tables.create", None),
        ("bigquery.tables.updateData", f"nba_precompute.{MAIN}"),
        ("bigquery.tables.updateData", "nba_orchestration.backfill_ledger"),
    ],
)
def test_a_permission_that_is_missing_is_named_and_nothing_is_half_written(
    season: League,
    settings: Settings,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
    permission: str,
    on: str | None,
) -> None:
    run(DAY, tables=["team_defense_zone_analysis"])  # creates what is missing
    use_block(monkeypatch, f"{project}-narrow", server.service_account(project, "narrow"))
    server.revoke(project, "narrow", permission, on=on)
    try:
        said = run(DAY).summary
    except AccessError as error:
        said = str(error)
    assert permission in said
    monkeypatch.setenv("FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK", f"{project}-worker")
    there = {len(players) for players in published(settings).values()}
    assert there <= {40}
    assert outcomes(run(DAY)) == {DAY: "complete"}


def test_another_location_than_the_tables_is_named(
    season: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLCOURT_BIGQUERY_LOCATION", "EU")
    with pytest.raises(SchemaError, match="is in US, and FULLCOURT_BIGQUERY_LOCATION is EU: they must be the same"):
        run(DAY)


def test_a_project_is_needed(monkeypatch: pytest.MonkeyPatch, run: RunBackfill) -> None:
    monkeypatch.delenv("FULLCOURT_BIGQUERY_PROJECT")
    with pytest.raises(SettingsError, match="FULLCOURT_WAREHOUSE=bigquery needs FULLCOURT_BIGQUERY_PROJECT"):
        run(DAY)


def test_the_server_has_not_leaked_from_another_test(settings: Settings) -> None:
    server, project = server_of(settings)
    assert server.jobs(project) == []

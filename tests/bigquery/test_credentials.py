"""Credentials that are missing, wrong or expired."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prefect_gcp import GcpCredentials

from tasks.backfill.report import Report
from tasks.errors import AccessError
from tasks.settings import Settings
from tests.backfill.observe import DAY, outcomes, published
from tests.bigquery_server.server import BigQueryServer
from tests.league import League

pytestmark = pytest.mark.slow

RunBackfill = Callable[..., Report]
BLOCK = "FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK"


def test_without_any_credentials_it_says_how_to_give_some(
    season: League,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(BLOCK)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no-such-file.json"))
    before = len(server.jobs(project))
    with pytest.raises(AccessError, match=rf"save a GcpCredentials block and name it in {BLOCK}"):
        run(DAY)
    assert len(server.jobs(project)) == before


def test_a_key_of_a_stranger_is_refused_and_its_block_is_named(
    season: League,
    run: RunBackfill,
    server: BigQueryServer,
    project: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = server.service_account(project, "stranger") | {"client_email": "stranger@elsewhere.iam.gserviceaccount.com"}
    GcpCredentials(service_account_info=key).save(f"{project}-stranger", overwrite=True)
    monkeypatch.setenv(BLOCK, f"{project}-stranger")
    with pytest.raises(AccessError, match=rf"not accepted: .* renew the key .* block {project}-stranger"):
        run(DAY)
    monkeypatch.setenv(BLOCK, f"{project}-worker")
    assert published(settings) == {}


def test_a_token_that_expires_is_renewed_and_the_run_goes_on(
    season: League, run: RunBackfill, server: BigQueryServer, project: str
) -> None:
    account = server.project(project).accounts[f"worker@{project}.iam.gserviceaccount.com"]
    held = [token for token, (owner, _) in server._tokens.items() if owner is account]
    assert held  # it was used to write the season
    for token in held:
        server._tokens[token] = account, 0.0
    assert outcomes(run(DAY)) == {DAY: "complete"}
    assert 401 in {status for _, _, status in server.requests(project)}

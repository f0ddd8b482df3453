"""What only informs ends no work, and what it says is put right: artifacts that Prefect loses or refuses."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.settings import PROJECT_ROOT, Settings
from tests.backfill.observe import (
    DAY,
    MAIN,
    TABLES,
    built,
    checkpoint,
    days,
    ledger,
    lookups,
    open_season,
    published,
    run_artifact,
)
from tests.league import League

RunBackfill = Callable[..., Report]
Answer = Callable[[httpx.Request], httpx.Response]


def status(code: int) -> Answer:
    return lambda request: httpx.Response(code, request=request, json={"detail": "injected"})


def no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.WriteTimeout("injected", request=request)


def connection_lost(request: httpx.Request) -> httpx.Response:
    raise httpx.CloseError("injected", request=request)


@contextmanager
def artifacts_answered(answer: Answer, *, method: str = "", path: str = "") -> Iterator[list[str]]:
    """Let Prefect's real server answer everything but what is asked of its artifacts; yields what was."""
    real, asked = httpx.Client.send, list[str]()

    def send(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        url = request.url.path
        if "/api/artifacts/" in url and request.method.startswith(method) and url.endswith(path):
            asked.append(f"{request.method} {url}")
            return answer(request)
        return real(self, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", send)
        yield asked


@pytest.mark.duckdb_only
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(404), "404"),
        (status(413), "413"),
        (status(500), "500"),
        (no_answer, "WriteTimeout"),
        (connection_lost, "CloseError"),
    ],
    ids=["404", "413", "500", "time-out", "a lost connection"],
)
def test_a_run_whose_artifacts_are_all_refused_does_its_days_and_says_so(
    answer: Answer, said: str, league: League, settings: Settings
) -> None:
    open_season(league, DAY)
    league.write(settings)
    with artifacts_answered(answer) as asked:
        state = backfill(start_date=DAY, return_state=True)
    assert set(asked) == {"POST /api/artifacts/", "POST /api/artifacts/latest/filter"}
    assert state.is_completed(), state.message
    assert "1 days, 1 of them worked on: 1 complete; mean completeness 60.0 %; Prefect did not accept " in str(
        state.message
    )
    assert "backfill-plan" in str(state.message)
    assert said in str(state.message)
    assert published(settings) == {DAY: lookups(league, DAY)}
    assert len(ledger(settings, outcome="complete")) == len(TABLES)


@pytest.mark.duckdb_only
def test_a_progress_artifact_that_was_deleted_is_made_again(
    league: League, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.backfill.progress._UPDATE_SECONDS", 0.0)
    open_season(league, *days(2))
    league.write(settings)
    with artifacts_answered(status(404), method="PATCH"):
        state = backfill(start_date=DAY, end_date=days(2)[-1], return_state=True)
    assert state.is_completed()
    made = run_artifact(state.state_details.flow_run_id, "backfill-progress")
    assert made is not None


def test_an_artifact_that_was_refused_is_put_right_by_the_next_plan(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.write(settings)
    run(DAY)
    old = checkpoint(settings, DAY)
    with artifacts_answered(status(413), path="/artifacts/"):
        assert built(run(DAY, resume=False)) == {DAY}
    assert checkpoint(settings, DAY) == old
    assert built(run(DAY, dry_run=True)) == set()
    assert checkpoint(settings, DAY) == old  # a dry run changes nothing
    assert built(run(DAY)) == set()
    now = checkpoint(settings, DAY)
    assert now is not None
    assert now.run_id == ledger(settings, table_name=MAIN)[-1]["run_id"] != (old and old.run_id)


@pytest.mark.duckdb_only
def test_one_module_writes_artifacts_and_emits_events() -> None:
    door = PROJECT_ROOT / "tasks" / "runtime" / "artifacts.py"
    found = []
    for file in (path for room in ("flows", "tasks", "deployments") for path in (PROJECT_ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [str(getattr(node, "module", "")), *(alias.name for alias in node.names)]
            found += [
                (file, name)
                for name in names
                if ("artifact" in name and name.split("_")[0] in ("create", "acreate", "update", "aupdate"))
                or name in ("prefect.artifacts", "emit_event")
            ]
    assert {file for file, _ in found} == {door}

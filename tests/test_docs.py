"""The documentation is run: every command and every query of README.md and docs/."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployments.local.stack import HOME
from tasks import errors
from tasks.backfill import adopt, day, gate, objections, replacement
from tasks.errors import FullcourtError
from tasks.settings import PROJECT_ROOT, Settings
from tests.deployments.checkout import copy_checkout, user_environment
from tests.fixtures.prefect import NewHome
from tests.league import SHARED_DATA, League, fetch

pytestmark = pytest.mark.no_server

PAGES = sorted([*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# The run that this test is part of, what CI runs beside it, what measures for half an hour and more (the page runs it
# for two days, too), and the end of the services, which the pages share.
_NOT_HERE = {"make test", "make test-all", "make check", "make bench", "make bench-growth", "make down"}


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def page_id(page: Path) -> str:
    return page.name


@contextmanager
def copied(folder: Path, new_home: NewHome) -> Iterator[Path]:
    """Copy the project, with the real seasons beside it; what runs there at the end is stopped."""
    copy = folder / "project" / "checkout"
    copy_checkout(copy)
    new_home(copy / HOME.relative_to(PROJECT_ROOT))
    shared = PROJECT_ROOT.parent / "shared"
    if shared.exists():
        (copy.parent / "shared").symlink_to(shared)
    port = str(free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORT", port)
        try:
            yield copy
        finally:
            done = subprocess.run(["make", "down"], cwd=copy, check=False, capture_output=True, env=user_environment())
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Path]:
    """The copy in which the pages are followed one after the other, with one server: `make up` uses what runs."""
    with copied(tmp_path_factory.mktemp("docs"), new_home) as copy:
        yield copy


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def run(script: str, checkout: Path, *, seconds: int) -> str:
    """Run a script that must succeed in a checkout, as a user would; returns what it printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=checkout,
        env=user_environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash")], ids=page_id)
def test_every_command_of_a_page_runs(page: Path, checkout: Path) -> None:
    lines = "".join(blocks(page, "bash")).splitlines(keepends=True)
    script = "".join(line for line in lines if line.strip() not in _NOT_HERE)
    run(script, checkout, seconds=1800)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real seasons are not beside this checkout (../shared/data)")
def test_the_two_real_seasons_of_the_guide_end_as_it_says(tmp_path: Path, new_home: NewHome) -> None:
    page = PROJECT_ROOT / "docs" / "backfill.md"
    start, (both,) = blocks(page, "bash")[0], blocks(page, "sh")
    commands = [f"prefect {rest}" for rest in re.split(r"^prefect ", both, flags=re.MULTILINE) if rest]
    assert len(commands) == 2
    codes = [f"{command.rstrip()} && echo 'exit code 0' || echo exit code $?\n" for command in commands]
    with copied(tmp_path, new_home) as checkout:
        printed = run(start + "".join(codes), checkout, seconds=3600)
    assert re.findall(r"^exit code (\d+)$", printed, re.MULTILINE) == ["1", "1"], printed[-4000:]
    text = page.read_text(encoding="utf-8")
    ((published, blocked),) = re.findall(r"(\d+) are published and (\d+) are blocked", text)
    ((warned, of_published),) = re.findall(r"A warning stands on (\d+) of the (\d+)", text)
    assert published == of_published
    settings = Settings(duckdb_path=checkout / ".fullcourt" / "warehouse.duckdb")
    rows = fetch(
        settings,
        "SELECT outcome, COUNT(DISTINCT game_date) AS days FROM nba_orchestration.backfill_ledger "
        "WHERE table_name = 'player_composite_factors' GROUP BY outcome",
    )
    assert {row["outcome"]: row["days"] for row in rows} == {
        "complete": int(published) - int(warned),
        "complete_with_warning": int(warned),
        "blocked": int(blocked),
    }


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(
        re.findall(r"^([a-z][a-z-]*):", (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sql")], ids=page_id)
def test_every_query_of_a_page_runs(page: Path, settings: Settings, league: League) -> None:
    league.write(settings)
    for query in blocks(page, "sql"):
        assert isinstance(fetch(settings, query), list), query


def test_troubleshooting_knows_every_category() -> None:
    text = (PROJECT_ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    modules = (adopt, day, gate, objections, replacement)
    sources = [Path(module.__file__ or "").read_text(encoding="utf-8") for module in modules]
    categories = set(re.findall(r'category="([a-z_]+)"', "".join(sources))) | {
        replacement.WORSE,
        "duplicate_keys",
        "null_keys",
        "wrong_day",
    }
    assert len(categories) > 10
    assert {name for name in categories if f"`{name}`" not in text} == set()


def test_troubleshooting_knows_every_error_a_day_can_fail_of() -> None:
    text = (PROJECT_ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    leaves = {
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, FullcourtError) and not kind.__subclasses__()
    } - {"IncompleteError"}  # of a run, and of no day
    assert len(leaves) >= 8
    assert {name for name in leaves if f"`{name}`" not in text} == set()


def test_the_readme_lists_every_setting() -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    names = {f"FULLCOURT_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in names if f"`{name}`" not in text} == set()

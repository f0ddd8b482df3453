"""Folders that the application makes are their owner's alone, whoever makes them and whatever the umask is."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.commands import demo
from deployments.local import services
from deployments.local.access import auth_string, make_private
from tasks import folders
from tasks.folders import make_folder
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse

pytestmark = pytest.mark.no_server


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def create_warehouse(folder: Path) -> None:
    settings = Settings(duckdb_path=folder / "warehouse.duckdb")
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create([load_catalogue(settings).table("nba_schedule")])


def start_service(folder: Path) -> None:
    services.start(folder, "worker", ["true"], cwd=Path("/"), env=os.environ, facts={}).stop()


MAKERS: dict[str, Callable[[Path], object]] = {
    "DuckDB": create_warehouse,
    "a service": start_service,
    "a password": auth_string,
    "a home": make_private,
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_folder_and_those_above_it_that_are_missing_are_their_owners_alone(
    maker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".fullcourt"
    monkeypatch.setattr(folders, "_OWN", own)
    MAKERS[maker](own / "deep" / "home")
    assert [mode(folder) for folder in (own / "deep" / "home", own / "deep", own)] == [0o700] * 3


def test_the_demo_makes_its_folder_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".fullcourt" / "demo.duckdb"
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", str(file))
    demo._build(file)
    assert mode(file.parent) == 0o700


def test_the_projects_own_folder_becomes_so_and_no_other_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, shared = tmp_path / ".fullcourt", tmp_path / "shared"
    monkeypatch.setattr(folders, "_OWN", own)
    for folder in (own, shared):
        folder.mkdir(mode=0o755)
        make_folder(folder / "new")
        assert mode(folder / "new") == 0o700
    assert (mode(own), mode(shared)) == (0o700, 0o755)

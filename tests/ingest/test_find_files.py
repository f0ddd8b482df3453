"""Finding input files: what a path names, and what is passed over or refused."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.errors import IngestError, StorageError
from tasks.ingest.files import find_files, passed_over
from tasks.settings import Settings
from tasks.warehouse.open import open_warehouse


def test_a_path_may_be_a_file_a_folder_or_a_pattern(tmp_path: Path) -> None:
    for name in ("b.csv", "a.parquet", "C.CSV", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.pq").touch()
    names = [[path.name for path in find_files([str(place)])] for place in (tmp_path, tmp_path / "*.csv")]
    assert names == [["C.CSV", "a.parquet", "b.csv"], ["b.csv"]]
    assert [path.name for path in find_files([str(tmp_path / "**" / "*.pq")])] == ["d.pq"]


def test_hidden_files_and_locks_of_a_folder_are_passed_over_and_named(tmp_path: Path) -> None:
    for name in ("log.csv", "._log.csv", ".~lock.log.csv#", "~$log.csv", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    for path in (str(tmp_path), str(tmp_path / "*.csv")):
        assert [file.name for file in find_files([path])] == ["log.csv"]
    said = passed_over([str(tmp_path)])
    assert len(said) == 5
    assert f"{tmp_path}/notes.txt (not a file named .parquet, .pq, .csv, .csv.gz)" in said
    assert f"{tmp_path}/._log.csv (hidden, or the lock of a program that has a file open)" in said


@pytest.mark.parametrize("path", ["", " ", "~nobody-of-this-name/log.csv", "**log/*.csv", "a\0b.csv", "x" * 5000])
def test_a_path_that_no_system_takes_is_refused_in_one_line(path: str) -> None:
    with pytest.raises(IngestError):
        find_files([path])


@pytest.fixture
def special(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Make what has the name of a file and is none."""
    with socket.socket(socket.AF_UNIX) as listening:

        def _special(kind: str) -> Path:
            path = tmp_path / "log.csv"
            if kind == "a pipe":
                os.mkfifo(path)
            elif kind == "a socket":
                listening.bind(str(path))
            elif kind == "a link to a file that is not there":
                path.symlink_to(tmp_path / "nothing.csv")
            elif kind == "a link that leads round in a circle":
                path.symlink_to(path)
            else:
                path.symlink_to("/dev/null")
            return path

        yield _special


@pytest.mark.parametrize(
    "kind",
    [
        "a device",
        "a pipe",
        "a socket",
        "a link to a file that is not there",
        "a link that leads round in a circle",
    ],
)
def test_what_has_the_name_of_a_file_and_is_none_is_called_what_it_is(
    tmp_path: Path, special: Callable[[str], Path], kind: str
) -> None:
    path = special(kind)
    with pytest.raises(IngestError, match=rf"^{path}: is {kind}; give the path of a Parquet or CSV file"):
        find_files([str(path)])
    assert passed_over([str(tmp_path)]) == [f"{path} ({kind})"]
    settings = Settings(duckdb_path=path).connection()
    said = rf"^{path} is {kind}, not a DuckDB file; choose another FULLCOURT_DUCKDB_PATH"
    if kind == "a link to a file that is not there":
        return  # the warehouse is made there
    with pytest.raises(StorageError, match=said.replace(str(path), f"({path}|/dev/null)")), open_warehouse(settings):
        pass


def test_a_relative_path_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert find_files(["log.csv", "*.csv", str(tmp_path)]) == [Path("log.csv")]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing.csv", "there is no such file"),
        ("*.parquet", "no file matches"),
        ("notes.txt", r"must be a Parquet or CSV file, named \.parquet, \.pq, \.csv"),
        ("empty", r"the folder has no \.parquet, \.pq, \.csv, \.csv\.gz file"),
    ],
)
def test_a_path_that_names_no_input_is_refused(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(IngestError, match=message):
        find_files([str(tmp_path / path)])

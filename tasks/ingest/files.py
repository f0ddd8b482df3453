"""Find input files, and read their rows one after the other; never a whole file at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.errors import IngestError
from tasks.explain import name_special
from tasks.ingest.cells import FileRow
from tasks.ingest.csv_file import CSV, csv_lines
from tasks.ingest.parquet_file import PARQUET, parquet_lines
from tasks.ingest.read import MAX_ROWS, Line, readable, too_many_rows
from tasks.printable import shown

SUFFIXES = (*PARQUET, *CSV)


def find_files(paths: Iterable[str]) -> list[Path]:
    """Return the files that the paths name, each once: of a folder or a pattern, all Parquet and CSV files in it.

    Hidden files of a folder or a pattern, and those that a program keeps as a lock, are passed over.

    Raises:
        IngestError: A path names no file, or one that is neither Parquet nor CSV.
    """
    found: dict[Path, Path] = {}
    for text in paths:
        for path in _expand(text):
            if not _has_suffix(path):
                raise IngestError(f"{path}: must be a Parquet or CSV file, named {', '.join(SUFFIXES)}")
            found.setdefault(path.resolve(), path)
    return list(found.values())


def passed_over(paths: Iterable[str]) -> list[str]:
    """Return what the folders and patterns among the paths hold that is not read, each with the reason."""
    said: dict[str, None] = {}
    for text in paths:
        path = Path(text).expanduser()
        with readable(path):
            entries = sorted(path.iterdir()) if path.is_dir() else [] if path.is_file() else _matches(path)
        for entry in entries:
            if reason := _why_passed_over(entry):
                said[f"{entry} ({reason})"] = None
    return list(said)


def inspect(path: Path, model: type[FileRow]) -> int:
    """Read a file once from end to end, without looking at its values; returns its rows.

    Raises:
        IngestError: It cannot be read, lacks a column, has one twice or of an impossible type, or has no rows.
    """
    rows = sum(1 for _ in read_lines(path, model))
    if not rows:
        raise IngestError(f"{path}: has no rows; give a file with data, or leave it out")
    return rows


def read_lines(path: Path, model: type[FileRow]) -> Iterator[Line]:
    """Yield the rows of a Parquet or CSV file in order, with the columns that the model reads.

    A CSV row with too many or too few values is yielded as the problem that it is.

    Raises:
        IngestError: The file cannot be read, lacks a column, has one twice or of an impossible type, or is too large.
    """
    read = csv_lines if path.name.lower().endswith(CSV) else parquet_lines
    with readable(path):
        for number, line in enumerate(read(path, model)):
            if number == MAX_ROWS:
                raise too_many_rows(path)
            yield line


def _expand(text: str) -> list[Path]:
    if not text.strip():
        raise IngestError(
            f"{shown(text)}: names no file; give the path of a Parquet or CSV file, a folder or a pattern"
        )
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise IngestError(f"{text}: there is no such user; write the path of the folder") from error
    with readable(path):
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if _why_passed_over(file) is None)
            if not files:
                raise IngestError(f"{text}: the folder has no {', '.join(SUFFIXES)} file")
            return files
        if path.is_file():
            return [path]
        if any(sign in text for sign in "*?["):
            files = [file for file in _matches(path) if file.is_file() and not _is_hidden(file)]
            if files:
                return files
            raise IngestError(f"{text}: no file matches; a relative path starts at {Path.cwd()}")
        if special := name_special(path):
            raise IngestError(f"{text}: is {special}; give the path of a Parquet or CSV file, a folder or a pattern")
    raise IngestError(f"{text}: there is no such file; a relative path starts at {Path.cwd()}")


def _matches(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor)
    return sorted(root.glob(str(pattern.relative_to(root))))


def _why_passed_over(entry: Path) -> str | None:
    """Say why an entry of a folder is not read; None if it is."""
    if _is_hidden(entry):
        return "hidden, or the lock of a program that has a file open"
    if entry.is_dir():
        return "a folder; to read it, give it by itself, or a pattern like folder/**/*.csv"
    if special := name_special(entry):
        return special
    if not _has_suffix(entry):
        return f"not a file named {', '.join(SUFFIXES)}"
    return None


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "~$"))


def _has_suffix(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)

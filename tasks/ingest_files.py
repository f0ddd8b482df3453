"""Find input files and read their rows one after the other; never a whole file at once."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from tasks.domain.cells import Cells, FileRow, Problem
from tasks.domain.errors import IngestError

CSV, PARQUET = ".csv", (".parquet", ".pq")
SUFFIXES = (*PARQUET, CSV)
BATCH_ROWS = 4096

_SINGLE_VALUES = (
    types.is_integer,
    types.is_floating,
    types.is_decimal,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_boolean,
    types.is_date,
    types.is_timestamp,
    types.is_null,
)

Line = tuple[int, Cells | Problem]
"""Where a row is, counted from 1 (in CSV the line of the file, in Parquet the row), and its values."""


def find_files(paths: Iterable[str]) -> list[Path]:
    """Return the files that the paths name, each once: of a folder or a pattern, all Parquet and CSV files in it.

    Raises:
        IngestError: A path names no file, or one that is neither Parquet nor CSV.
    """
    found: dict[Path, Path] = {}
    for text in paths:
        for path in _expand(text):
            if path.suffix.lower() not in SUFFIXES:
                raise IngestError(f"{path}: must be a Parquet or CSV file, named {', '.join(SUFFIXES)}")
            found.setdefault(path.resolve(), path)
    return list(found.values())


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
        IngestError: The file cannot be read, lacks a column, or has one twice or of an impossible type.
    """
    with _readable(path):
        if path.suffix.lower() == CSV:
            yield from _csv_lines(path, model)
        else:
            yield from _parquet_lines(path, model)


def _expand(text: str) -> list[Path]:
    path = Path(text).expanduser()
    with _readable(path):
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
            if not files:
                raise IngestError(f"{text}: the folder has no {', '.join(SUFFIXES)} file")
            return files
        if path.is_file():
            return [path]
        if any(sign in text for sign in "*?["):
            root = Path(path.anchor)
            files = sorted(file for file in root.glob(str(path.relative_to(root))) if file.is_file())
            if files:
                return files
            raise IngestError(f"{text}: no file matches; a relative path starts at {Path.cwd()}")
    raise IngestError(f"{text}: there is no such file; a relative path starts at {Path.cwd()}")


def _csv_lines(path: Path, model: type[FileRow]) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader, None)
        if header is None:
            raise IngestError(f"{path}: is empty; its first line must name the columns")
        wanted = _choose_columns(path, header, model)
        start = reader.line_num + 1
        for values in reader:
            line, start = start, reader.line_num + 1
            if not values:
                continue  # a blank line
            if len(values) != len(header):
                yield line, Problem("", f"{len(values)} values", f"must have {len(header)}, as the header has")
            else:
                yield line, {column: values[index] for index, column in wanted.items()}


def _parquet_lines(path: Path, model: type[FileRow]) -> Iterator[Line]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        wanted = _choose_columns(path, schema.names, model)
        for index, column in wanted.items():
            _check_type(path, schema.field(index), is_flag=column in model.flags)
        names = [schema.names[index] for index in wanted]
        line = 0
        for batch in file.iter_batches(BATCH_ROWS, columns=names):
            columns = [_without_nanoseconds(batch.column(name)).to_pylist() for name in names]
            for values in zip(*columns, strict=True):
                line += 1
                yield line, dict(zip(wanted.values(), values, strict=True))


def _choose_columns(path: Path, names: Sequence[str], model: type[FileRow]) -> dict[int, str]:
    """Return the columns to read: their place in the file, and the name that the model has for them."""
    known = model.columns()
    chosen: dict[int, str] = {}
    for index, name in enumerate(names):
        column = name.strip().upper()
        column = model.other_names.get(column, column)
        if column not in known:
            continue
        if column in chosen.values():
            raise IngestError(f"{path}: has two columns for {column}; keep one. There are: {', '.join(names)}")
        chosen[index] = column
    there = set(chosen.values())
    missing = sorted(column for column, is_required in known.items() if is_required and column not in there)
    if model.one_of and not any(columns <= there for columns in model.one_of):
        missing.append(" or ".join(" with ".join(sorted(columns, reverse=True)) for columns in model.one_of))
    if missing:
        hint = "" if len(names) > 1 else " (are the columns separated by commas?)"
        raise IngestError(f"{path}: columns missing: {', '.join(missing)}; there are: {', '.join(names)}{hint}")
    return chosen


def _check_type(path: Path, column: pa.Field, *, is_flag: bool) -> None:
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not any(check(kind) for check in _SINGLE_VALUES) or (types.is_boolean(kind) and not is_flag):
        raise IngestError(f"{path}: column {column.name} is of type {column.type}; it must hold numbers, texts or days")


def _without_nanoseconds(values: pa.Array) -> pa.Array:
    """Python's timestamps have no nanoseconds."""
    if types.is_timestamp(values.type) and values.type.unit == "ns":
        return values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)
    return values


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say what is wrong with the file in place of what its reader says."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise IngestError(
            f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise IngestError(f"{path}: is not valid CSV: {error}") from error
    except pa.ArrowInvalid as error:
        raise IngestError(f"{path}: is not a Parquet file, or is damaged: {error}") from error
    except (OSError, pa.ArrowException) as error:
        raise IngestError(f"{path}: cannot be read: {error}") from error

"""What files of every format have in common: columns by their names, and errors that say where."""

import csv
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from tasks.errors import IngestError
from tasks.ingest.cells import Cells, FileRow, Problem
from tasks.text import first_of

MAX_CELL_CHARACTERS = 10_000
MAX_ROWS = 1_000_000
"""Some 35 seasons of a game log; its rows are in memory when they are written."""

_NAMED_COLUMNS = 60

Line = tuple[int, Cells | Problem]
"""Where a row is, counted from 1 (in CSV the line of the file, in Parquet the row), and its values."""


def choose_columns(path: Path, names: Sequence[str], model: type[FileRow]) -> dict[int, str]:
    """Return the columns to read: their index in the file, and the name that the model has for them.

    Another name of a column counts only where the column itself is not there.

    Raises:
        IngestError: One is missing, or there twice.
    """
    known = model.columns()
    plain = [name.strip().upper() for name in names]
    chosen: dict[int, str] = {}
    for index, name in enumerate(plain):
        column = name if name in known else model.other_names.get(name, "")
        if column not in known or (column != name and column in plain):
            continue
        if column in chosen.values():
            raise IngestError(f"{path}: has two columns for {column}; keep one. There are: {_listed(names)}")
        chosen[index] = column
    there = set(chosen.values())
    missing = sorted(column for column, is_required in known.items() if is_required and column not in there)
    if model.one_of and not any(columns <= there for columns in model.one_of):
        missing.append(" or ".join(" with ".join(sorted(columns, reverse=True)) for columns in model.one_of))
    if missing:
        hint = "" if len(names) > 1 else " (are the columns separated by commas?)"
        raise IngestError(f"{path}: columns missing: {', '.join(missing)}; there are: {_listed(names)}{hint}")
    return chosen


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Replace what a reader says of a file by an error that says what to do."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise IngestError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except csv.Error as error:
        raise IngestError(f"{path}: is not valid CSV: {error}") from error
    except (EOFError, zlib.error) as error:
        raise IngestError(f"{path}: is damaged or cut off: {error}; get it again") from error
    except pa.ArrowInvalid as error:
        raise IngestError(f"{path}: is not a Parquet file, or is damaged: {error}; get it again") from error
    except MemoryError as error:
        raise IngestError(f"{path}: needs more memory than there is: {error}; split it") from error
    except OSError as error:
        raise IngestError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (pa.ArrowException, ValueError, ArithmeticError, LookupError, NotImplementedError) as error:
        raise IngestError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def too_many_rows(path: Path) -> IngestError:
    """Return the error of a file whose rows would not fit in memory."""
    return IngestError(f"{path}: has more than {MAX_ROWS:,} rows; split it, by season for example")


def _listed(names: Sequence[str]) -> str:
    return first_of([name[:80] for name in names], _NAMED_COLUMNS)

"""Read the rows of a CSV file, compressed with gzip or not."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tasks.errors import IngestError
from tasks.ingest.cells import FileRow, Problem
from tasks.ingest.read import Line, choose_columns

CSV = (".csv", ".csv.gz")

_MAX_LINE_CHARACTERS = 1_000_000


def csv_lines(path: Path, model: type[FileRow]) -> Iterator[Line]:
    """Yield the rows of a CSV file in order, each with the line in which it starts.

    Raises:
        IngestError: The file is empty, lacks a column or has one twice, or a line is no CSV or no UTF-8.
    """
    with _open(path) as file:
        reader = csv.reader(_text_lines(path, file), strict=True)
        rows = _rows(path, reader)
        _, header = next(rows, (0, []))
        if not header:
            raise IngestError(f"{path}: is empty; its first line must name the columns")
        wanted = choose_columns(path, header, model)
        for line, values in rows:
            if not values:
                continue  # a blank line
            if len(values) != len(header):
                yield line, Problem("", f"{len(values)} values", f"must have {len(header)}, as the header has")
            else:
                yield line, {column: values[index] for index, column in wanted.items()}


def _open(path: Path) -> TextIO:
    # What is no UTF-8 is kept as it is for the line that has it to be named.
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _text_lines(path: Path, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(_MAX_LINE_CHARACTERS):
        number += 1
        if len(line) == _MAX_LINE_CHARACTERS:
            raise IngestError(f"{path}: line {number} has {len(line):,} characters or more; is it a CSV file?")
        if not line.isascii() and any("\ud800" <= character <= "\udfff" for character in line):
            raise IngestError(f"{path}: line {number} is not UTF-8 text; save the file as UTF-8")
        yield line


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows, each with the line in which it starts."""
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = (
                "; is a quotation mark open or out of place?"
                if '"' in str(error) or "end of data" in str(error)
                else ""
            )
            raise IngestError(f"{path}: line {line} is not valid CSV: {error}{hint}") from error
        yield line, values

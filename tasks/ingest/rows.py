"""Turn the rows of an input file into the rows of a table, as Arrow."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa

from tasks.ingest.contents import Contents, FileReader, FileReport, Kind
from tasks.ingest.files import read_lines
from tasks.ingest.game_log_file import GameLogContents
from tasks.ingest.parquet_file import BATCH_ROWS
from tasks.ingest.schedule_file import ScheduleContents
from tasks.ingest.usage import Plays
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import arrow_schema

CONTENTS: dict[Kind, type[Contents]] = {"schedule": ScheduleContents, "game log": GameLogContents}

_USAGE = ("game_id", "team_abbr", "minutes_played", "fg_attempts", "ft_attempts", "turnovers")


def read_table(
    path: Path, contents: Contents, table: TableSpec, *, processed_at: datetime, max_reported_rejections: int
) -> tuple[pa.Table, FileReport]:
    """Read a file: its good rows as rows of the table, and a report with the others.

    Memory grows with the file, by less than 1 KiB a row: a season takes some 25 MiB.

    Raises:
        IngestError: The file cannot be read as a whole.
    """
    reader = FileReader(str(path), contents, max_reported_rejections)
    schema = arrow_schema(table)
    accepted = _accepted(path, contents, reader, processed_at)
    batches = []
    while rows := list(islice(accepted, BATCH_ROWS)):
        batches.append(pa.RecordBatch.from_pylist(rows, schema))
    rows = pa.Table.from_batches(batches, schema)
    if isinstance(contents, GameLogContents):
        rows = _with_usage(rows, contents)
    return rows, reader.report()


def _accepted(
    path: Path, contents: Contents, reader: FileReader, processed_at: datetime
) -> Iterator[dict[str, object]]:
    for line, cells in read_lines(path, contents.model):
        if (row := reader.read(line, cells)) is not None:
            yield {**row, "processed_at": processed_at}


def _with_usage(rows: pa.Table, contents: GameLogContents) -> pa.Table:
    """Fill in usage_rate, which needs the whole team."""
    index = rows.schema.get_field_index("usage_rate")
    chunks = []
    for batch in rows.to_batches():
        columns = (batch.column(name).to_pylist() for name in _USAGE)
        usage = [contents.usage(game, team, Plays(*plays)) for game, team, *plays in zip(*columns, strict=True)]
        chunks.append(pa.array(usage, pa.float64()))
    return rows.set_column(index, rows.schema.field(index), pa.chunked_array(chunks, pa.float64()))

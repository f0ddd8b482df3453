"""Read the rows of a Parquet file in batches that fit in memory, whatever the file says."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from tasks.errors import IngestError
from tasks.ingest.cells import FileRow
from tasks.ingest.read import MAX_CELL_CHARACTERS, MAX_ROWS, Line, choose_columns, too_many_rows

PARQUET = (".parquet", ".pq")
BATCH_ROWS = 4096
MAX_GROUP_BYTES = 256 * 1024**2
"""What the columns that are read may take in memory in one row group; a season's take less than 1 MiB."""

_TEXTS = (types.is_string, types.is_large_string, types.is_string_view)
_SINGLE_VALUES = (
    *_TEXTS,
    types.is_integer,
    types.is_floating,
    types.is_decimal,
    types.is_boolean,
    types.is_date,
    types.is_timestamp,
    types.is_null,
)


def parquet_lines(path: Path, model: type[FileRow]) -> Iterator[Line]:
    """Yield the rows of a Parquet file in order, each with its number.

    Raises:
        IngestError: The file lacks a column, has one twice or of an impossible type, or would not fit in memory.
    """
    with pq.ParquetFile(path) as probe:
        schema = probe.schema_arrow
        wanted = choose_columns(path, schema.names, model)
        for index, column in wanted.items():
            _check_type(path, schema.field(index), is_flag=column in model.flags)
        names = [schema.names[index] for index in wanted]
        _check_size(path, probe.metadata, names)
    texts = [name for name in names if any(is_text(schema.field(name).type) for is_text in _TEXTS)]
    line = 0
    # A text that stands in many rows is kept once, as in the file: a small file can say a long one a million times.
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            columns = []
            for name in names:
                with _within(path, f"column {name}, rows {line + 1} to {line + batch.num_rows}"):
                    columns.append(_values(path, name, batch.column(name)))
            for values in zip(*columns, strict=True):
                line += 1
                yield line, dict(zip(wanted.values(), values, strict=True))


@contextmanager
def _within(path: Path, where: str) -> Iterator[None]:
    """Say where the value is that has no counterpart here."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise IngestError(f"{path}: {where}: a text is not UTF-8 ({error.reason}); export it again") from error
    except (ArithmeticError, ValueError, LookupError) as error:
        raise IngestError(f"{path}: {where}: a value cannot be read: {error}; correct it") from error


def _check_type(path: Path, column: pa.Field, *, is_flag: bool) -> None:
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not any(check(kind) for check in _SINGLE_VALUES) or (types.is_boolean(kind) and not is_flag):
        raise IngestError(f"{path}: column {column.name} is of type {column.type}; it must hold numbers, texts or days")


def _check_size(path: Path, metadata: pq.FileMetaData, names: Collection[str]) -> None:
    if metadata.num_rows > MAX_ROWS:
        raise too_many_rows(path)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = (group.column(index) for index in range(group.num_columns))
        size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in names)
        if size > MAX_GROUP_BYTES:
            raise IngestError(
                f"{path}: row group {number + 1} takes {size / 1024**2:,.0f} MiB in memory, more than the "
                f"{MAX_GROUP_BYTES // 1024**2} allowed; write it with smaller row groups, or split it"
            )


def _values(path: Path, name: str, values: pa.Array) -> list[object]:
    if types.is_timestamp(values.type) and values.type.unit == "ns":  # Python's timestamps have no nanoseconds
        values = values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)
    if not types.is_dictionary(values.type):
        return list(values.to_pylist())
    plain = values.dictionary
    if any(is_text(plain.type) for is_text in _TEXTS):
        longest = pc.max(pc.binary_length(plain)).as_py() or 0
        if longest > MAX_CELL_CHARACTERS:
            raise IngestError(
                f"{path}: column {name} has a text of {longest:,} bytes; {MAX_CELL_CHARACTERS:,} are allowed"
            )
    texts = plain.to_pylist()
    return [None if index is None else texts[index] for index in values.indices.to_pylist()]

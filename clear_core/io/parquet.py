"""Parquet through pyarrow: rows in small batches, and back into the same schema.

Import this module only for a Parquet file: pyarrow alone takes 60 MiB.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from clear_core.errors import InputError
from clear_core.io.curation import Curation, Kept
from clear_core.io.opening import open_source
from clear_core.io.record import MAX_RECORD_BYTES, Record, RecordError
from clear_core.io.shapes import Reading, read_value
from clear_core.io.source import FieldMap, Source
from clear_core.io.splice import replace_in_column

BATCH_ROWS: Final = 256
READ_BUFFER: Final = 64 * 1024
GROUP_BYTES: Final = 16 * 1024 * 1024
"""A row group is written when it holds this much or ends in the original: what is buffered stays small."""

_FAULTS: Final = (pa.ArrowException, OSError, UnicodeDecodeError)


def read_parquet(source: Source) -> Generator[Record, None, None]:
    """The rows of a file; one that breaks off ends with a record that says so.

    Raises:
        InputError: when it is no Parquet file.
    """
    row = 0
    with _opened(source) as file:
        for _, batch in _batches(file):
            if isinstance(batch, RecordError):
                yield Record(row, b"", None, batch)
                return
            yield from _records(batch, row)
            row += len(batch)


def write_parquet(source: Source, field_map: FieldMap, curation: Curation, sink: BinaryIO) -> None:
    """Write the kept rows in the original's schema, metadata, compression and at most its size of row groups.

    Args:
        source: the original.
        field_map: which column means what.
        curation: tells what becomes of each row.
        sink: need not be seekable: the file is made in a temporary one first.
    """
    with _opened(source) as file, tempfile.TemporaryFile() as whole:
        with pq.ParquetWriter(whole, file.schema_arrow, compression=_codec(file)) as writer:
            for part in _groups(file, field_map, curation):
                writer.write_table(pa.Table.from_batches(part, schema=file.schema_arrow))
        whole.seek(0)
        shutil.copyfileobj(whole, sink, 1024 * 1024)


def _codec(file: pq.ParquetFile) -> str:
    if not file.metadata.num_row_groups or not file.metadata.num_columns:
        return "snappy"
    codec: str = file.metadata.row_group(0).column(0).compression.lower()
    return "none" if codec == "uncompressed" else codec


def _groups(file: pq.ParquetFile, field_map: FieldMap, curation: Curation) -> Iterator[list[pa.RecordBatch]]:
    """The kept rows in parts of at most a row group of the original or about GROUP_BYTES."""
    waiting: list[pa.RecordBatch] = []
    row = size = latest = 0
    for group, batch in _batches(file):
        if waiting and (group != latest or size > GROUP_BYTES):
            yield waiting
            waiting, size = [], 0
        latest = group
        if isinstance(batch, RecordError):
            curation.decide(Record(row, b"", None, batch))
            break
        waiting += _curated(batch, row, field_map, curation)
        row += len(batch)
        size += batch.nbytes
    if waiting:
        yield waiting


def _curated(
    batch: pa.RecordBatch, first_row: int, field_map: FieldMap, curation: Curation
) -> Iterator[pa.RecordBatch]:
    """The kept rows of a batch, in runs: slices, because a filter would load another 50 MiB of pyarrow."""
    written: dict[int, Kept] = {}
    changed: dict[int, Any] = {}
    place = batch.schema.get_field_index(field_map.response or field_map.prompt)
    for index, record in enumerate(_records(batch, first_row)):
        if kept := curation.decide(record):
            written[index] = kept
            if kept.response is not None and record.value is not None:
                reading = read_value(record.value, field_map)
                changed[index] = _replaced(batch.column(place)[index].as_py(), reading, kept.response)
    if changed:
        # A row that is left out may hold what can't be read: its cell is not touched.
        column = batch.column(place)
        cells = [changed.get(n, column[n].as_py()) if n in written else None for n in range(len(batch))]
        batch = batch.set_column(place, batch.schema.field(place), pa.array(cells, batch.schema.field(place).type))
    start = 0
    for index in range(len(batch) + 1):
        if index not in written:
            if index > start:
                yield batch.slice(start, index - start)
            start = index + 1


def _replaced(cell: Any, reading: Reading, response: str) -> Any:
    if isinstance(cell, str):
        return replace_in_column(cell, reading, response)
    turn = {**cell[reading.turn], reading.key: reading.content(response)}
    return [*cell[: reading.turn], turn, *cell[reading.turn + 1 :]]


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    with open_source(source) as stream, tempfile.TemporaryFile() as plain:
        file: Any = stream
        if not stream.seekable():  # inside an archive: Parquet is read from its end
            shutil.copyfileobj(stream, plain, 1024 * 1024)
            file = plain
        try:
            # A buffer instead of whole column chunks: a quarter of the memory at the same speed.
            parquet = pq.ParquetFile(file, buffer_size=READ_BUFFER, pre_buffer=False)
        except _FAULTS as error:
            raise InputError(f"{source.name} is no whole Parquet file.", "Copy the whole file again.") from error
        names = parquet.schema_arrow.names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"Two columns are called {twice!r}.", "Rename one of them.")
        yield parquet


def _batches(file: pq.ParquetFile) -> Iterator[tuple[int, pa.RecordBatch | RecordError]]:
    """Number of the row group and the batch; the last one is an error where the file is damaged."""
    for group in range(file.num_row_groups):
        batches = file.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except _FAULTS as error:
                told = f"The file is damaged from here on ({str(error)[:200]})."
                yield group, RecordError("", told, "Copy the whole file again.")
                return
            if batch is None:
                break
            yield group, batch


def _records(batch: pa.RecordBatch, first_row: int) -> Iterator[Record]:
    try:
        values = batch.to_pylist()
    except _FAULTS:
        values = [None] * len(batch)  # one cell with bytes that are no UTF-8 hides the whole batch: row by row then
    for index, value in enumerate(values):
        yield _record(batch.slice(index, 1) if value is None else None, first_row + index, value)


def _record(alone: pa.RecordBatch | None, row: int, value: dict[str, Any] | None) -> Record:
    problem = None
    try:
        if alone is not None:
            value = alone.to_pylist()[0]
        plain = {column: _plain(cell, column) for column, cell in (value or {}).items()}
    except RecordError as error:
        problem = error
    except _FAULTS as error:
        problem = RecordError("", f"A cell can't be read ({error}).", "Write text as UTF-8.")
    if problem:
        return Record(row, str(value or "").encode("utf-8", "replace"), None, problem)
    return Record(row, b"", plain)


def _plain(cell: Any, column: str) -> Any:
    """A cell in JSON's terms: for meta and the screen only, the file keeps the cell as it is."""
    if isinstance(cell, str):
        if "\0" in cell:
            raise RecordError(column, "The text holds a NUL character.", "Remove it.")
        if len(cell) > MAX_RECORD_BYTES:
            raise RecordError(column, f"The text has {len(cell):,} characters.", "Split or remove it.")
        return cell
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, dict):
        return {key: _plain(inner, column) for key, inner in cell.items()}
    if isinstance(cell, list):
        return [_plain(inner, column) for inner in cell]
    return f"({len(cell):,} bytes)" if isinstance(cell, bytes) else str(cell)

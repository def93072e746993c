"""Files -> examples, in row order and bounded memory; what can't be read is listed, never dropped in silence."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import islice
from typing import Final

from clear_core.io.csv_file import read_csv
from clear_core.io.json_array import read_json
from clear_core.io.jsonl import read_jsonl
from clear_core.io.opening import open_source, sniff
from clear_core.io.record import DamagedError, Gap, Record, RecordError
from clear_core.io.shapes import read_record
from clear_core.io.source import FieldMap, FileFormat, Source
from clear_core.types import Example, RowProblem

_TEXT_FORMATS: Final = {"jsonl": read_jsonl, "json": read_json, "csv": read_csv}


def read_examples(source: Source, field_map: FieldMap) -> Generator[Example | RowProblem, None, None]:
    """Read a dataset.

    Args:
        source: the file.
        field_map: which column means what.

    Yields:
        An example, or what is wrong with the record, for every record of the file in row order. A file that breaks
        off ends with the problem that says so.

    Raises:
        InputError: when the file can't be read at all, or an archive unpacks to far too much.
    """
    for record in read_records(source):
        yield read_record(record, field_map)


def read_preview(source: Source, field_map: FieldMap, n: int = 5) -> list[Example | RowProblem]:
    """The first n records of `read_examples`."""
    with closing(read_examples(source, field_map)) as rows:
        return list(islice(rows, n))


def read_records(source: Source) -> Generator[Record, None, None]:
    """The records of a file of any format, whatever its columns mean."""
    file_format, _ = sniff(source)
    if file_format == "parquet":
        from clear_core.io.parquet import read_parquet  # noqa: PLC0415 - 60 MiB that other formats don't pay

        yield from read_parquet(source)
        return
    for piece in read_pieces(source, file_format):
        if isinstance(piece, Record):
            yield piece


def read_pieces(source: Source, file_format: FileFormat) -> Generator[Gap | Record, None, None]:
    """Every byte of a text file as records and gaps; a file that breaks off ends with a record that says so."""
    row = 0
    with open_source(source) as stream:
        try:
            for piece in _TEXT_FORMATS[file_format](stream):
                yield piece
                row += isinstance(piece, Record)
        except DamagedError as error:
            yield Record(row, b"", None, RecordError("", error.message, error.hint))
            if file_format == "json":
                yield Gap(b"]")

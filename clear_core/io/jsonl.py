"""JSON lines: one record a line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from clear_core.io.opening import BOM
from clear_core.io.record import MAX_RAW, MAX_RECORD_BYTES, Gap, Record, RecordError, decode, too_long
from clear_core.io.strict_json import as_object, load

_CHUNK: Final = 256 * 1024


def lines(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The lines of a stream with their ends; a longer line is cut, so that memory stays bounded.

    Yields:
        The line, and its whole length in bytes where it was cut to MAX_RAW, else 0.
    """
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        if len(line) <= MAX_RECORD_BYTES or line.endswith(b"\n"):
            yield line, 0
            continue
        length = len(line)
        while (more := stream.readline(_CHUNK)) and not more.endswith(b"\n"):
            length += len(more)
        yield line[:MAX_RAW], length + len(more)


def read_jsonl(stream: BinaryIO) -> Iterator[Gap | Record]:
    """Every byte of the stream as records and gaps, in order."""
    row = 0
    first = True
    for line, cut in lines(stream):
        if first and line.startswith(BOM):
            yield Gap(BOM)
            line = line[len(BOM) :]  # noqa: PLW2901
        first = False
        if not cut and not line.strip():
            yield Gap(line)
            continue
        yield Record(row, line, None, too_long(cut)) if cut else _record(row, line)
        row += 1


def _record(row: int, raw: bytes) -> Record:
    try:
        return Record(row, raw, as_object(load(decode(raw))))
    except RecordError as error:
        return Record(
            row, raw, None, RecordError("", "The record holds a NUL byte.", "Remove it.") if b"\0" in raw else error
        )

"""JSON lines: one record a line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from clear_core.io.opening import BOM
from clear_core.io.record import MAX_RAW, MAX_RECORD_BYTES, Gap, Record, RecordError
from clear_core.io.strict_json import kind, load

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


def too_long(length: int) -> RecordError:
    """The complaint about a record that is no example any more."""
    return RecordError(
        "", f"The record has {length:,} bytes; at most {MAX_RECORD_BYTES:,} are read.", "Split or remove it."
    )


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
        yield parse_record(row, line) if not cut else Record(row, line, None, too_long(cut))
        row += 1


def parse_record(row: int, raw: bytes, text: str | None = None) -> Record:
    """Decode one record's bytes to an object.

    Args:
        row: its number.
        raw: its bytes.
        text: the same as text, where the caller has it.
    """
    try:
        value = load(raw.decode() if text is None else text)
    except RecordError as error:
        return Record(row, raw, None, _plainer(raw, error))
    except UnicodeDecodeError as error:
        return Record(row, raw, None, not_utf8(error))
    if not isinstance(value, dict):
        return Record(row, raw, None, not_object(value))
    return Record(row, raw, value)


def not_object(value: object) -> RecordError:
    """The complaint about a record that has no columns."""
    return RecordError("", f"The record is {kind(value)}, not an object.", 'Write it as {"column": "text", …}.')


def not_utf8(error: UnicodeDecodeError) -> RecordError:
    """The complaint about bytes that are no UTF-8."""
    byte = error.object[error.start]
    return RecordError(
        "", f"Byte {error.start + 1} of the record (0x{byte:02x}) is not UTF-8.", "Save the file again as UTF-8."
    )


def _plainer(raw: bytes, error: RecordError) -> RecordError:
    if b"\0" in raw:
        return RecordError("", "The record holds a NUL byte.", "Remove it.")
    return error

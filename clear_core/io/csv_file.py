"""CSV, TSV and semicolon CSV: records by Python's own strict parser, with the exact bytes that each one stands in."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, Final

from clear_core.errors import InputError
from clear_core.io.jsonl import lines
from clear_core.io.opening import BOM
from clear_core.io.record import MAX_RECORD_BYTES, Gap, Record, RecordError, decode, too_long

_DELIMITERS: Final = (",", ";", "\t")
_QUOTED: Final = re.compile(r'"[^"]*"')

csv.field_size_limit(MAX_RECORD_BYTES)  # one limit for the process; the default, 128 KiB, is less than a long answer


@dataclass(slots=True)
class _Line:
    raw: bytes
    length_if_cut: int
    reread: bool = False


class _Lines:
    """Feeds a csv reader line by line and remembers what it took for the record at hand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines(stream)
        self._again: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        # An open quote must not swallow the file: the strict parser turns this end into an error.
        if self._size > MAX_RECORD_BYTES:
            raise StopIteration
        line = self._again.popleft() if self._again else _Line(*next(self._lines))
        self.taken.append(line)
        self._size += len(line.raw)
        if line.length_if_cut:
            raise StopIteration
        return line.raw.decode("utf-8", "surrogateescape")

    def begin(self) -> None:
        """Start the next record."""
        self.taken = []
        self._size = 0

    @property
    def raw(self) -> bytes:
        """The bytes of the record at hand."""
        return b"".join(line.raw for line in self.taken)

    def give_back(self) -> _Line:
        """Keep the first line of the record at hand and return the others to the stream."""
        first, *rest = self.taken
        self._again.extendleft(_Line(line.raw, line.length_if_cut, reread=True) for line in reversed(rest))
        self.taken = [first]
        return first


def read_csv(stream: BinaryIO) -> Iterator[Gap | Record]:
    """Every byte of the stream as records and gaps, in order; the header is a gap.

    A record whose quotes don't close is a problem of its first line alone: the lines that its open quote ran over are
    read again, and those that stand as records on their own are good.

    Raises:
        InputError: when the header can't be used.
    """
    feed = _Lines(stream)
    columns, delimiter = yield from _header(feed)
    row = 0
    while True:
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            while True:
                feed.begin()
                fields = next(reader, None)
                if not feed.taken:
                    return
                if fields is None:
                    break
                piece = _piece(row, feed, fields, columns, delimiter)
                row += isinstance(piece, Record)
                yield piece
            error = too_long(feed.taken[0].length_if_cut)
        except csv.Error as fault:
            error = _broken(feed, fault)
        yield Record(row, feed.give_back().raw, None, error)
        row += 1


def _header(feed: _Lines) -> Generator[Gap, None, tuple[list[str], str]]:
    line = b"\n"
    while not line.strip():
        feed.begin()
        next(feed, None)
        line = feed.raw.removeprefix(BOM)
        if not line:
            raise InputError("The file holds no records.", "Upload a file with a header and at least one record.")
        if not line.strip():
            yield Gap(feed.raw)
    bom = feed.raw[: -len(line)]
    if b"\r" in line.strip() and not line.endswith(b"\n"):
        raise InputError("The lines end in carriage returns alone.", "Save the file with Windows or Unix line ends.")
    try:
        first = _QUOTED.sub("", line.decode())
        delimiter = max(_DELIMITERS, key=first.count)
        columns = next(csv.reader([line.decode()], delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The header can't be read ({error}).", "Save the file as CSV in UTF-8.") from None
    columns = [column or f"column {number}" for number, column in enumerate(columns, 1)]
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise InputError(f"Two columns are called {twice!r}.", "Rename one of them in the header.")
    yield Gap(bom + line)
    return columns, delimiter


def _piece(row: int, feed: _Lines, fields: Sequence[str], columns: Sequence[str], delimiter: str) -> Gap | Record:
    raw = feed.raw
    if not fields or (len(fields) == 1 < len(columns) and not raw.strip()):
        return Gap(raw)
    try:
        text = decode(raw)
        _check(text, fields, columns, stray=feed.taken[0].reread and _has_stray_quote(text, delimiter))
    except RecordError as error:
        return Record(row, raw, None, error)
    return Record(row, raw, dict(zip(columns, fields, strict=True)), delimiter=delimiter)


def _check(text: str, fields: Sequence[str], columns: Sequence[str], *, stray: bool) -> None:
    if len(fields) != len(columns):
        told = f"The record has {len(fields)} fields, the header {len(columns)}."
        raise RecordError("", told, "Quote fields that hold the delimiter or a line end.")
    if "\0" in text:
        raise RecordError("", "The record holds a NUL byte.", "Remove it.")
    if stray:
        raise RecordError("", "The line belongs to the broken record above it.", "Correct the quotes there.")


def _broken(feed: _Lines, fault: csv.Error) -> RecordError:
    count = len(feed.taken)
    over = f" Its open quote runs over {count} lines; the others are read on their own." if count > 1 else ""
    return RecordError(
        "", f"The record can't be split into fields: {fault}.{over}", 'Quote the field, and write a quote in it as "".'
    )


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'("[^"]*(?:""[^"]*)*"|[^{delimiter}\r\n]*)(?:{delimiter}|\r?\n|\Z)')


def _cells(text: str, delimiter: str) -> list[tuple[int, int]]:
    """Start and end of every field of a record that the parser took."""
    spans = []
    at = 0
    while match := _cell(delimiter).match(text, at):
        spans.append(match.span(1))
        at = match.end()
        if not match[0].endswith(delimiter):
            break
    return spans


def _has_stray_quote(text: str, delimiter: str) -> bool:
    return any(text[start] != '"' and '"' in text[start:end] for start, end in _cells(text, delimiter) if end > start)


def replace_cell(record: Record, column: str, content: str) -> bytes:
    """A record's bytes with another content of one column; every other byte as it was."""
    columns = list(record.value or {})
    text = record.raw.decode()
    start, end = _cells(text, record.delimiter)[columns.index(column)]
    quoted = text[start : start + 1] == '"' or re.search(rf'["\r\n{record.delimiter}]', content)
    if quoted or (not content.strip() and len(columns) == 1):
        content = '"' + content.replace('"', '""') + '"'
    return f"{text[:start]}{content}{text[end:]}".encode()

"""One JSON array of records, streamed: the standard library would hold the whole file in memory, several times over."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from clear_core.io.record import MAX_RAW, MAX_RECORD_BYTES, DamagedError, Gap, Record, RecordError, decode, too_long
from clear_core.io.strict_json import as_object, check_value, decoder, explain, too_deep

_CHUNK: Final = 512 * 1024
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r"[^,\]\s]*")
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_FIRST_KEY: Final = re.compile(r'\{[ \t\r\n]*("[^"\\]{0,200}")[ \t\r\n]*:')
_MAX_OPENING: Final = 1024
"""Longest opening of a record, from the comma before it to the colon after its first key, that is looked for."""


class _Window:
    """A moving view of the text; bytes that are no UTF-8 travel in it as surrogates and come out as they were."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._fault: DamagedError | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text = ""
        self.at = 0
        self.ended = False

    @property
    def left(self) -> int:
        """How many characters lie ahead in the window."""
        return len(self.text) - self.at

    def fill(self) -> None:
        """Forget what lies behind and read on: each time as much again, so that a long record costs linear time."""
        if self._fault:
            raise self._fault
        rest = self.text[self.at :]
        data = bytearray()
        wanted = max(_CHUNK, min(len(rest), MAX_RECORD_BYTES + 1 - len(rest)))
        try:
            while len(data) < wanted and (more := self._stream.read1(_CHUNK)):
                data += more
        except DamagedError as error:
            self._fault = error  # what came before it still counts
        self.ended = not data and not self._fault
        self.text = rest + self._decoder.decode(data, final=self.ended)
        self.at = 0

    def take(self, end: int) -> str:
        """Step to `end` and return what lies before it."""
        text = self.text[self.at : end]
        self.at = end
        return text

    def space(self) -> str:
        """Step over white space and return it."""
        while True:
            match = _SPACE.match(self.text, self.at)
            end = match.end() if match else self.at
            if end < len(self.text) or self.ended:
                return self.take(end)
            if self.left > MAX_RECORD_BYTES:
                raise DamagedError("Blank space without end follows.", "Copy the whole file again.")
            self.fill()

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]


def read_json(stream: io.BufferedReader) -> Iterator[Gap | Record]:
    """Every byte of the stream as records and gaps, in order; what is wrong between records is a record of its own.

    Args:
        stream: text that starts with "[".
    """
    window = _Window(stream)
    window.fill()
    window.at = window.text.index("[") + 1
    yield Gap(_bytes(window.text[: window.at] + window.space()))
    row, lead, key = 0, "", ""
    while window.peek() not in {"", "]"}:
        key = _first_key(window) or key
        record = _element(window, row, lead, key)
        yield record
        row += 1
        lead = window.space()
        if window.peek() == ",":
            window.at += 1
            lead += "," + window.space()
        elif window.peek() not in {"", "]"}:
            yield _flaw(row, "A comma is missing between two records.", "Write one between them.")
            row, lead = row + 1, f",{lead}"
    yield from _ending(window, row, lead)


def _ending(window: _Window, row: int, lead: str) -> Iterator[Gap | Record]:
    before, comma, _ = lead.partition(",")
    if comma:
        yield _flaw(row, "A comma is followed by no record.", "Remove it.")
        row += 1
    closed = window.peek() == "]"
    window.at += closed
    if not closed:
        yield _flaw(row, "The array is never closed: the file seems cut off.", "Copy the whole file again.")
    space = window.space()
    if window.peek():
        raw = _bytes(window.text[window.at : window.at + MAX_RAW])
        error = RecordError("", "Text follows after the end of the array; nothing of it is read.", "Remove it.")
        yield Record(row, raw, None, error)
    yield Gap(_bytes(f"{before}]{space}"))


def _flaw(row: int, message: str, hint: str) -> Record:
    return Record(row, b"", None, RecordError("", message, hint))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _first_key(window: _Window) -> str:
    match = _FIRST_KEY.match(window.text, window.at)
    return match[1] if match else ""


def _element(window: _Window, row: int, lead: str, key: str) -> Record:
    value, end, error = _decode(window)
    if error is not None:
        raw = _bytes(_skip_bad(window, key, broken=value is _BROKEN))
        return Record(row, raw, None, error)
    text = window.take(end)
    raw = _bytes(text)
    try:
        if len(raw) > MAX_RECORD_BYTES:
            raise too_long(len(raw))
        if not text.isascii():
            decode(raw)
        check_value(value, text)
        return Record(row, raw, as_object(value), lead=_bytes(lead))
    except RecordError as fault:
        return Record(row, raw, None, fault)


_BROKEN: Final = object()


def _decode(window: _Window) -> tuple[Any, int, RecordError | None]:
    """The value at hand and its end, or what is wrong with it; the value is _BROKEN where its brackets may be."""
    while True:
        try:
            value, end = decoder.raw_decode(window.text, window.at)
        except RecordError as error:
            return None, 0, error
        except RecursionError:
            return None, 0, too_deep()
        except json.JSONDecodeError as error:
            cut_off = error.msg.startswith("Unterminated string") or error.pos > len(window.text) - 16
            if window.ended or not cut_off or window.left > MAX_RECORD_BYTES:
                here = json.JSONDecodeError(error.msg, "", 0)
                here.pos = error.pos - window.at
                return _BROKEN, 0, too_long(window.left) if cut_off and not window.ended else explain(here)
        else:
            if end < len(window.text) or window.ended:
                return value, end, None
        window.fill()


def _skip_bad(window: _Window, key: str, *, broken: bool) -> str:
    """Step over a record that can't be decoded and return the beginning of it.

    Its end is where its brackets close; where they don't before another record opens with the same first key, or
    nowhere in reach, it is that opening. In a JSON string such an opening can't stand: its quotes would be escaped.
    """
    opening = re.compile(rf"([,}}])[ \t\r\n]*\{{[ \t\r\n]*{re.escape(key)}[ \t\r\n]*:") if key else None
    while True:
        following = opening.search(window.text, window.at + 1) if opening else None
        edge = following.start() + (following[1] == "}") if following else len(window.text)
        end = _closing(window.text, window.at, edge if broken else len(window.text))
        if end or window.ended or window.left > MAX_RECORD_BYTES:
            break
        if following and broken:
            return window.take(edge)
        window.fill()
    if end or following or window.ended:
        return window.take(end or edge)[:MAX_RAW]
    return _skip_to(window, opening)


def _closing(text: str, at: int, edge: int) -> int:
    """Where the brackets of the value at `at` close, before `edge`; 0 where they don't."""
    if text[at] not in "{[":
        match = _SCALAR.match(text, at, edge)
        return max(at + 1, match.end()) if match else at + 1
    depth = 0
    for token in _TOKEN.finditer(text, at, edge):
        bracket = token[0]
        if bracket in "{[":
            depth += 1
        elif bracket in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return 0


def _skip_to(window: _Window, opening: re.Pattern[str] | None) -> str:
    """Step on to the next opening, or the end, in bounded memory; return the beginning of what was skipped."""
    skipped = window.text[window.at : window.at + MAX_RAW]
    while True:
        following = opening.search(window.text, window.at + 1) if opening else None
        if following or window.ended:
            window.at = following.start() + (following[1] == "}") if following else len(window.text)
            return skipped
        window.at = max(window.at, len(window.text) - _MAX_OPENING)
        window.fill()

"""Put another text in place of one value of a JSON text and leave every other character as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from clear_core.io.shapes import Reading
from clear_core.io.strict_json import decoder

_SPACE: Final = re.compile(r"[ \t\r\n]*")

Path = tuple[str | int, ...]


def replace_in_json(text: str, value: Mapping[str, Any], reading: Reading, response: str) -> str:
    """A record's JSON with another response.

    Args:
        text: the record as it stands in the file.
        value: what it decodes to.
        reading: where its response stands.
        response: the text to put there.
    """
    cell = value[reading.column]
    if isinstance(cell, str):
        return _put(text, (reading.column,), replace_in_column(cell, reading, response))
    return _put(text, (reading.column, *reading.path), reading.content(response))


def replace_in_column(cell: str, reading: Reading, response: str) -> str:
    """A text cell with another response: the response itself, or the JSON list of turns that the cell holds."""
    return _put(cell, reading.path, reading.content(response)) if reading.path else response


def _put(text: str, path: Path, value: Any) -> str:
    start, end = locate(text, path)
    # As the old value was spelled, so is the new one.
    escaped = "\\u" in text[start:end]
    return f"{text[:start]}{json.dumps(value, ensure_ascii=escaped)}{text[end:]}"


def locate(text: str, path: Path) -> tuple[int, int]:
    """Where the value at a path stands in JSON text that is known to be sound.

    Args:
        text: one JSON value.
        path: keys and indices from its top.

    Returns:
        Start and end, in characters.
    """
    start = _skip(text, 0)
    for step in path:
        start = _enter(text, start, step)
    return start, decoder.raw_decode(text, start)[1]


def _enter(text: str, at: int, step: str | int) -> int:
    """Start of the value under a key or index of the object or array at `at`."""
    at = _skip(text, at + 1)
    count = 0
    while True:
        name: str | int = count
        if isinstance(step, str):
            name, at = decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        if name == step:
            return at
        at = _skip(text, _skip(text, decoder.raw_decode(text, at)[1]) + 1)  # the comma
        count += 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at

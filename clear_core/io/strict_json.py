"""JSON without leniency: what other loaders change in silence is refused here, by name.

Python's own `json` takes NaN, keeps the last of two equal keys and lets lone surrogates through; a number beyond a
double becomes infinity. Each of these would come back changed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from clear_core.io.record import RecordError

MAX_DEPTH: Final = 100
MAX_DIGITS: Final = 400
_END: Final = object()

_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_FIX_TEXT: Final = "Write the character itself or remove it."


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError("", f"The key {twice!r} stands twice in one object.", "Remove one of them.")
    return value


def _constant(name: str) -> Any:
    raise RecordError("", f"{name} is not JSON.", "Write null or a string instead.")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise RecordError("", f"A whole number has {len(digits):,} digits.", "Write it as a string.")
    return int(digits)


def _decimal(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise RecordError("", f"The number {digits[:40]} is too large for a JSON reader.", "Write it as a string.")
    return value


decoder: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_whole, parse_float=_decimal
)
"""Decodes or raises RecordError, JSONDecodeError or RecursionError; texts still need `check_value`."""


def explain(error: json.JSONDecodeError) -> RecordError:
    """The decoder's complaint, for a person."""
    return RecordError(
        "", f"Not valid JSON: {error.msg} (character {error.pos + 1}).", "Correct the record or leave it out."
    )


def too_deep() -> RecordError:
    """The complaint about nesting."""
    return RecordError("", f"The record is nested more than {MAX_DEPTH} levels deep.", "Flatten or remove it.")


def load(text: str) -> Any:
    """Decode one JSON value.

    Raises:
        RecordError: when it is not strict JSON, or could not come back unchanged.
    """
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise explain(error) from None
    except RecursionError:
        raise too_deep() from None
    check_value(value, text)
    return value


def check_value(value: Any, text: str) -> None:
    """Refuse nesting beyond MAX_DEPTH, lone surrogates and NUL in a decoded value.

    Args:
        value: what the decoder made of `text`.
        text: the JSON itself; without suspects in it there is nothing to walk.

    Raises:
        RecordError: naming the column.
    """
    suspect = "\\u" in text and _SUSPECT.search(text)
    if not suspect and text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    for column, string in _strings(value):
        if "\0" in string:
            raise RecordError(column, "The text holds a NUL character.", _FIX_TEXT)
        try:
            string.encode()
        except UnicodeEncodeError:
            raise RecordError(column, "The text holds half of a character (a lone surrogate).", _FIX_TEXT) from None


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Every string in a value, keys included, with its top-level column."""
    if not isinstance(value, dict):
        yield from _strings_below("", value, 0)
        return
    for column, inner in value.items():
        yield "", column
        yield from _strings_below(column, inner, 1)


def _strings_below(column: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    # Iterators instead of items: a record of a million empty lists must not grow a second time here.
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        item = next(stack[-1], _END)
        if item is _END:
            stack.pop()
        elif isinstance(item, str):
            yield column, item
        elif isinstance(item, dict | list):
            if len(stack) + depth > MAX_DEPTH:
                raise too_deep()
            if isinstance(item, dict):
                yield from ((column, key) for key in item)
            stack.append(iter(item.values() if isinstance(item, dict) else item))


def as_object(value: Any) -> dict[str, Any]:
    """The value, if it is a record's object.

    Raises:
        RecordError: when it is something else.
    """
    if not isinstance(value, dict):
        raise RecordError("", f"The record is {kind(value)}, not an object.", 'Write it as {"column": "text", …}.')
    return value


def kind(value: Any) -> str:
    """A JSON value's type, as a person calls it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else f"of type {type(value).__name__}"

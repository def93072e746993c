"""Scores, preferences, proposals and decisions as JSON lines: one object a line, keyed by id and row."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from clear_core.errors import InputError
from clear_core.io.atomic import atomic_writer
from clear_core.io.record import RecordError
from clear_core.io.strict_json import decoder
from clear_core.io.strict_json import kind as json_kind
from clear_core.types import ConfidenceScore, Decision, Outcome, Preference, Proposal

Stored = ConfidenceScore | Preference | Proposal | Decision | Outcome
StoredT = TypeVar("StoredT", ConfidenceScore, Preference, Proposal, Decision, Outcome)

Attribute = tuple[str, Any, bool]

_SHARES: Final = {"confidence", "consistency", "reflection", "likelihood", "preference", "eta", "lower", "upper"}


def to_record(item: Stored) -> dict[str, Any]:
    """An item's attributes by name, in the order of `clear_core.types`."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


def to_line(item: Stored) -> bytes:
    """One JSON line.

    Raises:
        ValueError: when a number is not finite; a score that is none is None.
    """
    line = json.dumps(to_record(item), ensure_ascii=False, allow_nan=False)
    try:
        return line.encode() + b"\n"
    except UnicodeEncodeError:  # half a character in a reply that a length limit cut: keep it, escaped
        return json.dumps(to_record(item), allow_nan=False).encode() + b"\n"


def write_records(path: Path, items: Iterable[Stored]) -> int:
    """Write a file whole or not at all.

    Returns:
        How many items were written.

    Raises:
        InputError: when the file can't be written.
    """
    count = 0
    with atomic_writer(path) as file:
        for item in items:
            file.write(to_line(item))
            count += 1
    return count


def read_scores(path: Path) -> Iterator[ConfidenceScore]:
    """Read scores; InputError names file and line."""
    return _read(path, ConfidenceScore)


def read_preferences(path: Path) -> Iterator[Preference]:
    """Read preferences; InputError names file and line."""
    return _read(path, Preference)


def read_proposals(path: Path) -> Iterator[Proposal]:
    """Read proposals; InputError names file and line."""
    return _read(path, Proposal)


def read_decisions(path: Path) -> Iterator[Decision]:
    """Read decisions; InputError names file and line."""
    return _read(path, Decision)


def _read(path: Path, kind: type[StoredT]) -> Iterator[StoredT]:
    try:
        attributes = _attributes(kind)
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield kind(**_values(line, kind, attributes, f"{path}, line {number}"))
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", "Check the name.") from error


def _values(line: bytes, kind: type[Stored], attributes: Sequence[Attribute], where: str) -> dict[str, Any]:
    hint = f"The file should hold one {kind.__name__} a line, as clear-review writes it."
    try:
        value = decoder.decode(line.decode())
    except (ValueError, RecursionError, RecordError) as error:
        raise InputError(f"{where} is no JSON: {error}", hint) from None
    if not isinstance(value, dict):
        raise InputError(f"{where} is {json_kind(value)}.", hint)
    values = {}
    for name, allowed, needed in attributes:
        if name in value:
            if fault := _fault(name, value[name], allowed):
                raise InputError(f"{where}: {name!r} is {json.dumps(value[name])[:60]}, {fault}.", hint)
            values[name] = value[name]
        elif needed:
            raise InputError(f"{where}: {name!r} is missing.", hint)
    return values


def _attributes(kind: type[Stored]) -> tuple[Attribute, ...]:
    """Name, type and whether it must be given."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


def _fault(name: str, value: Any, allowed: Any) -> str:
    if not _fits(value, allowed):
        return f"not {_said(allowed)}"
    if name in _SHARES and value is not None and not 0 <= value <= 1:
        return "not from 0 to 1"
    return "not a row number" if name == "row" and value < 0 else ""


def _fits(value: Any, allowed: Any) -> bool:
    origin = get_origin(allowed)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(allowed))
    if origin is Literal:
        return value in get_args(allowed)
    if allowed is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if allowed is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Mapping if origin else allowed)


def _said(allowed: Any) -> str:
    if get_origin(allowed) in (Union, types.UnionType):
        return " or ".join(_said(one) for one in get_args(allowed))
    if get_origin(allowed) is Literal:
        return f"one of {', '.join(get_args(allowed))}"
    if get_origin(allowed):
        return "an object"
    return {str: "text", float: "a number", int: "a whole number"}.get(allowed, "null")

"""JSON held against JSON, field by field: what is equal, what is missing, and which texts are left to compare."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_PLAIN_KEY: Final = re.compile(r"[^\W\d][\w-]*\Z")


@dataclass(frozen=True, slots=True)
class Matched:
    """The fields of a given JSON value and of a sampled one.

    Attributes:
        decided: path -> 1 for a value that is the same on both sides, 0 for one that differs or that one side lacks.
        texts: path -> (given, sampled) of texts that differ, whose similarity is left to tell.
        match: whether both are equal as JSON.
    """

    decided: Mapping[str, float]
    texts: Mapping[str, tuple[str, str]]
    match: bool


def matched(given: Any, sampled: Any) -> Matched:
    """Hold two JSON values against each other, field by field over the union of their paths (our own rule).

    Numbers, booleans and null count 1 when they are equal, else 0 (4 equals 4.0, and no other kind equals it); elements
    of a list are compared by their place; a key that one side lacks counts 0.
    """
    here, there = fields(given), fields(sampled)
    decided: dict[str, float] = {}
    texts: dict[str, tuple[str, str]] = {}
    for path in {**here, **there}:
        if path not in here or path not in there:
            decided[path] = 0.0
        elif isinstance(here[path], str) and isinstance(there[path], str) and here[path] != there[path]:
            texts[path] = here[path], there[path]
        else:
            decided[path] = float(_same(here[path], there[path]))
    return Matched(decided, texts, not texts and all(decided.values()))


def fields(value: Any) -> dict[str, Any]:
    """Path -> value of every field of a JSON value, nested ones by their path, such as `items[0].price`.

    An empty object or list is a field with no fields of its own.
    """
    found: dict[str, Any] = {}
    left = [("", value)]
    while left:
        path, inner = left.pop()
        below: list[tuple[str, Any]] = []
        if isinstance(inner, dict):
            below = [(_below(path, key), each) for key, each in inner.items()]
        elif isinstance(inner, list):
            below = [(f"{path}[{place}]", each) for place, each in enumerate(inner)]
        if below:
            left += reversed(below)
        else:
            found[path] = inner
    return found


def _below(path: str, key: str) -> str:
    if _PLAIN_KEY.match(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def _same(one: Any, other: Any) -> bool:
    """Whether two values without fields of their own are the same JSON: true is not 1, and "4" is not 4."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
        return one == other or both_nan
    return type(one) is type(other) and one == other

"""What a cell of a dataset holds when a column brings numbers or texts that were made elsewhere."""

from __future__ import annotations

import math
from typing import Any

from clear_core import parsing


def unpacked(value: Any) -> Any:
    """The list that a cell of a format without lists (CSV) holds as JSON; anything else as it is."""
    if isinstance(value, str):
        inner = parsing.json_value(value)
        return inner if isinstance(inner, list) else value
    return value


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing: null, or white space alone."""
    return value is None or (isinstance(value, str) and not value.strip())


def number(value: Any) -> float | None:
    """The finite number in a cell, also one written as text (CSV); None when it is none, as true and false are."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        # Python reads 1_000 as a number; a person may have meant something else.
        read = math.nan if isinstance(value, str) and "_" in value else float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None

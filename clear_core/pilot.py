"""The pilot: rows that are scored in full, so that gamma is a number before sampling may stop early at it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from typing import Final

from clear_core.errors import StateError
from clear_core.propose import Gamma, cut, score_table
from clear_core.types import ConfidenceScore

PILOT: Final = 150
"""Rows of a pilot by default: from 100 to 200 place gamma well enough."""


def pilot_rows(rows: Iterable[int], size: int = PILOT) -> list[int]:
    """A random choice of rows that is the same on every run; ascending.

    Args:
        rows: numbers of all the rows that are to be scored.
        size: how many to choose; all where there are no more.
    """
    # Not the hash that ranks ties: it would fill the pilot with rows that win them.
    return sorted(heapq.nsmallest(size, rows, key=lambda row: (_draw(row), row)))


def fixed_gamma(scores: Iterable[ConfidenceScore], gamma: Gamma) -> float:
    """Gamma as a number: its value, or the lowest confidence that its share keeps of a pilot's scores.

    Raises:
        StateError: when gamma is a share and no row of the pilot has a confidence.
    """
    if gamma.kind == "value":
        return gamma.amount
    at = cut(score_table(scores), gamma)
    if not at.scored:
        raise StateError(
            "No row of the pilot could be scored, so there is no gamma to stop early at.",
            "Look at the problems of its rows, or score without stopping early.",
        )
    return at.gamma


def _draw(row: int) -> bytes:
    return hashlib.blake2b(str(row).encode(), digest_size=8, person=b"pilot").digest()

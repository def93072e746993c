"""Quality scores that a dataset brings along: ratings, IFD, reward scores, taken over as confidences, never guessed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clear_core.cells import is_blank, number
from clear_core.errors import InputError
from clear_core.types import ConfidenceScore, Example

RANK: Final = "rank"


@dataclass(frozen=True, slots=True)
class ColumnRecipe:
    """Which column holds a score, and what its numbers mean.

    Attributes:
        field: the column.
        low: the number that becomes confidence 0 (1 where lower is better).
        high: the number that becomes confidence 1 (0 where lower is better).
        by_rank: whether a number becomes its rank among all rows instead; low and high then mean nothing.
        lower_is_better: whether a smaller number is the better one, as with a perplexity.
        scorer: who gave the scores, for the record; empty when unknown.
    """

    field: str
    low: float = 0.0
    high: float = 1.0
    by_rank: bool = False
    lower_is_better: bool = False
    scorer: str = ""

    @property
    def name(self) -> str:
        """The measure as scores record it, such as "column/rating"."""
        return f"column/{self.field}"

    @property
    def scale(self) -> str:
        """The scale as `column_recipe` reads it."""
        return RANK if self.by_rank else f"{self.low:g}:{self.high:g}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a column holds.

    Attributes:
        values: the numbers, float64, ascending.
        blank: rows without a value.
        bad: rows whose value is no number.
        off_scale: rows whose number lies outside the scale that was given.
    """

    values: NDArray[np.float64]
    blank: int
    bad: int
    off_scale: int = 0

    @property
    def range(self) -> tuple[float, float] | None:
        """The smallest and the largest number; None without any."""
        return (float(self.values[0]), float(self.values[-1])) if len(self.values) else None


def column_recipe(field: str, scale: str = "", *, lower_is_better: bool = False, scorer: str = "") -> ColumnRecipe:
    """A recipe from what a person writes.

    Args:
        field: the column.
        scale: "LOW:HIGH" such as "1:5", "rank", or "" for numbers that lie in [0, 1] already.
        lower_is_better: whether a smaller number is the better one.
        scorer: who gave the scores, for the record.

    Raises:
        InputError: when there is no column or the scale says nothing.
    """
    if not field:
        raise InputError("No column of scores is named.", "Name the one that holds them.")
    if scale == RANK:
        return ColumnRecipe(field, by_rank=True, lower_is_better=lower_is_better, scorer=scorer)
    first, _, last = scale.partition(":") if scale else ("0", ":", "1")
    low, high = number(first), number(last)
    if low is None or high is None or low >= high:
        raise InputError(f"The scale {scale!r} says nothing.", "Write LOW:HIGH, such as 1:5, or rank.")
    return ColumnRecipe(field, low, high, lower_is_better=lower_is_better, scorer=scorer)


def look_at_column(examples: Iterable[Example], recipe: ColumnRecipe) -> Found:
    """Read a column once, before any row is scored: what a rank is taken among, and what does not fit the scale.

    Args:
        examples: all rows that are to be scored; memory grows by 8 bytes for each.
        recipe: names the column and its scale.
    """
    values = array("d")
    blank = bad = 0
    for example in examples:
        cell = example.meta.get(recipe.field)
        value = number(cell)
        if value is not None:
            values.append(value)
        elif is_blank(cell):
            blank += 1
        else:
            bad += 1
    read = np.sort(np.frombuffer(values, dtype=np.float64))
    outside = 0 if recipe.by_rank else int(np.count_nonzero((read < recipe.low) | (read > recipe.high)))
    return Found(read, blank, bad, outside)


def check_scale(found: Found, recipe: ColumnRecipe, *, given: bool) -> None:
    """Refuse a column whose numbers say that no scale was thought of: a scale is never guessed.

    Args:
        found: what the column holds.
        recipe: the scale.
        given: whether a person named the scale; rows outside a named one are unscored by name, not a reason to stop.

    Raises:
        InputError: when the column has no number at all, or numbers outside [0, 1] and nobody said what they mean.
    """
    if found.range is None:
        raise InputError(f"The column {recipe.field!r} holds no number.", "Name the column that holds the scores.")
    if found.off_scale and not given:
        low, high = found.range
        raise InputError(
            f"The numbers in {recipe.field!r} go from {low:g} to {high:g}, not from 0 to 1.",
            "Say what they mean: a scale LOW:HIGH such as 1:5, or rank.",
        )


def score_by_column(example: Example, recipe: ColumnRecipe, found: Found) -> ConfidenceScore:
    """Take a row's own score over as its confidence; the number as it stands goes into the evidence.

    Linear: (value - low) / (high - low). By rank: the share of numbers below it, those equal to it counted half, so
    that equal numbers stay equal. Lower is better: one minus that. A row without a number, or with one off the
    scale, is unscored by name.

    Args:
        example: the row.
        recipe: column and scale.
        found: the whole column, from `look_at_column`.
    """
    cell = example.meta.get(recipe.field)
    evidence: dict[str, Any] = {"field": recipe.field, "value": cell, "scale": recipe.scale}
    if recipe.lower_is_better:
        evidence["lower_is_better"] = True
    score = ConfidenceScore(example.id, example.row, None, measure=recipe.name, model=recipe.scorer, evidence=evidence)
    value = number(cell)
    if not example.response.strip():
        return replace(score, problem="blank")
    if value is None:
        return replace(score, problem="no_value" if is_blank(cell) else "bad_value")
    if not recipe.by_rank and not recipe.low <= value <= recipe.high:
        return replace(score, problem="off_scale")
    share = _rank(value, found.values) if recipe.by_rank else (value - recipe.low) / (recipe.high - recipe.low)
    return replace(score, confidence=1.0 - share if recipe.lower_is_better else share)


def _rank(value: float, ascending: NDArray[np.float64]) -> float:
    below = int(np.searchsorted(ascending, value, side="left"))
    up_to = int(np.searchsorted(ascending, value, side="right"))
    return (below + up_to) / (2 * len(ascending))

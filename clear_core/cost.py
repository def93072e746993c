"""What a run will take, told from a trial on a few rows: calls, tokens, time and money, each with a range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from clear_core.errors import StateError
from clear_core.prompts import JUDGE_REFLECT_QUESTIONS, REFLECT_QUESTIONS

Z: Final = 1.96
"""Standard errors on both sides of an expected figure: about 95% of trials like this one cover the truth."""
ROW_SPREAD: Final = 0.6
"""Standard deviation of what a row costs, as a share of its mean, where the trial does not tell (our rule)."""
CALL_MARGIN: Final = 0.1
"""Room for replies that must be asked for again: every row starts with the same number of calls."""

GAIN_CALLS: Final = 2
"""Calls of one likelihood gain: the response after its prompt, and alone."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What an endpoint charges, in dollars for a million tokens."""

    tokens_in: float
    tokens_out: float


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """What a trial took.

    Attributes:
        rows: how many rows it did.
        calls: calls it rests on, replayed ones counted.
        tokens_in: prompt tokens of these calls.
        tokens_out: completion tokens of these calls.
        seconds: how long it ran, loading left out.
        lengths: characters of prompt and response of each row, which tell how unequal rows are; empty if unknown.
    """

    rows: int
    calls: int
    tokens_in: int
    tokens_out: int
    seconds: float
    lengths: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """An expected figure between a low and a high one."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What the rows of a run are expected to take.

    Attributes:
        calls: calls to the model.
        tokens_in: prompt tokens.
        tokens_out: completion tokens.
        seconds: time at the trial's pace.
        dollars: money; None without prices.
    """

    calls: Range
    tokens_in: Range
    tokens_out: Range
    seconds: Range
    dollars: Range | None


def calls_per_row(
    kind: Literal["score", "correct"],
    samples: int,
    *,
    likelihood: bool,
    written: int = 1,
    judged: int = 1,
    similarity: str = "",
    together: bool = False,
) -> int:
    """How many calls a row takes when every reply can be read: known before any trial.

    Args:
        kind: "score", or "correct": candidates, each judged in both orders.
        samples: k.
        likelihood: whether the model that scores or judges is the embedded one.
        written: how many candidates models write.
        judged: how many candidates a model judges.
        similarity: how samples are compared; "llm" asks once more for each, at most.
        together: whether the endpoint gives all samples of a row in one request.
    """
    drawing = min(samples, 1) if together else samples
    if kind == "score":
        comparing = samples if similarity == "llm" else 0
        return drawing + comparing + (GAIN_CALLS if likelihood else len(REFLECT_QUESTIONS))
    judging = GAIN_CALLS if likelihood else 1 + drawing + len(JUDGE_REFLECT_QUESTIONS)
    return written + 2 * judging * judged


def estimate(trial: TrialFigures, rows: int, prices: Prices | None = None) -> CostEstimate:
    """Scale a trial up to a number of rows.

    The range is a normal interval for a mean of unequal rows: what a row costs goes with how long it is.

    Args:
        trial: what the trial took.
        rows: how many rows are to do.
        prices: what the endpoint charges; None where that is not known, or nothing.

    Raises:
        StateError: when the trial did no row.
    """
    if trial.rows <= 0:
        raise StateError("The trial did no row, so nothing can be told from it.", "Run the trial again.")
    spread = Z * _spread(trial.lengths) / math.sqrt(trial.rows)

    def scaled(total: float) -> Range:
        expected = total / trial.rows * rows
        return Range(max(0.0, expected * (1.0 - spread)), expected, expected * (1.0 + spread))

    calls = trial.calls / trial.rows * rows
    dollars = None
    if prices is not None:
        dollars = scaled((trial.tokens_in * prices.tokens_in + trial.tokens_out * prices.tokens_out) / 1e6)
    return CostEstimate(
        calls=Range(calls, calls, calls * (1.0 + CALL_MARGIN)),
        tokens_in=scaled(trial.tokens_in),
        tokens_out=scaled(trial.tokens_out),
        seconds=scaled(trial.seconds),
        dollars=dollars,
    )


def _spread(lengths: Sequence[int]) -> float:
    """The standard deviation of the rows' lengths as a share of their mean."""
    mean = math.fsum(lengths) / len(lengths) if lengths else 0.0
    if len(lengths) < 2 or mean == 0.0:
        return ROW_SPREAD
    variance = math.fsum((length - mean) ** 2 for length in lengths) / (len(lengths) - 1)
    return math.sqrt(variance) / mean

"""AUROC of a score that should be lower for bad rows, with a bootstrap interval: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000


@dataclass(frozen=True, slots=True)
class Auroc:
    """How well a score tells bad rows from good ones.

    Attributes:
        value: the share of (bad, good) pairs in which the bad row has the lower score, a tie counting one half;
            .5 is chance, 1 every bad row below every good one.
        low: lower end of the 95% percentile bootstrap interval.
        high: its upper end.
        bad: bad rows that have a score.
        good: good rows that have a score.
    """

    value: float
    low: float
    high: float
    bad: int
    good: int


def auroc(bad: Sequence[float], good: Sequence[float], *, seed: int = 0, rounds: int = ROUNDS) -> Auroc | None:
    """AUROC for bad rows having the lower score, with its interval; None when either side is empty.

    Bad and good rows are redrawn apart from each other, so that each round keeps their numbers.

    Args:
        bad: scores of the bad rows.
        good: scores of the good rows.
        seed: of the redrawing; the same seed gives the same interval.
        rounds: how many redrawings.
    """
    if not len(bad) or not len(good):
        return None
    won = wins(np.asarray(bad, dtype=np.float64), np.asarray(good, dtype=np.float64))
    draw = np.random.default_rng(seed)
    means = np.empty(rounds)
    for number in range(rounds):
        rows = draw.integers(len(bad), size=len(bad))
        columns = draw.integers(len(good), size=len(good))
        means[number] = won[np.ix_(rows, columns)].mean()
    low, high = np.quantile(means, [0.025, 0.975])
    return Auroc(float(won.mean()), float(low), float(high), len(bad), len(good))


def wins(bad: NDArray[np.float64], good: NDArray[np.float64]) -> NDArray[np.float64]:
    """Who wins each pair: [bad, good] is 1 where the bad row has the lower score, one half at a tie, else 0."""
    won: NDArray[np.float64] = (bad[:, None] < good[None, :]) + 0.5 * (bad[:, None] == good[None, :])
    return won

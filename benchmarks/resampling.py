"""Figures with bootstrap intervals, and differences of two figures on the same redrawn rows: numbers in, numbers out.

A statistic here is a function of weights: how often each row was drawn. So one set of redrawings serves every figure
on the same rows, and the interval of a difference is a paired one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import ROUNDS, wins

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Weights [rounds, rows] -> one value for each round; NaN where a round has no rows to tell."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95% percentile bootstrap interval.

    Attributes:
        value: on the rows as they are.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


def redraw(groups: Sequence[Hashable], *, seed: int = 0, rounds: int = ROUNDS) -> Floats:
    """How often each row is drawn in each round, [rounds, rows], whole groups being drawn together.

    Args:
        groups: the group of each row, such as the passage of a sentence; rows of one group depend on each other.
        seed: the same seed gives the same redrawings.
        rounds: how many.
    """
    number_of = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    count = len(number_of)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
    return drawn[:, [number_of[group] for group in groups]].astype(np.float64)


def figure(statistic: Statistic, weights: Floats) -> Figure | None:
    """A statistic on all rows, with its interval over the rounds that have a value; None when all rows give none."""
    value = statistic(np.ones((1, weights.shape[1])))[0]
    if np.isnan(value):
        return None
    low, high = np.nanquantile(statistic(weights), [0.025, 0.975])
    return Figure(float(value), float(low), float(high))


def difference(one: Statistic, other: Statistic) -> Statistic:
    """How much higher the first is."""
    return lambda weights: one(weights) - other(weights)


def auroc_of(bad: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """AUROC for bad rows having the lower score, a tie counting one half."""
    flags, values = np.asarray(bad, dtype=bool), np.asarray(scores, dtype=np.float64)
    won = wins(values[flags], values[~flags])

    def statistic(weights: Floats) -> Floats:
        of_bad, of_good = weights[:, flags], weights[:, ~flags]
        return _ratio(((of_bad @ won) * of_good).sum(axis=1), of_bad.sum(axis=1) * of_good.sum(axis=1))

    return statistic


def auc_pr_of(bad: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """Average precision of finding bad rows from the lowest score on; rows of equal score are found together.

    Chance is the share of bad rows.
    """
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    flags = np.asarray(bad, dtype=np.float64)[order]
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)

    def statistic(weights: Floats) -> Floats:
        drawn = weights[:, order]
        found = np.cumsum(drawn * flags, axis=1)[:, ends]
        precision = np.nan_to_num(_ratio(found, np.cumsum(drawn, axis=1)[:, ends]))
        steps = np.diff(found, axis=1, prepend=0.0)
        return _ratio((steps * precision).sum(axis=1), found[:, -1])

    return statistic


def share_of(hits: Sequence[float], among: Sequence[float]) -> Statistic:
    """The sum of hits over the sum of chances, such as right verdicts among given ones."""
    of, base = np.asarray(hits, dtype=np.float64), np.asarray(among, dtype=np.float64)
    return lambda weights: _ratio(weights @ of, weights @ base)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)

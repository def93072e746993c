"""Two sets of scores of the same rows, side by side: do they rank alike, and would they drop the same rows?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clear_core.propose import Cut, Gamma, ScoreTable, cut


@dataclass(frozen=True, slots=True)
class Paired:
    """The rows that both sets score, in row order.

    Attributes:
        row: row numbers, int64[n].
        one: their confidence in the first set, float64[n].
        other: their confidence in the second set, float64[n].
        dropped_by_one: whether the first set's own gamma drops them, bool[n].
        dropped_by_other: whether the second set's does, bool[n].
    """

    row: NDArray[np.int64]
    one: NDArray[np.float64]
    other: NDArray[np.float64]
    dropped_by_one: NDArray[np.bool_]
    dropped_by_other: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PeerComparison:
    """How far two sets of scores agree. Figures without a meaning (no rows, all equal) are None.

    Attributes:
        both: rows that both sets score.
        only_one: rows that the first set scores and the second does not have.
        only_other: rows that the second set scores and the first does not have.
        unscored_one: rows of both sets that only the second scores.
        unscored_other: rows of both sets that only the first scores.
        unscored_both: rows of both sets that neither scores.
        spearman: rank correlation over `both`, equal scores at their mean rank; in [-1, 1].
        gamma_one: the first set's gamma as a number.
        gamma_other: the second set's.
        dropped_both: rows of `both` that both gammas drop.
        dropped_one: rows of `both` that only the first set's gamma drops.
        dropped_other: rows of `both` that only the second set's gamma drops.
        jaccard: dropped by both / dropped by either; in [0, 1].
        kappa: Cohen's kappa of dropping or keeping: agreement beyond that of two such shares by chance; in [-1, 1].
    """

    both: int
    only_one: int
    only_other: int
    unscored_one: int
    unscored_other: int
    unscored_both: int
    spearman: float | None
    gamma_one: float
    gamma_other: float
    dropped_both: int
    dropped_one: int
    dropped_other: int
    jaccard: float | None
    kappa: float | None


def pair_up(one: ScoreTable, other: ScoreTable, gamma_one: Gamma, gamma_other: Gamma) -> Paired:
    """The rows that both tables score, each with its fate under either table's own gamma.

    Each gamma is applied to its whole table, as it would be if that table alone decided.
    """
    return _paired(one, other, cut(one, gamma_one), cut(other, gamma_other))


def compare_scores(one: ScoreTable, other: ScoreTable, gamma_one: Gamma, gamma_other: Gamma) -> PeerComparison:
    """Compare two tables of the same dataset (about a second for a million rows).

    Args:
        one: the first set, in row order.
        other: the second set, in row order.
        gamma_one: the first set's own threshold.
        gamma_other: the second set's own.
    """
    at_one, at_other = cut(one, gamma_one), cut(other, gamma_other)
    pairs = _paired(one, other, at_one, at_other)
    has_one, has_other = ~np.isnan(one.confidence), ~np.isnan(other.confidence)
    _, here, there = np.intersect1d(one.row, other.row, assume_unique=True, return_indices=True)
    here_scored, there_scored = has_one[here], has_other[there]
    first, second = pairs.dropped_by_one, pairs.dropped_by_other
    agreed, either = int(np.count_nonzero(first & second)), int(np.count_nonzero(first | second))
    return PeerComparison(
        both=len(pairs.row),
        only_one=int(np.count_nonzero(has_one) - np.count_nonzero(here_scored)),
        only_other=int(np.count_nonzero(has_other) - np.count_nonzero(there_scored)),
        unscored_one=int(np.count_nonzero(~here_scored & there_scored)),
        unscored_other=int(np.count_nonzero(here_scored & ~there_scored)),
        unscored_both=int(np.count_nonzero(~here_scored & ~there_scored)),
        spearman=spearman(pairs.one, pairs.other),
        gamma_one=at_one.gamma,
        gamma_other=at_other.gamma,
        dropped_both=agreed,
        dropped_one=int(np.count_nonzero(first & ~second)),
        dropped_other=int(np.count_nonzero(second & ~first)),
        jaccard=agreed / either if either else None,
        kappa=_kappa(first, second),
    )


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Spearman's rank correlation, equal values at their mean rank; in [-1, 1].

    Args:
        one: float64[n], no NaN.
        other: float64[n], no NaN.

    Returns:
        None for fewer than two values, or where one side's values are all equal.
    """
    if len(one) < 2:
        return None
    first, second = _centred_ranks(one), _centred_ranks(other)
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(np.clip((first @ second) / spread, -1.0, 1.0)) if spread else None


def _centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(sizes) - (sizes - 1) / 2
    ranks: NDArray[np.float64] = mean_rank[group] - (len(values) + 1) / 2
    return ranks


def _paired(one: ScoreTable, other: ScoreTable, at_one: Cut, at_other: Cut) -> Paired:
    row, here, there = np.intersect1d(one.row, other.row, assume_unique=True, return_indices=True)
    scored = ~np.isnan(one.confidence[here]) & ~np.isnan(other.confidence[there])
    here, there = here[scored], there[scored]
    return Paired(row[scored], one.confidence[here], other.confidence[there], ~at_one.kept[here], ~at_other.kept[there])


def _kappa(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    if not len(one):
        return None
    observed = float(np.mean(one == other))
    share, also = float(np.mean(one)), float(np.mean(other))
    chance = share * also + (1.0 - share) * (1.0 - also)
    return (observed - chance) / (1.0 - chance) if chance < 1.0 else None

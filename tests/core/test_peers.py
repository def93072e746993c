"""Two sets of scores side by side: ranks, dropped rows, and what cannot be compared."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.peers import compare_scores, pair_up, spearman
from clear_core.propose import MEDIAN, Gamma, ScoreTable, score_table
from clear_core.types import ConfidenceScore

SCORES = st.lists(st.none() | st.sampled_from([0.0, 0.2, 0.5, 0.5000001, 0.8, 1.0]), min_size=1, max_size=30)


def table(*confidences: float | None, first: int = 0) -> ScoreTable:
    return score_table(ConfidenceScore(f"{row}", row, confidence) for row, confidence in enumerate(confidences, first))


def test_equal_sets_agree_wholly_and_opposite_ones_not_at_all() -> None:
    one, other = table(0.1, 0.2, 0.8, 0.9), table(0.9, 0.8, 0.2, 0.1)
    same = compare_scores(one, one, MEDIAN, MEDIAN)
    assert (same.spearman, same.jaccard, same.kappa, same.dropped_both) == (1.0, 1.0, 1.0, 2)
    opposite = compare_scores(one, other, MEDIAN, MEDIAN)
    assert (opposite.spearman, opposite.jaccard, opposite.kappa) == (-1.0, 0.0, -1.0)
    assert (opposite.dropped_both, opposite.dropped_one, opposite.dropped_other) == (0, 2, 2)


def test_each_set_is_cut_by_its_own_gamma() -> None:
    one, other = table(0.1, 0.2, 0.8, 0.9), table(0.55, 0.6, 0.7, 0.95)
    found = compare_scores(one, other, Gamma.parse("0.5"), Gamma.parse("0.58"))
    assert (found.gamma_one, found.gamma_other) == (0.5, 0.58)
    assert (found.dropped_both, found.dropped_one, found.dropped_other, found.jaccard) == (1, 1, 0, 0.5)


def test_what_cannot_be_compared_is_counted_by_its_reason() -> None:
    one = table(0.1, None, 0.5, None, 0.9)
    other = table(0.3, None, None, 0.4, 0.8, first=1)
    found = compare_scores(one, other, MEDIAN, MEDIAN)
    assert (found.both, found.only_one, found.only_other) == (1, 1, 1)
    assert (found.unscored_one, found.unscored_other, found.unscored_both) == (1, 1, 1)
    assert found.spearman is None
    pairs = pair_up(one, other, MEDIAN, MEDIAN)
    assert (pairs.row.tolist(), pairs.one.tolist(), pairs.other.tolist()) == ([4], [0.9], [0.4])


@given(SCORES, SCORES, st.integers(0, 3))
def test_every_scored_row_is_counted_once_and_exchanging_the_sets_exchanges_the_figures(one, other, shift) -> None:
    first, second = table(*one), table(*other, first=shift)
    here, there = compare_scores(first, second, MEDIAN, MEDIAN), compare_scores(second, first, MEDIAN, MEDIAN)
    scored = sum(confidence is not None for confidence in one)
    assert here.both + here.only_one + here.unscored_other == scored
    assert (here.both, here.spearman, here.jaccard, here.kappa) == pytest.approx(
        (there.both, there.spearman, there.jaccard, there.kappa)
    )
    assert (here.only_one, here.unscored_one, here.dropped_one) == (
        there.only_other,
        there.unscored_other,
        there.dropped_other,
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_rank_correlation_is_that_of_mean_ranks(pairs) -> None:
    one, other = np.array(pairs, dtype=np.float64).T
    ranked = pd.DataFrame({"one": one, "other": other}).rank()
    expected = ranked["one"].corr(ranked["other"]) if one.std() and other.std() else math.nan
    found = spearman(one, other)
    assert found is None if math.isnan(expected) else found == pytest.approx(expected)

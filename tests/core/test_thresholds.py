"""Numbers behind the Tune page."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clear_core.propose import Gamma, Thresholds, fates, score_table
from clear_core.thresholds import counts_by_fate, histogram, otsu
from clear_core.types import ConfidenceScore

values_or_nan = arrays(np.float64, st.integers(1, 80), elements=st.floats(0, 1) | st.just(np.nan))


def table_of(values):
    return score_table(
        [ConfidenceScore(str(r), r * 2, None if np.isnan(v) else float(v)) for r, v in enumerate(values)]
    )


@given(values_or_nan, st.floats(0, 1))
def test_counts_and_bars_add_up_to_the_rows(values, gamma):
    table = table_of(values)
    codes = fates(table, Thresholds(Gamma("value", gamma)))
    counts = counts_by_fate(codes)
    assert sum(counts.values()) == len(values)
    assert counts["unscored"] == np.isnan(values).sum()
    bars = histogram(table.confidence, codes)
    assert sum(int(bar.sum()) for bar in bars.counts.values()) == len(values) - counts["unscored"]


def test_the_last_bin_holds_one():
    bars = histogram(np.array([0.0, 1.0]), np.array([0, 0], dtype=np.int8), bins=10)
    assert bars.counts["keep"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_otsu_finds_the_gap_between_two_heaps():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.03, 300), rng.normal(0.8, 0.03, 700)]).clip(0, 1)
    assert 0.25 < otsu(values) < 0.75
    assert otsu(np.array([0.5, 0.5])) is None

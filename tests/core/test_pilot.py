"""The pilot: which rows it takes, and the gamma that it fixes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.errors import StateError
from clear_core.pilot import fixed_gamma, pilot_rows
from clear_core.propose import MEDIAN, Gamma, cut, score_table
from clear_core.types import ConfidenceScore


def scores(*confidences: float | None) -> list[ConfidenceScore]:
    return [ConfidenceScore(f"row {row}", row, confidence) for row, confidence in enumerate(confidences)]


def test_a_pilot_is_the_same_on_every_run_and_spread_over_the_file() -> None:
    rows = pilot_rows(range(2000), 150)
    assert rows == pilot_rows(reversed(range(2000)), 150)
    assert len(set(rows)) == 150
    assert rows == sorted(rows)
    assert all(20 <= sum(start <= row < start + 500 for row in rows) <= 60 for start in range(0, 2000, 500))


def test_a_small_file_is_its_own_pilot() -> None:
    assert pilot_rows([7, 3, 5]) == [3, 5, 7]


def test_a_value_is_gamma_itself_and_a_share_the_lowest_confidence_that_it_keeps() -> None:
    assert fixed_gamma([], Gamma("value", 0.62)) == 0.62
    assert fixed_gamma(scores(0.2, 0.9, 0.4, None, 0.6), MEDIAN) == 0.6
    assert fixed_gamma(scores(1.0, 1.0, 1.0, 0.2), MEDIAN) == 1.0


@given(st.lists(st.none() | st.floats(0.0, 1.0), min_size=1), st.floats(0.01, 1.0))
def test_the_fixed_gamma_keeps_what_the_share_kept_and_its_ties(confidences: list[float | None], share: float) -> None:
    given_scores = scores(*confidences)
    if all(confidence is None for confidence in confidences):
        with pytest.raises(StateError, match="pilot"):
            fixed_gamma(given_scores, Gamma("share", share))
        return
    table = score_table(given_scores)
    at = cut(table, Gamma("share", share))
    kept = cut(table, Gamma("value", fixed_gamma(given_scores, Gamma("share", share)))).kept
    assert (kept >= at.kept).all()
    assert kept.sum() == at.kept.sum() + at.ties_cut

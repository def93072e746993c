"""Proposals as a function of scores and thresholds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.errors import ThresholdError
from clear_core.propose import MEDIAN, Gamma, Thresholds, cut, fates, propose, rows_to_correct, score_table
from clear_core.types import FATES, ConfidenceScore, Preference

unit = st.floats(0, 1, allow_nan=False)
confidences = st.lists(st.none() | unit | st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=60)


def score(row: int, confidence: float | None, consistency: float | None = None, problem: str | None = None):
    return ConfidenceScore(f"id-{row}", row, confidence, consistency, problem=problem)


def scores_of(values):
    return [score(row, value, problem=None if value is not None else "refused") for row, value in enumerate(values)]


def better(row: int, preference: float, verdict="candidate", rejected=None):
    return Preference(f"id-{row}", row, f"better {row}", preference, verdict, rejected=rejected)


def fates_of(scores, preferences=(), **thresholds):
    return [proposal.fate for proposal in propose(scores, preferences, Thresholds(**thresholds))]


@pytest.mark.parametrize("n", [1, 2, 7, 100, 101])
def test_equal_scores_keep_exactly_half_and_always_the_same_half(n):
    scores = scores_of([1.0] * n)
    first = fates_of(scores)
    assert first.count("keep") == math.ceil(n / 2)
    assert first == fates_of(list(reversed(scores)))


def test_ties_cut_by_a_share_are_counted():
    at = cut(score_table(scores_of([1.0, 1.0, 1.0, 1.0, 0.2])), Gamma.parse("share:0.4"))
    assert (at.kept.sum(), at.gamma, at.ties_cut) == (2, 1.0, 2)


def test_ties_are_broken_by_consistency_before_the_hash():
    scores = [score(0, 0.5, 0.1), score(1, 0.5, 0.9), score(2, 0.5, 0.2), score(3, 0.5, None)]
    assert fates_of(scores, gamma=Gamma("share", 0.25)) == ["drop", "keep", "drop", "drop"]


@given(confidences, st.floats(0, 1))
def test_a_share_keeps_exactly_that_many_of_the_scored(values, share):
    scored = [value for value in values if value is not None]
    kept = fates_of(scores_of(values), gamma=Gamma("share", share)).count("keep")
    assert kept == math.ceil(len(scored) * share - 1e-9)


@given(confidences, unit)
def test_a_missing_confidence_is_unscored_at_every_threshold(values, gamma):
    for proposal, value in zip(propose(scores_of(values), [], Thresholds(Gamma("value", gamma))), values, strict=True):
        assert (proposal.fate == "unscored") == (value is None)
        if value is None:
            assert "refused to answer" in proposal.reason


@given(confidences, unit, unit)
def test_raising_gamma_never_adds_a_kept_row(values, one, other):
    table = score_table(scores_of(values))
    for kind in ("value", "share"):
        low, high = sorted((one, other), reverse=kind == "share")
        lax, strict = (cut(table, Gamma(kind, amount)).kept for amount in (low, high))
        assert not np.any(strict & ~lax)


def test_a_value_keeps_what_equals_it():
    assert fates_of(scores_of([0.61, 0.62, 0.63]), gamma=Gamma.parse("0.62")) == ["drop", "keep", "keep"]


@pytest.mark.parametrize(("preference", "fate"), [(0.8, "drop"), (0.8 + 1e-9, "replace"), (1.0, "replace")])
def test_eta_must_be_exceeded(preference, fate):
    assert fates_of(scores_of([0.1, 0.9]), [better(0, preference)]) == [fate, "keep"]


@pytest.mark.parametrize("verdict", ["given", "tie", "inconsistent", None])
def test_only_the_candidates_verdict_replaces(verdict):
    proposal = next(propose(scores_of([0.1, 0.9]), [better(0, 0.99, verdict)], Thresholds()))
    assert proposal.fate == "drop"
    assert proposal.response is None


def test_a_candidate_turned_down_before_judging_never_replaces():
    assert fates_of(scores_of([0.1, 0.9]), [better(0, 0.99, rejected="refusal")]) == ["drop", "keep"]


def test_scope_all_may_replace_a_kept_row_and_scope_low_may_not():
    preferences = [better(0, 0.95), better(1, 0.95)]
    assert fates_of(scores_of([0.1, 0.9]), preferences) == ["replace", "keep"]
    assert fates_of(scores_of([0.1, 0.9]), preferences, scope="all") == ["replace", "replace"]


@given(confidences, st.lists(unit, min_size=60, max_size=60), unit, unit, st.sampled_from(["low", "all"]))
def test_every_replacement_traces_to_a_candidate_and_says_why(values, preferences, gamma, eta, scope):
    offered = [better(row, preferences[row]) for row in range(len(values))]
    for proposal in propose(scores_of(values), offered, Thresholds(Gamma("value", gamma), eta, scope)):
        assert proposal.reason.endswith(".")
        if proposal.fate == "replace":
            assert proposal.response == offered[proposal.row].candidate
            assert offered[proposal.row].preference > eta
        else:
            assert proposal.response is None


@given(confidences, unit)
def test_the_table_and_the_proposals_agree(values, eta):
    scores = scores_of(values)
    thresholds = Thresholds(MEDIAN, eta)
    codes = fates(score_table(scores), thresholds)
    assert [FATES[code] for code in codes] == [proposal.fate for proposal in propose(scores, [], thresholds)]


@pytest.mark.parametrize(
    ("text", "gamma"), [("median", MEDIAN), ("0.62", Gamma("value", 0.62)), ("share:0.3", Gamma("share", 0.3))]
)
def test_gamma_is_read_and_written_alike(text, gamma):
    assert Gamma.parse(text) == gamma
    assert str(gamma) == text


@pytest.mark.parametrize("text", ["", "much", "1.2", "-0.1", "share:", "share:2", "nan"])
def test_what_is_no_gamma_is_refused_with_advice(text):
    with pytest.raises(ThresholdError) as caught:
        Gamma.parse(text)
    assert caught.value.hint


def test_low_rows_are_corrected_unscored_ones_never():
    table = score_table(scores_of([0.9, 0.1, None, 0.8]))
    assert rows_to_correct(table, Thresholds(Gamma("value", 0.5))).tolist() == [1]
    assert rows_to_correct(table, Thresholds(Gamma("value", 0.5), scope="all")).tolist() == [0, 1, 3]


def test_a_reason_shows_as_many_digits_as_it_takes_to_see_the_difference():
    below = next(propose(scores_of([0.45999, 0.9]), [], Thresholds(Gamma("value", 0.46))))
    assert "confidence 0.45999, below gamma 0.46000" in below.reason
    far = next(propose(scores_of([0.2, 0.9]), [], Thresholds(Gamma("value", 0.46))))
    assert "confidence 0.200, below gamma 0.460" in far.reason

"""What an audit proves: hand-checked numbers, and how often its intervals and promises hold when truth is known."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clear_core.audit import (
    Audited,
    binomial_cdf,
    decided,
    fewest_for_purity,
    guaranteed_purity,
    noise_rate,
    plan,
    precision,
    recall,
)
from clear_core.errors import ThresholdError

ROWS = 5000
NEEDED = 0.93
"""How often an interval of 95% must cover, with room for the luck of a few hundred simulated audits."""


def world(seed, noise=0.2, rows=ROWS):
    """Confidences of a filter that is right often, and which rows are bad."""
    draw = np.random.default_rng(seed)
    bad = draw.random(rows) < noise
    return np.where(bad, draw.beta(3, 4, rows), draw.beta(8, 2, rows)), bad


def audit(confidence, bad, quantile, budget, seed):
    kept = confidence >= np.quantile(confidence, quantile)
    strata = plan(confidence, kept, budget, seed=seed)
    people = {row: bool(bad[row]) for stratum in strata for row in stratum.chosen.tolist()}
    return kept, decided(strata, people)


def sample(bad, size, seed):
    rows = np.random.default_rng(10_000 + seed).choice(len(bad), size, replace=False)
    return {row: bool(bad[row]) for row in rows.tolist()}


def test_recall_is_covered():
    covered = []
    for trial in range(600):
        quantile, budget = [(0.5, 100), (0.5, 200), (0.25, 100), (0.25, 200)][trial % 4]
        confidence, bad = world(trial)
        kept, audited = audit(confidence, bad, quantile, budget, trial)
        found = recall(audited, seed=trial)
        covered.append(found.low <= bad[~kept].sum() / bad.sum() <= found.high)
    assert np.mean(covered) >= NEEDED


@pytest.mark.parametrize("noise", [0.2, 0.05])
def test_precision_is_covered(noise):
    covered = 0
    for trial in range(400):
        confidence, bad = world(trial, noise)
        kept, audited = audit(confidence, bad, 0.25, 100 + 100 * (trial % 2), trial)
        found = precision(audited)
        covered += found.low <= bad[~kept].mean() <= found.high
    assert covered / 400 >= NEEDED


@pytest.mark.parametrize(("noise", "delta", "budget"), [(0.08, 0.1, 150), (0.05, 0.1, 200), (0.05, 0.05, 300)])
def test_a_promised_purity_is_broken_no_more_often_than_delta(noise, delta, budget):
    broken = promised = 0
    for trial in range(300):
        confidence, bad = world(trial)
        found = guaranteed_purity(confidence, sample(bad, budget, trial), noise=noise, delta=delta)
        if found is not None:
            promised += 1
            broken += bad[confidence >= found.gamma].mean() > noise
    assert promised > 100
    assert broken / 300 <= delta


def test_a_purity_that_barely_holds_is_refused_often_enough():
    # The hardest case: every threshold keeps a little more noise than was promised, so each promise is a broken one.
    draw = np.random.default_rng(1)
    broken = 0
    for trial in range(300):
        confidence, bad = draw.random(ROWS), draw.random(ROWS) < 0.11
        broken += guaranteed_purity(confidence, sample(bad, 300, trial), noise=0.1, delta=0.1) is not None
    assert broken / 300 <= 0.12


@pytest.mark.parametrize("useful", [True, False])
def test_the_noise_rate_is_covered_and_confidence_makes_it_shorter(useful):
    covered, wide, classical = 0, 0.0, 0.0
    for trial in range(300):
        confidence, bad = world(trial)
        if not useful:
            np.random.default_rng(trial).shuffle(confidence)
        found = noise_rate(confidence, sample(bad, 150, trial))
        covered += found.low <= bad.mean() <= found.high
        wide += (found.high - found.low) / 300
        classical += 2 * 1.96 * math.sqrt(bad.mean() * (1 - bad.mean()) / 150) / 300
    assert covered / 300 >= NEEDED
    assert wide < classical * (0.8 if useful else 1.02)


def test_a_low_noise_rate_is_covered_and_none_at_all_is_no_certainty():
    covered = 0
    for trial in range(300):
        confidence, bad = world(trial, noise=0.05)
        found = noise_rate(confidence, sample(bad, 150, trial))
        covered += found.low <= bad.mean() <= found.high
    assert covered / 300 >= NEEDED
    clean = noise_rate(np.linspace(0, 1, 100), dict.fromkeys(range(0, 100, 5), False))
    assert 0.0 <= clean.low <= clean.value <= clean.high < 0.1


def test_rows_needed_for_a_promise_are_those_of_the_binomial_test():
    assert [fewest_for_purity(*both) for both in [(0.08, 0.1), (0.05, 0.1), (0.05, 0.05)]] == [28, 45, 59]
    assert binomial_cdf(0, 28, 0.08) <= 0.1 < binomial_cdf(0, 27, 0.08)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_the_binomial_rises_to_one(trials, chance):
    steps = [binomial_cdf(most, trials, chance) for most in range(trials + 1)]
    assert steps[-1] == pytest.approx(1.0)
    assert all(one <= other for one, other in pairwise(steps))
    assert steps[0] == pytest.approx((1 - chance) ** trials)


@settings(deadline=None)
@given(st.integers(0, 2**16), st.integers(8, 120), st.floats(0, 1), st.integers(0, 30))
def test_a_plan_draws_each_side_apart_and_never_an_unscored_row(seed, budget, quantile, unscored):
    confidence = np.random.default_rng(seed).random(200)
    confidence[:unscored] = np.nan
    kept = confidence >= np.nanquantile(confidence, quantile)
    strata = plan(confidence, kept, budget, seed=seed)
    rows = np.concatenate([stratum.rows for stratum in strata])
    assert sorted(rows.tolist()) == np.flatnonzero(~np.isnan(confidence)).tolist()
    for stratum in strata:
        assert set(stratum.chosen.tolist()) <= set(stratum.rows.tolist())
        assert len(set(stratum.chosen.tolist())) == len(stratum.chosen)
        assert set(kept[stratum.rows].tolist()) == {stratum.kept}
    assert sum(len(stratum.chosen) for stratum in strata) <= budget
    assert [stratum.kept for stratum in strata].count(True) == 1


def test_precision_weighs_strata_by_their_size():
    # 100 rows with 8 of 10 bad and 300 rows with 2 of 10: (100 * .8 + 300 * .2) / 400.
    found = precision(
        [Audited(kept=False, size=100, decided=10, bad=8), Audited(kept=False, size=300, decided=10, bad=2)]
    )
    assert found.value == pytest.approx(0.35)
    assert found.low < 0.35 < found.high


def test_an_audit_without_a_bad_row_is_not_taken_for_sure():
    found = precision([Audited(kept=False, size=500, decided=20, bad=0)])
    assert found.value == 0.0
    assert found.low == 0.0
    assert found.high > 0.03


def test_rows_that_all_were_decided_leave_no_doubt_about_recall():
    sides = [Audited(kept=False, size=40, decided=40, bad=30), Audited(kept=True, size=60, decided=60, bad=10)]
    assert recall(sides) == recall(sides, seed=9)
    assert recall(sides).low == recall(sides).high == 0.75


@pytest.mark.parametrize("estimate", [precision, recall])
def test_a_stratum_that_nobody_decided_gives_no_estimate(estimate):
    assert estimate([Audited(kept=False, size=40, decided=0, bad=0)]) is None
    assert estimate([]) is None


def test_what_was_not_decided_is_no_good_row():
    confidence = np.linspace(0, 1, 20)
    strata = plan(confidence, confidence >= 0.5, 20)
    found = decided(strata, {0: True, 19: False})
    assert [(one.decided, one.bad) for one in found] == [(1, 1), (0, 0), (0, 0), (0, 0), (1, 0)]


def test_too_few_decisions_promise_nothing_and_too_small_a_budget_is_told():
    confidence = np.linspace(0, 1, 50)
    assert guaranteed_purity(confidence, dict.fromkeys(range(40, 50), False), noise=0.1) is None
    assert noise_rate(confidence, {0: True}) is None
    with pytest.raises(ThresholdError):
        plan(confidence, confidence >= 0.5, 3)
    with pytest.raises(ThresholdError):
        guaranteed_purity(confidence, {}, noise=0.0)

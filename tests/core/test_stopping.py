"""Stopping early changes no decision: the bounds hold whatever the other samples say, and nothing is drawn in vain."""

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.confidence import combine, observed_consistency, self_reflection
from clear_core.stopping import LEAST, Bounds, bounds, next_wave

K = 5
SHARES = st.floats(0.0, 1.0)


def confidence_of(reflection: float | None) -> Callable[[Sequence[float]], float]:
    return lambda observed: combine(math.fsum(observed) / len(observed), reflection)


def drawn(observed: Sequence[float], reflection: float | None, gamma: float) -> tuple[int, Bounds, list[int]]:
    """How many samples are drawn of those that would come, the bounds then, and the waves."""
    confidence, count, waves = confidence_of(reflection), 0, []
    while wave := next_wave(observed[:count], len(observed), confidence, gamma):
        waves.append(wave)
        count += wave
    return count, bounds(observed[:count], len(observed), confidence), waves


def a_row(rng: random.Random, bad: float = 0.2) -> tuple[list[float], float | None]:
    """Samples and reflections of a good or a bad row: most agree with a good one, few with a bad one."""
    is_bad = rng.random() < bad
    agree = 0.15 if is_bad else 0.85
    samples = []
    for _ in range(K):
        same = rng.random() < agree
        samples.append(observed_consistency([1.0 if same else 0.4 * rng.random()], [same]))
    letters = rng.choices(["A", "B", "C"], weights=[1, 7, 2] if is_bad else [8, 1, 1], k=2)
    return samples, self_reflection(letters)


@pytest.mark.parametrize("gamma", [0.4, 0.5, 0.6, 0.8])
def test_10000_rows_are_decided_as_with_every_sample(gamma: float) -> None:
    rng = random.Random(20261120)  # noqa: S311 - a simulation
    total = 0
    for _ in range(10_000):
        samples, reflection = a_row(rng)
        full = confidence_of(reflection)(samples)
        count, at, _ = drawn(samples, reflection, gamma)
        assert at.decide(gamma)
        assert (full >= gamma) == (at.lower >= gamma)
        assert at.lower <= full <= at.upper
        total += count
    # What was simulated for the method: 2.0, 2.6, 3.1 and 3.6 of 5 samples, for rows that need not be like these.
    assert total / 10_000 == pytest.approx({0.4: 2.0, 0.5: 2.6, 0.6: 3.1, 0.8: 3.6}[gamma], abs=0.4)


@given(st.lists(SHARES, min_size=1, max_size=9), st.none() | SHARES, SHARES)
def test_whatever_the_samples_the_decision_is_that_of_all_of_them(
    samples: list[float], reflection: float | None, gamma: float
) -> None:
    full = confidence_of(reflection)(samples)
    count, at, _ = drawn(samples, reflection, gamma)
    assert (full >= gamma) == (at.lower >= gamma) == (not at.upper < gamma)
    assert LEAST <= count <= len(samples)


@given(st.lists(SHARES, min_size=1, max_size=9), st.none() | SHARES, SHARES)
def test_waves_draw_no_sample_that_one_at_a_time_would_not(
    samples: list[float], reflection: float | None, gamma: float
) -> None:
    confidence = confidence_of(reflection)
    needed = next(
        count for count in range(1, len(samples) + 1) if bounds(samples[:count], len(samples), confidence).decide(gamma)
    )
    count, _, waves = drawn(samples, reflection, gamma)
    assert count == needed
    assert sum(waves) == count


@given(st.lists(SHARES, min_size=2, max_size=9), SHARES, st.data())
def test_the_estimate_from_the_drawn_ones_lies_between_the_bounds(
    samples: list[float], reflection: float, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(samples)))
    confidence = confidence_of(reflection)
    at = bounds(samples[:count], len(samples), confidence)
    assert at.lower - 1e-12 <= confidence(samples[:count]) <= at.upper + 1e-12


def test_samples_that_may_go_missing_later_leave_the_bounds_true() -> None:
    confidence = confidence_of(0.5)
    for samples in ([1.0, 1.0, 1.0, 0.2, 0.9], [0.0, 0.1, 0.0, 1.0, 1.0], [0.3, 0.9, 0.5, 0.0, 1.0]):
        at = bounds(samples[:3], K, confidence)
        for kept in (samples[:3], [*samples[:3], samples[4]]):
            assert at.lower <= confidence(kept) <= at.upper


@pytest.mark.parametrize(
    ("observed", "reflection", "gamma", "wave"),
    [
        ([], 1.0, 0.5, 2),  # .3 + .14 a sample: two that agree reach .5
        ([], 0.0, 0.8, 1),  # no sample could, but an estimate needs one
        ([0.0], 0.0, 0.8, 0),
        ([1.0, 1.0], 1.0, 0.5, 0),
        ([1.0, 0.0], 1.0, 0.5, 1),
        ([], 0.5, 0.99, 1),
        ([], None, 0.5, 3),
    ],
)
def test_a_wave_is_the_fewest_that_could_decide(
    observed: list[float], reflection: float | None, gamma: float, wave: int
) -> None:
    assert next_wave(observed, K, confidence_of(reflection), gamma) == wave

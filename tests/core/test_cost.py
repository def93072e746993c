"""What a run will take, from a trial."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.corrector import correct_example
from clear_core.cost import Prices, TrialFigures, calls_per_row, estimate
from clear_core.errors import StateError
from clear_core.estimator import recipe_for, score_example
from clear_core.judge import ModelJudge
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.types import Example, Message
from clear_core.writing import ModelWriter


def test_a_trial_scales_with_the_rows() -> None:
    trial = TrialFigures(rows=20, calls=140, tokens_in=40_000, tokens_out=10_000, seconds=30.0)
    told = estimate(trial, 200, Prices(tokens_in=2.0, tokens_out=8.0))
    assert told.calls.expected == 1_400
    assert told.tokens_in.expected == 400_000
    assert told.seconds.expected == pytest.approx(300.0)
    assert told.dollars is not None
    assert told.dollars.expected == pytest.approx(0.8 + 0.8)


def test_without_prices_there_is_no_money() -> None:
    assert estimate(TrialFigures(5, 35, 100, 10, 1.0), 50).dollars is None


def test_a_trial_without_rows_tells_nothing() -> None:
    with pytest.raises(StateError):
        estimate(TrialFigures(0, 0, 0, 0, 0.0), 50)


@given(
    st.integers(1, 50),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**5), max_size=50),
)
def test_the_range_holds_what_is_expected_and_more_rows_never_cost_less(
    rows: int, tokens: int, more: int, lengths: list[int]
) -> None:
    trial = TrialFigures(rows, rows * 7, tokens, tokens, 1.0, lengths)
    fewer, all_of_them = estimate(trial, more, Prices(1.0, 1.0)), estimate(trial, more + 1, Prices(1.0, 1.0))
    for name in ("calls", "tokens_in", "tokens_out", "seconds", "dollars"):
        low, high = getattr(fewer, name), getattr(all_of_them, name)
        assert 0.0 <= low.low <= low.expected <= low.high
        assert low.expected <= high.expected


def test_the_range_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = random.Random(7)  # noqa: S311 - a simulation
    lengths = [round(draw.lognormvariate(5.0, 0.6)) for _ in range(2_000)]
    covered = 0
    for _ in range(300):
        trial = draw.sample(lengths, 20)
        told = estimate(TrialFigures(20, 140, sum(trial), 0, 1.0, trial), len(lengths)).tokens_in
        covered += told.low <= sum(lengths) <= told.high
    assert covered / 300 > 0.85


@pytest.mark.parametrize("llm", [FakeLLM({"Who?": "Ann"}), FakeLikelihoodLLM({"Who?": "Ann"})])
@pytest.mark.parametrize("samples", [1, 5])
def test_the_calls_of_a_row_are_known_before_a_trial(llm: FakeLLM, samples: int) -> None:
    recipe = replace(recipe_for(llm, samples), similarity="exact")
    example = Example("a", 0, (Message("user", "Who?"),), "Bob")
    likelihood = isinstance(llm, FakeLikelihoodLLM)
    scored = asyncio.run(score_example(example, llm, recipe))
    assert scored.calls == calls_per_row("score", samples, likelihood=likelihood)
    corrected = asyncio.run(correct_example(example, [ModelWriter(llm)], ModelJudge(llm, recipe)))
    assert corrected.calls == calls_per_row("correct", samples, likelihood=likelihood)


def test_samples_in_one_request_are_one_call() -> None:
    assert calls_per_row("score", 5, likelihood=False, together=True) == 3
    assert calls_per_row("correct", 5, likelihood=False, together=True, written=2, judged=2) == 2 + 2 * 2 * 4
    assert calls_per_row("score", 0, likelihood=True, together=True) == 2


def test_a_model_that_compares_samples_is_counted_at_its_most() -> None:
    """Each sample another wrong answer: every one is asked about, and no more than that."""
    llm = FakeLLM({"Who?": "Ann", "x": "Cy", "y": "Di", "z": "Ed"}, error_rate=1.0)
    example = Example("a", 0, (Message("user", "Who?"),), "Bob")
    scored = asyncio.run(score_example(example, llm, replace(recipe_for(llm, 5), similarity="llm")))
    most = calls_per_row("score", 5, likelihood=False, similarity="llm")
    assert calls_per_row("score", 5, likelihood=False) < scored.calls <= most == 12

"""Confidence from samples and reflections that a dataset brings: the same equations, and no number out of a fault."""

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clear_core.errors import InputError
from clear_core.stored import StoredRecipe, score_stored, stored_recipe
from clear_core.types import PROBLEMS, Example, Message

EXACT = StoredRecipe("samples", similarity="exact")
REFLECTED = StoredRecipe("samples", "verdict", similarity="exact")
TEXTS = st.lists(st.sampled_from(["Paris", "paris.", "Lyon", "", "I'm sorry, I can't help."]), min_size=1, max_size=8)


def row(samples=None, verdict=None, response="Paris"):
    stored = {"samples": samples, "verdict": verdict}
    return Example("a", 3, (Message("user", "Capital of France?"),), response, stored)


def scored(example, recipe):
    return asyncio.run(score_stored(example, recipe))


def test_consistency_is_the_mean_of_similarity_and_exact_match():
    score = scored(row(["Paris", "paris.", "Lyon", "Paris"]), EXACT)
    # Exact after normalisation counts .8, the very same text .2 more.
    assert score.confidence == score.consistency == pytest.approx((1 + 0.8 + 0 + 1) / 4)
    assert (score.id, score.row, score.samples, score.calls, score.problem) == ("a", 3, 4, 0, None)
    assert score.measure == "stored samples/exact"
    assert [sample["answer"] for sample in score.evidence["samples"]] == ["Paris", "paris.", "Lyon", "Paris"]


def test_marked_answers_are_compared_where_both_mark_one():
    score = scored(row(["I add 3 and 4.\n#### 7", "So\nAnswer: 8"], response="3 + 4 = 7\n#### 7"), EXACT)
    assert score.consistency == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("verdict", "reflection"),
    [
        ("A", 1.0),
        ("It fits all I know. Answer: (B)", 0.0),
        ("not sure", 0.5),
        (0.25, 0.25),
        (1, 1.0),
        ("0.75", 0.75),
        (["A", "C"], 0.75),
        ('["A", "B"]', 0.5),
        (["A", "a careful look tells nothing"], 1.0),
    ],
)
def test_reflection_enters_with_three_tenths(verdict, reflection):
    """C = 0.7 O + 0.3 S, one missing reflection being left out."""
    score = scored(row(["Paris", "Lyon"], verdict), REFLECTED)
    assert score.reflection == pytest.approx(reflection)
    assert score.confidence == pytest.approx(0.7 * 0.5 + 0.3 * reflection)
    assert (score.measure, score.problem) == ("stored samples+reflection/exact", None)


@pytest.mark.parametrize("verdict", [None, "", "who knows", [], [None]])
def test_a_missing_reflection_leaves_the_consistency_and_is_flagged(verdict):
    score = scored(row(["Paris", "Lyon"], verdict), REFLECTED)
    assert (score.confidence, score.reflection, score.problem) == (0.5, None, "no_reflection")


@pytest.mark.parametrize("verdict", [7, -0.1, "7", "nan", math.nan, math.inf, True, {"letter": "A"}, ["A", 5]])
def test_a_reflection_on_another_scale_is_never_made_a_number(verdict):
    score = scored(row(["Paris"], verdict), REFLECTED)
    assert (score.confidence, score.problem) == (None, "bad_reflection")


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (None, "no_samples"),
        ("", "no_samples"),
        ([], "no_samples"),
        ("Paris", "bad_samples"),
        (["Paris", 4], "bad_samples"),
        ({"a": "Paris"}, "bad_samples"),
        (["", " ", "Paris"], "empty_sample"),
        (["I'm sorry, I can't help with that.", "As an AI I have no opinion.", "Paris"], "refused"),
    ],
)
def test_what_holds_no_samples_is_unscored_by_name(samples, problem):
    score = scored(row(samples), EXACT)
    assert (score.confidence, score.problem) == (None, problem)
    assert problem in PROBLEMS


def test_a_blank_response_is_unscored():
    assert scored(row(["Paris"], response=" "), EXACT).problem == "blank"


def test_refusals_agree_with_a_refusing_response():
    refusal = "I cannot help with that."
    assert scored(row([refusal], response=refusal), EXACT).confidence == pytest.approx(1.0)


def test_the_first_samples_count_and_missing_ones_are_told():
    stored = ["Paris", "Lyon", "Lyon", "Lyon"]
    assert scored(row(stored), StoredRecipe("samples", samples=1, similarity="exact")).confidence == 1.0
    short = scored(row(stored), StoredRecipe("samples", samples=6, similarity="exact"))
    assert (short.confidence, short.samples, short.problem) == (0.25, 4, "few_samples")
    assert len(short.evidence["samples"]) == 4
    too_short = scored(row(stored), StoredRecipe("samples", samples=20, similarity="exact"))
    assert (too_short.confidence, too_short.problem) == (None, "few_samples")


def test_a_cell_of_a_format_without_lists_holds_json():
    assert scored(row('["Paris", "Lyon"]'), EXACT).confidence == pytest.approx(0.5)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["A", "B", "C", 0.3, None]), st.sampled_from(["exact", "token_f1", "answer_recall"]))
def test_confidence_lies_in_the_unit_interval_or_has_a_problem(samples, verdict, similarity):
    score = scored(row(samples, verdict), StoredRecipe("samples", "verdict", similarity=similarity))
    assert score.problem in PROBLEMS if score.confidence is None else 0 <= score.confidence <= 1
    usable = sum(bool(text) and not text.startswith("I'm") for text in samples)
    assert score.confidence is None or 2 * usable > len(samples)


@settings(deadline=None)
@given(TEXTS.filter(all))
def test_the_order_of_the_samples_does_not_matter(samples):
    forward, backward = (scored(row(order), EXACT).confidence for order in (samples, samples[::-1]))
    assert forward == (None if backward is None else pytest.approx(backward))


def test_recipes_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="nonsense"):
        stored_recipe("samples", similarity_name="nonsense")
    with pytest.raises(InputError, match="1 or more"):
        stored_recipe("samples", samples=0)
    with pytest.raises(InputError, match="--samples-field"):
        stored_recipe("", "verdict")

"""What of a response and a sample is compared: stated answers, whole texts, or beginnings of the same length."""

import asyncio

import pytest

from clear_core.asking import Answer
from clear_core.comparing import Comparison, compare, pair
from clear_core.measures import measure_of
from clear_core.recipe import Recipe
from clear_core.types import Example, Message

EXPLAINED = Recipe("bsdetector", "exact")
DIRECT = Recipe("likelihood", "answer_recall")


def said(text: str | None, *, cut: bool = False) -> Answer[str]:
    return Answer(text, text or "", 1, cut, None if text else "unparsable")


def held(response: str, samples: list[Answer[str]], recipe: Recipe) -> Comparison:
    example = Example("a", 0, (Message("user", "Say it."),), response)
    return asyncio.run(compare(example, samples, recipe, measure_of(recipe)))


def test_after_an_explanation_the_answers_are_compared() -> None:
    compared = held("2 + 2 = 4\n#### 4", [said("4"), said("#### 5"), said(None)], EXPLAINED)
    assert [row["match"] for row in compared.rows] == [True, False, None]
    assert compared.usable == 2
    assert compared.consistency == pytest.approx(0.5)
    assert compared.rows[2]["problem"] == "unparsable"


def test_without_an_explanation_answers_are_compared_where_both_state_one() -> None:
    assert pair("3 + 4\n#### 7", "I add.\nAnswer: 8", cut=False, explained=False) == ("7", "8")
    assert pair("3 + 4\n#### 7", "It is 7.", cut=False, explained=False) == ("3 + 4\n#### 7", "It is 7.")


def test_a_cut_sample_is_compared_with_as_much_as_it_could_say() -> None:
    response = "The bridge opens in September because the steel came late."
    assert pair(response, "The bridge opens", cut=True, explained=False) == ("The bridge opens", "The bridge opens")
    assert held(response, [said("The bridge opens", cut=True)], DIRECT).consistency == pytest.approx(1.0)
    whole = held(response, [said("The bridge opens")], DIRECT).consistency
    assert whole is not None
    assert whole < 0.5


@pytest.mark.parametrize(("usable", "given"), [(5, True), (3, True), (2, False), (0, False)])
def test_more_than_half_of_the_samples_must_be_usable(usable: int, given: bool) -> None:
    compared = held("4", [said("4")] * usable + [said(None)] * (5 - usable), EXPLAINED)
    assert (compared.consistency is not None) == given


def test_no_samples_give_no_consistency() -> None:
    assert held("4", [], DIRECT).consistency is None

"""What of a response and a sample is compared: stated answers, whole texts, or beginnings of the same length."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.asking import Answer
from clear_core.comparing import Comparison, compare, pair
from clear_core.measures import Measure, Similar, measure_of
from clear_core.recipe import Recipe
from clear_core.types import Example, Message

EXPLAINED = Recipe("bsdetector", "exact")
DIRECT = Recipe("likelihood", "answer_recall")


def said(text: str | None, *, cut: bool = False) -> Answer[str]:
    return Answer(text, text or "", 1, cut, None if text else "unparsable")


def by(response: str, samples: list[Answer[str]], recipe: Recipe, measure: Measure) -> Comparison:
    example = Example("a", 0, (Message("user", "Say it."),), response)
    return asyncio.run(compare(example, samples, recipe, measure))


def held(response: str, samples: list[Answer[str]], recipe: Recipe) -> Comparison:
    return by(response, samples, recipe, measure_of(recipe))


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


def test_json_is_compared_field_by_field() -> None:
    response = '{"name": "Ann Lee", "age": 41, "city": "Paris"}'
    samples = [
        said('{"city": "Paris", "age": 41, "name": "Ann Lee"}'),
        said('```json\n{"name": "Ann", "age": 40, "city": "Paris"}\n```'),
        said('{"name": "Ann Lee", "age": 41}'),
        said("Ann Lee, 41, Paris"),
    ]
    compared = held(response, samples, Recipe("bsdetector", "token_f1"))
    assert compared.measured == "token_f1 per field"
    assert [row["similarity"] for row in compared.rows] == [1.0, pytest.approx((2 / 3 + 0 + 1) / 3), 2 / 3, 0.0]
    assert [row["match"] for row in compared.rows] == [True, False, False, False]
    assert "no JSON" in compared.rows[3]["reason"]
    assert compared.evidence["fields"] == {
        "name": pytest.approx((1 + 2 / 3 + 1 + 0) / 4),
        "age": pytest.approx(2 / 4),
        "city": pytest.approx(2 / 4),
    }


def test_json_that_spells_half_a_character_is_compared_as_text() -> None:
    half = '{"name": "\\ud83d", "\\ud83d": 1}'
    compared = held(half, [said(half), said('{"name": "Ann"}')], EXPLAINED)
    assert compared.measured == "exact"
    assert [row["match"] for row in compared.rows] == [True, False]
    whole = held('{"name": "\\ud83d\\ude00"}', [said('{"name": "\U0001f600"}')], EXPLAINED)
    assert (whole.measured, whole.consistency) == ("exact per field", 1.0)


def test_an_extra_key_costs_as_a_missing_one_does() -> None:
    compared = held('{"a": 1}', [said('{"a": 1, "b": 2}'), said('{"a": 1}')], EXPLAINED)
    assert [row["similarity"] for row in compared.rows] == [0.5, 1.0]
    assert list(compared.rows[0]["fields"]) == ["a", "b"]


def test_empty_json_is_json_and_a_model_that_samples_beginnings_compares_texts() -> None:
    assert held("{}", [said("{}"), said("[]"), said("none")], EXPLAINED).rows[1]["similarity"] == 0.0
    assert held("{}", [said("{}")], EXPLAINED).measured == "exact per field"
    assert held('{"a": 1}', [said('{"a"', cut=True)], DIRECT).measured == "answer_recall"


def test_closed_labels_agree_or_do_not() -> None:
    recipe = Recipe("bsdetector", "token_f1", labels=("positive", "negative"))
    compared = held("Positive", [said("positive."), said("negative"), said("It depends"), said(None)], recipe)
    assert (compared.measured, compared.usable) == ("label", 3)
    assert [row["similarity"] for row in compared.rows] == [1.0, 0.0, 0.0, None]
    assert compared.consistency == pytest.approx(1 / 3)
    assert "labels" in compared.rows[2]["reason"]
    assert held("A long story.", [said("a story")], recipe).measured == "token_f1"


class Table:
    """Says what it is given, pair by pair."""

    name = "table"

    def __init__(self, *similar: Similar) -> None:
        self._similar = similar

    async def similarities(self, _: Example, pairs: Sequence[tuple[str, str]]) -> Sequence[Similar]:
        assert len(pairs) == len(self._similar)
        return self._similar


def test_a_similarity_that_is_missing_leaves_the_sample_out_by_name() -> None:
    measure = Table(
        Similar(0.5, "by sentence", 1, text="yes"), Similar(None, calls=2, problem="unparsable"), Similar(1.0)
    )
    compared = by("Paris", [said("It is Paris"), said("Lyon"), said("Paris")], EXPLAINED, measure)
    assert (compared.usable, compared.calls, compared.problem) == (2, 3, "unparsable")
    assert compared.measured == "table by sentence"
    assert compared.observed == pytest.approx((0.4, 1.0))
    assert compared.rows[0]["compared_by"] == ["yes"]
    one_field = by('{"a": "b"}', [said('{"a": "c"}')], EXPLAINED, Table(Similar(None, problem="refused")))
    assert (one_field.usable, one_field.consistency, one_field.problem) == (0, None, "refused")


@given(st.lists(st.sampled_from(["4", "5", "4.", None]), max_size=6), st.integers(0, 6))
def test_comparing_in_waves_is_comparing_at_once(texts: list[str | None], cut: int) -> None:
    samples = [said(text) for text in texts]
    whole = held("4", samples, EXPLAINED)
    assert held("4", samples[:cut], EXPLAINED).joined(held("4", samples[cut:], EXPLAINED)) == whole


def test_waves_that_were_compared_in_several_ways_tell_all_of_them() -> None:
    ways = [Similar(0.5, "with question"), Similar(0.5, "by sentence")]
    samples = [said("It is Paris"), said("Lyon")]
    whole = by("Paris", samples, EXPLAINED, Table(*ways))
    one, other = (by("Paris", [sample], EXPLAINED, Table(way)) for sample, way in zip(samples, ways, strict=True))
    assert one.joined(other) == whole
    assert whole.measured == "table by sentence with question"


@pytest.mark.parametrize(("usable", "scored"), [(5, True), (3, True), (2, False), (0, False)])
def test_more_than_half_of_the_samples_must_be_usable(usable: int, scored: bool) -> None:
    compared = held("4", [said("4")] * usable + [said(None)] * (5 - usable), EXPLAINED)
    assert (compared.consistency is not None) == scored


def test_no_samples_give_no_consistency() -> None:
    assert held("4", [], DIRECT).consistency is None

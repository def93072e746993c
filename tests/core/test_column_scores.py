"""Scores that a dataset brings: on the scale that is given, by rank, or unscored by name; never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.column_scores import ColumnRecipe, check_scale, column_recipe, look_at_column, score_by_column
from clear_core.errors import InputError
from clear_core.types import ConfidenceScore, Example, Message


def rows(*cells: object) -> list[Example]:
    prompt = (Message("user", "Capital of France?"),)
    return [Example(f"{row}", row, prompt, "Paris", {"rating": cell}) for row, cell in enumerate(cells)]


def scored(recipe: ColumnRecipe, *cells: object) -> list[ConfidenceScore]:
    examples = rows(*cells)
    found = look_at_column(examples, recipe)
    return [score_by_column(example, recipe, found) for example in examples]


def test_a_rating_becomes_a_confidence_on_the_scale_given() -> None:
    scores = scored(column_recipe("rating", "1:5", scorer="gpt-4"), 1, 5, 3, "4.5")
    assert [score.confidence for score in scores] == [0.0, 1.0, 0.5, 0.875]
    assert {(score.measure, score.model, score.calls) for score in scores} == {("column/rating", "gpt-4", 0)}
    assert scores[3].evidence == {"field": "rating", "value": "4.5", "scale": "1:5"}


def test_lower_can_be_better_and_scales_can_be_negative() -> None:
    scores = scored(column_recipe("rating", "-2:2", lower_is_better=True), -2, 0, 2)
    assert [score.confidence for score in scores] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (None, "no_value"),
        ("  ", "no_value"),
        ("good", "bad_value"),
        (True, "bad_value"),
        ([4], "bad_value"),
        (float("nan"), "bad_value"),
        ("inf", "bad_value"),
        ("4_5", "bad_value"),
        ("4,5", "bad_value"),
        (10**400, "bad_value"),
        (0.99, "off_scale"),
        (5.01, "off_scale"),
    ],
)
def test_a_row_without_a_usable_score_is_unscored_by_name(cell: object, problem: str) -> None:
    score, good = scored(column_recipe("rating", "1:5"), cell, 5)
    assert (score.confidence, score.problem) == (None, problem)
    assert good.confidence == 1.0


def test_numbers_outside_0_to_1_are_refused_as_long_as_nobody_says_what_they_mean() -> None:
    recipe = column_recipe("rating")
    found = look_at_column(rows(0.5, 1.0, 4.5, None, "?"), recipe)
    assert (found.range, found.off_scale, found.blank, found.bad) == ((0.5, 4.5), 1, 1, 1)
    with pytest.raises(InputError, match=r"from 0.5 to 4.5") as raised:
        check_scale(found, recipe, given=False)
    assert "1:5" in raised.value.hint
    check_scale(found, column_recipe("rating", "0:1"), given=True)
    check_scale(look_at_column(rows(0.0, 1.0), recipe), recipe, given=False)
    with pytest.raises(InputError, match="holds no number"):
        check_scale(look_at_column(rows(None, "x"), recipe), recipe, given=True)


@pytest.mark.parametrize("scale", ["5", "5:1", "1:1", "a:b", "1:5:7", "ranked", ":"])
def test_a_scale_that_says_nothing_is_refused(scale: str) -> None:
    with pytest.raises(InputError, match="says nothing"):
        column_recipe("rating", scale)


def test_ranks_keep_equal_numbers_equal() -> None:
    scores = scored(column_recipe("rating", "rank"), 10, -3, 10, 1e6)
    assert [score.confidence for score in scores] == [0.5, 0.125, 0.5, 0.875]
    assert scores[0].evidence["scale"] == "rank"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.booleans())
def test_ranks_order_rows_as_their_numbers_do(values: list[float], lower_is_better: bool) -> None:
    scores = scored(column_recipe("rating", "rank", lower_is_better=lower_is_better), *values)
    sign = -1 if lower_is_better else 1
    for one, first in zip(values, scores, strict=True):
        for other, second in zip(values, scores, strict=True):
            assert first.confidence is not None
            assert second.confidence is not None
            assert (sign * one < sign * other) == (first.confidence < second.confidence)
            assert 0.0 < first.confidence < 1.0
    assert sum(score.confidence or 0.0 for score in scores) == pytest.approx(len(values) / 2)

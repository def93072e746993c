"""A preview of columns tells what they hold, whatever that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.datasets import get_dataset
from pages.parts.columns import first_words, lists_words, numbers_words, stored_columns, texts_words

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def columns(app, *held):
    rows = [{"prompt": "p", "response": "r", "held": value} for value in held]
    dataset_id = app.dataset(rows, name="held")
    return {column.name: column for column in stored_columns(app.engine, get_dataset(app.engine, dataset_id))}


@pytest.mark.parametrize(
    ("held", "words", "tell"),
    [
        ([1, "2.5", None, True], "4 rows, 2 with a number, from 1 to 2.5 (1, 2.5); 2 without.", numbers_words),
        (["a", None], "2 rows, none with a number.", numbers_words),
        ([["a"], '["b", "c"]', "d"], "3 rows, 2 with a list of 1 to 2 texts; 1 without.", lists_words),
        ([[1, 2]], "1 row, none with a list of texts.", lists_words),
        (["a", ["b"], {}], "3 rows, 1 with a text, 1 with a list of texts; 1 without.", texts_words),
        (["*a*", ""], r"2 rows, 1 with a value, the first: \*a\*; 1 without.", first_words),
    ],
)
def test_what_a_column_holds_is_told(app, held, words, tell):
    assert tell(columns(app, *held)["held"]) == f"Of the first {words}"


@given(st.lists(values, min_size=1, max_size=4))
def test_a_column_of_anything_can_be_previewed(held):
    from pages.parts.columns import _column

    column = _column("held", held)
    for tell in (numbers_words, lists_words, texts_words, first_words):
        assert tell(column).startswith("Of the first")
    assert column.filled >= len(column.numbers) + len(column.lists) + column.texts


def test_prompt_and_response_are_no_columns_to_take_over(app):
    assert set(columns(app, 1)) == {"held"}

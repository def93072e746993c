"""Closed labels: found only where they are plain to see, and named only where a text names one alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.labels import FEWEST_ROWS, closed_labels, label_of, plain

MOODS = ("positive", "negative", "neutral")


def test_few_short_repeated_responses_are_labels_as_they_are_mostly_written():
    responses = ["Positive"] * 12 + ["positive."] * 3 + ["negative"] * 10 + [" neutral "] * 5
    assert closed_labels(responses) == ("Positive", "negative", "neutral")


@pytest.mark.parametrize(
    "responses",
    [
        ["yes"] * 10 + ["no"] * (FEWEST_ROWS - 11),
        ["yes"] * 40,
        [str(number) for number in range(200)],
        ["yes"] * 20 + ["no"] * 20 + ["it depends", "hardly ever"],
        ["yes"] * 20 + ["no"] * 2,
        ["the quick brown fox jumps over it"] * 20 + ["the lazy dog lies down at once"] * 20,
        ['{"mood": 1}'] * 20 + ['{"mood": 2}'] * 20,
        [str(number) for number in range(21)] * 5,
        ["", " "] * 30,
        [],
    ],
)
def test_what_may_be_something_else_is_no_set_of_labels(responses):
    assert closed_labels(responses) == ()


def test_one_exception_in_a_hundred_does_not_hide_the_labels():
    assert closed_labels(["yes"] * 60 + ["no"] * 39 + ["It depends."]) == ("yes", "no")


@given(st.lists(st.sampled_from(["yes", "Yes.", "no", "maybe", "a longer answer"])), st.randoms())
def test_the_order_of_rows_does_not_matter(responses, random):
    shuffled = list(responses)
    random.shuffle(shuffled)
    assert closed_labels(shuffled) == closed_labels(responses)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("positive", "positive"),
        ("  **Positive.** ", "positive"),
        ('"NEGATIVE"', "negative"),
        ("Positive. I like its colour.", "positive"),
        ("neutral\n\nIt tells facts only.", "neutral"),
        ("Positive, not negative.", None),
        ("not positive", None),
        ("The review is positive.", None),
        ("very", None),
        ("", None),
        ("***", None),
    ],
)
def test_a_text_names_a_label_that_it_is_or_opens_with(text, label):
    assert label_of(text, MOODS) == label


@pytest.mark.parametrize(("text", "label"), [("(B)", "B"), ("B) Paris", "B"), ("b", "B"), ("A or B", None)])
def test_letters_are_labels_too(text, label):
    assert label_of(text, ("A", "B", "C")) == label


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8), max_size=5))
def test_only_a_label_of_the_set_is_ever_named(text, labels):
    found = label_of(text, labels)
    assert found is None or (found in labels and plain(found) in plain(text))

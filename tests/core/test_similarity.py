"""Every similarity is a number in [0, 1], 1 for the same text, and says what its name says."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clear_core.errors import InputError
from clear_core.similarity import (
    SIMILARITIES,
    WORD,
    answer_recall,
    beginning,
    exact,
    has_embedding,
    jaccard,
    similarity,
    token_f1,
    words,
)

NAMES = [name for name in SIMILARITIES if name != "embedding" or has_embedding()]
texts = st.text(max_size=80) | st.lists(st.sampled_from(["Paris", "is", "the", "42", "-", "1,200.50"])).map(" ".join)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)  # the embeddings are loaded at their first use
@given(one=texts, other=texts)
def test_it_lies_between_0_and_1(name: str, one: str, other: str) -> None:
    assert 0.0 <= similarity(name)(one, other) <= 1.0


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)  # the embeddings are loaded at their first use
@given(text=texts)
def test_a_text_is_like_itself(name: str, text: str) -> None:
    assert similarity(name)(text, text) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_near_is_nearer_than_what_is_far(name: str) -> None:
    measure = similarity(name)
    assert measure("the yellow bus", "The yellow bus.") >= measure("the yellow bus", "boiled eggs")


def test_words_count_as_they_are_meant() -> None:
    assert answer_recall("the yellow bus", "It is the yellow bus that goes there") == 1.0
    assert answer_recall("yellow yellow bus", "yellow bus") == pytest.approx(2 / 3)
    assert token_f1("yellow bus", "green bus") == pytest.approx(0.5)
    assert jaccard("yellow bus", "green bus") == pytest.approx(1 / 3)
    assert exact("Paris", " paris. ") == 1.0
    assert exact("Paris", "Lyon") == 0.0
    assert answer_recall("1,200.50", "that makes 1200.50 dollars") == 1.0
    assert answer_recall("???", "anything") == 0.0


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert words("東京は晴れ Tokyo") == ["東", "京", "は", "晴", "れ", "tokyo"]
    assert answer_recall("東京", "答えは東京です") == 1.0


@given(texts, st.integers(0, 20))
def test_a_beginning_has_as_many_words_as_asked(text: str, count: int) -> None:
    head = beginning(text, count)
    assert text.startswith(head)
    assert len(WORD.findall(head)) == min(count, len(WORD.findall(text))) or count == 0


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="answer_recall"):
        similarity("levenshtein")


@pytest.mark.skipif(not has_embedding(), reason="wordllama is not installed: run `make setup`")
def test_embeddings_know_related_words_and_leave_logging_alone() -> None:
    before = (logging.getLogger().handlers[:], logging.getLogger().level)
    embedding = similarity("embedding")
    assert (
        embedding("a dog in the garden", "a puppy in the yard") > embedding("a dog in the garden", "an invoice") + 0.2
    )
    assert embedding("", "a dog") == 0.0
    assert (logging.getLogger().handlers[:], logging.getLogger().level) == before

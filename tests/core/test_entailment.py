"""Similarity from a table of probabilities: both orders, the question before them, and long texts by sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.entailment import (
    CHUNK_WORDS,
    LONG_WORDS,
    SENTENCE_WORDS,
    Entailment,
    chunks,
    pieces,
    questions,
    sentences,
    size,
)

prose = st.lists(
    st.sampled_from(["Paris is big.", "Is it?", "It rained", "\n", "東京は晴れ。", "3.5", "Dr. No", "(sic)", "…"])
)
anything = st.text(max_size=400) | prose.map(" ".join)


def all_fit(_):
    return True


def letters(text):
    return re.sub(r"\s+", "", text)


def test_similarity_is_what_both_orders_do_not_contradict():
    asked = questions("Paris", "Lyon", all_fit)
    assert (asked.pairs, asked.how) == ((("Paris", "Lyon"), ("Lyon", "Paris")), "")
    assert asked.similarity([Entailment(0.1, 0.2, 0.7), Entailment(0.4, 0.5, 0.1)]) == pytest.approx(1 - 0.4)


def test_the_same_text_needs_no_model():
    asked = questions("Paris", "Paris", all_fit)
    assert (asked.pairs, asked.similarity([])) == ((), 1.0)


def test_the_question_comes_before_both_texts():
    asked = questions("Paris", "Lyon", all_fit, "Capital of France?")
    assert asked.pairs[0] == ("Capital of France? Paris", "Capital of France? Lyon")
    assert asked.how == "with question"


def test_a_question_that_leaves_no_room_is_left_out_and_not_told():
    asked = questions("Paris", "Lyon", all_fit, "Read this. " * 200)
    assert (asked.pairs[0], asked.how) == (("Paris", "Lyon"), "")
    narrow = questions("Paris", "Lyon", lambda pairs: "Capital" not in pairs[0][0], "Capital of France?")
    assert (narrow.pairs[0], narrow.how) == (("Paris", "Lyon"), "")


def test_a_long_sample_is_searched_for_the_chunk_that_entails_each_sentence():
    filler = " ".join(f"Sentence number {number} is about the weather." for number in range(60))
    asked = questions("The sky is blue. The sea is green.", f"{filler} The sky is blue.", all_fit)
    assert asked.how == "by sentence"
    assert [sentence for _, sentence in asked.pairs[:: asked.chunks]] == ["The sky is blue.", "The sea is green."]
    assert asked.chunks >= 2

    def says(chunk, sentence):
        if sentence == "The sea is green.":
            return Entailment(0.2, 0.3, 0.5)
        # What contradicts in a chunk that entails less does not count.
        return Entailment(0.9, 0.0, 0.1) if sentence in chunk else Entailment(0.05, 0.05, 0.9)

    found = [says(*pair) for pair in asked.pairs]
    assert asked.similarity(found) == pytest.approx((0.9 + 0.5) / 2)


@given(anything.filter(lambda text: text.strip()), anything, st.integers(40, 400))
def test_whatever_a_model_can_read_every_word_is_asked(target, sample, room):
    asked = questions(target, sample, lambda pairs: all(len(one) + len(two) <= room for one, two in pairs))
    if not asked.pairs:
        assert target == sample
        return
    assert all(len(one) + len(two) <= room for one, two in asked.pairs)
    if asked.chunks:
        said = [chunk for chunk, _ in asked.pairs[: asked.chunks]]
        wanted = [sentence for _, sentence in asked.pairs[:: asked.chunks]]
        assert letters("".join(said)) == letters(sample)
        assert letters("".join(wanted)) == letters(target)
    else:
        assert asked.pairs == ((target, sample), (sample, target))


@given(anything, anything, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_similarity_lies_between_0_and_1(target, sample, table):
    asked = questions(target * 20, sample * 20, all_fit)
    found = []
    for place in range(len(asked.pairs)):
        entail, rest = table[place % len(table)]
        found.append(Entailment(entail, (1 - entail) * rest, (1 - entail) * (1 - rest)))
    assert 0.0 <= asked.similarity(found) <= 1.0


@pytest.mark.parametrize("total", [LONG_WORDS, LONG_WORDS + 1])
def test_texts_are_compared_whole_up_to_two_hundred_words(total):
    asked = questions("It rained.", "wet " * total, all_fit)
    assert (asked.how == "by sentence") == (total > LONG_WORDS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It rained. We stayed.", ["It rained.", "We stayed."]),
        ("Is it? Yes! Go.", ["Is it?", "Yes!", "Go."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("Dr. Who met J. Smith, e.g. in Paris.", ["Dr. Who met J. Smith, e.g. in Paris."]),
        ("It costs 3.50 dollars. Cheap.", ["It costs 3.50 dollars.", "Cheap."]),
        ("1. First\n2. Second", ["1. First", "2. Second"]),
        ("It was in 2009. Then came 2010.", ["It was in 2009.", "Then came 2010."]),
        ("- one\n- two\n\n- three", ["- one", "- two", "- three"]),
        ("東京は晴れです。大阪は雨です。", ["東京は晴れです。", "大阪は雨です。"]),
        ("यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        ("Well... maybe. ***", ["Well... maybe. ***"]),
        ("", [""]),
    ],
)
def test_sentences_end_where_they_do_in_their_language(text, found):
    assert sentences(text) == found


@given(anything)
def test_sentences_lose_nothing(text):
    assert letters("".join(sentences(text))) == letters(text)


@given(anything, st.integers(1, 40))
def test_chunks_are_as_small_as_asked_and_lose_nothing(text, most):
    for cut in (chunks(text, most), [piece for one in sentences(text) for piece in pieces(one, most)]):
        assert letters("".join(cut)) == letters(text)
        assert all(size(each) <= most or len(each) < 2 for each in cut)


def test_a_text_without_spaces_is_long_by_its_characters():
    assert size("x" * 1200) == 200
    assert size("東京" * 50) == 100
    assert max(map(size, pieces("x" * 9000, CHUNK_WORDS))) <= CHUNK_WORDS
    asked = questions("x" * 9000, "y" * 9000, all_fit)
    assert asked.chunks == len(pieces("y" * 9000, CHUNK_WORDS))
    assert all(size(sentence) <= SENTENCE_WORDS for _, sentence in asked.pairs)

"""Replies are read as they are meant or not at all, whatever the text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.parsing import (
    comparable,
    final_answer,
    is_refusal,
    keeps_format,
    reflection_letter,
    verdict_label,
    without_thinking,
)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A careful look at both dates shows a slip. answer: (B)", "B"),
        ("answer: A", "A"),
        ("Answer: (C)", "C"),
        ("explanation: fine.\n**Answer: B**", "B"),
        ("**Answer:** A", "A"),
        ("The answer is (B).", "B"),
        ("First I thought answer: A\nBut no.\nanswer: B", "B"),
        ("answer: [A]", "A"),
        ("answer: A) correct", "A"),
        ("answer: (A) Correct.", "A"),
        ("answer: B - it names the wrong city", "B"),
        ("answer: b", "B"),
        ("Answer = C", "C"),
        ("It names the wrong city.\n(B)", "B"),
        ("It is right.\nA", "A"),
        ("answer: incorrect", "B"),
        ("The answer is correct.", "A"),
        ("answer: not sure", "C"),
        ("I went through it.\nI am not sure.", "C"),
        ("Incorrect.", "B"),
        ("Is the proposed answer: (A) correct (B) incorrect (C) not sure?\nanswer: B", "B"),
        ("answer: a", "A"),
        ("answer: a) correct", "A"),
    ],
)
def test_a_letter_or_its_words_are_read(text: str, letter: str) -> None:
    assert reflection_letter(text) == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A careful look shows that it fits.",
        "The answer is a good one.",
        "answer: A careful look shows that it fits",
        "answer: A, B or C",
        "answer: (A) or (B)",
        "answer: D",
        "Bananas are yellow.",
        "I checked whether it is correct and I can't say.",
        "The proposed answer: Berlin",
        "Choose: (A) correct (B) incorrect (C) not sure",
        "answer: ABC",
        "The answer is a correct statement about another city.",
        "answer: a correct one would be Berlin",
        "Is the proposed answer: (A) correct (B) incorrect (C) not sure?\nHard to tell.",
        "Whether the proposed answer is (A) correct, (B) incorrect or (C) not sure can't be told.",
        "answer:\nA) correct\nB) incorrect",
    ],
)
def test_without_a_letter_the_choice_is_missing(text: str) -> None:
    assert reflection_letter(text) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Both name the city.\nverdict: tie", "tie"),
        ("verdict: 1", "1"),
        ("**Verdict: 2**", "2"),
        ("Verdict: Response 2.", "2"),
        ("The verdict is 1.", "1"),
        ("verdict: 1\nOn second thought:\nverdict: 2", "2"),
        ("The second is wrong.\n1", "1"),
        ("Tie", "tie"),
    ],
)
def test_a_verdict_is_read(text: str, label: str) -> None:
    assert verdict_label(text) == label


@pytest.mark.parametrize(
    "text", ["", "verdict: 12", "verdict: 1 or 2", "verdict: 1, 2 or tie", "2 is good", "A tie it is not"]
)
def test_without_a_label_the_verdict_is_missing(text: str) -> None:
    assert verdict_label(text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I add both.\nAnswer: 14", "14"),
        ("I add both.\n**Answer:** 14", "14"),
        ("### Final answer: Paris\n", "Paris"),
        ("Answer: one\nNo.\nAnswer: two\nlines", "two\nlines"),
        ('Answer:\n```json\n{"a": 1}\n```', '{"a": 1}'),
        ("The answer: 14", None),
        ("Answer:", None),
        ("", None),
    ],
)
def test_the_final_answer_follows_its_mark(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("3 + 4 = 7\n#### 7", "7"),
        ("#### A heading\nand a text", "#### A heading\nand a text"),
        ("So it is \\boxed{12}.", "12"),
        ("Reasons.\nAnswer: 12", "12"),
        ("Answer: no\nbut then a letter follows.", "Answer: no\nbut then a letter follows."),
        (" Paris \n", "Paris"),
        ("```\n{}\n```", "{}"),
    ],
)
def test_the_comparable_part_is_the_stated_answer_or_all(text: str, part: str) -> None:
    assert comparable(text) == part


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help.",
        "I’m sorry, I can’t.",
        "As an AI language model, I",
        "I cannot do that",
        "Sorry, I don't",
        "I am sorry that I can't help.",
    ],
)
def test_a_refusal_is_known_by_its_opening(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        "I can see three of them.",
        "She is sorry.",
        "A sorry sight.",
        "It cannot be.",
        "I'm sorry to hear that your parcel is late.",
        "I am so sorry for the delay! It ships today.",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    ("given_response", "candidate", "kept"),
    [
        ('{"a": 1, "b": 2}', '{"b": 3, "a": null}', True),
        ('{"a": 1}', '{"a": 1, "c": 2}', False),
        ('{"a": 1}', "a is 1", False),
        ('{"a": 1}', '[{"a": 1}]', False),
        ("[1, 2]", "[]", True),
        ("14", "22", True),
        ("14", "The answer is 22.", False),
        ("$1,200.50", "€3", True),
        ("Paris", "It is Paris.", True),
        ("[" * 100_000, "anything", True),
    ],
)
def test_the_format_of_the_given_response_binds_the_candidate(given_response: str, candidate: str, kept: bool) -> None:
    assert keeps_format(given_response, candidate) is kept


def test_a_model_that_thinks_aloud_is_read_after_its_thoughts() -> None:
    assert without_thinking("<think>\nIs it Lyon?\n</think>\n\nParis") == "Paris"
    assert without_thinking("<think> for yourself") == "<think> for yourself"


@given(st.text() | st.text(alphabet="answer: ABC().*\n\t or verdict12tie#`<>"))
def test_every_text_is_read_or_missing_and_never_an_error(text: str) -> None:
    assert reflection_letter(text) in {"A", "B", "C", None}
    assert verdict_label(text) in {"1", "2", "tie", None}
    assert final_answer(text) is None or final_answer(text)
    assert comparable(text) == comparable(text).strip()
    assert is_refusal(text) in {True, False}
    assert keeps_format(text, text)


@pytest.mark.parametrize(
    "unit", ["answer: ", "answer:(" * 3, "a" * 3, "#### ", "verdict is ", "\\boxed{", "Answer:\n", "**", " "]
)
def test_a_hostile_reply_is_read_in_linear_time(unit: str) -> None:
    started = time.process_time()
    for read in (reflection_letter, verdict_label, final_answer, comparable, is_refusal):
        read(unit * 40_000)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("I say answer: a\nand that is that", "A"),
        ("answer: A or B", None),
        ("The answer is B, as told.", "B"),
        ("Fine.\n(B)", "B"),
        ("**B**.", "B"),
        ("b", None),
        ("answer: incorrect", "B"),
        ("Hm.\nNot sure", "C"),
        ("I think (B)", None),
    ],
)
def test_the_forms_of_a_stored_reflection_that_the_documentation_names(text: str, letter: str | None) -> None:
    assert reflection_letter(text) == letter

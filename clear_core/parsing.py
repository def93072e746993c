"""Replies -> typed values, or None: total, and never a guess. Patterns are linear in the reply's length."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any, Final, Literal

Letter = Literal["A", "B", "C"]
Label = Literal["1", "2", "tie"]

_MARKS: Final = r"[\s*_`\"'\[({:=>-]{0,8}"
# After a choice: nothing, closing marks, or the option's own words; "a careful look" is an article, "A or B" no choice.
_END: Final = r"[\s*_`\"'\])}.,;:!-]{0,8}"

_CHOICE: Final = r"(?:$|[.;!]|[,:-] (?!(?:or|and|[abc])\b)|\b(?:correct|incorrect|(?:i am )?not sure)\b)"
# The article stands in small type before a word, and a question that is repeated names the next option at once.
_ARTICLE: Final = r"(?-i:(?!a[ \t]+\w))"
_OPTIONS: Final = r"(?![abc]\W{0,4}(?:(?:in)?correct|(?:i am )?not sure)?\W{0,6}(?:or )?\(?[abc]\))"
_TOLD: Final = r"(incorrect|correct|(?:i am )?not sure)"
_LABEL: Final = r"(?:response )?(1|2|tie)"
_ANY_CASE: Final = re.IGNORECASE | re.MULTILINE

LETTER: Final = re.compile(rf"\banswer(?: is)?{_MARKS}{_ARTICLE}{_OPTIONS}([abc])\b{_END}{_CHOICE}", _ANY_CASE)
LETTER_LINE: Final = re.compile(rf"^{_MARKS}([ABC]){_END}$")
TOLD: Final = re.compile(rf"\banswer(?: is)?{_MARKS}{_TOLD}{_END}$", _ANY_CASE)
TOLD_LINE: Final = re.compile(rf"^{_MARKS}{_TOLD}{_END}$", re.IGNORECASE)
VERDICT: Final = re.compile(rf"\bverdict(?: is)?{_MARKS}{_LABEL}{_END}$", _ANY_CASE)
VERDICT_LINE: Final = re.compile(rf"^{_MARKS}{_LABEL}{_END}$", re.IGNORECASE)
AGREES: Final = re.compile(rf"\bagree(?:ment)?(?: is)?\??{_MARKS}(yes|no){_END}$", _ANY_CASE)
AGREES_LINE: Final = re.compile(rf"^{_MARKS}(yes|no){_END}$", re.IGNORECASE)
ANSWER_MARK: Final = re.compile(r"^[ \t>#*_]{0,6}(?:final )?answer[*_]{0,3}:[*_]{0,3}", re.IGNORECASE | re.MULTILINE)
HASHES: Final = re.compile(r"^####[ \t]*(\S.*)$")
BOXED: Final = re.compile(r"\\boxed\{([^{}]{1,200})\}")
CODE_BLOCK: Final = re.compile(r"\A```[\w+-]{0,20}\n(.*)\n```\Z", re.DOTALL)
HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of half a character; two of them in a row are a whole one."""
NUMBER: Final = re.compile(r"\A[-+]?[$€£]?\d[\d,]*(?:\.\d+)?%?\Z")
REFUSAL: Final = re.compile(
    r"\A\W{0,3}(?:(?:i'?m|i am) (?:(?:very |so |really )?sorry(?! (?:to hear|for|about)\b)|afraid)"
    r"|(?:i'?m|i am) (?:unable|not able|an ai)"
    r"|sorry,? (?:but )?i |as an ai\b|unfortunately,? i (?:can|am|'m)"
    r"|i (?:can'?t|cannot|can not|won'?t|will not|must decline|do not feel comfortable)\b)",
    re.IGNORECASE,
)


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = deque(pattern.finditer(text), maxlen=1)
    return found[0].group(1) if found else None


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2].strip()


def reflection_letter(text: str) -> Letter | None:
    """The choice of a self-reflection: the last `answer: X`-like letter, else the exact words, else None.

    The article "A" is no choice, nor is an answer that names two letters.
    """
    place = letter_place(text)
    if place is not None:
        return _LETTERS[text[place].upper()]
    told = _last(TOLD, text) or _last(TOLD_LINE, _last_line(text))
    return _LETTERS[told.lower().removeprefix("i am ")] if told else None


def letter_place(text: str) -> int | None:
    """Where the letter of a self-reflection's choice stands in a reply; None where no letter tells it."""
    found = deque(LETTER.finditer(text), maxlen=1)
    if found:
        return found[0].start(1)
    last_line = _last_line(text)
    alone = LETTER_LINE.search(last_line)
    return text.rindex(last_line) + alone.start(1) if alone else None


_LETTERS: Final[dict[str, Letter]] = {"A": "A", "B": "B", "C": "C", "correct": "A", "incorrect": "B", "not sure": "C"}
_LABELS: Final[dict[str, Label]] = {"1": "1", "2": "2", "tie": "tie"}


def verdict_label(text: str) -> Label | None:
    """The judge's label: the last `verdict: X`-like one, or one alone on the last line; None if neither is there."""
    label = _last(VERDICT, text) or _last(VERDICT_LINE, _last_line(text))
    return _LABELS[label.lower()] if label else None


def yes_or_no(text: str) -> bool | None:
    """Whether two answers agree: the last `agree: yes`-like line, or yes or no alone on the last one; else None."""
    told = _last(AGREES, text) or _last(AGREES_LINE, _last_line(text))
    return told.lower() == "yes" if told else None


def final_answer(text: str) -> str | None:
    """What follows the last line that starts with `Answer:`; None when there is no such line or nothing follows it."""
    marks = deque(ANSWER_MARK.finditer(text), maxlen=1)
    return without_code_block(text[marks[0].end() :].strip()) or None if marks else None


def stated_answer(text: str) -> str | None:
    """The answer that a response marks as such: a last line `Answer: x` or `#### x`, or a box; None without one."""
    last_line = _last_line(text)
    return final_answer(last_line) or _last(HASHES, last_line) or _last(BOXED, last_line)


def comparable(text: str) -> str:
    """The part of a response to compare: the answer that it marks, else all of it."""
    return (stated_answer(text) or without_code_block(text.strip())).strip()


def without_code_block(text: str) -> str:
    """The text without the Markdown code block that wraps all of it, if one does."""
    wrapped = CODE_BLOCK.match(text)
    return wrapped.group(1).strip() if wrapped else text


def without_thinking(text: str) -> str:
    """The text after a leading <think> block, in which some models think aloud; all of it where none is closed."""
    if text.lstrip().startswith("<think>") and "</think>" in text:
        return text.partition("</think>")[2].strip()
    return text


def is_refusal(text: str) -> bool:
    """Whether a text opens as a refusal does ("I'm sorry, but", "I cannot", "As an AI"); "sorry to hear" is none."""
    return REFUSAL.match(text.replace("’", "'")) is not None


def json_value(text: str) -> Any:
    """The JSON object or array that a text is; None when it is not one (a bare number or string counts as prose).

    Nor is one whose texts are none: an escape may stand for half of a character, which nothing can compare or store.
    """
    try:
        value = json.loads(text)
        if HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def keeps_format(given: str, candidate: str) -> bool:
    """Whether a candidate keeps the format that the given response satisfies: JSON with the same keys, or a number."""
    value = json_value(given)
    if value is not None:
        other = json_value(candidate)
        if isinstance(value, dict):
            return isinstance(other, dict) and value.keys() == other.keys()
        return isinstance(other, list)
    if NUMBER.match(given.strip()):
        return NUMBER.match(candidate.strip()) is not None
    return True

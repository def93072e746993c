"""Responses from a closed set of labels: which set a dataset has, and which label a text names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from clear_core.parsing import json_value
from clear_core.similarity import WORD, normalise

FEWEST_ROWS: Final = 20
MOST_LABELS: Final = 20
LEAST_TIMES: Final = 3
LEAST_SHARE: Final = 0.98
MOST_WORDS: Final = 5
MOST_CHARACTERS: Final = 40

_WRAPPING: Final = " \t\n*_`\"'“”‘’()[]{}.,:;!"
_FIRST_PART: Final = re.compile(r"[^.,:;!?)\n]*")


def closed_labels(responses: Iterable[str]) -> tuple[str, ...]:
    """The labels that responses come from, the most frequent first, each as it is mostly written; () for none.

    Our own rule: of at least 20 responses, 2 to 20 different ones that are short (5 words, 40 characters, no JSON) and
    occur three times or more make up at least 98%. What is left are exceptions, which are compared as texts.
    """
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    total = 0
    for response in responses:
        spelt = response.strip()
        total += bool(spelt)
        if _is_short(spelt):
            spellings[plain(spelt)][spelt] += 1
    repeated = {label: spelt for label, spelt in spellings.items() if spelt.total() >= LEAST_TIMES}
    covered = sum(spelt.total() for spelt in repeated.values())
    if total < FEWEST_ROWS or not 2 <= len(repeated) <= MOST_LABELS or covered < LEAST_SHARE * total:
        return ()
    by_number = sorted(repeated.items(), key=lambda one: (-one[1].total(), one[0]))
    return tuple(min(spelt, key=lambda text: (-spelt[text], text)) for _, spelt in by_number)


def _is_short(text: str) -> bool:
    if len(text) > MOST_CHARACTERS or json_value(text) is not None:
        return False
    return 0 < sum(1 for _ in WORD.finditer(text)) <= MOST_WORDS


def plain(text: str) -> str:
    """A label as it is compared: normalised, without the marks that wrap it."""
    return normalise(text).strip(_WRAPPING)


def label_of(text: str, labels: Sequence[str]) -> str | None:
    """The label that a text names; None when it names none, or might name another.

    A text names a label that it is, or that it opens with before a mark ("Positive. I like the ..."), provided that it
    names no other label after it.

    Args:
        text: a response or an answer.
        labels: the closed set.
    """
    known = {plain(label): label for label in labels}
    if plain(text) in known:
        return known[plain(text)]
    opening = _FIRST_PART.match(text.strip().lstrip(_WRAPPING))
    first = plain(opening.group()) if opening else ""
    if first not in known:
        return None
    rest = normalise(text.strip().lstrip(_WRAPPING)[len(opening.group()) if opening else 0 :])
    others = (label for label in known if label and label != first)
    if any(re.search(rf"(?<!\w){re.escape(label)}(?!\w)", rest) for label in others):
        return None
    return known[first]

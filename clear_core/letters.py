"""How probable each letter of a self-reflection was, read from the tokens of its reply."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from clear_core.llm.port import Token
from clear_core.parsing import letter_place

ALONE: Final = re.compile(r"\A[\s*_`\"'\[({:=>-]*([ABC])[\s*_`\"'\])}.,;:!-]*\Z")
"""A token that is a letter with nothing but marks and spaces about it: " A", "(A", "A)"."""


def letter_probabilities(tail: Sequence[Token]) -> dict[str, float] | None:
    """P(A), P(B) and P(C) at the place of the choice, renormalised over the three.

    A letter that is not among the alternatives counts 0: endpoints tell only the likeliest.

    Args:
        tail: the last tokens of the reply, in the text's order.

    Returns:
        Three probabilities that sum to 1; None where the choice stands before these tokens, is told in words, or
        is no token of its own.
    """
    place = letter_place("".join(token.text for token in tail))
    chosen = None if place is None else _token_at(tail, place)
    if chosen is None or not ALONE.match(chosen.text):
        return None
    found: dict[str, float] = {"A": 0.0, "B": 0.0, "C": 0.0}
    for letter in found:
        alone = (logprob for text, logprob in chosen.alternatives if _is(letter, text))
        found[letter] = math.fsum(math.exp(logprob) for logprob in alone)
    total = math.fsum(found.values())
    return {letter: value / total for letter, value in found.items()} if total > 0.0 else None


def _is(letter: str, text: str) -> bool:
    alone = ALONE.match(text)
    return alone is not None and alone.group(1) == letter


def _token_at(tail: Sequence[Token], place: int) -> Token | None:
    end = 0
    for token in tail:
        end += len(token.text)
        if place < end:
            return token
    return None

"""BSDetector's own similarity: how little two texts contradict each other, by any model of entailment.

s_j = 1 - the mean P(contradiction) over both orders of (given response, sample). Such a model sees some 512 tokens;
longer texts are compared by sentence and chunk, which is our own rule (`docs/deviations.md`). Nothing is cut off.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from clear_core.similarity import WORD

LONG_WORDS: Final = 200
"""A text of more words is compared by sentence and chunk."""
LONG_PAIR: Final = 300
"""So are two texts of more words together: with their question some 450 tokens."""
CHUNK_WORDS: Final = 150
SENTENCE_WORDS: Final = 60
INDENT: Final = 40
WORD_LENGTH: Final = 6
"""Characters that count as one word where words are longer: codes, links, scripts without spaces."""

ABBREVIATIONS: Final = frozenset(
    {
        "ca",
        "cf",
        "dr",
        "e.g",
        "eq",
        "etc",
        "fig",
        "i.e",
        "jr",
        "ltd",
        "mr",
        "mrs",
        "ms",
        "prof",
        "sr",
        "st",
        "vol",
        "vs",
    }
)
_END: Final = re.compile(r"[.!?…؟۔।॥։።][\"'”’»)\]]{0,3}(?=\s)|[。！？｡][\"'”’»）」』]{0,3}|\n")
_TOKEN_BEFORE: Final = re.compile(r"\w+(?:\.\w+)*\Z")

Fits = Callable[[Sequence[tuple[str, str]]], bool]
"""Whether a model can read every one of some pairs whole."""


@dataclass(frozen=True, slots=True)
class Entailment:
    """What a model says of a premise and a hypothesis: three probabilities that sum to 1."""

    entail: float
    neutral: float
    contradict: float


class NLI(Protocol):
    """A model of entailment (natural language inference)."""

    @property
    def name(self) -> str:
        """The checkpoint, as scores record it."""

    def fits(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether every pair can be read whole."""

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Entailment]:
        """One answer for each (premise, hypothesis), in their order.

        Raises:
            InputError: a pair can't be read whole.
        """


def has_nli() -> bool:
    """Whether the packages that run an NLI model are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask of a model to compare two texts, and how to read what it says.

    Attributes:
        pairs: (premise, hypothesis): both orders of the texts, or each chunk with each sentence, sentence by sentence.
        chunks: chunks of the sample; 0 where the texts are compared whole.
        how: "with question", "by sentence", or "" for the whole texts alone.
    """

    pairs: tuple[tuple[str, str], ...]
    chunks: int = 0
    how: str = ""

    def similarity(self, found: Sequence[Entailment]) -> float:
        """S in [0, 1]; 1 where nothing had to be asked.

        Whole texts: 1 - mean P(contradiction) over both orders. By sentence: the mean over the target's sentences of
        1 - P(contradiction) by the chunk that entails the sentence most.

        Args:
            found: one answer for each pair.
        """
        if not self.pairs:
            return 1.0
        if not self.chunks:
            return 1.0 - (found[0].contradict + found[1].contradict) / 2.0
        by_sentence = [found[start : start + self.chunks] for start in range(0, len(found), self.chunks)]
        nearest = [max(row, key=lambda one: one.entail) for row in by_sentence]
        return math.fsum(1.0 - one.contradict for one in nearest) / len(nearest)


def questions(given: str, sampled: str, fits: Fits, question: str = "") -> Questions:
    """What to ask of a model about a given response and a sample.

    Args:
        given: the given response.
        sampled: the sample.
        fits: whether the model can read pairs whole.
        question: put before both texts; "" for none. It is left out where the texts do not fit with it.
    """
    if given == sampled:
        return Questions(())
    if question and size(question) + size(given) + size(sampled) <= LONG_PAIR:
        asked = _both_orders(f"{question} {given}", f"{question} {sampled}")
        if fits(asked):
            return Questions(asked, how="with question")
    if max(size(given), size(sampled)) <= LONG_WORDS and size(given) + size(sampled) <= LONG_PAIR:
        asked = _both_orders(given, sampled)
        if fits(asked):
            return Questions(asked)
    return _by_sentence(given, sampled, fits)


def _both_orders(one: str, other: str) -> tuple[tuple[str, str], ...]:
    return (one, other), (other, one)


def _by_sentence(given: str, sampled: str, fits: Fits) -> Questions:
    most = CHUNK_WORDS
    while True:
        said = chunks(sampled, most)
        wanted = [piece for one in sentences(given) for piece in pieces(one, min(most, SENTENCE_WORDS))]
        asked = tuple((chunk, sentence) for sentence in wanted for chunk in said)
        # One word in six characters is a guess; the model's own tokens decide.
        if most == 1 or fits(asked):
            return Questions(asked, len(said), "by sentence")
        most //= 2


def size(text: str) -> int:
    """How long a text is, in words; long words and scripts without spaces count by their characters."""
    return max(sum(1 for _ in WORD.finditer(text)), -(-len(text) // WORD_LENGTH))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text in any language, none of them blank; a blank text is one empty sentence.

    A full stop ends no sentence after an abbreviation, an initial or a list's number, nor before a small letter.
    """
    found: list[str] = []
    start = 0
    for end in (match.end() for match in _END.finditer(text) if _ends_here(text, match)):
        _append(found, text[start:end].strip())
        start = end
    _append(found, text[start:].strip())
    return found or [""]


def _append(found: list[str], piece: str) -> None:
    """A piece without any word belongs to the sentence before it."""
    if found and piece and not WORD.search(piece):
        found[-1] = f"{found[-1]} {piece}"
    elif piece:
        found.append(piece)


def _ends_here(text: str, end: re.Match[str]) -> bool:
    if text[end.start()] != ".":
        return True
    following = text[end.end() : end.end() + 8].lstrip()[:1]
    if following.islower():
        return False
    before = _TOKEN_BEFORE.search(text, max(0, end.start() - 12), end.start())
    if before is None:
        return True
    token = before.group().casefold()
    if token.isdecimal():
        # A list's number stands first in its line; more white space than this before it is a line of its own.
        return text[max(0, before.start() - INDENT) : before.start()].rstrip(" \t")[-1:] not in {"", "\n"}
    return token not in ABBREVIATIONS and len(token) > 1


def pieces(text: str, most: int) -> list[str]:
    """The text in pieces of at most `most` words (see `size`), cut at white space where there is some."""
    text = text.strip()
    if size(text) <= most or len(text) < 2:
        return [text]
    middle = len(text) // 2
    gap = max(text.rfind(" ", len(text) // 4, middle), text.rfind("\n", len(text) // 4, middle))
    cut = gap if gap > 0 else middle
    return pieces(text[:cut], most) + pieces(text[cut:], most)


def chunks(text: str, most: int) -> list[str]:
    """The text in runs of whole sentences, each of at most `most` words; a longer sentence is cut."""
    found: list[str] = []
    room = 0
    for piece in (piece for one in sentences(text) for piece in pieces(one, most)):
        if found and size(piece) < room:
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
        room = most - size(found[-1])
    return found

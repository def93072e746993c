"""Named similarities of a given response and a sample, each in [0, 1]: what s_j of BSDetector can be."""

from __future__ import annotations

import functools
import importlib.util
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from clear_core.errors import InputError

Similarity = Callable[[str, str], float]
"""(given response, sample) -> s in [0, 1]; 1 for identical texts."""

_CJK: Final = "\u3040-\u30ff\u3400-\u9fff"
WORD: Final = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+(?:[.,]\d+)*")
"""A word, a number such as 1,200.50, or one character of a script that puts no space between words."""
ARTICLES: Final = frozenset({"a", "an", "the"})


def normalise(text: str) -> str:
    """The text in one Unicode form, case-folded, its runs of white space as single spaces, no final full stop."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".")


def words(text: str) -> list[str]:
    """The normalised words of a text without articles and punctuation; a number such as 1,200.50 is one word."""
    return [word.replace(",", "") for word in WORD.findall(normalise(text)) if word not in ARTICLES]


def beginning(text: str, count: int) -> str:
    """The text up to its word number `count`; all of it when it has no more words."""
    if count <= 0:
        return ""
    last = next(islice(WORD.finditer(text), count - 1, None), None)
    return text[: last.end()] if last else text


def exact(response: str, sample: str) -> float:
    """1 when both are the same after normalisation, else 0."""
    return float(normalise(response) == normalise(sample))


def answer_recall(response: str, sample: str) -> float:
    """The share of the response's words that the sample says, each as often; a longer sample costs nothing."""
    wanted, said = Counter(words(response)), Counter(words(sample))
    if not wanted:
        return exact(response, sample)
    return (wanted & said).total() / wanted.total()


def token_f1(response: str, sample: str) -> float:
    """The harmonic mean of word recall and word precision, as SQuAD scores answers."""
    wanted, said = Counter(words(response)), Counter(words(sample))
    if not wanted or not said:
        return exact(response, sample)
    return 2.0 * (wanted & said).total() / (wanted.total() + said.total())


def jaccard(response: str, sample: str) -> float:
    """The share of common words among all distinct words of both."""
    wanted, said = set(words(response)), set(words(sample))
    if not wanted or not said:
        return exact(response, sample)
    return len(wanted & said) / len(wanted | said)


def has_embedding() -> bool:
    """Whether the static word embeddings (wordllama) are installed."""
    return importlib.util.find_spec("wordllama") is not None


@functools.cache
def _embedder() -> Any:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise InputError(
            "The similarity 'embedding' needs the wordllama package, which is not installed.",
            "Run `make setup`, install clear-review[embedded], or choose another similarity.",
        )
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    from wordllama import WordLlama  # noqa: PLC0415 - optional, and its import takes a while

    # The package sets up logging for the whole process when it is imported; that is not its to decide.
    root.handlers[:], root.level = handlers, level
    return WordLlama.load(cache_dir=Path(spec.origin).parent, disable_download=True)


def embedding(response: str, sample: str) -> float:
    """The cosine of the texts' static embeddings, negative ones as 0; 0 when only one of them has words.

    Raises:
        InputError: when wordllama is not installed.
    """
    if normalise(response) == normalise(sample):
        return 1.0
    if not response.strip() or not sample.strip():
        return 0.0
    one, other = _embedder().embed([response, sample], norm=True)
    return min(1.0, max(0.0, float(one @ other)))


SIMILARITIES: Final[Mapping[str, Similarity]] = {
    "embedding": embedding,
    "answer_recall": answer_recall,
    "token_f1": token_f1,
    "jaccard": jaccard,
    "exact": exact,
}
"""The similarities of texts alone."""

ASKED: Final = ("nli", "llm")
"""The similarities that a model tells, see `clear_core.measures`."""


def similarity(name: str) -> Similarity:
    """The similarity of texts of that name.

    Raises:
        InputError: when there is none.
    """
    if name not in SIMILARITIES:
        raise InputError(f"There is no similarity {name!r}.", f"Choose one of {', '.join(SIMILARITIES)}.")
    return SIMILARITIES[name]


def known(name: str) -> None:
    """Check that a similarity of that name can be asked for.

    Raises:
        InputError: when there is none.
    """
    names = (*SIMILARITIES, *ASKED)
    if name not in names:
        raise InputError(f"There is no similarity {name!r}.", f"Choose one of {', '.join(names)}.")

"""Samples held against the given response: what of both is compared, and the consistency that comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clear_core import parsing
from clear_core.asking import Answer
from clear_core.confidence import observed_consistency
from clear_core.similarity import WORD, beginning, similarity


class HowToCompare(Protocol):
    """What a comparison must be told; a `clear_core.recipe.Recipe` tells it."""

    @property
    def similarity(self) -> str:
        """Name of s_j, see `clear_core.similarity`."""

    @property
    def alpha(self) -> float:
        """Weight of the similarity against the exact match."""

    @property
    def explained(self) -> bool:
        """Whether the samples' answers were parsed from explanations."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples held against the given response.

    Attributes:
        consistency: O; None when no more than half of the samples can be used.
        usable: how many can be.
        rows: one for each sample, JSON-ready: its answer, similarity, whether it matches exactly, and its reply.
    """

    consistency: float | None
    usable: int
    rows: tuple[dict[str, Any], ...]


def compare(response: str, samples: Sequence[Answer[str]], recipe: HowToCompare) -> Comparison:
    """Compare each sample with the given response by the recipe's similarity and by exact match.

    Args:
        response: the given response.
        samples: the samples; one without a value is missing.
        recipe: names the similarity and weighs it against the exact match.
    """
    alike = similarity(recipe.similarity)
    rows: list[dict[str, Any]] = []
    similarities, matches = [], []
    for sample in samples:
        row: dict[str, Any] = {"answer": None, "similarity": None, "match": None}
        if sample.value is not None:
            target, said = pair(response, sample.value, cut=sample.cut, explained=recipe.explained)
            similarities.append(alike(target, said))
            matches.append(" ".join(said.split()) == " ".join(target.split()))
            row = {"answer": said, "similarity": similarities[-1], "match": matches[-1]}
        rows.append(row | {"text": sample.text, "cut": sample.cut, "problem": sample.problem})
    consistency = None
    if 2 * len(matches) > len(rows):
        consistency = observed_consistency(similarities, matches, recipe.alpha)
    return Comparison(consistency, len(matches), tuple(rows))


def pair(response: str, answer: str, *, cut: bool, explained: bool) -> tuple[str, str]:
    """The parts of a given response and a sampled answer that are compared.

    Args:
        response: the given response.
        answer: the sample's answer.
        cut: whether the sample was cut: it is then compared with as many words of the response as it could say.
        explained: whether the answer was parsed from an explanation, so that it is a stated answer by itself.

    Returns:
        The answers that both state (`#### 12`, `Answer: x`), else both as a whole.
    """
    if explained or (parsing.stated_answer(response) and parsing.stated_answer(answer)):
        return parsing.comparable(response), parsing.comparable(answer)
    whole, said = parsing.without_code_block(response.strip()), parsing.without_code_block(answer.strip())
    if cut:
        whole = beginning(whole, sum(1 for _ in WORD.finditer(said)))
    return whole, said

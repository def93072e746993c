"""Samples held against the given response: what of both is compared, and the consistency that comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from clear_core import parsing
from clear_core.asking import Answer
from clear_core.confidence import observed_consistency
from clear_core.measures import Measure
from clear_core.similarity import WORD, beginning
from clear_core.types import Example


class HowToCompare(Protocol):
    """What a comparison must be told; a `clear_core.recipe.Recipe` tells it."""

    @property
    def alpha(self) -> float:
        """Weight of the similarity against the exact match."""

    @property
    def explained(self) -> bool:
        """Whether the samples' answers were parsed from explanations."""

    @property
    def by_field(self) -> bool:
        """Whether a response that is JSON is compared field by field."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The closed set of labels that responses come from; empty for none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples held against the given response.

    Attributes:
        rows: one for each sample, JSON-ready: its answer, similarity, whether it matches exactly, and its reply.
        measured: how this row was compared, such as "token_f1", "label" or "token_f1 per field".
        alpha: weight of the similarity against the exact match.
        calls: calls to a model that the comparing itself took.
    """

    rows: tuple[dict[str, Any], ...]
    measured: str
    alpha: float
    calls: int = 0

    @property
    def usable(self) -> int:
        """How many samples have a similarity."""
        return len(self.observed)

    @property
    def observed(self) -> tuple[float, ...]:
        """o_j = alpha s_j + (1 - alpha) r_j of the usable samples, in their order."""
        usable = [row for row in self.rows if row["similarity"] is not None]
        return tuple(observed_consistency([row["similarity"]], [row["match"]], self.alpha) for row in usable)

    @property
    def consistency(self) -> float | None:
        """O; None when no more than half of the samples can be used."""
        usable = [row for row in self.rows if row["similarity"] is not None]
        if 2 * len(usable) <= len(self.rows):
            return None
        return observed_consistency([row["similarity"] for row in usable], [row["match"] for row in usable], self.alpha)

    @property
    def problem(self) -> str | None:
        """Why the first unusable sample is none: a key of PROBLEMS; None when all are usable."""
        return next((row["problem"] for row in self.rows if row["problem"]), None)

    @property
    def evidence(self) -> dict[str, Any]:
        """What is behind the number, JSON-ready, for a score's evidence."""
        return {"samples": list(self.rows)}

    def joined(self, later: Comparison) -> Comparison:
        """This comparison and that of samples drawn later, as if all had been compared at once."""
        return replace(self, rows=self.rows + later.rows, calls=self.calls + later.calls)


async def compare(
    example: Example, samples: Sequence[Answer[str]], recipe: HowToCompare, measure: Measure
) -> Comparison:
    """Compare each sample with the given response by a measure and by exact match.

    Args:
        example: whose response is the given one.
        samples: the samples; one without a value is missing.
        recipe: says what of the texts is compared, and weighs the similarity against the exact match.
        measure: tells the similarities, see `clear_core.measures`.

    Raises:
        LLMError, BudgetError, InputError: as the measure does.
    """
    usable = [sample for sample in samples if sample.value is not None]
    pairs = [
        pair(example.response, sample.value or "", cut=sample.cut, explained=recipe.explained) for sample in usable
    ]
    similar = iter(await measure.similarities(example, pairs))
    compared = iter(pairs)
    rows: list[dict[str, Any]] = []
    for sample in samples:
        row: dict[str, Any] = {"answer": None, "similarity": None, "match": None}
        if sample.value is not None:
            target, said = next(compared)
            row = {"answer": said, "similarity": next(similar).value}
            row["match"] = " ".join(said.split()) == " ".join(target.split())
        rows.append(row | {"text": sample.text, "cut": sample.cut, "problem": sample.problem})
    return Comparison(tuple(rows), measure.name, recipe.alpha)


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

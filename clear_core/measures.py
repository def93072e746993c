"""Named measures of s_j as the method asks for them: pairs of texts in, similarities out, whoever computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clear_core.similarity import similarity
from clear_core.types import Example


@dataclass(frozen=True, slots=True)
class Similar:
    """How like two texts are.

    Attributes:
        value: s_j in [0, 1]; None when it is missing.
        how: how the measure was used, where it can be used in several ways, such as "by sentence".
        calls: calls to a model that it took.
        problem: why the value is missing: a key of PROBLEMS, or None.
        text: what a model replied, where one was asked.
    """

    value: float | None
    how: str = ""
    calls: int = 0
    problem: str | None = None
    text: str = ""


class Measure(Protocol):
    """Tells how like a given response and samples are."""

    @property
    def name(self) -> str:
        """Its name as scores record it, such as "token_f1"."""

    async def similarities(self, example: Example, pairs: Sequence[tuple[str, str]]) -> Sequence[Similar]:
        """One similarity for each pair of (given, sampled) text of an example.

        Raises:
            LLMError: a fault of a model's endpoint, or a fatal one.
            BudgetError: the cap on calls is reached.
            InputError: a package is not installed.
        """


class HowToMeasure(Protocol):
    """What names a measure; a `clear_core.recipe.Recipe` does."""

    @property
    def similarity(self) -> str:
        """Name of s_j."""


@dataclass(frozen=True, slots=True)
class TextMeasure:
    """A similarity that needs no model, see `clear_core.similarity`."""

    name: str

    async def similarities(self, example: Example, pairs: Sequence[tuple[str, str]]) -> Sequence[Similar]:  # noqa: ARG002
        """One similarity for each pair; the example itself does not matter.

        Raises:
            InputError: the similarity needs a package that is not installed.
        """
        alike = similarity(self.name)
        return [Similar(alike(given, sampled)) for given, sampled in pairs]


def measure_of(recipe: HowToMeasure) -> Measure:
    """The measure that a recipe names.

    Raises:
        InputError: when there is no such similarity.
    """
    similarity(recipe.similarity)
    return TextMeasure(recipe.similarity)

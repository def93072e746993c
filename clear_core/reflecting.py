"""Self-reflection: a model is asked whether an answer or a verdict is right, and its letter or their odds count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from clear_core import parsing, prompts
from clear_core.asking import Answer, ask
from clear_core.letters import letter_probabilities
from clear_core.llm.port import LLM, ChatRequest
from clear_core.recipe import Recipe
from clear_core.types import Message

EXPLANATION_TOKENS: Final = 768
"""Room for a step-by-step explanation before an answer."""
TOP_LOGPROBS: Final = 5
"""Alternatives asked for at each token: room for three letters and two spellings, and as many as any endpoint gives."""


@dataclass(frozen=True, slots=True)
class Reflection:
    """One self-reflection.

    Attributes:
        answer: the reply, and the letter read from it.
        probabilities: of A, B and C; None where the endpoint does not tell them or they are not wanted.
    """

    answer: Answer[parsing.Letter]
    probabilities: Mapping[str, float] | None = None

    @property
    def told(self) -> str | Mapping[str, float] | None:
        """What counts: the probabilities where there are any, else the letter; None for a missing reflection."""
        return self.probabilities or self.answer.value

    @property
    def evidence(self) -> dict[str, Any]:
        """What is behind the number, JSON-ready."""
        letter = {"letter": self.answer.value, "text": self.answer.text, "problem": self.answer.problem}
        if self.probabilities is None:
            return letter | {"by": "letter"}
        return letter | {"by": "probabilities", "probabilities": dict(self.probabilities)}


async def reflect(
    llm: LLM, messages: tuple[Message, ...], kind: Literal["reflect", "judge_reflect"], recipe: Recipe
) -> Reflection:
    """Ask one self-reflection at temperature 0 and read its letter; raises as `clear_core.asking.ask` does.

    Where the recipe wants letter probabilities and the endpoint tells them, S = P(A) + 0.5 P(C) takes the letter's
    place.
    """
    request = ChatRequest(
        messages,
        kind,
        recipe.prompt_version,
        max_tokens=EXPLANATION_TOKENS,
        top_logprobs=TOP_LOGPROBS if recipe.letter_probabilities else 0,
    )
    answer: Answer[parsing.Letter] = await ask(llm, request, parsing.reflection_letter, prompts.REFLECT_FORM)
    # The tail may end a longer reply: what is read from it counts only where it is the choice of the whole reply.
    if answer.value is None or parsing.reflection_letter("".join(token.text for token in answer.tail)) != answer.value:
        return Reflection(answer)
    return Reflection(answer, letter_probabilities(answer.tail))


def problem_of(reflections: Sequence[Reflection]) -> str | None:
    """Why the first missing reflection is missing: a key of PROBLEMS; None when all could be read."""
    return next((each.answer.problem for each in reflections if each.answer.problem), None)

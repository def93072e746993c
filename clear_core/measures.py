"""Measures of s_j as the method asks for them: pairs of texts in, similarities out, whoever tells them.

Texts alone (`clear_core.similarity`), a model of entailment (`clear_core.entailment`), or a chat model's yes or no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from clear_core import parsing, prompts
from clear_core.asking import Answer, all_of, ask
from clear_core.entailment import NLI, Entailment, Questions, questions
from clear_core.errors import InputError
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM
from clear_core.similarity import SIMILARITIES, known, similarity
from clear_core.types import Example

AT_ONCE: Final = 32
"""Pairs that a model of entailment is asked together: a run that is paused waits for no more than these."""
REASON_TOKENS: Final = 512
"""Room for a model's reason before it says yes or no."""


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

    @property
    def with_question(self) -> bool:
        """Whether a model of entailment sees the question before both texts."""


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


class NliMeasure:
    """BSDetector's own similarity: how little a response and a sample contradict each other.

    Args:
        nli: the model of entailment.
        with_question: whether it sees the last user turn before both texts.
    """

    def __init__(self, nli: NLI, *, with_question: bool = False) -> None:
        self._nli = nli
        self._with_question = with_question
        # One at a time: rows in flight would only fight for the same cores, or the same GPU's memory.
        self._worker = ThreadPoolExecutor(1, "nli")

    @property
    def name(self) -> str:
        """Such as "nli(microsoft/deberta-large-mnli)"."""
        return f"nli({self._nli.name})"

    async def similarities(self, example: Example, pairs: Sequence[tuple[str, str]]) -> Sequence[Similar]:
        """One similarity for each pair; the model runs off the event loop, and what repeats is asked once."""
        question = next((turn.content for turn in reversed(example.prompt) if turn.role == "user"), "")
        asked_before = question.strip() if self._with_question else ""
        run = asyncio.get_running_loop().run_in_executor
        plans = await run(self._worker, self._plans, pairs, asked_before)
        # The longest first, so that what runs together is of one length.
        wanted = sorted({asked for plan in plans.values() for asked in plan.pairs}, key=_length, reverse=True)
        found: dict[tuple[str, str], Entailment] = {}
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found |= zip(some, await run(self._worker, self._nli.probabilities, some), strict=True)
        told = {
            pair: Similar(plan.similarity([found[asked] for asked in plan.pairs]), plan.how)
            for pair, plan in plans.items()
        }
        return [told[pair] for pair in pairs]

    def _plans(self, pairs: Sequence[tuple[str, str]], question: str) -> dict[tuple[str, str], Questions]:
        return {pair: questions(*pair, self._nli.fits, question) for pair in dict.fromkeys(pairs)}


def _length(pair: tuple[str, str]) -> tuple[int, tuple[str, str]]:
    return len(pair[0]) + len(pair[1]), pair


@dataclass(frozen=True, slots=True)
class LlmMeasure:
    """A chat model's yes or no on whether two answers agree, as 1 or 0; each different pair is asked once.

    Attributes:
        llm: the model.
    """

    llm: LLM

    @property
    def name(self) -> str:
        """Always "llm": the score's row names the model."""
        return "llm"

    async def similarities(self, example: Example, pairs: Sequence[tuple[str, str]]) -> Sequence[Similar]:
        """One similarity for each pair; a reply without a yes or a no leaves it out by name.

        Raises:
            LLMError: a fault that lies not in what the model said.
            BudgetError: the cap on calls is reached.
        """
        different = list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))
        answers = dict(zip(different, await all_of([self._ask(example, *pair) for pair in different]), strict=True))
        found: list[Similar] = []
        counted: set[tuple[str, str]] = set()
        for pair in pairs:
            answer = answers.get(pair)
            if answer is None:
                found.append(Similar(1.0))
                continue
            value = None if answer.value is None else float(answer.value)
            calls = 0 if pair in counted else answer.calls
            counted.add(pair)
            found.append(Similar(value, calls=calls, problem=answer.problem, text=answer.text))
        return found

    async def _ask(self, example: Example, given: str, sampled: str) -> Answer[bool]:
        messages = prompts.agreement(example.prompt, given, sampled)
        request = ChatRequest(messages, "similarity", prompts.PROMPT_VERSION, max_tokens=REASON_TOKENS)
        return await ask(self.llm, request, parsing.yes_or_no, prompts.AGREEMENT_FORM)


def measure_of(recipe: HowToMeasure, llm: LLM | None = None, nli: NLI | None = None) -> Measure:
    """The measure that a recipe names.

    Args:
        recipe: names it.
        llm: the model that says yes or no, for "llm".
        nli: the model of entailment, for "nli".

    Raises:
        InputError: when there is no such similarity, or the model that it needs is not there or too small.
    """
    known(recipe.similarity)
    if recipe.similarity in SIMILARITIES:
        return TextMeasure(recipe.similarity)
    if recipe.similarity == "nli":
        if nli is None:
            raise InputError(
                "The similarity 'nli' needs a model of entailment.",
                "Name an MNLI checkpoint or its folder, such as microsoft/deberta-large-mnli.",
            )
        return NliMeasure(nli, with_question=recipe.with_question)
    if llm is None:
        raise InputError(
            "The similarity 'llm' needs a model to ask, and stored samples bring none.", "Choose another similarity."
        )
    if isinstance(llm, LikelihoodLLM):
        # It says the same whatever it is shown (docs/decisions/0007), and takes minutes for it.
        raise InputError(
            f"{llm.model} is too small to tell whether two answers agree.", "Choose another similarity, or an endpoint."
        )
    return LlmMeasure(llm)

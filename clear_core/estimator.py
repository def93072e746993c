"""The confidence of one example's given response: BSDetector, or likelihood and consistency for the embedded model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from clear_core import confidence, parsing, prompts
from clear_core.asking import Answer, all_of, ask, tokens_for
from clear_core.comparing import compare
from clear_core.errors import InputError, LLMError
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest
from clear_core.measures import Measure, measure_of
from clear_core.recipe import Recipe, recipe_for
from clear_core.types import ConfidenceScore, Example, Message

__all__ = ["Recipe", "recipe_for", "score_example"]

EXPLANATION_TOKENS: Final = 768
"""Room for a step-by-step explanation before an answer."""
SAMPLE_TOKENS: Final = 12
"""Room that the embedded model gets beside the given response's length: it answers in a sentence."""
MOST_SAMPLE_TOKENS: Final = 40
"""Where the embedded model's samples end at the latest: how a reply begins tells what it is about and in which form."""


async def score_example(example: Example, llm: LLM, recipe: Recipe, measure: Measure | None = None) -> ConfidenceScore:
    """Score one example. What a model or endpoint does wrong becomes the score's problem, without a confidence.

    Args:
        example: what to score.
        llm: the model that is asked.
        recipe: how the confidence is made.
        measure: compares samples with the response; None for the one that the recipe names.

    Raises:
        LLMError: only a fatal one, by which every other row would fail alike.
        BudgetError: the cap on calls is reached.
        InputError: the recipe needs a likelihood or a package that is not there.
    """
    blank = ConfidenceScore(
        id=example.id,
        row=example.row,
        confidence=None,
        measure=recipe.name,
        model=llm.model,
        prompt_version=recipe.prompt_version,
    )
    if not example.response.strip():
        return replace(blank, problem="blank")
    measure = measure or measure_of(recipe, llm)
    try:
        if recipe.measure == "bsdetector":
            return await _bsdetector(example, llm, recipe, measure, blank)
        return await _likelihood(example, llm, recipe, measure, blank)
    except LLMError as error:
        if error.fatal:
            raise
        return replace(blank, problem=error.problem, evidence={"error": str(error)})


async def ask_letter(
    llm: LLM, messages: tuple[Message, ...], kind: Literal["reflect", "judge_reflect"], recipe: Recipe
) -> Answer[parsing.Letter]:
    """Ask one self-reflection at temperature 0 and read its letter; raises as `clear_core.asking.ask` does."""
    request = ChatRequest(messages, kind, recipe.prompt_version, max_tokens=EXPLANATION_TOKENS)
    return await ask(llm, request, parsing.reflection_letter, prompts.REFLECT_FORM)


async def _bsdetector(
    example: Example, llm: LLM, recipe: Recipe, measure: Measure, blank: ConfidenceScore
) -> ConfidenceScore:
    questions = prompts.reflections(example.prompt, example.response)
    room = EXPLANATION_TOKENS + 2 * tokens_for(example.response)
    answers: list[Answer[Any]] = await all_of(
        [ask_letter(llm, question, "reflect", recipe) for question in questions]
        + [
            ask(llm, request, parsing.final_answer, prompts.ANSWER_FORM)
            for request in _sampling(prompts.sampling(example.prompt), room, recipe)
        ]
    )
    letters, samples = answers[: len(questions)], answers[len(questions) :]
    compared = await compare(example, samples, recipe, measure)
    reflection = confidence.self_reflection([letter.value for letter in letters])
    problem = next((answer.problem for answer in answers if answer.problem), compared.problem)
    total = None
    if compared.consistency is not None:
        total = confidence.combine(compared.consistency, reflection, recipe.beta)
    return replace(
        blank,
        confidence=total,
        consistency=compared.consistency,
        reflection=reflection,
        samples=compared.usable,
        calls=sum(answer.calls for answer in answers) + compared.calls,
        problem=problem,
        evidence={
            **compared.evidence,
            "reflections": [
                {"letter": letter.value, "text": letter.text, "problem": letter.problem} for letter in letters
            ],
        },
    )


async def _likelihood(
    example: Example, llm: LLM, recipe: Recipe, measure: Measure, blank: ConfidenceScore
) -> ConfidenceScore:
    if not isinstance(llm, LikelihoodLLM):
        raise InputError(f"The model {llm.model} tells no likelihoods.", "Use BSDetector with it.")
    # The likelihood first: it leaves the prompt in the model's cache, where the samples find it.
    gain = await gain_of(llm, example, example.response)
    room = min(MOST_SAMPLE_TOKENS, SAMPLE_TOKENS + tokens_for(example.response))
    samples = await all_of([ask(llm, request, str.strip) for request in _sampling(example.prompt, room, recipe)])
    compared = await compare(example, samples, recipe, measure)
    likelihood = confidence.sigmoid(gain.nats)
    return replace(
        blank,
        confidence=_blend(likelihood, compared.consistency, recipe),
        consistency=compared.consistency,
        likelihood=likelihood,
        samples=compared.usable,
        calls=2 + sum(sample.calls for sample in samples) + compared.calls,
        problem=compared.problem,
        evidence={
            "gain": gain.nats,
            "log_p_after_prompt": gain.after_prompt,
            "log_p_alone": gain.alone,
            "tokens": gain.tokens,
            **compared.evidence,
        },
    )


def _blend(likelihood: float, consistency: float | None, recipe: Recipe) -> float | None:
    if not recipe.samples:
        return likelihood
    if consistency is None:
        return None
    return recipe.likelihood_weight * likelihood + (1.0 - recipe.likelihood_weight) * consistency


def _sampling(messages: tuple[Message, ...], room: int, recipe: Recipe) -> list[ChatRequest]:
    return [
        ChatRequest(
            messages,
            "sample",
            recipe.prompt_version,
            sample=number,
            temperature=recipe.temperature,
            max_tokens=room,
            may_be_cut=recipe.measure == "likelihood",
        )
        for number in range(recipe.samples)
    ]


@dataclass(frozen=True, slots=True)
class Gain:
    """The likelihood gain of a response and its parts, in nats per token.

    Attributes:
        nats: after_prompt - alone.
        after_prompt: mean log p(y|x).
        alone: mean log p(y).
        tokens: tokens of the response.
    """

    nats: float
    after_prompt: float
    alone: float
    tokens: int


async def gain_of(llm: LikelihoodLLM, example: Example, response: str) -> Gain:
    """Ask twice for the likelihood of a response, after the example's prompt and alone.

    Raises:
        LLMError: as the model does.
    """
    asked = [LikelihoodRequest(example.prompt, response), LikelihoodRequest((), response)]
    after, alone = await all_of([llm.likelihood(request) for request in asked])
    nats = confidence.likelihood_gain(after.logprobs, alone.logprobs)
    count = len(after.logprobs)
    return Gain(nats, sum(after.logprobs) / count, sum(alone.logprobs) / len(alone.logprobs), count)

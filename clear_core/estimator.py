"""The confidence of one example's given response: BSDetector, or likelihood and consistency for the embedded model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from clear_core import confidence, parsing, prompts
from clear_core.asking import all_of, tokens_for
from clear_core.errors import InputError, LLMError
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest
from clear_core.measures import Measure, measure_of
from clear_core.recipe import Recipe, recipe_for
from clear_core.reflecting import EXPLANATION_TOKENS, problem_of, reflect
from clear_core.sampling import Drawn, Sampler
from clear_core.types import ConfidenceScore, Example, Message

__all__ = ["Recipe", "recipe_for", "score_example"]

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


async def _bsdetector(
    example: Example, llm: LLM, recipe: Recipe, measure: Measure, blank: ConfidenceScore
) -> ConfidenceScore:
    asked = [reflect(llm, each, "reflect", recipe) for each in prompts.reflections(example.prompt, example.response)]
    room = EXPLANATION_TOKENS + 2 * tokens_for(example.response)
    requests = _sampling(prompts.sampling(example.prompt), room, recipe)
    sampler = Sampler(example, llm, recipe, measure, requests, parsing.final_answer, prompts.ANSWER_FORM)

    def total(consistency: float) -> float:
        return confidence.combine(consistency, self_reflection, recipe.beta)

    if recipe.stop_at is None:
        side_by_side: list[Any] = await all_of([all_of(asked), sampler.all()])
        reflections, drawn = side_by_side
        self_reflection = confidence.self_reflection([each.told for each in reflections])
    else:
        # They cost least and bound C most, so that fewer samples decide.
        reflections = await all_of(asked)
        self_reflection = confidence.self_reflection([each.told for each in reflections])
        drawn = await sampler.until_decided(recipe.stop_at, total)
    scored = _with_samples(blank, recipe, drawn, total)
    return replace(
        scored,
        reflection=self_reflection,
        calls=sum(each.answer.calls for each in reflections) + scored.calls,
        problem=problem_of(reflections) or scored.problem,
        evidence={**scored.evidence, "reflections": [each.evidence for each in reflections]},
    )


async def _likelihood(
    example: Example, llm: LLM, recipe: Recipe, measure: Measure, blank: ConfidenceScore
) -> ConfidenceScore:
    if not isinstance(llm, LikelihoodLLM):
        raise InputError(f"The model {llm.model} tells no likelihoods.", "Use BSDetector with it.")
    # The likelihood first: it leaves the prompt in the model's cache, where the samples find it.
    gain = await gain_of(llm, example, example.response)
    likelihood = confidence.sigmoid(gain.nats)
    room = min(MOST_SAMPLE_TOKENS, SAMPLE_TOKENS + tokens_for(example.response))
    sampler = Sampler(example, llm, recipe, measure, _sampling(example.prompt, room, recipe), str.strip)

    def total(consistency: float) -> float:
        return recipe.likelihood_weight * likelihood + (1.0 - recipe.likelihood_weight) * consistency

    if not recipe.samples:
        scored = replace(blank, confidence=likelihood, evidence={"samples": []})
    elif recipe.stop_at is None:
        scored = _with_samples(blank, recipe, await sampler.all(), total)
    else:
        scored = _with_samples(blank, recipe, await sampler.until_decided(recipe.stop_at, total), total)
    told = {
        "gain": gain.nats,
        "log_p_after_prompt": gain.after_prompt,
        "log_p_alone": gain.alone,
        "tokens": gain.tokens,
    }
    return replace(scored, likelihood=likelihood, calls=2 + scored.calls, evidence=told | dict(scored.evidence))


def _with_samples(
    blank: ConfidenceScore, recipe: Recipe, drawn: Drawn, total: Callable[[float], float]
) -> ConfidenceScore:
    """The score as far as the samples tell it; `total` gives C of an observed consistency."""
    compared, bounds = drawn.compared, drawn.bounds
    scored = replace(
        blank,
        confidence=None if compared.consistency is None else total(compared.consistency),
        consistency=compared.consistency,
        measure=recipe.name_of(compared.measured),
        samples=compared.usable,
        calls=drawn.calls,
        problem=compared.problem,
        evidence=compared.evidence,
        temperature=recipe.temperature,
    )
    if bounds is None or scored.confidence is None:
        return scored
    stopped = {"gamma": recipe.stop_at, "drawn": len(compared.rows), "of": recipe.samples}
    return replace(
        scored,
        # The estimate lies between the bounds; it must not leave them by rounding, or it could cross gamma.
        confidence=min(max(scored.confidence, bounds.lower), bounds.upper),
        lower=bounds.lower,
        upper=bounds.upper,
        evidence={**scored.evidence, "stopped": stopped},
    )


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

"""The confidence of one example's given response: BSDetector, or likelihood and consistency for the embedded model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from clear_core import confidence, parsing, prompts
from clear_core.asking import Answer, all_of, ask, tokens_for
from clear_core.errors import InputError, LLMError
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest
from clear_core.similarity import has_embedding, similarity
from clear_core.types import ConfidenceScore, Example, Message

EXPLANATION_TOKENS: Final = 768
"""Room for a step-by-step explanation before an answer."""
SAMPLE_TOKENS: Final = 16
"""Room that the embedded model gets beside twice the given response's length: it answers in a sentence."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a confidence is made; two scores compare only under the same recipe.

    Attributes:
        measure: "bsdetector" (consistency and self-reflection) or "likelihood" (likelihood gain and consistency).
        similarity: name of s_j, see `clear_core.similarity`.
        samples: k; 0 only with "likelihood", which then stands alone.
        temperature: of the samples.
        alpha: weight of the similarity against the exact match within O.
        beta: weight of O against S (bsdetector).
        likelihood_weight: weight of L against O (likelihood).
        prompt_version: version of the prompts' wording.
    """

    measure: Literal["bsdetector", "likelihood"]
    similarity: str
    samples: int = 5
    temperature: float = 1.0
    alpha: float = confidence.ALPHA
    beta: float = confidence.BETA
    likelihood_weight: float = 0.5
    prompt_version: str = prompts.PROMPT_VERSION

    @property
    def name(self) -> str:
        """The measure as scores record it, such as "bsdetector/embedding"."""
        if self.measure == "bsdetector":
            return f"bsdetector/{self.similarity}"
        return f"likelihood+consistency/{self.similarity}" if self.samples else "likelihood"


def recipe_for(llm: LLM, samples: int = 5, similarity: str | None = None) -> Recipe:
    """The default recipe of a model: likelihood and consistency where it tells likelihoods, else BSDetector.

    Args:
        llm: the model that will be asked.
        samples: k, at least 0; at least 1 for BSDetector.
        similarity: name of s_j; None for the default.

    Raises:
        InputError: when the number of samples or the similarity can't be used.
    """
    if similarity is not None:
        _similarity_exists(similarity)
    if samples < 0:
        raise InputError(f"{samples} samples are asked for.", "Give 0 or more.")
    if isinstance(llm, LikelihoodLLM):
        return Recipe("likelihood", similarity or "answer_recall", samples)
    if samples == 0:
        raise InputError("BSDetector needs samples.", "Give 1 or more; only the embedded model scores without.")
    return Recipe("bsdetector", similarity or ("embedding" if has_embedding() else "token_f1"), samples)


def _similarity_exists(name: str) -> None:
    similarity(name)


async def score_example(example: Example, llm: LLM, recipe: Recipe) -> ConfidenceScore:
    """Score one example. What a model or endpoint does wrong becomes the score's problem, without a confidence.

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
    try:
        if recipe.measure == "bsdetector":
            return await _bsdetector(example, llm, recipe, blank)
        return await _likelihood(example, llm, recipe, blank)
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


async def _bsdetector(example: Example, llm: LLM, recipe: Recipe, blank: ConfidenceScore) -> ConfidenceScore:
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
    compared = compare(example.response, [sample.value for sample in samples], recipe)
    reflection = confidence.self_reflection([letter.value for letter in letters])
    problem = next((answer.problem for answer in answers if answer.problem), None)
    total = None
    if compared.consistency is not None:
        total = confidence.combine(compared.consistency, reflection, recipe.beta)
    return replace(
        blank,
        confidence=total,
        consistency=compared.consistency,
        reflection=reflection,
        samples=compared.usable,
        calls=sum(answer.calls for answer in answers),
        problem=problem,
        evidence={
            "samples": [
                row | {"text": sample.text, "problem": sample.problem}
                for row, sample in zip(compared.rows, samples, strict=True)
            ],
            "reflections": [
                {"letter": letter.value, "text": letter.text, "problem": letter.problem} for letter in letters
            ],
        },
    )


async def _likelihood(example: Example, llm: LLM, recipe: Recipe, blank: ConfidenceScore) -> ConfidenceScore:
    if not isinstance(llm, LikelihoodLLM):
        raise InputError(f"The model {llm.model} tells no likelihoods.", "Use BSDetector with it.")
    # The likelihood first: it leaves the prompt in the model's cache, where the samples find it.
    gain = await gain_of(llm, example, example.response)
    room = SAMPLE_TOKENS + 2 * tokens_for(example.response)
    samples = await all_of([ask(llm, request, str.strip) for request in _sampling(example.prompt, room, recipe)])
    compared = compare(example.response, [sample.value for sample in samples], recipe)
    likelihood = confidence.sigmoid(gain.nats)
    return replace(
        blank,
        confidence=_blend(likelihood, compared.consistency, recipe),
        consistency=compared.consistency,
        likelihood=likelihood,
        samples=compared.usable,
        calls=2 + sum(sample.calls for sample in samples),
        problem=next((sample.problem for sample in samples if sample.problem), None),
        evidence={
            "gain": gain.nats,
            "log_p_after_prompt": gain.after_prompt,
            "log_p_alone": gain.alone,
            "tokens": gain.tokens,
            "samples": [
                row | {"cut": sample.cut, "problem": sample.problem}
                for row, sample in zip(compared.rows, samples, strict=True)
            ],
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples held against the given response.

    Attributes:
        consistency: O; None when no more than half of the samples can be used.
        usable: how many can be.
        rows: one for each sample: its answer, similarity and whether it matches exactly.
    """

    consistency: float | None
    usable: int
    rows: tuple[dict[str, Any], ...]


def compare(response: str, answers: Sequence[str | None], recipe: Recipe) -> Comparison:
    """Compare the answers that samples gave with the answer that the given response states.

    Args:
        response: the given response.
        answers: one for each sample; None where the sample is missing.
        recipe: names the similarity and weighs it against the exact match.
    """
    alike = similarity(recipe.similarity)
    target = parsing.comparable(response)
    rows: list[dict[str, Any]] = []
    for answer in answers:
        if answer is None:
            rows.append({"answer": None, "similarity": None, "match": None})
            continue
        stated = parsing.comparable(answer)
        match = " ".join(stated.split()) == " ".join(target.split())
        rows.append({"answer": stated, "similarity": alike(target, stated), "match": match})
    usable = [row for row in rows if row["answer"] is not None]
    consistency = None
    if 2 * len(usable) > len(rows):
        matches = [row["match"] for row in usable]
        consistency = confidence.observed_consistency([row["similarity"] for row in usable], matches, recipe.alpha)
    return Comparison(consistency, len(usable), tuple(rows))

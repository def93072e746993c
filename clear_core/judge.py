"""Is the candidate better than the given response? Asked in both orders, with a confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clear_core import confidence, parsing, prompts
from clear_core.asking import Answer, all_of, ask, ask_samples
from clear_core.estimator import gain_of
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM
from clear_core.recipe import Recipe
from clear_core.reflecting import EXPLANATION_TOKENS, Reflection, problem_of, reflect
from clear_core.types import Example, Verdict
from clear_core.writing import Candidate

BOTH_ORDERS: Final = "bsdetector/both-orders"
LIKELIHOOD: Final = "likelihood comparison"

CANDIDATE_LABELS: Final = ("2", "1")
"""The judge's label for the candidate in each order: second after the given response, then first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's comparison.

    Attributes:
        preference: confidence in [0, 1] that the candidate is better; None without a verdict.
        verdict: what both orders say together; None without a verdict.
        measure: how it was made.
        calls: how many calls it rests on.
        problem: a key of PROBLEMS, or None.
        evidence: replies of both orders, or both gains; JSON-ready.
        samples: verdicts sampled in each order beside the first; 0 where none was.
        temperature: of these verdicts; None when none was sampled here.
    """

    preference: float | None
    verdict: Verdict | None
    measure: str
    calls: int
    problem: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    samples: int = 0
    temperature: float | None = None


class Judge(Protocol):
    """Compares a candidate with the given response: a model, or what the dataset stores."""

    @property
    def model(self) -> str:
        """Who judges, as preferences record it."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompts it is asked with; empty when nothing is asked."""

    async def judge(self, example: Example, candidate: Candidate) -> Judgement:
        """Compare; the candidate has a text.

        Raises:
            LLMError: a fault that lies not in what the judge said.
            BudgetError: the cap on calls is reached.
        """


class ModelJudge:
    """A model as the judge: the base model in CLEAR, and any other than the writers where that is wanted.

    Args:
        llm: the model.
        recipe: how its verdict's confidence is made.
    """

    def __init__(self, llm: LLM, recipe: Recipe) -> None:
        self.llm = llm
        self.recipe = recipe

    @property
    def model(self) -> str:
        """The model's name."""
        return self.llm.model

    @property
    def prompt_version(self) -> str:
        """That of the recipe."""
        return self.recipe.prompt_version

    async def judge(self, example: Example, candidate: Candidate) -> Judgement:
        """Compare, as `judge_pair` does."""
        return await judge_pair(example, candidate.text or "", self.llm, self.recipe)


@dataclass(frozen=True, slots=True)
class Order:
    """One order's outcome, in the candidate's terms.

    Attributes:
        first: the verdict at temperature 0.
        majority: the verdict of the samples, a tie counting one half for each side.
        confidence: C of the first verdict.
    """

    first: Verdict
    majority: Verdict
    confidence: float

    @property
    def preference(self) -> float:
        """Confidence in [0, 1] that the candidate is better: C, 1 - C, or one half for a tie."""
        return {"candidate": self.confidence, "given": 1.0 - self.confidence}.get(self.first, 0.5)


def majority(verdicts: Sequence[Verdict]) -> Verdict:
    """The side with more of the sampled verdicts; a tie counts one half for each side."""
    lead = verdicts.count("candidate") - verdicts.count("given")
    return "tie" if lead == 0 else "candidate" if lead > 0 else "given"


def settle(orders: Sequence[Order]) -> tuple[Verdict, float]:
    """What both orders say together, and the confidence in [0, 1] that the candidate is better.

    A side wins only when the first verdict and the majority of every order name it, and then by the less
    confident order; otherwise the verdict is "inconsistent" and the orders' mean is shown. Exchanging the
    two responses turns the preference p into 1 - p.
    """
    named = {order.first for order in orders} | {order.majority for order in orders}
    preferences = [order.preference for order in orders]
    if named == {"candidate"}:
        return "candidate", min(preferences)
    if named == {"given"}:
        return "given", max(preferences)
    return "tie" if named == {"tie"} else "inconsistent", sum(preferences) / len(preferences)


def order_of(
    first: parsing.Label | None,
    sampled: Sequence[parsing.Label | None],
    letters: Sequence[str | Mapping[str, float] | None],
    candidate_label: str,
    beta: float = confidence.BETA,
) -> Order | None:
    """One order's outcome: agreement of the samples with the first verdict as O, the letters as S.

    Args:
        first: the label of the first verdict, or None when it is missing.
        sampled: labels of the sampled verdicts, None for a missing one. Where none was sampled, the first verdict
            stands alone with O = 1.
        letters: of each reflection on the first verdict its letter, or how probable each is; None for a missing one.
        candidate_label: the candidate's label in this order, see CANDIDATE_LABELS.
        beta: weight of O against S.

    Returns:
        The outcome in the candidate's terms; None without a first verdict or with no more than half of the samples.
    """
    seen = [label for label in sampled if label is not None]
    if first is None or (sampled and 2 * len(seen) <= len(sampled)):
        return None
    seen = seen or [first]
    total = confidence.combine(confidence.agreement(first, seen), confidence.self_reflection(letters), beta)
    return Order(_side(first, candidate_label), majority([_side(label, candidate_label) for label in seen]), total)


def verdict_of(preference: float) -> Verdict:
    """The side that a preference without orders names: the candidate's over one half, a tie at exactly that."""
    return "tie" if preference == 0.5 else "candidate" if preference > 0.5 else "given"


async def judge_pair(example: Example, candidate: str, llm: LLM, recipe: Recipe) -> Judgement:
    """Compare a candidate with the given response: BSDetector in both orders, or by likelihood (embedded model).

    Raises:
        LLMError: a fault that lies not in what the judge said.
        BudgetError: the cap on calls is reached.
    """
    if recipe.measure == "likelihood" and isinstance(llm, LikelihoodLLM):
        return await _by_likelihood(example, candidate, llm)
    pairs = ((example.response, candidate), (candidate, example.response))
    asked = await all_of([_one_order(example, *pair, llm, recipe) for pair in pairs])
    calls = sum(order.calls for order in asked)
    evidence = {"orders": [order.evidence for order in asked]}
    problem = next((order.problem for order in asked if order.problem), None)
    outcomes = [order.outcome(label, recipe.beta) for order, label in zip(asked, CANDIDATE_LABELS, strict=True)]
    usable = [outcome for outcome in outcomes if outcome is not None]
    verdict, preference = settle(usable) if len(usable) == len(outcomes) else (None, None)
    drawn = min(order.usable for order in asked)
    return Judgement(preference, verdict, BOTH_ORDERS, calls, problem, evidence, drawn, recipe.temperature)


@dataclass(frozen=True, slots=True)
class _Asked:
    first: Answer[parsing.Label]
    sampled: Sequence[Answer[parsing.Label]]
    reflections: Sequence[Reflection]

    @property
    def usable(self) -> int:
        return sum(answer.value is not None for answer in self.sampled)

    @property
    def calls(self) -> int:
        answers: list[Answer[Any]] = [self.first, *self.sampled, *(each.answer for each in self.reflections)]
        return sum(answer.calls for answer in answers)

    @property
    def problem(self) -> str | None:
        verdicts = [self.first, *self.sampled]
        return next((each.problem for each in verdicts if each.problem), problem_of(self.reflections))

    @property
    def evidence(self) -> dict[str, Any]:
        def told(answer: Answer[parsing.Label]) -> dict[str, Any]:
            return {"value": answer.value, "text": answer.text, "problem": answer.problem}

        return {
            "first": told(self.first),
            "samples": [told(answer) for answer in self.sampled],
            "reflections": [each.evidence for each in self.reflections],
        }

    def outcome(self, candidate_label: str, beta: float) -> Order | None:
        return order_of(
            self.first.value,
            [answer.value for answer in self.sampled],
            [each.told for each in self.reflections],
            candidate_label,
            beta,
        )


def _side(label: str, candidate_label: str) -> Verdict:
    if label == "tie":
        return "tie"
    return "candidate" if label == candidate_label else "given"


async def _one_order(example: Example, one: str, two: str, llm: LLM, recipe: Recipe) -> _Asked:
    messages = prompts.judgement(example.prompt, one, two)

    def request(sample: int, temperature: float) -> ChatRequest:
        return ChatRequest(messages, "judge", recipe.prompt_version, sample, temperature, max_tokens=EXPLANATION_TOKENS)

    read: tuple[Any, str] = (parsing.verdict_label, prompts.JUDGE_FORM)
    sampled = [request(number, recipe.temperature) for number in range(1, recipe.samples + 1)]
    both: list[Any] = await all_of(
        [ask(llm, request(0, 0.0), *read), ask_samples(llm, sampled, *read, together=recipe.together)]
    )
    first, verdicts = both
    reflections: list[Reflection] = []
    if first.value is not None:
        questions = prompts.judgement_reflections(example.prompt, one, two, first.value)
        reflections = await all_of([reflect(llm, question, "judge_reflect", recipe) for question in questions])
    return _Asked(first, verdicts, reflections)


async def _by_likelihood(example: Example, candidate: str, llm: LikelihoodLLM) -> Judgement:
    given = await gain_of(llm, example, example.response)
    proposed = await gain_of(llm, example, candidate)
    preference = confidence.sigmoid(proposed.nats - given.nats)
    evidence = {"gain_given": given.nats, "gain_candidate": proposed.nats}
    return Judgement(preference, verdict_of(preference), LIKELIHOOD, 4, evidence=evidence)

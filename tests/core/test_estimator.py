"""One example's confidence, end to end over a scripted model: what is scored, what is flagged, what stays unscored."""

import asyncio
from collections.abc import Callable

import pytest

from clear_core.errors import BudgetError, InputError, LLMError
from clear_core.estimator import Recipe, recipe_for, score_example
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.port import LLM, ChatRequest, Reply
from clear_core.types import ConfidenceScore, Example, Message

QUESTION = "What is the capital of France?"
RECIPE = Recipe("bsdetector", "exact")


def example(response: str = "Paris") -> Example:
    return Example("row", 0, (Message("user", QUESTION),), response)


class Scripted(FakeLLM):
    """Says what a function of the request tells; a raised LLMError is the endpoint's fault."""

    def __init__(self, says: Callable[[ChatRequest], str]) -> None:
        super().__init__()
        self._says = says

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0)
        return Reply(self._says(request))


def score(llm: LLM, recipe: Recipe = RECIPE, response: str = "Paris") -> ConfidenceScore:
    return asyncio.run(score_example(example(response), llm, recipe))


def test_a_right_response_scores_high_and_a_wrong_one_low() -> None:
    llm = FakeLLM({QUESTION: "Paris"})
    good, bad = score(llm), score(llm, response="Lyon")
    assert (good.confidence, good.consistency, good.reflection) == (1.0, 1.0, 1.0)
    assert (bad.confidence, bad.consistency, bad.reflection) == (0.0, 0.0, 0.0)
    assert good.calls == 7
    assert good.samples == 5
    assert good.measure == "bsdetector/exact"
    assert good.model == "fake"
    assert good.prompt_version == RECIPE.prompt_version


def test_the_samples_differ_by_their_number_alone() -> None:
    llm = FakeLLM({QUESTION: "Paris"})
    score(llm)
    samples = [request for request in llm.requests if isinstance(request, ChatRequest) and request.kind == "sample"]
    assert sorted(request.sample for request in samples) == [0, 1, 2, 3, 4]
    assert {request.temperature for request in samples} == {1.0}
    reflections = [each for each in llm.requests if isinstance(each, ChatRequest) and each.kind == "reflect"]
    assert len({request.messages for request in reflections}) == 2
    assert {request.temperature for request in reflections} == {0.0}


def test_only_the_parsed_answer_is_compared() -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "reflect":
            return "answer: A"
        return f"Explanation number {request.sample} speaks of Lyon.\nAnswer: Paris"

    scored = score(Scripted(says))
    assert scored.consistency == 1.0
    assert scored.evidence["samples"][0]["answer"] == "Paris"
    assert "Lyon" in scored.evidence["samples"][0]["text"]


def test_one_missing_reflection_uses_the_other_and_is_flagged() -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "reflect":
            return "answer: B" if "really sure" in request.messages[1].content else "I can't say."
        return "Answer: Paris"

    scored = score(Scripted(says))
    assert (scored.reflection, scored.problem) == (0.0, "unparsable")
    assert scored.confidence == pytest.approx(0.7)
    assert scored.calls == 8  # the unreadable one was asked for its last line


def test_without_both_reflections_confidence_is_the_consistency_and_is_flagged() -> None:
    scored = score(Scripted(lambda request: "Hm." if request.kind == "reflect" else "Answer: Paris"))
    assert (scored.confidence, scored.reflection, scored.problem) == (1.0, None, "unparsable")


def test_an_unreadable_reply_is_asked_for_its_last_line_once() -> None:
    def says(request: ChatRequest) -> str:
        return "answer: A\nAnswer: Paris" if len(request.messages) > 2 else "It is Paris."

    llm = Scripted(says)
    assert score(llm).confidence == 1.0
    assert len(llm.requests) == 14


@pytest.mark.parametrize(("missing", "scored"), [(1, True), (2, True), (3, False), (5, False)])
def test_missing_samples_are_left_out_until_too_few_are_left(missing: int, scored: bool) -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "reflect":
            return "answer: A"
        if request.sample < missing:
            raise LLMError("No.", problem="refused")
        return "Answer: Paris"

    result = score(Scripted(says))
    assert result.problem == "refused"
    assert result.samples == 5 - missing
    assert result.confidence == (1.0 if scored else None)


@pytest.mark.parametrize("problem", ["timeout", "unreachable", "rate_limited", "too_long", "rejected", "malformed"])
def test_a_fault_of_the_endpoint_leaves_the_row_unscored_never_low(problem: str) -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "sample" and request.sample == 3:
            raise LLMError("It failed.", "Try later.", problem=problem)
        return "answer: A\nAnswer: Paris"

    scored = score(Scripted(says))
    assert scored.confidence is None
    assert scored.problem == problem
    assert "Try later." in scored.evidence["error"]


def test_after_a_fault_only_the_missing_call_is_asked_again() -> None:
    broken = True

    def says(request: ChatRequest) -> str:
        if broken and request.kind == "sample" and request.sample == 3:
            raise LLMError("It failed.", problem="timeout")
        return "answer: A\nAnswer: Paris"

    inner = Scripted(says)
    llm = ledgered(inner, MemoryLedger())
    assert score(llm).problem == "timeout"
    broken = False
    assert score(llm).confidence == 1.0
    assert len(inner.requests) == 8


def test_a_fatal_fault_and_an_empty_budget_are_raised() -> None:
    def refuse(_: ChatRequest) -> str:
        raise LLMError("No such key.", problem="unauthorised", fatal=True)

    with pytest.raises(LLMError) as caught:
        score(Scripted(refuse))
    assert caught.value.fatal
    with pytest.raises(BudgetError):
        score(ledgered(FakeLLM(), MemoryLedger(), CallBudget(3)))


def test_an_empty_response_is_unscored_without_a_call() -> None:
    llm = FakeLLM()
    assert score(llm, response=" \n").problem == "blank"
    assert not llm.requests


def test_likelihood_and_consistency_make_the_embedded_confidence() -> None:
    llm = FakeLikelihoodLLM({QUESTION: "Paris"})
    recipe = recipe_for(llm, 3, "exact")
    good, bad = score(llm, recipe), score(llm, recipe, "Lyon")
    assert good.measure == "likelihood+consistency/exact"
    assert (good.reflection, good.consistency, good.calls) == (None, 1.0, 5)
    assert good.likelihood is not None
    assert good.likelihood > 0.5
    assert bad.likelihood is not None
    assert bad.likelihood < 0.5
    weight = recipe.likelihood_weight
    assert good.confidence == pytest.approx(weight * good.likelihood + (1 - weight) * 1.0)
    assert good.evidence["gain"] == pytest.approx(2.0)


def test_without_samples_the_embedded_confidence_is_the_likelihood_alone() -> None:
    llm = FakeLikelihoodLLM({QUESTION: "Paris"})
    scored = score(llm, recipe_for(llm, 0))
    assert scored.measure == "likelihood"
    assert scored.confidence == scored.likelihood
    assert (scored.consistency, scored.samples, scored.calls) == (None, 0, 2)


def test_a_model_gets_the_recipe_that_it_can_serve() -> None:
    assert recipe_for(FakeLLM()).measure == "bsdetector"
    assert recipe_for(FakeLikelihoodLLM()).measure == "likelihood"
    with pytest.raises(InputError, match="BSDetector needs samples"):
        recipe_for(FakeLLM(), 0)
    with pytest.raises(InputError, match="no similarity"):
        recipe_for(FakeLLM(), similarity="soundex")
    with pytest.raises(InputError, match="likelihoods"):
        score(FakeLLM(), Recipe("likelihood", "exact"))

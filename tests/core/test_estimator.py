"""One example's confidence, end to end over a scripted model: what is scored, what is flagged, what stays unscored."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from clear_core.errors import BudgetError, InputError, LLMError
from clear_core.estimator import Recipe, recipe_for, score_example
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import LLM, ChatRequest, Reply
from clear_core.llm.stub import StubEndpoint, served
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


class InOneRequest(Scripted):
    """Says the same, and gives several samples for one request."""

    def __init__(self, says: Callable[[ChatRequest], str]) -> None:
        super().__init__(says)
        self.asked: list[int] = []

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
        self.asked.append(len(requests))
        told: list[Reply | LLMError] = []
        for request in requests:
            try:
                told.append(Reply(self._says(request)))
            except LLMError as error:
                told.append(error)
        return told


def by_number(*answers: str, letter: str = "A") -> Callable[[ChatRequest], str]:
    return lambda request: f"answer: {letter}" if request.kind == "reflect" else f"Answer: {answers[request.sample]}"


def test_samples_come_in_one_request_where_the_model_can_and_the_recipe_lets_it() -> None:
    says = by_number("Paris", "Paris", "Lyon", "Paris", "Nice")
    together, alone = InOneRequest(says), InOneRequest(says)
    first, second = score(together), score(alone, replace(RECIPE, together=False))
    assert first == second
    assert (together.asked, len(together.requests)) == ([5], 2)
    assert (alone.asked, len(alone.requests)) == ([], 7)
    assert first.calls == 7


@pytest.mark.parametrize("problem", ["refused", "filtered", "truncated", "empty"])
def test_a_choice_that_says_nothing_usable_is_left_out_by_name(problem: str) -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "sample" and request.sample == 1:
            raise LLMError("No.", problem=problem)
        return "answer: A\nAnswer: Paris"

    scored = score(InOneRequest(says))
    assert (scored.samples, scored.problem, scored.confidence) == (4, problem, 1.0)
    assert scored.evidence["samples"][1]["problem"] == problem


def test_a_choice_that_cant_be_read_is_asked_for_its_last_line_alone() -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "sample" and request.sample == 2 and len(request.messages) == 1:
            return "It is Paris."
        return "answer: A\nAnswer: Paris"

    llm = InOneRequest(says)
    assert score(llm).samples == 5
    assert (llm.asked, len(llm.requests)) == ([5], 3)


def test_a_choice_that_came_malformed_leaves_the_row_unscored() -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "sample" and request.sample == 2:
            raise LLMError("It is no text.", problem="malformed")
        return "answer: A\nAnswer: Paris"

    scored = score(InOneRequest(says))
    assert (scored.confidence, scored.problem) == (None, "malformed")


@pytest.mark.parametrize(
    ("answers", "letter", "gamma", "waves", "lower", "upper"),
    [
        (("Paris",) * 5, "A", 0.5, [2], 0.58, 1.0),
        (("Lyon",) * 5, "B", 0.5, [2], 0.0, 0.42),
        (("Lyon", "Paris", "Paris", "Paris", "Paris"), "A", 0.5, [2, 1], 0.58, 0.86),
        (("Lyon",) * 5, "B", 0.8, [1], 0.0, 0.56),
        (("Paris",) * 5, "A", 0.0, [1], 0.44, 1.0),
    ],
)
def test_sampling_stops_in_waves_once_the_decision_is_sure(
    answers: Sequence[str], letter: str, gamma: float, waves: list[int], lower: float, upper: float
) -> None:
    llm = InOneRequest(by_number(*answers, letter=letter))
    scored = score(llm, replace(RECIPE, stop_at=gamma))
    full = score(llm)
    assert scored.samples == scored.calls - 2 == sum(waves)
    assert llm.asked[:-1] == [wave for wave in waves if wave > 1]
    assert scored.lower == pytest.approx(lower)
    assert scored.upper == pytest.approx(upper)
    assert scored.confidence is not None
    assert full.confidence is not None
    assert (scored.confidence >= gamma) == (full.confidence >= gamma)
    assert scored.evidence["stopped"] == {"gamma": gamma, "drawn": sum(waves), "of": 5}
    assert scored.measure == full.measure
    assert (full.lower, full.upper) == (None, None)


def test_a_row_that_only_its_last_sample_decides_has_the_score_of_every_other_run() -> None:
    says = by_number("Paris", "Lyon", "Paris", "Lyon", "Paris", letter="C")
    early, full = (score(Scripted(says), replace(RECIPE, stop_at=gamma)) for gamma in (0.55, None))
    assert early == full


def test_a_sample_that_cant_be_read_ends_the_saving() -> None:
    def says(request: ChatRequest) -> str:
        if request.kind == "sample" and request.sample == 0:
            raise LLMError("No.", problem="refused")
        return "answer: A\nAnswer: Paris"

    early, full = (score(Scripted(says), replace(RECIPE, stop_at=gamma)) for gamma in (0.5, None))
    assert early == full
    assert (early.samples, early.lower) == (4, None)


def test_the_reflections_come_first_where_sampling_may_stop() -> None:
    llm = FakeLLM({QUESTION: "Paris"})
    score(llm, replace(RECIPE, stop_at=0.5))
    kinds = [request.kind for request in llm.requests if isinstance(request, ChatRequest)]
    assert kinds == ["reflect", "reflect", "sample", "sample"]


def test_the_embedded_recipe_stops_early_too() -> None:
    llm = FakeLikelihoodLLM({QUESTION: "Paris"})
    recipe = recipe_for(llm, 5, "exact")
    early, full = (score(llm, replace(recipe, stop_at=gamma)) for gamma in (0.6, None))
    assert early.samples == 2
    assert early.lower is not None
    assert early.confidence is not None
    assert full.confidence is not None
    assert 0.6 <= early.lower <= full.confidence <= (early.upper or 0.0)


def test_letters_count_by_their_probabilities_where_the_endpoint_tells_them() -> None:
    told = score(FakeLLM({QUESTION: "Paris"}, letter_odds=0.9))
    assert told.reflection == pytest.approx(0.925)
    assert told.confidence == pytest.approx(0.7 + 0.3 * 0.925)
    first = told.evidence["reflections"][0]
    assert (first["by"], first["letter"]) == ("probabilities", "A")
    assert first["probabilities"] == pytest.approx({"A": 0.9, "B": 0.05, "C": 0.05})


def test_letters_count_as_they_stand_where_it_does_not_or_must_not() -> None:
    silent = score(FakeLLM({QUESTION: "Paris"}))
    llm = FakeLLM({QUESTION: "Paris"}, letter_odds=0.9)
    unwanted = score(llm, replace(RECIPE, letter_probabilities=False))
    for scored in (silent, unwanted):
        assert scored.reflection == 1.0
        assert scored.evidence["reflections"][0]["by"] == "letter"
    assert {request.top_logprobs for request in llm.requests if isinstance(request, ChatRequest)} == {0}


def test_a_row_says_how_it_was_sampled_and_compared() -> None:
    llm = FakeLLM({QUESTION: "Paris"})
    labelled = score(llm, replace(RECIPE, labels=("Paris", "Lyon"), temperature=0.7))
    assert (labelled.measure, labelled.temperature, labelled.samples) == ("bsdetector/label", 0.7, 5)
    assert score(llm, response=" ").temperature is None


def test_many_rows_are_decided_early_as_with_every_sample_and_for_fewer_requests() -> None:
    answers = {f"What is {number} + {number}?": str(2 * number) for number in range(30)}
    rows = [
        Example(f"{row}", row, (Message("user", prompt),), answer if row % 4 else "17")
        for row, (prompt, answer) in enumerate(answers.items())
    ]

    async def main(recipe: Recipe) -> tuple[list[ConfidenceScore], int]:
        endpoint = StubEndpoint(answers, error_rate=0.3)
        async with served(endpoint) as base_url:
            llm = ledgered(OpenAIChat(base_url, "stub"), MemoryLedger())
            scored = [await score_example(row, llm, recipe) for row in rows]
            await llm.close()
            assert llm.tally.paid == endpoint.calls
            return scored, endpoint.calls

    (full, sent), (early, fewer) = (
        asyncio.run(main(replace(RECIPE, **changed)))
        for changed in ({"together": False}, {"together": False, "stop_at": 0.7})
    )
    assert [(one.confidence or 0.0) >= 0.7 for one in early] == [(one.confidence or 0.0) >= 0.7 for one in full]
    assert sent == 7 * 30
    assert fewer < sent
    _, at_once = asyncio.run(main(RECIPE))
    assert at_once == 3 * 30

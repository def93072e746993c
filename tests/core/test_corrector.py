"""Auto-Correct for one example: guards before any judging, and every outcome by name."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.corrector import correct_example, guard
from clear_core.errors import BudgetError, LLMError
from clear_core.estimator import Recipe, recipe_for
from clear_core.judge import ModelJudge
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.port import LLM, ChatRequest, Reply
from clear_core.types import Example, Message, Preference
from clear_core.writing import ModelWriter

QUESTION = "What is the capital of France?"
RECIPE = Recipe("bsdetector", "exact")


class Writer(FakeLLM):
    """Writes one text, or fails."""

    def __init__(self, text: str | LLMError) -> None:
        super().__init__(model="fine-tuned")
        self._text = text

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        if isinstance(self._text, LLMError):
            raise self._text
        return Reply(self._text)


def example(response: str) -> Example:
    return Example("row", 0, (Message("user", QUESTION),), response)


def corrected(response: str, writer: LLM, judge: LLM, recipe: Recipe = RECIPE) -> Preference:
    return asyncio.run(correct_example(example(response), [ModelWriter(writer)], ModelJudge(judge, recipe)))


@pytest.mark.parametrize(
    ("response", "candidate", "reason"),
    [
        ("Paris", " \n", "empty"),
        ("Paris", " paris. ", "same"),
        ('{"a": 1, "b": 2}', '{ "b": 2, "a": 1 }', "same"),
        ("Paris", "I'm sorry, but I can't help with that.", "refusal"),
        ('{"a": 1}', "The value of a is 1.", "format"),
        ('{"a": 1}', '{"b": 1}', "format"),
        ("14", "It is 22.", "format"),
        ("Lyon", "Paris", None),
        ("I'm sorry, I don't know.", "I'm sorry, but that is secret.", None),
        ('{"a": 1}', '{"a": 2}', None),
        ('{"a": 1}', '{"a": true}', None),
        ("Which parcel?", "I'm so sorry to hear that. It arrives tomorrow.", None),
    ],
)
def test_a_guard_names_its_reason(response: str, candidate: str, reason: str | None) -> None:
    assert guard(response, candidate) == reason


@given(st.text())
def test_nothing_is_corrected_to_itself_or_to_nothing(response: str) -> None:
    assert guard(response, response) in {"same", "empty"}
    assert guard(response, "") == "empty"


@pytest.mark.parametrize("candidate", ["Lyon.", "", "I cannot answer that."])
def test_a_guarded_candidate_is_never_judged(candidate: str) -> None:
    judge = FakeLLM()
    preference = corrected("Lyon", Writer(candidate), judge)
    assert preference.rejected
    assert preference.preference is None
    assert preference.calls == 1
    assert not judge.requests


def test_a_better_candidate_is_preferred_with_its_makers_named() -> None:
    judge = FakeLLM({QUESTION: "Paris"}, model="base")
    preference = corrected("Lyon", Writer("Paris"), judge)
    assert (preference.verdict, preference.preference) == ("candidate", 1.0)
    assert (preference.model, preference.candidate_model) == ("base", "fine-tuned")
    assert preference.calls == 17
    worse = corrected("Paris", Writer("Lyon"), judge)
    assert (worse.verdict, worse.preference) == ("given", 0.0)


def test_the_writer_sees_the_prompt_alone() -> None:
    writer = Writer("Paris")
    corrected("Lyon", writer, FakeLLM())
    request = writer.requests[0]
    assert isinstance(request, ChatRequest)
    assert request.messages == example("Lyon").prompt
    assert (request.temperature, request.may_be_cut) == (0.0, False)


def test_thoughts_are_no_part_of_a_candidate() -> None:
    writer = Writer("<think>Lyon? No.</think>\nParis")
    preference = corrected("Lyon", writer, FakeLLM())
    assert preference.candidate == "Paris"


@pytest.mark.parametrize("problem", ["truncated", "timeout", "refused"])
def test_a_writer_that_fails_leaves_a_named_problem(problem: str) -> None:
    preference = corrected("Lyon", Writer(LLMError("No.", problem=problem)), FakeLLM())
    assert (preference.candidate, preference.preference, preference.problem) == (None, None, problem)


def test_a_fatal_fault_and_an_empty_budget_are_raised() -> None:
    fatal = Writer(LLMError("No such key.", problem="unauthorised", fatal=True))
    with pytest.raises(LLMError):
        corrected("Lyon", fatal, FakeLLM())
    judge = ledgered(FakeLLM({QUESTION: "Paris"}), MemoryLedger(), CallBudget(5))
    with pytest.raises(BudgetError):
        corrected("Lyon", Writer("Paris"), judge)


def test_the_embedded_model_writes_little_and_compares_likelihoods() -> None:
    llm = FakeLikelihoodLLM({QUESTION: "Paris"})
    preference = corrected("Lyon", llm, llm, recipe_for(llm))
    assert preference.measure == "likelihood comparison"
    assert preference.verdict == "candidate"
    request = llm.requests[0]
    assert isinstance(request, ChatRequest)
    assert request.max_tokens < 128

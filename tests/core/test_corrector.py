"""Auto-Correct for one example: guards before any judging, and every outcome by name."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.corrector import correct_example, guard
from clear_core.errors import BudgetError, LLMError
from clear_core.estimator import Recipe, recipe_for
from clear_core.judge import Judgement, ModelJudge
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.port import LLM, ChatRequest, Reply
from clear_core.propose import acceptable
from clear_core.types import Example, Message, Preference, Verdict
from clear_core.writing import Candidate, ColumnWriter, ModelWriter, Writer

QUESTION = "What is the capital of France?"
RECIPE = Recipe("bsdetector", "exact")


class Scripted(FakeLLM):
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
    preference = corrected("Lyon", Scripted(candidate), judge)
    assert preference.rejected
    assert preference.preference is None
    assert preference.calls == 1
    assert not judge.requests


def test_a_better_candidate_is_preferred_with_its_makers_named() -> None:
    judge = FakeLLM({QUESTION: "Paris"}, model="base")
    preference = corrected("Lyon", Scripted("Paris"), judge)
    assert (preference.verdict, preference.preference) == ("candidate", 1.0)
    assert (preference.model, preference.candidate_model) == ("base", "fine-tuned")
    assert preference.calls == 17
    worse = corrected("Paris", Scripted("Lyon"), judge)
    assert (worse.verdict, worse.preference) == ("given", 0.0)


def test_the_writer_sees_the_prompt_alone() -> None:
    writer = Scripted("Paris")
    corrected("Lyon", writer, FakeLLM())
    request = writer.requests[0]
    assert isinstance(request, ChatRequest)
    assert request.messages == example("Lyon").prompt
    assert (request.temperature, request.may_be_cut) == (0.0, False)


def test_thoughts_are_no_part_of_a_candidate() -> None:
    writer = Scripted("<think>Lyon? No.</think>\nParis")
    preference = corrected("Lyon", writer, FakeLLM())
    assert preference.candidate == "Paris"


@pytest.mark.parametrize("problem", ["truncated", "timeout", "refused"])
def test_a_writer_that_fails_leaves_a_named_problem(problem: str) -> None:
    preference = corrected("Lyon", Scripted(LLMError("No.", problem=problem)), FakeLLM())
    assert (preference.candidate, preference.preference, preference.problem) == (None, None, problem)


def test_a_fatal_fault_and_an_empty_budget_are_raised() -> None:
    fatal = Scripted(LLMError("No such key.", problem="unauthorised", fatal=True))
    with pytest.raises(LLMError):
        corrected("Lyon", fatal, FakeLLM())
    judge = ledgered(FakeLLM({QUESTION: "Paris"}), MemoryLedger(), CallBudget(5))
    with pytest.raises(BudgetError):
        corrected("Lyon", Scripted("Paris"), judge)


def test_the_embedded_model_writes_little_and_compares_likelihoods() -> None:
    llm = FakeLikelihoodLLM({QUESTION: "Paris"})
    preference = corrected("Lyon", llm, llm, recipe_for(llm))
    assert preference.measure == "likelihood comparison"
    assert preference.verdict == "candidate"
    request = llm.requests[0]
    assert isinstance(request, ChatRequest)
    assert request.max_tokens < 128


class Fixed:
    """Writes what it is told, one candidate for each text."""

    def __init__(self, name: str, *texts: str | None) -> None:
        self.name = name
        self._texts = texts

    async def write(self, example: Example) -> list[Candidate]:  # noqa: ARG002
        return [
            Candidate(text, self.name, 1, None if text is not None else "timeout", "" if text is not None else "Late.")
            for text in self._texts
        ]


class Table:
    """Judges by a table of candidate -> (verdict, preference), or fails."""

    model = "judge"
    prompt_version = "t"

    def __init__(self, table: dict[str, tuple[Verdict, float] | LLMError]) -> None:
        self._table = table
        self.seen: list[str | None] = []

    async def judge(self, example: Example, candidate: Candidate) -> Judgement:  # noqa: ARG002
        self.seen.append(candidate.text)
        said = self._table[candidate.text or ""]
        if isinstance(said, LLMError):
            raise said
        return Judgement(said[1], said[0], "table", 10, evidence={"by": candidate.text}, samples=5, temperature=1.0)


def contest(judge: Table, *writers: Writer) -> Preference:
    return asyncio.run(correct_example(example("Lyon"), writers, judge))


def test_the_best_verdict_wins_and_the_others_are_kept_with_theirs() -> None:
    judge = Table({"Paris": ("candidate", 0.9), "Rome": ("given", 0.1), "Paris!": ("inconsistent", 0.95)})
    won = contest(judge, Fixed("one", "Rome", "Paris!"), Fixed("two", "Paris"))
    assert (won.candidate, won.candidate_model, won.preference, won.verdict) == ("Paris", "two", 0.9, "candidate")
    assert (won.calls, won.samples, won.temperature, won.model) == (33, 5, 1.0, "judge")
    others = won.evidence["others"]
    assert [(other["candidate"], other["candidate_model"], other["verdict"]) for other in others] == [
        ("Rome", "one", "given"),
        ("Paris!", "one", "inconsistent"),
    ]
    assert (won.evidence["by"], others[0]["by"]) == ("Paris", "Rome")


def test_where_none_is_preferred_the_nearest_is_shown_and_equals_go_to_the_earlier_writer() -> None:
    judge = Table(
        {"Rome": ("given", 0.1), "Nice": ("given", 0.3), "Paris": ("candidate", 0.9), "Metz": ("candidate", 0.9)}
    )
    assert contest(judge, Fixed("one", "Rome"), Fixed("two", "Nice")).candidate == "Nice"
    assert contest(judge, Fixed("one", "Paris"), Fixed("two", "Metz")).candidate_model == "one"


def test_what_says_the_same_is_judged_once() -> None:
    judge = Table({"Paris": ("candidate", 0.9)})
    won = contest(judge, Fixed("one", "Paris"), Fixed("two", " paris. ", "Lyon"))
    assert judge.seen == ["Paris"]
    assert won.candidate_model == "one"
    assert [other["rejected"] for other in won.evidence["others"]] == ["twin", "same"]


def test_a_writer_or_a_judgement_that_fails_takes_nothing_from_the_others() -> None:
    judge = Table({"Paris": ("candidate", 0.9), "Rome": LLMError("Gone.", problem="timeout")})
    won = contest(judge, Fixed("slow", None), Fixed("one", "Rome"), Fixed("two", "Paris"))
    assert (won.candidate, won.preference, won.problem) == ("Paris", 0.9, "timeout")
    assert [(other["problem"], other["error"]) for other in won.evidence["others"]] == [
        ("timeout", "Late."),
        ("timeout", "Gone."),
    ]
    lost = contest(judge, Fixed("slow", None), Fixed("one", "Rome"))
    assert (lost.candidate, lost.preference, lost.problem, lost.evidence["error"]) == ("Rome", None, "timeout", "Gone.")


def test_what_could_not_be_judged_is_shown_before_its_twin_and_before_what_was_turned_down() -> None:
    judge = Table({"Rome": LLMError("Gone.", problem="timeout")})
    lost = contest(judge, Fixed("one", "Lyon"), Fixed("two", "Rome"), Fixed("three", "Rome"))
    assert (lost.candidate, lost.candidate_model, lost.rejected, lost.problem) == ("Rome", "two", None, "timeout")


@given(
    st.lists(
        st.tuples(st.sampled_from(["candidate", "given", "tie", "inconsistent"]), st.integers(0, 10)),
        min_size=1,
        max_size=6,
    )
)
def test_another_candidate_never_makes_the_proposal_worse(verdicts: list[tuple[Verdict, int]]) -> None:
    judge = Table({f"city {place}": (verdict, tenth / 10) for place, (verdict, tenth) in enumerate(verdicts)})
    cities = [f"city {place}" for place in range(len(verdicts))]
    best = [acceptable(contest(judge, Fixed("one", *cities[:count]))) or 0.0 for count in range(1, len(cities) + 1)]
    assert best == sorted(best)


@pytest.mark.parametrize(
    ("cell", "response", "texts", "problem"),
    [
        ("Paris", "Lyon", ["Paris"], None),
        (["Paris", " Rome "], "Lyon", ["Paris", "Rome"], None),
        ('["Paris", "Rome"]', "Lyon", ["Paris", "Rome"], None),
        ('["Paris", "Rome"]', '["Lyon"]', ['["Paris", "Rome"]'], None),
        (None, "Lyon", [None], "no_candidate"),
        (" ", "Lyon", [None], "no_candidate"),
        ([], "Lyon", [None], "no_candidate"),
        (12, "Lyon", [None], "bad_candidate"),
        (["Paris", None], "Lyon", [None], "bad_candidate"),
        ({"text": "Paris"}, "Lyon", [None], "bad_candidate"),
    ],
)
def test_a_column_brings_candidates_or_a_named_problem(
    cell: object, response: str, texts: list[str | None], problem: str | None
) -> None:
    row = Example("row", 0, (), response, {"better": cell})
    written = asyncio.run(ColumnWriter("better").write(row))
    assert [one.text for one in written] == texts
    assert {one.problem for one in written} == {problem}
    assert {(one.writer, one.calls) for one in written} == {("better", 0)}
    assert ColumnWriter("better", "gpt-4").name == "gpt-4"


def test_a_column_and_a_model_compete_before_one_judge() -> None:
    row = Example("row", 0, (Message("user", QUESTION),), "Lyon", {"better": "Rome"})
    judge = ModelJudge(FakeLLM({QUESTION: "Paris"}, model="base"), RECIPE)
    won = asyncio.run(correct_example(row, [ColumnWriter("better"), ModelWriter(Scripted("Paris"))], judge))
    assert (won.candidate, won.candidate_model, won.verdict) == ("Paris", "fine-tuned", "candidate")
    assert won.evidence["others"][0]["candidate_model"] == "better"
    assert won.evidence["others"][0]["verdict"] == "tie"

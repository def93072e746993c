"""A judge that asks nobody: what a dataset stores of verdicts goes through our own rule, or is missing by name."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.errors import InputError
from clear_core.judge import Judgement, judge_pair
from clear_core.llm.fake import FakeLLM
from clear_core.llm.port import ChatRequest, Reply
from clear_core.pipeline import correct_stream
from clear_core.recipe import Recipe
from clear_core.stored_verdicts import StoredJudge
from clear_core.types import Example, Message
from clear_core.writing import Candidate, ColumnWriter, ModelWriter

PROMPT = (Message("user", "What is the capital of France?"),)
CANDIDATE = Candidate("Paris", "tuned")


def judged(value: object, judge: StoredJudge | None = None, place: int | None = None) -> Judgement:
    judge = judge or StoredJudge(verdicts_field="said")
    candidate = Candidate("Paris", "tuned", place=place)
    return asyncio.run(judge.judge(Example("row", 0, PROMPT, "Lyon", {"said": value}), candidate))


PREFERRED = StoredJudge("said")


@pytest.mark.parametrize(
    ("value", "verdict", "preference"),
    [
        (["2", "1"], "candidate", 1.0),
        ([2, 1], "candidate", 1.0),
        (["1", "2"], "given", 0.0),
        (["tie", "tie"], "tie", 0.5),
        (["2", "2"], "inconsistent", 0.5),
        ([["2", "2", "2", "1"], ["1", "1", "1", "1"]], "candidate", 2 / 3),
        ([["2", "1", "1", "2", "1"], "1"], "inconsistent", 0.625),
        ([{"verdicts": ["2", "2", "2"], "reflections": ["A", "answer: C"]}, "1"], "candidate", 0.925),
        (["Both are short.\nverdict: 2", "I compare.\nverdict: 1"], "candidate", 1.0),
        ('["2", "1"]', "candidate", 1.0),
    ],
)
def test_verdicts_of_both_orders_are_settled_by_our_rule(value: object, verdict: str, preference: float) -> None:
    result = judged(value)
    assert (result.verdict, result.problem, result.calls) == (verdict, None, 0)
    assert result.preference == pytest.approx(preference)
    assert result.evidence["field"] == "said"


@given(
    st.lists(st.sampled_from(["1", "2", "tie"]), min_size=6, max_size=6),
    st.lists(st.sampled_from(["1", "2", "tie"]), min_size=6, max_size=6),
)
def test_stored_verdicts_give_what_the_judge_that_gave_them_would(one: list[str], other: list[str]) -> None:
    class Judge(FakeLLM):
        async def complete(self, request: ChatRequest) -> Reply:
            if request.kind == "judge_reflect":
                return Reply("answer: A")
            said = (
                one if request.messages[1].content.index("Lyon") < request.messages[1].content.index("Paris") else other
            )
            return Reply(f"verdict: {said[request.sample]}")

    asked = judge_pair(Example("row", 0, PROMPT, "Lyon"), "Paris", Judge(), Recipe("bsdetector", "exact"))
    live = asyncio.run(asked)
    stored = judged([{"verdicts": said, "reflections": ["A", "A"]} for said in (one, other)])
    assert (stored.verdict, stored.preference, stored.samples) == (live.verdict, live.preference, live.samples)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "no_verdicts"),
        ("", "no_verdicts"),
        ([], "no_verdicts"),
        ("2", "bad_verdicts"),
        (["2"], "bad_verdicts"),
        (["2", "1", "2"], "bad_verdicts"),
        (["2", "maybe"], "bad_verdicts"),
        (["2", 3], "bad_verdicts"),
        (["2", []], "bad_verdicts"),
        ([{"votes": ["2"]}, "1"], "bad_verdicts"),
        ([["2", "?", "?"], "1"], "bad_verdicts"),
        ({"given first": "2"}, "bad_verdicts"),
    ],
)
def test_what_is_no_verdict_of_both_orders_is_missing_by_name(value: object, problem: str) -> None:
    result = judged(value)
    assert (result.preference, result.verdict, result.problem) == (None, None, problem)


@pytest.mark.parametrize(
    ("value", "verdict", "problem"),
    [
        (0.9, "candidate", None),
        ("0.2", "given", None),
        (0.5, "tie", None),
        (None, None, "no_verdicts"),
        (1.2, None, "off_scale"),
        (-0.1, None, "off_scale"),
        (True, None, "bad_value"),
        ("better", None, "bad_value"),
        (float("nan"), None, "bad_value"),
    ],
)
def test_a_stored_preference_is_taken_over_or_missing_by_name(value: object, verdict: str, problem: str) -> None:
    result = judged(value, PREFERRED)
    assert (result.verdict, result.problem) == (verdict, problem)
    assert (result.preference is None) == (problem is not None)
    assert result.measure == "column/said"


def test_each_of_several_candidates_has_its_own_entry() -> None:
    assert judged([0.1, 0.8], PREFERRED, place=1).preference == 0.8
    assert judged([["1", "2"], ["2", "1"]], place=1).verdict == "candidate"
    assert judged(json.dumps([0.1, 0.8]), PREFERRED, place=0).preference == 0.1
    assert judged([0.1], PREFERRED, place=1).problem == "no_verdicts"
    assert judged(0.7, PREFERRED, place=0).problem == "no_verdicts"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_whatever_a_cell_holds_there_is_a_preference_or_a_problem(value: object) -> None:
    for judge in (PREFERRED, StoredJudge(verdicts_field="said")):
        result = judged(value, judge)
        assert (result.preference is None) == (result.verdict is None) == (result.problem is not None)
        assert result.preference is None or 0.0 <= result.preference <= 1.0


def test_verdicts_without_the_column_they_are_about_are_refused() -> None:
    for fields in (("", ""), ("one", "other")):
        with pytest.raises(InputError, match="one column"):
            StoredJudge(*fields)
    for writers in ([ModelWriter(FakeLLM())], [ColumnWriter("a"), ColumnWriter("b")], []):
        with pytest.raises(InputError, match="candidates of one column"):
            correct_stream([], writers, PREFERRED)

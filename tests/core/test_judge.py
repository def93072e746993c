"""The judge's rule, over every outcome that two orders can have."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final, get_args

import pytest

from clear_core.confidence import combine, self_reflection
from clear_core.errors import LLMError
from clear_core.estimator import Recipe, recipe_for
from clear_core.judge import BOTH_ORDERS, LIKELIHOOD, Judgement, Order, judge_pair, majority, settle
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.port import ChatRequest, Reply
from clear_core.propose import acceptable
from clear_core.types import Example, Message, Preference, Verdict

PROMPT = (Message("user", "What is the capital of France?"),)
RECIPE = Recipe("bsdetector", "exact")
SIDES: Final[tuple[Verdict, ...]] = ("candidate", "given", "tie")
MIRROR: Final[Mapping[Verdict, Verdict]] = {"candidate": "given", "given": "candidate"}


class Judge(FakeLLM):
    """Judges by a table: for each response that stands first, the first label, the sampled ones, the letters."""

    def __init__(self, table: Mapping[str, tuple[str, str, str]]) -> None:
        super().__init__()
        self._table = table

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        text = request.messages[1].content
        first, sampled, letters = self._table[text.partition("<response-1 ")[2].partition("\n")[2].partition("\n")[0]]
        if request.kind == "judge":
            label = first if request.sample == 0 else sampled[request.sample - 1]
            return Reply(f"verdict: {'tie' if label == 't' else label}")
        return Reply(f"answer: {letters['really sure' in text]}")


def judged(given_first: tuple[str, str, str], candidate_first: tuple[str, str, str]) -> Judgement:
    judge = Judge({"Lyon": given_first, "Paris": candidate_first})
    return asyncio.run(judge_pair(Example("row", 0, PROMPT, "Lyon"), "Paris", judge, RECIPE))


def accepted(judgement: Judgement, eta: float = 0.8) -> bool:
    preference = Preference("row", 0, "Paris", judgement.preference, judgement.verdict)
    confidence = acceptable(preference)
    return confidence is not None and confidence > eta


@pytest.mark.parametrize("agreeing", range(6))
@pytest.mark.parametrize("letters", ["AA", "AB", "AC", "BB", "BC", "CC"])
def test_a_candidate_is_accepted_exactly_by_the_eta_table(agreeing: int, letters: str) -> None:
    reflection = self_reflection(list(letters))
    assert reflection is not None
    result = judged(
        ("2", "2" * agreeing + "1" * (5 - agreeing), letters), ("1", "1" * agreeing + "2" * (5 - agreeing), letters)
    )
    assert accepted(result) == ((agreeing == 5 and reflection >= 0.5) or (agreeing == 4 and reflection == 1.0))


def test_the_weaker_order_decides() -> None:
    result = judged(("2", "22222", "AA"), ("1", "11112", "AC"))
    assert result.verdict == "candidate"
    assert result.preference == pytest.approx(combine(0.8, 0.75))
    assert not accepted(result)


@pytest.mark.parametrize(
    ("given_first", "candidate_first"),
    [("2", "2"), ("1", "1"), ("2", "t"), ("t", "1"), ("t", "2")],
)
def test_orders_that_disagree_replace_nothing(given_first: str, candidate_first: str) -> None:
    result = judged((given_first, given_first * 5, "AA"), (candidate_first, candidate_first * 5, "AA"))
    assert result.verdict == "inconsistent"
    assert not accepted(result, eta=0.0)


def test_a_first_verdict_that_its_own_samples_outvote_replaces_nothing() -> None:
    result = judged(("2", "11122", "AA"), ("1", "11111", "AA"))
    assert result.verdict == "inconsistent"


@pytest.mark.parametrize(
    ("sampled", "side"),
    [
        (["candidate", "candidate", "given"], "candidate"),
        (["candidate", "tie", "tie"], "candidate"),
        (["candidate", "given", "tie"], "tie"),
        (["tie"], "tie"),
        (["given", "given", "candidate"], "given"),
    ],
)
def test_a_tie_counts_one_half_for_each_side(sampled: list[Verdict], side: Verdict) -> None:
    assert majority(sampled) == side


ORDERS = [Order(first, most, confidence) for first, most, confidence in product(SIDES, SIDES, (0.0, 0.35, 0.7, 1.0))]


def mirrored(order: Order) -> Order:
    return Order(MIRROR.get(order.first, order.first), MIRROR.get(order.majority, order.majority), order.confidence)


def test_every_pair_of_orders_follows_the_rule_and_its_mirror() -> None:
    for pair in product(ORDERS, ORDERS):
        verdict, preference = settle(pair)
        named = {side for order in pair for side in (order.first, order.majority)}
        assert verdict == (named.pop() if len(named) == 1 else "inconsistent")
        assert verdict in get_args(Verdict)
        if verdict == "candidate":
            assert preference == min(order.confidence for order in pair)
        assert settle(pair[::-1]) == (verdict, preference)
        mirror_verdict, mirror_preference = settle([mirrored(order) for order in pair])
        assert mirror_verdict == MIRROR.get(verdict, verdict)
        assert mirror_preference == pytest.approx(1.0 - preference, abs=1e-12)


def test_exchanging_the_responses_mirrors_the_preference_and_costs_no_new_prompt() -> None:
    judge = Judge({"Lyon": ("2", "22212", "AC"), "Paris": ("1", "11111", "AA")})
    there = asyncio.run(judge_pair(Example("row", 0, PROMPT, "Lyon"), "Paris", judge, RECIPE))
    asked = set(judge.requests)
    back = asyncio.run(judge_pair(Example("row", 0, PROMPT, "Paris"), "Lyon", judge, RECIPE))
    assert there.preference is not None
    assert back.preference == pytest.approx(1.0 - there.preference)
    assert (there.verdict, back.verdict) == ("candidate", "given")
    assert set(judge.requests) == asked


def test_both_orders_take_16_calls_and_keep_every_reply() -> None:
    result = judged(("2", "22222", "AA"), ("1", "11111", "AA"))
    assert result.calls == 16
    assert result.measure == BOTH_ORDERS
    assert [len(order["samples"]) for order in result.evidence["orders"]] == [5, 5]
    assert result.evidence["orders"][0]["first"]["text"] == "verdict: 2"


def test_a_judge_that_gives_no_verdict_gives_no_preference() -> None:
    class Vague(FakeLLM):
        async def complete(self, request: ChatRequest) -> Reply:
            self.requests.append(request)
            return Reply("Both have something to them.")

    result = asyncio.run(judge_pair(Example("row", 0, PROMPT, "Lyon"), "Paris", Vague(), RECIPE))
    assert (result.preference, result.verdict, result.problem) == (None, None, "unparsable")


@pytest.mark.parametrize("swapped", [False, True])
def test_the_embedded_judge_compares_likelihoods_and_mirrors_too(swapped: bool) -> None:
    llm = FakeLikelihoodLLM({PROMPT[0].content: "Paris"})
    one, other = ("Paris", "Lyon") if swapped else ("Lyon", "Paris")
    result = asyncio.run(judge_pair(Example("row", 0, PROMPT, one), other, llm, recipe_for(llm)))
    assert result.measure == LIKELIHOOD
    assert result.calls == 4
    assert result.verdict == ("given" if swapped else "candidate")
    assert result.preference == pytest.approx(0.047426 if swapped else 0.952574, abs=1e-6)


def test_sampled_verdicts_come_in_one_request_where_the_judge_can() -> None:
    class InOneRequest(Judge):
        def __init__(self, table: Mapping[str, tuple[str, str, str]]) -> None:
            super().__init__(table)
            self.together: list[list[int]] = []

        async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
            self.together.append([request.sample for request in requests])
            return [await Judge.complete(self, request) for request in requests]

    table = {"Lyon": ("2", "22212", "AC"), "Paris": ("1", "11111", "AA")}
    judge, row = InOneRequest(table), Example("row", 0, PROMPT, "Lyon")
    told = asyncio.run(judge_pair(row, "Paris", judge, RECIPE))
    assert judge.together == [[1, 2, 3, 4, 5]] * 2
    assert told == asyncio.run(judge_pair(row, "Paris", judge, replace(RECIPE, together=False)))
    assert len(judge.together) == 2
    assert told.calls == 16


def test_reflections_on_a_verdict_count_by_their_probabilities_too() -> None:
    llm = FakeLLM({PROMPT[0].content: "Paris"}, letter_odds=0.8)
    told = asyncio.run(judge_pair(Example("row", 0, PROMPT, "Lyon"), "Paris", llm, RECIPE))
    assert told.preference == pytest.approx(combine(1.0, 0.85))
    assert told.evidence["orders"][0]["reflections"][0]["by"] == "probabilities"

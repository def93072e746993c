"""The adapter and an endpoint that misbehaves: every fault has a name, the cap is hard, no message has the key."""

import asyncio
import json
import logging
import math
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from clear_core.errors import BudgetError, InputError, LLMError
from clear_core.llm.answers import validate, validate_many
from clear_core.llm.base_url import check_base_url
from clear_core.llm.dialect import Dialect
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, LedgeredLLM, ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import ChatRequest, Reply
from clear_core.llm.stub import FAULTS, StubEndpoint, served
from clear_core.types import Message

KEY = "sk-canary-7f31c0de"
ASK = ChatRequest((Message("user", "What is the capital of France?"),), "sample", "1", max_tokens=32)


def outcome(endpoint: StubEndpoint, request: ChatRequest = ASK, **options: Any) -> Reply | LLMError:
    async def main() -> Reply | LLMError:
        async with served(endpoint) as base_url:
            llm = OpenAIChat(base_url, "stub", KEY, **{"timeout": patience(endpoint.fault), "tries": 3, **options})
            try:
                return await llm.complete(request)
            except LLMError as error:
                return error
            finally:
                await llm.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "problem", "fatal", "calls"),
    [
        ("unauthorised", "unauthorised", True, 1),
        ("forbidden", "unauthorised", True, 1),
        ("no_model", "rejected", True, 1),
        ("quota", "rate_limited", True, 1),
        ("redirect", "rejected", True, 1),
        ("too_long", "too_long", False, 1),
        ("overloaded", "unreachable", False, 3),
        ("server_error", "unreachable", False, 1),
        ("bad_gateway", "unreachable", False, 1),
        ("gateway_timeout", "unreachable", False, 1),
        ("origin_timeout", "unreachable", False, 1),
        ("request_timeout", "unreachable", False, 1),
        ("hang_up", "unreachable", False, 1),
        ("cut_off", "unreachable", False, 1),
        ("no_choices", "malformed", False, 1),
        ("null_choices", "malformed", False, 1),
        ("null_content", "empty", False, 1),
        ("int_content", "malformed", False, 1),
        ("surrogate", "malformed", False, 1),
        ("white_space", "empty", False, 1),
        ("refusal", "refused", False, 1),
        ("length", "truncated", False, 1),
        ("content_filter", "filtered", False, 1),
        ("html", "malformed", False, 1),
        ("cut_json", "malformed", False, 1),
        ("a_list", "malformed", False, 1),
        ("drip", "timeout", False, 1),
        ("hang", "timeout", False, 1),
    ],
)
def test_each_fault_has_a_name_and_is_tried_again_only_when_surely_free(
    fault: str, problem: str, fatal: bool, calls: int
) -> None:
    endpoint = StubEndpoint(fault=fault)
    error = outcome(endpoint)
    assert isinstance(error, LLMError)
    assert (error.problem, error.fatal) == (problem, fatal)
    assert endpoint.calls == calls


REFUSED = {
    "unauthorised", "forbidden", "no_model", "too_long", "wants_completion_tokens", "rate_limit", "quota", "overloaded",
    "redirect",
}  # fmt: skip
OF_FIELDS = {"ignores_n", "one_bad_choice", "rejects_n", "rejects_logprobs"}
"""Faults that only a request with `n` or log-probabilities meets."""


def patience(fault: str) -> float:
    """Seconds for one try: few only where a fault lasts, for a busy machine may take some to send a request."""
    return 2.0 if fault in {"hang", "drip"} else 60.0


async def ask_each(endpoint: StubEndpoint, budget: CallBudget, count: int, **options: Any) -> tuple[list[Any], int]:
    """What many calls through the ledger end with, and how many of them count as paid."""
    async with served(endpoint) as base_url:
        llm = ledgered(OpenAIChat(base_url, "stub", KEY, **options), MemoryLedger(), budget)
        asks = [llm.complete(replace(ASK, sample=number)) for number in range(count)]
        results = await asyncio.gather(*asks, return_exceptions=True)
        await llm.close()
        return results, llm.tally.paid


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in REFUSED | OF_FIELDS])
@pytest.mark.parametrize("cap", [1, 3])
def test_no_fault_that_may_be_billed_brings_more_requests_than_the_cap(fault: str, cap: int) -> None:
    endpoint, budget = StubEndpoint(fault=fault), CallBudget(cap)
    results, paid = asyncio.run(ask_each(endpoint, budget, 5, timeout=patience(fault)))
    assert endpoint.calls == paid == budget.spent == cap
    assert {type(result) for result in results} <= {LLMError, BudgetError}


@pytest.mark.parametrize("fault", sorted(REFUSED - {"wants_completion_tokens"}))
def test_a_refusal_gives_its_place_back(fault: str) -> None:
    endpoint, budget = StubEndpoint(fault=fault), CallBudget(1)
    endpoint.retry_after = 60.0  # the deadline falls into the wait, never into a request that may be billed
    results, paid = asyncio.run(ask_each(endpoint, budget, 1, tries=2, deadline=3.0))
    assert (budget.spent, paid) == (0, 0)
    assert [type(result) for result in results] == [LLMError]
    assert endpoint.calls


@pytest.mark.parametrize("fault", ["server_error", "hang_up", "cut_off"])
def test_a_fault_that_may_be_billed_is_paid_again_until_it_passes(fault: str) -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault=fault, fault_first=2)
    results, paid = asyncio.run(ask_each(endpoint, CallBudget(), 1))
    assert [result.text for result in results] == ["Paris"]
    assert endpoint.calls == paid == 3


def test_waiting_for_a_place_among_the_calls_under_way_costs_no_time_and_no_call() -> None:
    endpoint = StubEndpoint(fault="hang")
    _, paid = asyncio.run(ask_each(endpoint, CallBudget(), 4, timeout=0.5, deadline=0.8, most_at_once=1))
    assert endpoint.calls == paid == 4


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_brings_the_key_into_a_message_a_traceback_or_the_log(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = outcome(StubEndpoint(fault=fault), deadline=2.0)
    text = repr(told) + str(told)
    if isinstance(told, LLMError):
        text += "".join(traceback.format_exception(told))
    assert KEY not in text
    assert KEY not in caplog.text


def test_the_key_is_sent_and_stays_out_of_the_repr() -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"capital": "Paris"})
        async with served(endpoint) as base_url:
            llm = OpenAIChat(base_url, "stub", KEY)
            assert KEY not in repr(llm)
            assert (await llm.complete(ASK)).text == "Paris"
            assert KEY not in repr(llm)
            await llm.close()

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["rate_limit", "overloaded"])
def test_a_fault_that_passes_is_waited_out(fault: str) -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault=fault, fault_first=2)
    reply = outcome(endpoint)
    assert isinstance(reply, Reply)
    assert reply.text == "Paris"
    assert endpoint.calls == 3


def test_a_rate_limit_that_lasts_ends_at_the_deadline_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clear_core.llm.openai_chat._asked_wait", lambda _: 60.0)
    error = outcome(StubEndpoint(fault="rate_limit"), timeout=10.0, deadline=3.0)
    assert isinstance(error, LLMError)
    assert error.problem == "rate_limited"
    assert error.retryable
    assert not error.may_be_billed


def test_a_call_that_is_under_way_at_the_deadline_counts_as_billed() -> None:
    error = outcome(StubEndpoint(fault="hang"), timeout=10.0, deadline=1.0)
    assert isinstance(error, LLMError)
    assert error.problem == "timeout"
    assert error.may_be_billed


def test_a_rate_limit_loses_no_call_of_many() -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"capital": "Paris"}, latency=0.01, fault="rate_limit", fault_first=30)
        async with served(endpoint) as base_url:
            llm = OpenAIChat(base_url, "stub", most_at_once=16)
            requests = [ChatRequest((Message("user", f"capital {n}"),), "sample", "1") for n in range(60)]
            replies = await asyncio.gather(*[llm.complete(request) for request in requests])
            assert {reply.text for reply in replies} == {"Paris"}
            await llm.close()

    asyncio.run(main())


def test_a_cut_reply_is_used_where_it_may_be_cut() -> None:
    request = ChatRequest(ASK.messages, "sample", "1", may_be_cut=True)
    reply = outcome(StubEndpoint(fault="length"), request)
    assert isinstance(reply, Reply)
    assert reply.cut


def test_an_endpoint_that_wants_another_name_for_the_limit_gets_it() -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault="wants_completion_tokens")
    assert isinstance(outcome(endpoint), Reply)
    assert [body.get("max_completion_tokens") for body in endpoint.bodies] == [None, 32]
    assert "max_tokens" not in endpoint.bodies[1]


def test_an_endpoint_that_is_down_is_unreachable() -> None:
    async def main() -> LLMError:
        async with served(StubEndpoint()) as base_url:
            pass
        llm = OpenAIChat(base_url, "stub", tries=2)
        with pytest.raises(LLMError) as caught:
            await llm.complete(ASK)
        await llm.close()
        return caught.value

    error = asyncio.run(main())
    assert error.problem == "unreachable"
    assert error.hint
    assert not error.may_be_billed


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.example.com/v1",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://user:secret@api.example.com/v1",
        "https://api.example.com/v1?key=1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://[fd00:ec2::254]/v1",
        "http://metadata.google.internal/v1",
        "http://METADATA.google.internal./v1",
    ],
)
def test_an_address_that_must_not_be_asked_is_refused(base_url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_base_url(base_url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000/v1/", "https://api.example.com/v1"])
def test_an_ordinary_address_is_taken(base_url: str) -> None:
    assert check_base_url(base_url) == base_url.rstrip("/")


def test_a_number_that_stands_for_a_metadata_address_is_refused_before_the_first_call() -> None:
    async def main() -> LLMError:
        llm = OpenAIChat("http://2852039166/v1", "stub", KEY)  # 169.254.169.254 as one number
        with pytest.raises(LLMError) as caught:
            await llm.complete(ASK)
        await llm.close()
        return caught.value

    assert asyncio.run(main()).fatal


@pytest.mark.parametrize("body", ["", "null", "[]", '{"choices":{}}', '{"choices":[null]}', "[" * 100_000])
def test_what_is_no_completion_is_malformed(body: str) -> None:
    with pytest.raises(LLMError) as caught:
        validate(body)
    assert caught.value.problem == "malformed"


MANY = [replace(ASK, sample=number, temperature=1.0) for number in range(5)]


async def ask_together(
    endpoint: StubEndpoint, requests: Sequence[ChatRequest] = MANY, cap: int | None = None, **options: Any
) -> tuple[list[Reply | LLMError], LedgeredLLM]:
    """What samples that are asked for together end with, and the model behind its ledger."""
    async with served(endpoint) as base_url:
        chat = OpenAIChat(base_url, "stub", KEY, timeout=patience(endpoint.fault), **options)
        llm = ledgered(chat, MemoryLedger(), CallBudget(cap))
        try:
            return await llm.complete_many(requests), llm
        finally:
            await llm.close()


def texts(given: Sequence[Reply | LLMError]) -> list[str]:
    return [each.text if isinstance(each, Reply) else each.problem for each in given]


def test_samples_come_in_one_request_and_their_tokens_add_up_to_what_was_billed() -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, error_rate=0.5)
    given, llm = asyncio.run(ask_together(endpoint))
    assert texts(given) == ["Paris"] * 5
    assert [body["n"] for body in endpoint.bodies] == [5]
    assert (llm.tally.paid, llm.budget.spent, llm.tally.failed) == (1, 1, 0)
    assert (llm.tally.tokens_in, llm.tally.tokens_out) == (len(ASK.messages[0].content) // 4, 5 * 2)


@pytest.mark.parametrize(("fault", "refused"), [("ignores_n", 0), ("rejects_n", 1)])
def test_an_endpoint_without_n_is_asked_one_by_one_and_remembered(fault: str, refused: int) -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"capital": "Paris"}, fault=fault)
        async with served(endpoint) as base_url:
            llm = ledgered(OpenAIChat(base_url, "stub", KEY), MemoryLedger(), CallBudget(10))
            assert texts(await llm.complete_many(MANY)) == ["Paris"] * 5
            assert endpoint.calls == 5 + refused
            assert (llm.tally.paid, llm.budget.spent) == (5, 5)
            others = [replace(request, sample=request.sample + 5) for request in MANY]
            assert texts(await llm.complete_many(others)) == ["Paris"] * 5
            assert endpoint.calls == 10 + refused
            assert sum("n" in body for body in endpoint.bodies) == 1
            assert (llm.tally.paid, llm.budget.spent) == (10, 10)
            await llm.close()

    asyncio.run(main())


def test_a_request_that_is_too_long_with_n_is_asked_one_by_one() -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"capital": "Paris"}, fault="too_long", fault_first=1)
        async with served(endpoint) as base_url:
            llm = ledgered(OpenAIChat(base_url, "stub", KEY), MemoryLedger(), CallBudget(5))
            assert texts(await llm.complete_many(MANY)) == ["Paris"] * 5
            assert (llm.tally.paid, llm.budget.spent) == (5, 5)
            await llm.close()

    asyncio.run(main())


def test_an_endpoint_that_fails_on_n_is_known_by_its_words() -> None:
    dialect = Dialect("small")
    assert not dialect.learn(500, "The server had an error.", {"n": 5})
    assert dialect.gives_many
    assert not dialect.learn(501, "n > 1 is not implemented.", {"n": 5})
    assert not dialect.gives_many


def test_a_count_of_tokens_beyond_all_measure_is_none() -> None:
    used = {"prompt_tokens": 10**30, "completion_tokens": 7}
    [reply] = validate_many(json.dumps({"choices": [GOOD], "usage": used}), 1)
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_out) == (0, 7)


def test_many_rows_at_once_all_learn_that_an_endpoint_takes_a_field_not() -> None:
    async def main(fault: str) -> None:
        endpoint = StubEndpoint({"capital": "Paris"}, fault=fault, latency=0.02)
        async with served(endpoint) as base_url:
            llm = ledgered(OpenAIChat(base_url, "stub", KEY), MemoryLedger())
            prompts = [(Message("user", f"capital {number}"),) for number in range(8)]
            asked = [[replace(one, messages=prompt, top_logprobs=5) for one in MANY] for prompt in prompts]
            given = await asyncio.gather(*[llm.complete_many(requests) for requests in asked])
            assert [texts(row) for row in given] == [["Paris"] * 5] * 8
            await llm.close()

    for fault in ("rejects_n", "ignores_n", "rejects_logprobs", "wants_completion_tokens"):
        asyncio.run(main(fault))


def test_each_choice_has_its_own_problem_and_none_becomes_a_reply() -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault="one_bad_choice")
    given, llm = asyncio.run(ask_together(endpoint))
    assert texts(given) == ["Paris", "filtered", "Paris", "Paris", "Paris"]
    assert endpoint.calls == 1
    assert llm.tally.failed == 1


@pytest.mark.parametrize(
    ("fault", "problem", "calls"),
    [
        ("no_choices", "malformed", 2),
        ("cut_json", "malformed", 2),
        ("hang_up", "unreachable", 3),
        ("hang", "timeout", 1),
    ],
)
def test_what_goes_wrong_with_the_whole_request_is_told_for_every_sample(fault: str, problem: str, calls: int) -> None:
    endpoint = StubEndpoint(fault=fault)
    given, llm = asyncio.run(ask_together(endpoint))
    assert texts(given) == [problem] * 5
    assert endpoint.calls == llm.tally.paid == calls


@pytest.mark.parametrize("fault", ["ignores_n", "one_bad_choice", "hang_up", "no_choices", "server_error"])
@pytest.mark.parametrize("cap", [0, 1, 3])
def test_the_cap_holds_for_samples_that_are_asked_for_together(fault: str, cap: int) -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault=fault)
    with suppress(BudgetError):
        asyncio.run(ask_together(endpoint, cap=cap))
    assert endpoint.calls <= cap


def test_a_refused_key_is_fatal_for_samples_that_are_asked_for_together() -> None:
    endpoint = StubEndpoint(fault="unauthorised")
    with pytest.raises(LLMError) as caught:
        asyncio.run(ask_together(endpoint))
    assert caught.value.fatal
    assert endpoint.calls == 1


def test_a_cap_of_one_is_enough_where_n_is_taken() -> None:
    given, _ = asyncio.run(ask_together(StubEndpoint({"capital": "Paris"}), cap=1))
    assert texts(given) == ["Paris"] * 5


GOOD = {"message": {"content": "Paris"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        (GOOD, "Paris"),
        (None, "malformed"),
        ({"message": None}, "malformed"),
        ({"message": {"content": 7}}, "malformed"),
        ({"message": {"content": None, "refusal": "No."}}, "refused"),
        ({"message": {"content": ""}, "finish_reason": "content_filter"}, "filtered"),
        ({"message": {"content": "It goes on"}, "finish_reason": "length"}, "truncated"),
        ({"message": {"content": " "}}, "empty"),
    ],
)
def test_a_bad_choice_among_good_ones_is_named_and_the_others_share_the_bill(choice: Any, problem: str) -> None:
    used = {"prompt_tokens": 10, "completion_tokens": 7}
    given = validate_many(json.dumps({"choices": [GOOD, choice, GOOD, GOOD], "usage": used}), 3)
    assert texts(given) == ["Paris", problem, "Paris"]
    replies = [each for each in given if isinstance(each, Reply)]
    assert sum(reply.tokens_in for reply in replies) == 10
    assert sum(reply.tokens_out for reply in replies) == 7
    assert max(reply.tokens_out for reply in replies) - min(reply.tokens_out for reply in replies) <= 1


def test_log_probabilities_are_asked_for_and_read() -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, letter_odds=0.9)
    fenced = Message("user", "capital\n<answer x>\nParis\n</answer x>")
    reply = outcome(endpoint, ChatRequest((fenced,), "reflect", "1", top_logprobs=5))
    assert isinstance(reply, Reply)
    assert (endpoint.bodies[0]["logprobs"], endpoint.bodies[0]["top_logprobs"]) == (True, 5)
    assert "".join(token.text for token in reply.tail) == reply.text
    letter = next(token for token in reply.tail if token.text == "A")
    assert {name: math.exp(logprob) for name, logprob in letter.alternatives} == pytest.approx(
        {"A": 0.9, "B": 0.05, "C": 0.05}
    )


def test_an_endpoint_that_gives_no_log_probabilities_is_remembered() -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"capital": "Paris"}, fault="rejects_logprobs")
        async with served(endpoint) as base_url:
            llm = OpenAIChat(base_url, "stub", KEY)
            for _ in range(2):
                assert (await llm.complete(replace(ASK, top_logprobs=5))).tail == ()
            assert ["logprobs" in body for body in endpoint.bodies] == [True, False, False]
            await llm.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "told",
    [
        None,
        7,
        {"content": None},
        {"content": [None]},
        {"content": [{"token": "A"}]},
        {"content": [{"token": "A", "logprob": 0.0, "top_logprobs": None}]},
        {"content": [{"token": "A", "logprob": "0", "top_logprobs": []}]},
        {"content": [{"token": "A", "logprob": float("nan"), "top_logprobs": []}]},
        {"content": [{"token": "A", "logprob": 2.0, "top_logprobs": []}]},
        {"content": [{"token": "\ud800", "logprob": -1.0, "top_logprobs": []}]},
    ],
)
def test_odd_log_probabilities_are_none_and_the_reply_stands(told: Any) -> None:
    reply = validate(json.dumps({"choices": [GOOD | {"logprobs": told}]}))
    assert (reply.text, reply.tail) == ("Paris", ())


def test_minus_infinity_is_a_number_that_json_holds() -> None:
    told = {"content": [{"token": "A", "logprob": 0.0, "top_logprobs": [{"token": "B", "logprob": -math.inf}]}]}
    [token] = validate(json.dumps({"choices": [GOOD | {"logprobs": told}]})).tail
    assert token.alternatives == (("A", 0.0), ("B", -9999.0))

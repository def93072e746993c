"""The adapter and an endpoint that misbehaves: every fault has a name, the cap is hard, no message has the key."""

import asyncio
import logging
import traceback
from dataclasses import replace
from typing import Any

import pytest

from clear_core.errors import BudgetError, InputError, LLMError
from clear_core.llm.answers import validate
from clear_core.llm.base_url import check_base_url
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import ChatRequest, Reply
from clear_core.llm.stub import FAULTS, StubEndpoint, served
from clear_core.types import Message

KEY = "sk-canary-7f31c0de"
ASK = ChatRequest((Message("user", "What is the capital of France?"),), "sample", "1", max_tokens=32)


def outcome(endpoint: StubEndpoint, request: ChatRequest = ASK, **options: Any) -> Reply | LLMError:
    async def main() -> Reply | LLMError:
        async with served(endpoint) as base_url:
            llm = OpenAIChat(base_url, "stub", KEY, **{"timeout": 0.5, "tries": 3, **options})
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


async def ask_many(endpoint: StubEndpoint, budget: CallBudget, count: int, **options: Any) -> tuple[list[Any], int]:
    """What many calls through the ledger end with, and how many of them count as paid."""
    async with served(endpoint) as base_url:
        llm = ledgered(OpenAIChat(base_url, "stub", KEY, **options), MemoryLedger(), budget)
        asks = [llm.complete(replace(ASK, sample=number)) for number in range(count)]
        results = await asyncio.gather(*asks, return_exceptions=True)
        await llm.close()
        return results, llm.tally.paid


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in REFUSED])
@pytest.mark.parametrize("cap", [1, 3])
def test_no_fault_that_may_be_billed_brings_more_requests_than_the_cap(fault: str, cap: int) -> None:
    endpoint, budget = StubEndpoint(fault=fault), CallBudget(cap)
    results, paid = asyncio.run(ask_many(endpoint, budget, 5, timeout=0.5))
    assert endpoint.calls == paid == budget.spent == cap
    assert {type(result) for result in results} <= {LLMError, BudgetError}


@pytest.mark.parametrize("fault", sorted(REFUSED - {"wants_completion_tokens"}))
def test_a_refusal_gives_its_place_back(fault: str) -> None:
    endpoint, budget = StubEndpoint(fault=fault), CallBudget(1)
    results, paid = asyncio.run(ask_many(endpoint, budget, 1, tries=2, deadline=0.5))
    assert (budget.spent, paid) == (0, 0)
    assert [type(result) for result in results] == [LLMError]
    assert endpoint.calls


@pytest.mark.parametrize("fault", ["server_error", "hang_up", "cut_off"])
def test_a_fault_that_may_be_billed_is_paid_again_until_it_passes(fault: str) -> None:
    endpoint = StubEndpoint({"capital": "Paris"}, fault=fault, fault_first=2)
    results, paid = asyncio.run(ask_many(endpoint, CallBudget(), 1))
    assert [result.text for result in results] == ["Paris"]
    assert endpoint.calls == paid == 3


def test_waiting_for_a_place_among_the_calls_under_way_costs_no_time_and_no_call() -> None:
    endpoint = StubEndpoint(fault="hang")
    _, paid = asyncio.run(ask_many(endpoint, CallBudget(), 4, timeout=0.5, deadline=0.8, most_at_once=1))
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

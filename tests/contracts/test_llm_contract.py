"""One suite for every model: the scripted one, an endpoint through the adapter, the embedded one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from clear_core.errors import LLMError
from clear_core.llm.embedded import EmbeddedModel, is_installed
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest
from clear_core.llm.stub import StubEndpoint, served
from clear_core.types import Message

ANSWERS = {"What is the capital of France?": "The capital of France is Paris."}
PROMPT = (Message("user", "What is the capital of France?"),)

Opened = Callable[[], AbstractAsyncContextManager[LLM]]


@asynccontextmanager
async def fake() -> AsyncIterator[LLM]:
    yield FakeLLM(ANSWERS)


@asynccontextmanager
async def fake_likelihood() -> AsyncIterator[LLM]:
    yield FakeLikelihoodLLM(ANSWERS)


@asynccontextmanager
async def endpoint() -> AsyncIterator[LLM]:
    async with served(StubEndpoint(ANSWERS)) as base_url:
        llm = OpenAIChat(base_url, "stub", "a-key")
        try:
            yield llm
        finally:
            await llm.close()


@asynccontextmanager
async def embedded() -> AsyncIterator[LLM]:
    llm = EmbeddedModel()
    try:
        yield llm
    finally:
        await llm.close()


is_embedded = [
    pytest.mark.embedded,
    pytest.mark.skipif(not is_installed(), reason="the embedded model is not installed: run `make setup`"),
]
MODELS = [
    pytest.param(fake, id="fake"),
    pytest.param(endpoint, id="endpoint"),
    pytest.param(fake_likelihood, id="fake-likelihood"),
    pytest.param(embedded, id="embedded", marks=is_embedded),
]


def sample(number: int, messages: tuple[Message, ...] = PROMPT) -> ChatRequest:
    return ChatRequest(messages, "sample", "1", number, temperature=1.0, max_tokens=24, may_be_cut=True)


@pytest.mark.parametrize("opened", MODELS)
def test_it_says_something_and_counts_tokens(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            reply = await llm.complete(sample(0))
            assert reply.text.strip()
            assert reply.tokens_in > 0
            assert reply.tokens_out > 0
            assert not reply.replayed

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS)
def test_it_has_a_model_and_a_host_without_credentials(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            assert llm.model
            assert llm.host
            assert "a-key" not in f"{llm.host} {llm!r}"

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS)
def test_many_calls_at_once_each_get_their_own_reply(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            prompts = [(Message("user", f"Repeat the number {number}."),) for number in range(6)]
            asked = [llm.complete(sample(number, prompt)) for prompt in prompts for number in range(3)]
            replies = await asyncio.gather(*asked)
            assert len(replies) == 18
            assert all(reply.text.strip() for reply in replies)

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS)
def test_a_cancelled_call_leaves_the_others_alone(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            kept, dropped = (asyncio.create_task(llm.complete(sample(number))) for number in (0, 1))
            await asyncio.sleep(0)
            dropped.cancel()
            assert (await kept).text.strip()
            with pytest.raises(asyncio.CancelledError):
                await dropped

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS)
def test_closing_twice_is_no_error(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            await llm.complete(sample(0))
            await llm.close()
            await llm.close()

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS[2:])
def test_a_likelihood_is_higher_for_what_fits_the_prompt(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            assert isinstance(llm, LikelihoodLLM)
            gains = []
            for response in ("The capital of France is Paris.", "Boil the eggs for nine minutes."):
                after = (await llm.likelihood(LikelihoodRequest(PROMPT, response))).logprobs
                alone = (await llm.likelihood(LikelihoodRequest((), response))).logprobs
                assert len(after) == len(alone) > 0
                assert all(logprob <= 0.0 for logprob in (*after, *alone))
                gains.append(sum(after) / len(after) - sum(alone) / len(alone))
            assert gains[0] > gains[1] + 0.5

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS[2:])
def test_an_empty_response_has_no_likelihood(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            assert isinstance(llm, LikelihoodLLM)
            with pytest.raises(LLMError) as caught:
                await llm.likelihood(LikelihoodRequest(PROMPT, ""))
            assert caught.value.problem == "empty"

    asyncio.run(main())


@pytest.mark.parametrize("opened", MODELS[:2])
def test_a_plain_chat_model_claims_no_likelihood(opened: Opened) -> None:
    async def main() -> None:
        async with opened() as llm:
            assert not isinstance(llm, LikelihoodLLM)

    asyncio.run(main())

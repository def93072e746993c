"""Samples that are drawn together: whoever waits hears something, whatever becomes of the others or of the process."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.port import ChatRequest
from clear_core.types import Message

PROMPT = (Message("user", "What is the capital of France?"),)


class Process:
    """Answers as the runtime does, or fails.

    Attributes:
        drawn: how many samples each call was asked for.
    """

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self.drawn: list[int] = []

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        await asyncio.sleep(0)
        if path == "/tokenize":
            return {"tokens": [1, 2, 3]}
        if self._fault:
            raise self._fault
        self.drawn.append(body["n"])
        return [{"content": f"Paris {n}", "stop_type": "eos"} for n in range(body["n"])]

    async def stop(self) -> None:
        """Nothing to end."""


def model(process: Process) -> EmbeddedModel:
    llm = EmbeddedModel()
    llm._process = process  # type: ignore[assignment]
    return llm


def sample(number: int) -> ChatRequest:
    return ChatRequest(PROMPT, "sample", "1", number, temperature=1.0, max_tokens=8, may_be_cut=True)


def test_samples_asked_for_at_once_are_one_call() -> None:
    async def main() -> None:
        process = Process()
        llm = model(process)
        replies = await asyncio.gather(*[llm.complete(sample(number)) for number in range(3)])
        assert [reply.text for reply in replies] == ["Paris 0", "Paris 1", "Paris 2"]
        assert process.drawn == [3]

    asyncio.run(main())


def test_after_all_who_asked_have_gone_the_same_request_is_answered_again() -> None:
    async def main() -> None:
        llm = model(Process())
        gone = asyncio.create_task(llm.complete(sample(0)))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        async with asyncio.timeout(5):
            assert (await llm.complete(sample(0))).text == "Paris 0"

    asyncio.run(main())


def test_a_fault_of_any_kind_reaches_everyone_who_waits() -> None:
    async def main() -> None:
        llm = model(Process(ValueError("no JSON")))
        async with asyncio.timeout(5):
            results = await asyncio.gather(*[llm.complete(sample(n)) for n in range(2)], return_exceptions=True)
        assert [str(result) for result in results] == ["no JSON"] * 2

    asyncio.run(main())


def test_closing_lets_nobody_wait_for_ever() -> None:
    async def main() -> None:
        llm = model(Process())
        waiting = asyncio.create_task(llm.complete(sample(0)))
        await asyncio.sleep(0)
        await llm.close()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(main())

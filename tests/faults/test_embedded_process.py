"""The embedded model as a process: it ends with its parent, comes back when killed, and cuts nothing in silence."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clear_core.errors import LLMError
from clear_core.llm import embedded_process
from clear_core.llm.embedded import EmbeddedModel, is_installed
from clear_core.llm.port import ChatRequest, LikelihoodRequest
from clear_core.types import Message

PROMPT = (Message("user", "What is the capital of France?"),)
installed = pytest.mark.skipif(not is_installed(), reason="the embedded model is not installed: run `make setup`")

PARENT = """
import asyncio
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.port import LikelihoodRequest

async def main():
    llm = EmbeddedModel()
    await llm.likelihood(LikelihoodRequest((), "Paris"))
    print(llm.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def sample(number: int, messages: tuple[Message, ...] = PROMPT, tokens: int = 16) -> ChatRequest:
    return ChatRequest(messages, "sample", "1", number, temperature=1.0, max_tokens=tokens, may_be_cut=True)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@installed
@pytest.mark.embedded
@pytest.mark.faults
def test_its_process_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(pid)


@installed
@pytest.mark.embedded
@pytest.mark.faults
def test_it_comes_back_when_its_process_is_killed() -> None:
    async def main() -> None:
        states: list[str] = []
        llm = EmbeddedModel(states.append)
        before = await llm.likelihood(LikelihoodRequest(PROMPT, "Paris"))
        assert llm.pid is not None
        os.kill(llm.pid, signal.SIGKILL)
        after = await llm.likelihood(LikelihoodRequest(PROMPT, "Paris"))
        assert after.logprobs == pytest.approx(before.logprobs, abs=1e-3)
        assert states == ["loading", "ready"] * 2
        await llm.close()
        assert llm.pid is None

    asyncio.run(main())


@installed
@pytest.mark.embedded
def test_it_says_what_is_too_long_and_cuts_nothing() -> None:
    async def main() -> None:
        llm = EmbeddedModel()
        long = (Message("user", "word " * 9000),)
        for call in (llm.complete(sample(0, long)), llm.likelihood(LikelihoodRequest(PROMPT, "word " * 9000))):
            with pytest.raises(LLMError) as caught:
                await call
            assert caught.value.problem == "too_long"
            assert not caught.value.fatal
        with pytest.raises(LLMError) as caught:
            await llm.complete(ChatRequest((Message("user", "Tell me a long story."),), "candidate", "1", max_tokens=3))
        assert caught.value.problem == "truncated"
        await llm.close()

    asyncio.run(main())


@installed
@pytest.mark.embedded
def test_long_prompts_side_by_side_share_its_context() -> None:
    async def main() -> None:
        llm = EmbeddedModel(context=256)
        prompts = [(Message("user", f"Who wrote book {number}? " + "I forgot. " * 40),) for number in range(3)]
        replies = await asyncio.gather(*[llm.complete(sample(n, prompt, 8)) for prompt in prompts for n in range(3)])
        assert len(replies) == 9
        await llm.close()

    asyncio.run(main())


@installed
@pytest.mark.embedded
def test_samples_of_one_prompt_differ_by_their_number() -> None:
    async def main() -> None:
        llm = EmbeddedModel()
        replies = await asyncio.gather(*[llm.complete(sample(number)) for number in (0, 1, 3, 4)])
        assert len({reply.text for reply in replies}) == 4
        await llm.close()

    asyncio.run(main())


@installed
@pytest.mark.embedded
def test_closing_while_it_draws_leaves_no_process() -> None:
    async def main() -> None:
        llm = EmbeddedModel()
        await llm.likelihood(LikelihoodRequest((), "Paris"))
        pid = llm.pid
        assert pid is not None
        drawing = asyncio.create_task(llm.complete(sample(0, tokens=400)))
        await asyncio.sleep(0.3)
        await llm.close()
        with pytest.raises(asyncio.CancelledError):
            await drawing
        assert llm.pid is None
        assert not is_running(pid)

    asyncio.run(main())


@installed
@pytest.mark.embedded
def test_text_of_a_dataset_never_becomes_a_control_token() -> None:
    async def main() -> None:
        llm = EmbeddedModel()
        told = await llm.likelihood(LikelihoodRequest(PROMPT, "<|im_end|>"))
        assert len(told.logprobs) > 3
        await llm.close()

    asyncio.run(main())


def test_without_its_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_process, "weights_path", lambda: None)
    with pytest.raises(LLMError) as caught:
        asyncio.run(EmbeddedModel().complete(sample(0)))
    assert caught.value.fatal
    assert "make setup" in caught.value.hint
    assert not is_installed()

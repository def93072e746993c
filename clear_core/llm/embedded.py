"""The embedded model: SmolLM2-135M-Instruct in a process of its own, with no key and no network."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from clear_core.errors import LLMError
from clear_core.llm import forcing
from clear_core.llm.embedded_adapter import adapter_in
from clear_core.llm.embedded_process import EmbeddedProcess, Loading, is_installed
from clear_core.llm.embedded_server import SLOTS, SYSTEM
from clear_core.llm.port import ChatRequest, LikelihoodRequest, Reply
from clear_core.types import Message

__all__ = ["EmbeddedModel", "is_installed"]

MODEL: Final = "smollm2-135m-instruct (embedded)"
HOST: Final = "embedded:2"
"""The number changes with anything that changes what the same request gives."""
CONTEXT: Final = 8192
"""Tokens of context: the most that the model was trained with, shared by all that is under way."""
GATHER_SECONDS: Final = 0.005
"""How long samples of one prompt wait for each other, to be drawn as one call that reads the prompt once."""
TURN_START, TURN_END, NEWLINE = 1, 2, 198
"""Token ids of <|im_start|>, <|im_end|> and a line feed; text of a dataset never becomes one of the first two."""
SAMPLER: Final = {"top_k": 0, "top_p": 1.0, "min_p": 0.1}
"""Samples leave out tokens under a tenth of the likeliest one's probability: so small a model strays in its tail."""


@dataclass(slots=True)
class _Group:
    """Samples of one prompt that one call draws together; a caller's future stands beside its sample's number."""

    waiting: list[tuple[int, asyncio.Future[Reply]]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class EmbeddedModel:
    """The embedded 135M model: real, small, good at telling what does not belong to a prompt, and at no more.

    It starts its process when first asked, and that process ends with this one. It belongs to one event loop.

    Args:
        on_loading: called with "loading" when the model begins to load and with "ready" when it is.
        threads: processor threads; None for as many as this process may use, at most 8.
        context: tokens of context; fewer take less memory, and longer examples are then too long.
        adapter: folder of an adapter that a local training made (see `clear_core.train.lora`); None for none.

    Raises:
        InputError: when the folder holds no such adapter.
    """

    def __init__(
        self,
        on_loading: Callable[[Loading], None] | None = None,
        threads: int | None = None,
        context: int = CONTEXT,
        adapter: Path | None = None,
    ) -> None:
        worn = adapter_in(adapter) if adapter else None
        self._model = f"{MODEL} + {worn.name}" if worn else MODEL
        self._host = f"{HOST}+{worn.digest}" if worn else HOST
        self._process = EmbeddedProcess(
            on_loading or (lambda _state: None), threads or _processors(), context, worn.file if worn else None
        )
        self._context = context
        self._room = _Room(context)
        self._groups: dict[ChatRequest, _Group] = {}
        self._drawing: set[asyncio.Task[None]] = set()

    @property
    def model(self) -> str:
        """The model's name, the adapter's with it."""
        return self._model

    @property
    def host(self) -> str:
        """The weights and the adapter that answer, as the ledger tells them apart."""
        return self._host

    async def complete(self, request: ChatRequest) -> Reply:
        """Complete once; samples of one prompt that are asked for at the same time are drawn together.

        Raises:
            LLMError: "too_long" when prompt and reply don't fit the context, "truncated" when the reply is cut though
                it may not be, "empty", or "unreachable" when the model is not installed or its process fails (fatal).
        """
        together = replace(request, sample=0)
        group = self._groups.get(together)
        if group is None:
            group = self._groups[together] = _Group()
            group.task = asyncio.create_task(self._draw(together, group))
            self._drawing.add(group.task)
            group.task.add_done_callback(self._drawing.discard)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        group.waiting.append((request.sample, future))
        try:
            return await future
        finally:
            if group.task and all(waiting.cancelled() for _, waiting in group.waiting):
                group.task.cancel()

    async def likelihood(self, request: LikelihoodRequest) -> Reply:
        """The log-probabilities of a given response's tokens, each under the full softmax, in nats.

        The tokens are forced (see `clear_core.llm.forcing`); forcing text instead would take other tokens.

        Raises:
            LLMError: as `complete`; "empty" for a response without tokens.
        """
        body = {"content": request.response, "parse_special": False, "with_pieces": True}
        wanted = forcing.tokens_told(await self._process.post("/tokenize", body))
        if not wanted:
            raise LLMError("An empty response has no likelihood.", problem="empty")
        prompt = await self._prompt(request.prompt) if request.prompt else await self._opening()
        before, logprobs = list(prompt), list[float]()
        for stretch in forcing.stretches(wanted):
            logprobs += await self._forced(before, stretch, len(prompt) + len(wanted))
            before += [token.id for token in stretch]
        return Reply("", tuple(logprobs), len(prompt) + len(wanted), 0)

    @property
    def pid(self) -> int | None:
        """The model's process, while it runs."""
        return self._process.pid

    async def close(self) -> None:
        """End the model's process; the next call would start it again."""
        # First: a draw that lost its process would start another.
        drawing = list(self._drawing)
        for task in drawing:
            task.cancel()
        await asyncio.gather(*drawing, return_exceptions=True)
        await self._process.stop()

    async def _forced(self, prompt: Sequence[int], stretch: Sequence[forcing.Token], room: int) -> list[float]:
        if stretch[0].whole:
            answer = (await self._completion(forcing.by_grammar(prompt, stretch), room))[0]
            return forcing.told_by_grammar(answer, stretch)
        own = (await self._completion(forcing.stand_in(prompt), room))[0]
        ratio = (await self._completion(forcing.against_stand_in(prompt, stretch[0]), room))[0]
        return [forcing.told_by_ratio(own, ratio, stretch[0])]

    async def _draw(self, request: ChatRequest, group: _Group) -> None:
        try:
            await asyncio.sleep(GATHER_SECONDS)
        finally:
            # The same request opens a group of its own from now on, also where nobody waits for this one any more.
            del self._groups[request]
        try:
            drawn = await self._samples(request, sorted({number for number, _ in group.waiting}))
            for number, future in group.waiting:
                if not future.done():
                    _settle(future, drawn[number], may_be_cut=request.may_be_cut)
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            for _, future in group.waiting:
                if not future.done():
                    future.set_exception(error)
        finally:
            for _, future in group.waiting:
                future.cancel()

    async def _samples(self, request: ChatRequest, numbers: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        prompt = await self._prompt(request.messages)
        at_once = max(1, min(SLOTS, (self._context - len(prompt)) // request.max_tokens))
        drawn: dict[int, Mapping[str, Any]] = {}
        for first, count in _runs(numbers, at_once):
            body = {
                "prompt": prompt,
                "n_predict": request.max_tokens,
                "n": count,
                "temperature": request.temperature,
                **SAMPLER,
                # The runtime adds 1 for each further sample of a call: a sample's seed depends on its number alone.
                "seed": _seed(request) + first,
                "cache_prompt": True,
            }
            answers = await self._completion(body, len(prompt) + count * request.max_tokens)
            if len(answers) != count:
                raise LLMError("The embedded model gave another number of samples.", problem="malformed")
            drawn |= dict(zip(range(first, first + count), answers, strict=True))
        return drawn

    async def _prompt(self, messages: Sequence[Message]) -> list[int]:
        turns = messages if messages and messages[0].role == "system" else (Message("system", SYSTEM), *messages)
        ids: list[int] = []
        for turn in turns:
            ids += [TURN_START, *await self._tokenize(f"{turn.role}\n{turn.content}"), TURN_END, NEWLINE]
        return ids + await self._opening()

    async def _opening(self) -> list[int]:
        return [TURN_START, *await self._tokenize("assistant\n")]

    async def _tokenize(self, text: str) -> list[int]:
        tokens = (await self._process.post("/tokenize", {"content": text, "parse_special": False}))["tokens"]
        return [int(token) for token in tokens]

    async def _completion(self, body: Mapping[str, Any], room: int) -> list[Mapping[str, Any]]:
        if room > self._context:
            raise LLMError(
                f"Prompt and response take {room:,} tokens; the embedded model's context holds {self._context:,}.",
                "Shorten the example or score it with a larger model.",
                problem="too_long",
                may_be_billed=False,
            )
        async with self._room.take(room):
            answer = await self._process.post("/completion", body)
        return answer if isinstance(answer, list) else [answer]


def _processors() -> int:
    """Processors that this process may use, at most 8: so small a model gains nothing from more."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(8, len(allowed))


def _seed(request: ChatRequest) -> int:
    digest = hashlib.sha256(repr((request.messages, request.kind, request.prompt_version)).encode(errors="replace"))
    return int.from_bytes(digest.digest()[:4], "big") >> 1


def _runs(numbers: Sequence[int], at_once: int) -> Iterator[tuple[int, int]]:
    """Consecutive sample numbers as (first, count), each at most `at_once` long."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1 or end - start == at_once:
            yield numbers[start], end - start
            start = end


def _settle(future: asyncio.Future[Reply], drawn: Mapping[str, Any], *, may_be_cut: bool) -> None:
    text, cut = str(drawn.get("content", "")), drawn.get("stop_type") == "limit"
    if cut and not may_be_cut:
        future.set_exception(LLMError("The embedded model's reply was cut off.", problem="truncated"))
    elif not text.strip():
        future.set_exception(LLMError("The embedded model said nothing.", problem="empty"))
    else:
        future.set_result(
            Reply(text, (), int(drawn.get("tokens_evaluated", 0)), int(drawn.get("tokens_predicted", 0)), cut)
        )


class _Room:
    """Tokens of context that calls under way share; a call waits until its own fit."""

    def __init__(self, tokens: int) -> None:
        self._free = tokens
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def take(self, tokens: int) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= tokens)
            self._free -= tokens
        try:
            yield
        finally:
            async with self._changed:
                self._free += tokens
                self._changed.notify_all()

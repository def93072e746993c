"""One call whose reply must be read: asked, parsed, reminded once, and else missing by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from clear_core.errors import BudgetError, LLMError
from clear_core.llm.port import LLM, ChatRequest, ManyLLM, Reply, Token
from clear_core.prompts import reminded

T = TypeVar("T")

UNUSABLE: Final = frozenset({"refused", "filtered", "truncated", "empty", "unparsable"})
"""Problems of what a model said. One of them leaves one reply out; any other problem leaves the whole row unscored,
because asking again later costs only the missing call and gives the score that all other rows have."""
MOST_CALLS: Final = 2
"""A reply that can't be read is asked for its last line once."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was read from a call.

    Attributes:
        value: what the parser read; None when the reply is missing.
        text: the reply as it came, the last one if there were two.
        calls: 1, or 2 when the model was reminded of the form.
        cut: whether the text stops at the request's limit, where it may.
        problem: why the value is missing: a key of PROBLEMS, or None.
        tail: the reply's last tokens with their alternatives, where they were asked for and told.
    """

    value: T | None
    text: str
    calls: int
    cut: bool = False
    problem: str | None = None
    tail: tuple[Token, ...] = ()


async def ask(llm: LLM, request: ChatRequest, parse: Callable[[str], T | None], form: str = "") -> Answer[T]:
    """Ask once and read the reply; ask for the last line alone where it can't be read; then call it missing.

    Args:
        llm: the model.
        request: the call.
        parse: reads a reply, or gives None.
        form: the last line that the reply should have ended with; "" where any reply can be read.

    Raises:
        LLMError: a fault that lies not in what the model said (see UNUSABLE).
        BudgetError: the cap is reached.
    """
    return await _read(llm, request, await _outcome(llm, request), parse, form)


async def ask_samples(
    llm: LLM, requests: Sequence[ChatRequest], parse: Callable[[str], T | None], form: str = "", *, together: bool
) -> list[Answer[T]]:
    """Ask for several samples of one prompt and read each as `ask` does.

    Args:
        llm: the model.
        requests: the calls; they differ in their sample numbers alone.
        parse: reads a reply, or gives None.
        form: the last line that each reply should have ended with.
        together: whether one request may ask for all of them, where the model can do that; else all are in flight at
            once.

    Raises:
        LLMError: a fault that lies not in what the model said (see UNUSABLE), once every call has ended.
        BudgetError: the cap is reached.
    """
    if together and len(requests) > 1 and isinstance(llm, ManyLLM):
        outcomes = await llm.complete_many(requests)
        # One choice at a time: what a model without a ledger did not give together is asked for by itself.
        outcomes += await all_of([_outcome(llm, request) for request in requests[len(outcomes) :]])
        return await all_of([_read(llm, *asked, parse, form) for asked in zip(requests, outcomes, strict=True)])
    return await all_of([ask(llm, request, parse, form) for request in requests])


async def _outcome(llm: LLM, request: ChatRequest) -> Reply | LLMError:
    try:
        return await llm.complete(request)
    except LLMError as error:
        return error


async def _read(
    llm: LLM, request: ChatRequest, outcome: Reply | LLMError, parse: Callable[[str], T | None], form: str
) -> Answer[T]:
    calls, text = 1, ""
    while isinstance(outcome, Reply):
        text = outcome.text
        value = parse(text)
        if value is not None:
            return Answer(value, text, calls, outcome.cut, tail=outcome.tail)
        if calls == MOST_CALLS:
            return Answer(None, text, calls, problem="unparsable")
        request = replace(request, messages=reminded(request.messages, text, form))
        outcome = await _outcome(llm, request)
        calls += 1
    if outcome.problem not in UNUSABLE:
        raise outcome
    return Answer(None, text, calls, problem=outcome.problem)


async def all_of(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run calls side by side and let every one finish, since each is paid; then raise the gravest failure, if any.

    Raises:
        BudgetError: the cap is reached.
        LLMError: a fatal one before any other.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise min(failures, key=_gravity)
    return [result for result in results if not isinstance(result, BaseException)]


def _gravity(failure: BaseException) -> int:
    if isinstance(failure, LLMError):
        return 1 if failure.fatal else 3
    return 2 if isinstance(failure, BudgetError) else 0


def tokens_for(text: str) -> int:
    """A generous guess of a text's tokens: one for three characters of ASCII, one for each other character."""
    ascii_length = sum(character.isascii() for character in text)
    return -(-ascii_length // 3) + len(text) - ascii_length

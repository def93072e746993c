"""An LLM behind the ledger: replays what is finished, pays once for what is asked twice, and keeps to a hard cap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from clear_core.errors import BudgetError, LLMError
from clear_core.llm.ledger import CallLedger, call_key
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest, Reply

PAID_TRIES: Final[Mapping[str, int]] = {"malformed": 2, "unreachable": 3}
"""How often a call is sent that failed and may be billed all the same, by problem: a proxy's stray page, a hang-up, a
gateway's failure. Each try takes its own place under the cap."""

Request = TypeVar("Request", ChatRequest, LikelihoodRequest)


class CallBudget:
    """A hard cap on paid calls; a call reserves its place before it is sent.

    Args:
        max_calls: the cap; None for no cap.
        spent: calls paid by earlier parts of the same run.
    """

    def __init__(self, max_calls: int | None = None, spent: int = 0) -> None:
        self.max_calls = max_calls
        self.spent = spent

    def reserve(self) -> None:
        """Take one place under the cap.

        Raises:
            BudgetError: when there is none left.
        """
        if self.max_calls is not None and self.spent >= self.max_calls:
            raise BudgetError(
                f"The cap of {self.max_calls:,} calls is reached.",
                "What is finished is kept; raise the cap and run again to go on from here.",
            )
        self.spent += 1

    def release(self) -> None:
        """Give back the place of a call that no endpoint can bill."""
        self.spent -= 1


@dataclass(slots=True)
class Tally:
    """What a run has asked so far.

    Attributes:
        paid: calls sent to the endpoint, those under way and failed ones that it may bill included.
        replayed: calls answered by the ledger or by an identical call under way.
        failed: calls that gave no usable reply.
        tokens_in: prompt tokens of paid calls.
        tokens_out: completion tokens of paid calls.
    """

    paid: int = 0
    replayed: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Reply]
    waiting: int = 0


class LedgeredLLM:
    """A chat model whose finished calls are kept. Make one with `ledgered`.

    Args:
        inner: the model that is asked for what the ledger lacks.
        ledger: where finished calls are kept.
        budget: the cap on paid calls.
    """

    def __init__(self, inner: LLM, ledger: CallLedger, budget: CallBudget | None = None) -> None:
        self.inner = inner
        self.tally = Tally()
        self.budget = budget or CallBudget()
        self._ledger = ledger
        self._flights: dict[str, _Flight] = {}

    @property
    def model(self) -> str:
        """The inner model's name."""
        return self.inner.model

    @property
    def host(self) -> str:
        """The inner model's host."""
        return self.inner.host

    async def complete(self, request: ChatRequest) -> Reply:
        """Complete once, or replay.

        Raises:
            LLMError: as the inner model does.
            BudgetError: when the cap is reached and the ledger has no reply.
            StateError: when the reply can't be stored.
        """
        return await self._ask(request, self.inner.complete)

    async def close(self) -> None:
        """Close the inner model; the ledger stays open for its owner."""
        await self.inner.close()

    async def _ask(self, request: Request, ask: Callable[[Request], Awaitable[Reply]]) -> Reply:
        key = call_key(self.host, self.model, request)
        stored = self._ledger.get(key)
        if stored is not None:
            self.tally.replayed += 1
            return replace(stored, replayed=True)
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(self._fly(key, request, ask)))
            # Marks a failure as seen where the only caller was cancelled in the same moment.
            flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        flight.waiting += 1
        try:
            # Shielded: one caller's cancellation must not take the call away from another who waits for it.
            reply = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
        if joined:
            self.tally.replayed += 1
        return replace(reply, replayed=joined)

    async def _fly(self, key: str, request: Request, ask: Callable[[Request], Awaitable[Reply]]) -> Reply:
        tries = 0
        try:
            while True:
                try:
                    return await self._pay(key, request, ask)
                except LLMError as error:
                    tries += 1
                    if error.fatal or not error.may_be_billed or tries >= PAID_TRIES.get(error.problem, 1):
                        raise
                # Full jitter: many calls that failed together must not come back together.
                await asyncio.sleep(random.uniform(0.05, 2.0 ** (tries - 1)))  # noqa: S311
        finally:
            del self._flights[key]

    async def _pay(self, key: str, request: Request, ask: Callable[[Request], Awaitable[Reply]]) -> Reply:
        self.budget.reserve()
        self.tally.paid += 1
        try:
            reply = await ask(request)
        except LLMError as error:
            self.tally.failed += 1
            if not error.may_be_billed:
                self.budget.release()
                self.tally.paid -= 1
            raise
        self.tally.tokens_in += reply.tokens_in
        self.tally.tokens_out += reply.tokens_out
        await self._ledger.put(key, reply)
        return reply


class LedgeredLikelihoodLLM(LedgeredLLM):
    """A `LedgeredLLM` whose inner model can tell likelihoods; these are kept alike."""

    def __init__(self, inner: LikelihoodLLM, ledger: CallLedger, budget: CallBudget | None = None) -> None:
        super().__init__(inner, ledger, budget)
        self._likelihood = inner.likelihood

    async def likelihood(self, request: LikelihoodRequest) -> Reply:
        """Token log-probabilities of a response, or replay. Raises as `complete` does."""
        return await self._ask(request, self._likelihood)


def ledgered(inner: LLM, ledger: CallLedger, budget: CallBudget | None = None) -> LedgeredLLM:
    """Put a model behind the ledger; what it can do (likelihoods or not) stays as it is."""
    if isinstance(inner, LikelihoodLLM):
        return LedgeredLikelihoodLLM(inner, ledger, budget)
    return LedgeredLLM(inner, ledger, budget)

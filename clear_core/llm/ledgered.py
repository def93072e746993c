"""An LLM behind the ledger: replays what is finished, pays once for what is asked twice, and keeps to a hard cap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from clear_core.errors import BudgetError, ClearError, LLMError
from clear_core.llm.ledger import CallLedger, call_key
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM, LikelihoodRequest, ManyLLM, Reply

PAID_TRIES: Final[Mapping[str, int]] = {"malformed": 2, "unreachable": 3}
"""How often a call is sent that failed and may be billed all the same, by problem: a proxy's stray page, a hang-up, a
gateway's failure. Each try takes its own place under the cap."""

Request = TypeVar("Request", ChatRequest, LikelihoodRequest)
T = TypeVar("T")

Outcome: TypeAlias = Reply | BaseException
"""How a call ended, where others that were asked with it must be heard too."""
Ask: TypeAlias = Callable[[Request], Awaitable[Reply]]
Fly: TypeAlias = Callable[[Mapping[str, Request]], Coroutine[Any, Any, dict[str, Outcome]]]


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
    """Calls under way together.

    Attributes:
        keys: the calls' keys.
        task: gives the outcome of each by its key.
        waiting: how many callers wait for any of them.
    """

    keys: tuple[str, ...]
    task: asyncio.Task[dict[str, Outcome]]
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
        return await self._one(request, self.inner.complete)

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
        """Complete once for each of some requests that differ in their sample numbers alone, or replay.

        What the ledger lacks is asked for in one request where the inner model can do that, under one place of the
        cap, and each reply is kept under its own key as if it had been asked for alone. What does not come that way
        is asked for one by one.

        Returns:
            A reply, or what is wrong with it, for each request.

        Raises:
            LLMError: a fatal one, by which every further call would fail alike.
            BudgetError: when the cap is reached and the ledger has no reply.
            StateError: when a reply can't be stored.
        """
        outcomes = await self._ask(requests, self._fly_together)
        told = [outcome for outcome in outcomes if isinstance(outcome, Reply | LLMError)]
        fatal = next((each for each in told if isinstance(each, LLMError) and each.fatal), None)
        failures = [fatal] if fatal else [each for each in outcomes if not isinstance(each, Reply | LLMError)]
        if failures:
            raise failures[0]
        return told

    async def close(self) -> None:
        """Close the inner model; the ledger stays open for its owner."""
        await self.inner.close()

    async def _one(self, request: Request, ask: Ask[Request]) -> Reply:
        [outcome] = await self._ask([request], partial(self._fly_each, ask))
        if isinstance(outcome, Reply):
            return outcome
        raise outcome

    async def _ask(self, requests: Sequence[Request], fly: Fly[Request]) -> list[Outcome]:
        """The outcome of each request: from the ledger, from a flight that is under way, or from a new one."""
        keys = [call_key(self.host, self.model, request) for request in requests]
        asked = dict(zip(keys, requests, strict=True))
        landed: dict[str, Outcome] = {key: reply for key in asked if (reply := self._replayed(key)) is not None}
        joined = asked.keys() & self._flights.keys() - landed.keys()
        missing = {key: request for key, request in asked.items() if key not in landed.keys() | joined}
        flights = {id(flight): flight for flight in (self._flights[key] for key in joined)}
        if missing:
            flight = self._take_off(tuple(missing), fly(missing))
            flights[id(flight)] = flight
        outcomes = await self._wait(flights.values())
        for key in asked.keys() - landed.keys():
            outcome = outcomes[key]
            if key in joined and isinstance(outcome, Reply):
                self.tally.replayed += 1
                outcome = replace(outcome, replayed=True)
            landed[key] = outcome
        return [landed[key] for key in keys]

    def _replayed(self, key: str) -> Reply | None:
        stored = self._ledger.get(key)
        if stored is None:
            return None
        self.tally.replayed += 1
        return replace(stored, replayed=True)

    def _take_off(self, keys: tuple[str, ...], flying: Coroutine[Any, Any, dict[str, Outcome]]) -> _Flight:
        flight = _Flight(keys, asyncio.create_task(flying))
        self._flights |= dict.fromkeys(keys, flight)
        flight.task.add_done_callback(lambda _: self._forget(flight))
        # Marks a failure as seen where the only caller was cancelled in the same moment.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    def _forget(self, flight: _Flight) -> None:
        for key in flight.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def _wait(self, flights: Collection[_Flight]) -> dict[str, Outcome]:
        """Every outcome of some flights. A flight ends early only when everybody who waited for it has left."""
        outcomes: dict[str, Outcome] = {}
        for flight in flights:
            flight.waiting += 1
        try:
            if flights:
                await asyncio.wait([flight.task for flight in flights])
            for flight in flights:
                outcomes |= flight.task.result()
        finally:
            for flight in flights:
                flight.waiting -= 1
                if not flight.waiting:
                    flight.task.cancel()
                    self._forget(flight)
        return outcomes

    async def _fly_each(self, ask: Ask[Request], asked: Mapping[str, Request]) -> dict[str, Outcome]:
        paying = [_insist(partial(self._pay, key, request, ask)) for key, request in asked.items()]
        return dict(zip(asked, await asyncio.gather(*paying, return_exceptions=True), strict=True))

    async def _fly_together(self, asked: Mapping[str, ChatRequest]) -> dict[str, Outcome]:
        landed: dict[str, Outcome] = {}
        if isinstance(self.inner, ManyLLM) and len(asked) > 1:
            try:
                landed |= await _insist(partial(self._pay_together, asked, self.inner))
            except ClearError as error:
                return dict.fromkeys(asked, error)
        rest = {key: request for key, request in asked.items() if key not in landed}
        return landed | await self._fly_each(self.inner.complete, rest)

    async def _pay(self, key: str, request: Request, ask: Ask[Request]) -> Reply:
        with self._place():
            reply = await ask(request)
        await self._keep({key: reply})
        return reply

    async def _pay_together(self, asked: Mapping[str, ChatRequest], inner: ManyLLM) -> dict[str, Reply | LLMError]:
        """One request for several samples; without those that did not come, or came malformed."""
        with self._place():
            given = await inner.complete_many(list(asked.values()))
        if not given:
            self._give_back()
        outcomes = dict(zip(asked, given, strict=False))
        self.tally.failed += sum(isinstance(outcome, LLMError) for outcome in given)
        await self._keep({key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Reply)})
        return {
            key: outcome
            for key, outcome in outcomes.items()
            if isinstance(outcome, Reply) or outcome.problem not in PAID_TRIES
        }

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place under the cap for one request, given back where no endpoint can bill it."""
        self.budget.reserve()
        self.tally.paid += 1
        try:
            yield
        except LLMError as error:
            self.tally.failed += 1
            if not error.may_be_billed:
                self._give_back()
            raise

    def _give_back(self) -> None:
        self.budget.release()
        self.tally.paid -= 1

    async def _keep(self, replies: Mapping[str, Reply]) -> None:
        self.tally.tokens_in += sum(reply.tokens_in for reply in replies.values())
        self.tally.tokens_out += sum(reply.tokens_out for reply in replies.values())
        # Shielded: what is paid is kept though its caller leaves in this moment.
        await asyncio.shield(asyncio.gather(*(self._ledger.put(key, reply) for key, reply in replies.items())))


class LedgeredLikelihoodLLM(LedgeredLLM):
    """A `LedgeredLLM` whose inner model can tell likelihoods; these are kept alike."""

    def __init__(self, inner: LikelihoodLLM, ledger: CallLedger, budget: CallBudget | None = None) -> None:
        super().__init__(inner, ledger, budget)
        self._likelihood = inner.likelihood

    async def likelihood(self, request: LikelihoodRequest) -> Reply:
        """Token log-probabilities of a response, or replay. Raises as `complete` does."""
        return await self._one(request, self._likelihood)


async def _insist(pay: Callable[[], Awaitable[T]]) -> T:
    """Pay again for what failed and may be billed all the same, as often as PAID_TRIES allows."""
    tries = 0
    while True:
        try:
            return await pay()
        except LLMError as error:
            tries += 1
            if error.fatal or not error.may_be_billed or tries >= PAID_TRIES.get(error.problem, 1):
                raise
        # Full jitter: many calls that failed together must not come back together.
        await asyncio.sleep(random.uniform(0.05, 2.0 ** (tries - 1)))  # noqa: S311


def ledgered(inner: LLM, ledger: CallLedger, budget: CallBudget | None = None) -> LedgeredLLM:
    """Put a model behind the ledger; what it can do (likelihoods or not) stays as it is."""
    if isinstance(inner, LikelihoodLLM):
        return LedgeredLikelihoodLLM(inner, ledger, budget)
    return LedgeredLLM(inner, ledger, budget)

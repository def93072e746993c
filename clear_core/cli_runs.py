"""Where the commands get their models: real clients behind one ledger and one cap, with the right keys."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import click

from clear_core.cli_choice import keys_for
from clear_core.errors import BudgetError
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import CallLedger, Ledger, MemoryLedger
from clear_core.llm.ledgered import CallBudget, LedgeredLLM, ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import LLM
from clear_core.settings import read_settings
from clear_core.types import ModelRef


class _OfRow(Protocol):
    @property
    def row(self) -> int: ...


Result = TypeVar("Result", bound=_OfRow)


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """A run's results in row order, one for each example asked for.

    Attributes:
        results: those the cap left out have the problem "capped".
        paid: calls sent to models.
        replayed: calls that the ledger answered.
        capped: the cap's message, or None.
        asked: whether a model was there to be asked.
    """

    results: list[Result]
    paid: int = 0
    replayed: int = 0
    capped: str | None = None
    asked: bool = True


def open_model(model: ModelRef, api_key: str = "") -> LLM:
    """Make the client.

    Raises:
        InputError: when the URL or the adapter can't be used.
        LLMError: when the embedded model is not installed.
    """
    if model.base_url:
        return OpenAIChat(model.base_url, model.model, api_key)
    return EmbeddedModel(_tell_loading, adapter=Path(model.adapter) if model.adapter else None)


def _tell_loading(state: Literal["loading", "ready"]) -> None:
    if state == "loading":
        click.echo("Loading the embedded model ...", err=True)


@dataclass(slots=True)
class Desk:
    """What a command works with: clients behind one ledger under one cap, closed when it ends."""

    ledger: CallLedger
    budget: CallBudget
    keys: Mapping[str, str]
    stack: AsyncExitStack
    opened: dict[ModelRef, LedgeredLLM] = field(default_factory=dict)

    def model(self, ref: ModelRef) -> LedgeredLLM:
        """The client of a model; the same one for the same model."""
        if ref not in self.opened:
            llm = ledgered(open_model(ref, self.keys.get(ref.base_url, "")), self.ledger, self.budget)
            self.stack.push_async_callback(llm.close)
            self.opened[ref] = llm
        return self.opened[ref]

    def finish(self, results: list[Result], capped: str | None) -> Finished[Result]:
        """The results in row order, with what they took."""
        results.sort(key=lambda result: result.row)
        tallies = [llm.tally for llm in self.opened.values()]
        paid, replayed = sum(t.paid for t in tallies), sum(t.replayed for t in tallies)
        return Finished(results, paid, replayed, capped, asked=bool(self.opened))


def at_desk(
    work: Callable[[Desk], Coroutine[Any, Any, Finished[Result]]],
    judge: ModelRef | None,
    others: Iterable[ModelRef],
    max_calls: int | None,
) -> Finished[Result]:
    """Run a job with the models it needs, and close them.

    Args:
        work: the job.
        judge: the model that scores or judges; None where none does.
        others: further models that the job may open.
        max_calls: cap on paid calls; None for none.

    Raises:
        InputError: when a key could be meant for several endpoints.
        StateError: when the ledger can't be opened.
    """
    others = tuple(others)

    async def main(ledger: CallLedger, keys: Mapping[str, str]) -> Finished[Result]:
        async with AsyncExitStack() as stack:
            return await work(Desk(ledger, CallBudget(max_calls), keys, stack))

    if judge is None and not others:
        return asyncio.run(main(MemoryLedger(), {}))
    settings = read_settings()
    keys = keys_for(settings, judge, others)
    with closing(Ledger(settings.ledger_path)) as ledger:
        return asyncio.run(main(ledger, keys))


async def collect(stream: AsyncGenerator[Result], total: int, label: str) -> tuple[list[Result], str | None]:
    """What a stream gives until its end or the cap, and the cap's message."""
    results: list[Result] = []
    with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True) as bar:
        try:
            async with aclosing(stream):
                async for result in stream:
                    results.append(result)
                    bar.update(1)
        except BudgetError as error:
            return results, error.message
    return results, None

"""The model, the ledger and the progress bar behind `clear-review score` and `correct`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import ExitStack, aclosing, closing
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

import click

from clear_core.errors import BudgetError, InputError
from clear_core.estimator import recipe_for
from clear_core.judge import ModelJudge
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import CallBudget, LedgeredLLM, Tally, ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import LLM
from clear_core.pipeline import correct_stream, score_stream
from clear_core.settings import Settings, read_settings
from clear_core.types import ConfidenceScore, Example, Preference
from clear_core.writing import ModelWriter

Result = TypeVar("Result", ConfidenceScore, Preference)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served.

    Attributes:
        base_url: OpenAI-compatible endpoint; empty means the embedded model.
        model: the model's name there.
    """

    base_url: str = ""
    model: str = ""

    @classmethod
    def chosen(cls, settings: Settings, *, embedded: bool, base_url: str | None, model: str | None) -> Endpoint:
        """The endpoint that the options and the environment ask for; the embedded model without a base URL.

        Raises:
            InputError: when the options contradict each other, or an endpoint has no model.
        """
        if embedded and (base_url or model):
            raise InputError("--embedded goes without --base-url and --model.", "Leave one of them out.")
        url = "" if embedded else base_url or settings.base_url
        if not url:
            if model:
                raise InputError(f"The model {model!r} has no endpoint.", "Add --base-url URL.")
            return cls()
        name = model or settings.model
        if not name:
            raise InputError("The endpoint needs a model name.", "Add --model NAME.")
        return cls(url, name)

    def with_candidates(self, base_url: str | None, model: str | None) -> Endpoint:
        """The endpoint that writes candidates: this one but for what is given.

        Raises:
            InputError: when a model is named that the embedded model is not, or an endpoint has no model.
        """
        writer = replace(self, base_url=base_url or self.base_url, model=model or self.model)
        if writer.model and not writer.base_url:
            raise InputError(f"The candidate model {model!r} has no endpoint.", "Add --candidate-base-url URL.")
        if writer.base_url and not writer.model:
            raise InputError("The candidates' endpoint needs a model name.", "Add --candidate-model NAME.")
        return writer

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"{self.model} at {self.base_url}" if self.base_url else "the embedded model"

    def open(self, api_key: str) -> LLM:
        """Make the client.

        Raises:
            InputError: when the URL can't be used.
            LLMError: when the embedded model is not installed.
        """
        if self.base_url:
            return OpenAIChat(self.base_url, self.model, api_key)
        return EmbeddedModel(_tell_loading)


def _tell_loading(state: Literal["loading", "ready"]) -> None:
    if state == "loading":
        click.echo("Loading the embedded model ...", err=True)


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """A run's results in row order, one for each example asked for.

    Attributes:
        results: those the cap left out have the problem "capped".
        paid: calls sent to the model.
        replayed: calls that the ledger answered.
        capped: the cap's message, or None.
    """

    results: list[Result]
    paid: int
    replayed: int
    capped: str | None


def run_score(
    examples: Sequence[Example],
    endpoint: Endpoint,
    *,
    samples: int,
    similarity: str | None = None,
    concurrency: int = 8,
    max_calls: int | None = None,
) -> Finished[ConfidenceScore]:
    """Score examples behind the ledger, with a progress bar.

    Raises:
        LLMError: a fatal one, such as a refused key.
        InputError: when endpoint, samples or similarity can't be used.
    """

    async def work(stack: ExitStack) -> Finished[ConfidenceScore]:
        settings = read_settings()
        llm = ledgered(endpoint.open(settings.api_key), _ledger(settings, stack), CallBudget(max_calls))
        try:
            recipe = recipe_for(llm, samples, similarity)
            stream = score_stream(examples, llm, recipe, concurrency=concurrency)
            results, capped = await _collect(stream, len(examples), "Scoring")
        finally:
            await llm.close()
        done = {score.row for score in results}
        results += [
            ConfidenceScore(e.id, e.row, None, measure=recipe.name, model=llm.model, problem="capped")
            for e in examples
            if e.row not in done
        ]
        return _finish(results, capped, [llm.tally])

    with ExitStack() as stack:
        return asyncio.run(work(stack))


def run_correct(
    examples: Sequence[Example],
    judge: Endpoint,
    writer: Endpoint,
    *,
    concurrency: int = 8,
    max_calls: int | None = None,
) -> Finished[Preference]:
    """Write and judge candidates behind the ledger, with a progress bar.

    Raises:
        LLMError: a fatal one, such as a refused key.
        InputError: when an endpoint can't be used.
    """

    async def work(stack: ExitStack) -> Finished[Preference]:
        settings = read_settings()
        ledger, budget = _ledger(settings, stack), CallBudget(max_calls)
        judging = ledgered(judge.open(settings.api_key), ledger, budget)
        writing: LedgeredLLM = judging
        if writer != judge:
            writing = ledgered(writer.open(_candidate_key(settings, judge, writer)), ledger, budget)
        try:
            writers, judge_by = [ModelWriter(writing)], ModelJudge(judging, recipe_for(judging))
            stream = correct_stream(examples, writers, judge_by, concurrency=concurrency)
            results, capped = await _collect(stream, len(examples), "Judging")
        finally:
            await judging.close()
            if writing is not judging:
                await writing.close()
        done = {preference.row for preference in results}
        results += [
            Preference(e.id, e.row, None, None, None, judging.model, writing.model, problem="capped")
            for e in examples
            if e.row not in done
        ]
        return _finish(results, capped, {id(llm): llm.tally for llm in (judging, writing)}.values())

    with ExitStack() as stack:
        return asyncio.run(work(stack))


def _candidate_key(settings: Settings, judge: Endpoint, writer: Endpoint) -> str:
    """The writer's key: its own, else the judge's where both are one endpoint or the judge is the embedded model."""
    shared = settings.api_key if judge.base_url in {"", writer.base_url} else ""
    return settings.candidate_api_key or shared


def _ledger(settings: Settings, stack: ExitStack) -> Ledger:
    return stack.enter_context(closing(Ledger(settings.ledger_path)))


async def _collect(stream: AsyncGenerator[Result], total: int, label: str) -> tuple[list[Result], str | None]:
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


def _finish(results: list[Result], capped: str | None, tallies: Iterable[Tally]) -> Finished[Result]:
    results.sort(key=lambda result: result.row)
    return Finished(results, sum(t.paid for t in tallies), sum(t.replayed for t in tallies), capped)

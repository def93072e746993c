"""Examples -> scores and preferences as they finish: bounded, closable, and safe to cancel at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from clear_core.corrector import correct_example
from clear_core.errors import BudgetError
from clear_core.estimator import score_example
from clear_core.judge import Judge
from clear_core.llm.port import LLM
from clear_core.measures import Measure
from clear_core.recipe import Recipe
from clear_core.stored import StoredRecipe, score_stored
from clear_core.stored_verdicts import check_pairing
from clear_core.types import ConfidenceScore, Example, Preference
from clear_core.writing import Writer

T = TypeVar("T")


def score_stream(
    examples: Iterable[Example], llm: LLM, recipe: Recipe, measure: Measure | None = None, *, concurrency: int = 8
) -> AsyncGenerator[ConfidenceScore]:
    """Score examples, each result as soon as it is there (so not in row order).

    Use it under `contextlib.aclosing`: closing it cancels what is under way and waits until that has ended.

    Args:
        examples: read lazily, never further than `concurrency` ahead.
        llm: the model; put it behind a ledger, or a stopped run pays again.
        recipe: how a score is made.
        measure: compares samples with the response; None for the one that the recipe names.
        concurrency: examples under way at once.

    Raises:
        LLMError: a fatal one, at once; results that are there are given first.
        BudgetError: when the cap is reached, after every example under way has finished.
    """
    return _stream(examples, lambda example: score_example(example, llm, recipe, measure), concurrency)


def stored_stream(
    examples: Iterable[Example], recipe: StoredRecipe, measure: Measure | None = None, *, concurrency: int = 8
) -> AsyncGenerator[ConfidenceScore]:
    """Score examples by the samples that their rows store; otherwise as `score_stream`.

    Args:
        examples: the examples, read lazily.
        recipe: which columns hold what.
        measure: compares samples with the response; None for the one that the recipe names.
        concurrency: examples under way at once; it matters only where the measure asks a model.
    """
    return _stream(examples, lambda example: score_stored(example, recipe, measure), concurrency)


def correct_stream(
    examples: Iterable[Example], writers: Sequence[Writer], judge: Judge, *, concurrency: int = 8
) -> AsyncGenerator[Preference]:
    """Have candidates written and judged for each example; otherwise as `score_stream`.

    Args:
        examples: the examples to correct.
        writers: sources of candidates: `clear_core.writing.ModelWriter`, `ColumnWriter`.
        judge: compares them: `clear_core.judge.ModelJudge`, `clear_core.stored_verdicts.StoredJudge`.
        concurrency: examples under way at once.

    Raises:
        InputError: when the judge is a stored one and the candidates are not those of one column.
    """
    check_pairing(writers, judge)
    return _stream(examples, lambda example: correct_example(example, writers, judge), concurrency)


async def _stream(
    examples: Iterable[Example], work: Callable[[Example], Coroutine[Any, Any, T]], concurrency: int
) -> AsyncGenerator[T]:
    source = iter(examples)
    capped: BudgetError | None = None
    under_way: set[asyncio.Task[T]] = set()
    try:
        while True:
            if capped is None:
                under_way |= _start(source, work, concurrency - len(under_way))
            if not under_way:
                break
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            failures = [failure for task in done if (failure := task.exception()) is not None]
            for task in done:
                if task.exception() is None:
                    yield task.result()
            for failure in failures:
                if not isinstance(failure, BudgetError):
                    raise failure
                capped = failure
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    if capped is not None:
        raise capped


def _start(
    source: Iterator[Example], work: Callable[[Example], Coroutine[Any, Any, T]], count: int
) -> set[asyncio.Task[T]]:
    return {asyncio.create_task(work(example)) for example in islice(source, count)}

"""Streams of results: as they finish, bounded, closable, stopped at once by what is fatal."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from clear_core.errors import BudgetError, LLMError
from clear_core.estimator import Recipe
from clear_core.judge import ModelJudge
from clear_core.llm.fake import FakeLLM
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import CallBudget, ledgered
from clear_core.llm.port import LLM, ChatRequest, Reply
from clear_core.pipeline import correct_stream, score_stream
from clear_core.propose import Gamma, Thresholds, propose
from clear_core.types import ConfidenceScore, Example, Message
from clear_core.writing import ModelWriter

RECIPE = Recipe("bsdetector", "exact", samples=3)


def question(row: int) -> str:
    return f"What is the square of {row}?"


def examples(count: int, wrong: frozenset[int] = frozenset()) -> list[Example]:
    answer = {row: f"{row * row + (row in wrong)}" for row in range(count)}
    return [Example(f"{row}", row, (Message("user", question(row)),), answer[row]) for row in range(count)]


def answers(count: int) -> dict[str, str]:
    return {question(row): f"{row * row}" for row in range(count)}


async def collect(
    llm: LLM, rows: list[Example], concurrency: int = 8, into: list[ConfidenceScore] | None = None
) -> list[ConfidenceScore]:
    scores = [] if into is None else into
    async with aclosing(score_stream(rows, llm, RECIPE, concurrency=concurrency)) as stream:
        async for score in stream:
            scores.append(score)
    return scores


class Slow(FakeLLM):
    """Takes longest over the first rows and counts who is under way."""

    under_way = 0
    most = 0
    ended = 0

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            number = int(request.messages[-1].content.partition("square of ")[2].partition("?")[0])
            await asyncio.sleep(0.01 * (9 - number % 10))
        finally:
            self.under_way -= 1
            self.ended += 1
        return Reply("answer: A\nAnswer: 1")


def test_a_score_comes_as_soon_as_it_is_there() -> None:
    class Waiting(FakeLLM):
        shown = asyncio.Event()

        async def complete(self, request: ChatRequest) -> Reply:
            if "square of 0?" in request.messages[-1].content:
                await self.shown.wait()
            return await super().complete(request)

    async def main() -> None:
        llm = Waiting(answers(3))
        order = []
        async with aclosing(score_stream(examples(3), llm, RECIPE)) as stream:
            async for score in stream:
                order.append(score.row)
                if len(order) == 2:
                    llm.shown.set()
        assert order[2] == 0
        assert sorted(order) == [0, 1, 2]

    asyncio.run(main())


def test_no_more_rows_than_asked_are_under_way_or_read() -> None:
    read: list[int] = []

    def source() -> Iterator[Example]:
        for row in examples(20):
            read.append(row.row)
            yield row

    async def main() -> None:
        llm = Slow()
        async with aclosing(score_stream(source(), llm, RECIPE, concurrency=3)) as stream:
            finished = 0
            async for _ in stream:
                finished += 1
                assert len(read) <= finished + 3
        assert llm.most <= 3 * 5

    asyncio.run(main())
    assert read == list(range(20))


def test_closing_the_stream_cancels_what_is_under_way_and_waits_for_it() -> None:
    async def main() -> None:
        llm = Slow()
        async with aclosing(score_stream(examples(50), llm, RECIPE, concurrency=4)) as stream:
            async for _ in stream:
                break
        assert llm.under_way == 0
        asked = len(llm.requests)
        assert asked < 50 * 5
        await asyncio.sleep(0.05)
        assert len(llm.requests) == asked
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_a_cancelled_run_resumes_without_paying_for_what_it_had() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        first = ledgered(FakeLLM(answers(20), latency=0.005), ledger)
        run = asyncio.create_task(collect(first, examples(20), 4))
        await asyncio.sleep(0.03)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        second = ledgered(FakeLLM(answers(20)), ledger)
        scores = await collect(second, examples(20))
        assert {score.confidence for score in scores} == {1.0}
        assert second.tally.replayed > 0
        assert second.tally.paid + second.tally.replayed == 20 * 5

    asyncio.run(main())


def test_a_fatal_fault_stops_the_run_at_once() -> None:
    class Locked(FakeLLM):
        async def complete(self, request: ChatRequest) -> Reply:
            self.requests.append(request)
            if len(self.requests) > 30:
                raise LLMError("The key is refused.", problem="unauthorised", fatal=True)
            return Reply("answer: A\nAnswer: 1")

    async def main() -> None:
        llm = Locked()
        seen: list[ConfidenceScore] = []
        with pytest.raises(LLMError) as caught:
            await collect(llm, examples(500), 4, into=seen)
        assert caught.value.fatal
        assert len(llm.requests) < 60
        assert all(score.confidence is not None for score in seen)

    asyncio.run(main())


@pytest.mark.parametrize("cap", [0, 5, 23, 49])
def test_a_capped_run_gives_every_row_that_finished_and_then_says_so(cap: int) -> None:
    async def main() -> None:
        inner = FakeLLM(answers(10), latency=0.001)
        llm = ledgered(inner, MemoryLedger(), CallBudget(cap))
        seen: list[ConfidenceScore] = []
        with pytest.raises(BudgetError):
            await collect(llm, examples(10), 3, into=seen)
        assert len(inner.requests) == cap
        assert all(score.confidence == 1.0 for score in seen)
        assert cap // 5 - 3 <= len(seen) <= cap // 5

    asyncio.run(main())


def test_a_row_that_fails_does_not_stop_the_others() -> None:
    class Patchy(FakeLLM):
        async def complete(self, request: ChatRequest) -> Reply:
            if "square of 7?" in request.messages[-1].content:
                raise LLMError("Too long.", problem="too_long")
            return await super().complete(request)

    scores = asyncio.run(collect(Patchy(answers(10)), examples(10)))
    assert {score.row: score.problem for score in scores if score.confidence is None} == {7: "too_long"}
    assert len(scores) == 10


def test_at_20_percent_noise_the_kept_rows_hold_less_of_it() -> None:
    wrong = frozenset(range(0, 100, 5))
    llm = FakeLLM(answers(100), error_rate=0.3)
    scores = asyncio.run(collect(llm, examples(100, wrong)))
    proposals = list(propose(scores, [], Thresholds(Gamma.parse("share:0.8"))))
    kept = [proposal.row for proposal in proposals if proposal.fate == "keep"]
    assert len(kept) == 80
    assert sum(row in wrong for row in kept) / len(kept) < 0.02


def test_corrections_stream_alike() -> None:
    async def main() -> None:
        llm = FakeLLM(answers(10))
        wrong = frozenset({2, 5})
        async with aclosing(correct_stream(examples(10, wrong), [ModelWriter(llm)], ModelJudge(llm, RECIPE))) as stream:
            found = {preference.row: preference async for preference in stream}
        assert {row for row, preference in found.items() if preference.verdict == "candidate"} == wrong
        assert {found[row].candidate for row in wrong} == {"4", "25"}
        assert {preference.rejected for row, preference in found.items() if row not in wrong} == {"same"}

    asyncio.run(main())

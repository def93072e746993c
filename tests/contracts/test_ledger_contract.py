"""One suite for every ledger, and for the model behind it: replayed, paid once, capped exactly."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from clear_core.errors import BudgetError, LLMError, StateError
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import CallLedger, Ledger, MemoryLedger, call_key
from clear_core.llm.ledgered import CallBudget, LedgeredLLM, ledgered
from clear_core.llm.port import ChatRequest, LikelihoodLLM, LikelihoodRequest, Reply
from clear_core.types import Message

ASK = ChatRequest((Message("user", "Two and two?"),), "sample", "1", temperature=1.0)
ANSWERS = {"Two and two?": "four"}

Opened = Callable[[Path], CallLedger]


@pytest.fixture(params=["memory", "file"])
def open_ledger(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with ExitStack() as opened:

        def make(path: Path) -> CallLedger:
            return opened.enter_context(
                closing(MemoryLedger() if request.param == "memory" else Ledger(path / "ledger.db"))
            )

        yield make


class Failing(FakeLLM):
    """Fails with given problems in turn, then answers."""

    def __init__(self, *problems: str, may_be_billed: bool = True) -> None:
        super().__init__(ANSWERS)
        self._problems = list(problems)
        self._may_be_billed = may_be_billed

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0)
        if self._problems:
            raise LLMError("It failed.", problem=self._problems.pop(0), may_be_billed=self._may_be_billed)
        return Reply("four", (), 3, 1)


def test_what_is_put_comes_back_unchanged(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        for number, reply in enumerate(
            [Reply("häh\0 🙂\n", (), 5, 6), Reply("", (-0.25, -1e-9, -33.125), 7, 0), Reply("so", (), 1, 2, cut=True)]
        ):
            assert ledger.get(f"{number}") is None
            await ledger.put(f"{number}", reply)
            assert ledger.get(f"{number}") == reply
        ledger.close()

    asyncio.run(main())


def test_what_was_put_is_kept_though_everybody_leaves(tmp_path: Path) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "ledger.db")
        putting = [asyncio.create_task(ledger.put(f"{number}", Reply(f"reply {number}"))) for number in range(3)]
        await asyncio.sleep(0)
        for task in putting:
            task.cancel()
        ledger.close()
        again = Ledger(tmp_path / "ledger.db")
        assert [again.get(f"{number}") for number in range(3)] == [Reply(f"reply {number}") for number in range(3)]
        again.close()

    asyncio.run(main())


def test_a_key_keeps_its_first_reply(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        await asyncio.gather(*[ledger.put("key", Reply(f"reply {number}")) for number in range(5)])
        assert ledger.get("key") == Reply("reply 0")
        ledger.close()

    asyncio.run(main())


def test_a_file_ledger_outlives_its_process_and_serves_two_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = Ledger(tmp_path / "ledger.db"), Ledger(tmp_path / "ledger.db")
        await asyncio.gather(*[ledger.put(f"{n}", Reply(f"{n}")) for n in range(40) for ledger in (one, two)])
        assert [two.get(f"{n}") for n in range(40)] == [Reply(f"{n}") for n in range(40)]
        one.close()
        two.close()
        again = Ledger(tmp_path / "ledger.db")
        assert again.get("39") == Reply("39")
        again.close()

    asyncio.run(main())


def test_a_file_that_is_no_ledger_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("these are my notes, " * 400)
    with pytest.raises(StateError, match="can't be used"):
        Ledger(tmp_path / "ledger.db")


def test_a_reply_that_cant_be_stored_is_not_used(tmp_path: Path) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "ledger.db")
        other = sqlite3.connect(tmp_path / "ledger.db")
        other.execute("DROP TABLE reply")
        other.close()
        with pytest.raises(StateError):
            await ledger.put("key", Reply("four"))
        ledger.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "changed",
    [
        {"sample": 1},
        {"kind": "reflect"},
        {"prompt_version": "2"},
        {"temperature": 0.5},
        {"max_tokens": 9},
        {"may_be_cut": True},
        {"messages": (Message("user", "Two and three?"),)},
        {"messages": (Message("system", "Two and two?"),)},
    ],
)
def test_the_key_holds_everything_that_changes_a_reply(changed: dict[str, object]) -> None:
    assert call_key("host", "model", ASK) == call_key("host", "model", replace(ASK))
    assert call_key("host", "model", ASK) != call_key("host", "model", replace(ASK, **changed))  # type: ignore[arg-type]
    assert call_key("host", "model", ASK) != call_key("other", "model", ASK)
    assert call_key("host", "model", ASK) != call_key("host", "other", ASK)


def test_a_second_run_pays_nothing(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        requests = [replace(ASK, sample=number) for number in range(5)]
        first = ledgered(FakeLLM(ANSWERS), ledger)
        paid = await asyncio.gather(*[first.complete(request) for request in requests])
        second = ledgered(FakeLLM(ANSWERS), ledger)
        replayed = await asyncio.gather(*[second.complete(request) for request in requests])
        assert (first.tally.paid, first.tally.replayed) == (5, 0)
        assert (second.tally.paid, second.tally.replayed) == (0, 5)
        assert [reply.text for reply in replayed] == [reply.text for reply in paid]
        assert all(reply.replayed for reply in replayed)
        assert not any(reply.replayed for reply in paid)
        assert second.tally.tokens_in == 0 < first.tally.tokens_in
        ledger.close()

    asyncio.run(main())


def test_likelihoods_are_kept_alike(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        inner = FakeLikelihoodLLM(ANSWERS)
        llm = ledgered(inner, ledger)
        assert isinstance(llm, LikelihoodLLM)
        request = LikelihoodRequest(ASK.messages, "four or five")
        first, second = await llm.likelihood(request), await llm.likelihood(request)
        assert first.logprobs == second.logprobs
        assert len(inner.requests) == 1
        ledger.close()

    asyncio.run(main())


def test_a_model_without_likelihoods_gets_none_behind_a_ledger() -> None:
    assert not isinstance(ledgered(FakeLLM(), MemoryLedger()), LikelihoodLLM)


def test_identical_calls_under_way_are_paid_once(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        inner = FakeLLM(ANSWERS, latency=0.01)
        llm = ledgered(inner, ledger)
        replies = await asyncio.gather(*[llm.complete(ASK) for _ in range(8)])
        assert {reply.text for reply in replies} == {"four"}
        assert len(inner.requests) == 1
        assert (llm.tally.paid, llm.tally.replayed) == (1, 7)
        ledger.close()

    asyncio.run(main())


def test_a_cancelled_caller_leaves_the_call_to_those_who_wait(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        llm = ledgered(FakeLLM(ANSWERS, latency=0.02), ledger)
        first, second = asyncio.create_task(llm.complete(ASK)), asyncio.create_task(llm.complete(ASK))
        await asyncio.sleep(0.005)
        first.cancel()
        assert (await second).text == "four"
        ledger.close()

    asyncio.run(main())


@pytest.mark.parametrize("problem", ["refused", "timeout", "empty", "truncated", "rate_limited"])
def test_a_failure_is_never_stored(open_ledger: Opened, tmp_path: Path, problem: str) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        llm = ledgered(Failing(problem), ledger)
        with pytest.raises(LLMError):
            await llm.complete(ASK)
        assert (await llm.complete(ASK)).text == "four"
        assert llm.tally.failed == 1
        ledger.close()

    asyncio.run(main())


@pytest.mark.parametrize("problems", [["malformed"], ["unreachable"], ["unreachable", "unreachable"]])
def test_what_may_be_billed_is_tried_again_through_the_budget(problems: list[str]) -> None:
    async def main() -> None:
        tries = len(problems) + 1
        llm = ledgered(Failing(*problems), MemoryLedger(), CallBudget(tries))
        assert (await llm.complete(ASK)).text == "four"
        assert llm.tally.paid == tries
        short = ledgered(Failing(*problems), MemoryLedger(), CallBudget(tries - 1))
        with pytest.raises(BudgetError):
            await short.complete(ASK)
        assert short.tally.paid == tries - 1

    asyncio.run(main())


@pytest.mark.parametrize("cap", [0, 1, 7, 40])
def test_the_cap_is_exact_however_many_ask_at_once(cap: int) -> None:
    async def main() -> None:
        inner = FakeLLM(ANSWERS, latency=0.001)
        llm = ledgered(inner, MemoryLedger(), CallBudget(cap))
        requests = [replace(ASK, sample=number) for number in range(30)]
        results = await asyncio.gather(*[llm.complete(request) for request in requests], return_exceptions=True)
        assert len(inner.requests) == min(cap, 30)
        assert sum(isinstance(result, BudgetError) for result in results) == max(0, 30 - cap)

    asyncio.run(main())


def test_calls_paid_before_count_against_the_cap_and_replays_do_not() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        await ledgered(FakeLLM(ANSWERS), ledger).complete(ASK)
        llm = ledgered(FakeLLM(ANSWERS), ledger, CallBudget(3, spent=2))
        await llm.complete(ASK)
        await llm.complete(replace(ASK, sample=1))
        with pytest.raises(BudgetError, match="cap of 3 calls"):
            await llm.complete(replace(ASK, sample=2))

    asyncio.run(main())


def test_a_call_that_no_endpoint_took_gives_its_place_back() -> None:
    async def main() -> None:
        inner = Failing("unreachable", "rate_limited", may_be_billed=False)
        llm = ledgered(inner, MemoryLedger(), CallBudget(1))
        for _ in range(2):
            with pytest.raises(LLMError):
                await llm.complete(ASK)
        assert (await llm.complete(ASK)).text == "four"
        assert llm.tally.paid == 1

    asyncio.run(main())


def test_the_reply_is_stored_before_it_is_used() -> None:
    class Watched(MemoryLedger):
        stored = False

        async def put(self, key: str, reply: Reply) -> None:
            await asyncio.sleep(0.01)
            await super().put(key, reply)
            self.stored = True

    async def main() -> None:
        ledger = Watched()
        llm: LedgeredLLM = ledgered(FakeLLM(ANSWERS), ledger)
        await llm.complete(ASK)
        assert ledger.stored

    asyncio.run(main())

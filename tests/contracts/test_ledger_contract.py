"""One suite for every ledger, and for the model behind it: replayed, paid once, capped exactly."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from clear_core.errors import BudgetError, LLMError, StateError
from clear_core.llm.fake import FakeLikelihoodLLM, FakeLLM
from clear_core.llm.ledger import CallLedger, Ledger, MemoryLedger, call_key
from clear_core.llm.ledgered import CallBudget, LedgeredLLM, ledgered
from clear_core.llm.port import ChatRequest, LikelihoodLLM, LikelihoodRequest, ManyLLM, Reply, Token
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
    tail = (Token("answer:", (("answer:", 0.0),)), Token(" Ä", ((" Ä", -0.1), ("\ud800", -2.5))))
    replies = [
        Reply("häh\0 🙂\n", (), 5, 6),
        Reply("", (-0.25, -1e-9, -33.125), 7, 0),
        Reply("so", (), 1, 2, cut=True),
        Reply("answer: Ä", tail=tail),
    ]

    async def main() -> None:
        ledger = open_ledger(tmp_path)
        for number, reply in enumerate(replies):
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


def test_a_number_that_no_database_holds_is_told_to_those_who_wait(tmp_path: Path) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "ledger.db")
        with pytest.raises(StateError, match="can't be used"):
            await asyncio.wait_for(ledger.put("key", Reply("four", tokens_in=2**70)), 60)
        await ledger.put("key", Reply("five"))
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


class Together(FakeLLM):
    """Gives several samples for one request, as many of them as told, after a moment."""

    def __init__(self, most: int = 99) -> None:
        super().__init__(ANSWERS, latency=0.01)
        self.asked: list[list[int]] = []
        self._most = most

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
        self.asked.append([request.sample for request in requests])
        await asyncio.sleep(0.01)
        return [Reply(f"four, {request.sample}", (), 2, 1) for request in requests[: self._most]]


SAMPLES = [replace(ASK, sample=number) for number in range(5)]


def said(given: Sequence[Reply | LLMError]) -> list[str]:
    return [each.text if isinstance(each, Reply) else each.problem for each in given]


def test_samples_asked_for_together_are_kept_as_if_asked_for_alone(open_ledger: Opened, tmp_path: Path) -> None:
    async def main() -> None:
        ledger = open_ledger(tmp_path)
        inner = Together()
        assert isinstance(inner, ManyLLM)
        llm = ledgered(inner, ledger)
        first = await llm.complete_many(SAMPLES[:3])
        alone = await llm.complete(SAMPLES[1])
        assert (alone.text, alone.replayed) == ("four, 1", True)
        again = await llm.complete_many(SAMPLES)
        assert said(again) == [f"four, {number}" for number in range(5)]
        assert [each.replayed for each in again if isinstance(each, Reply)] == [True, True, True, False, False]
        assert said(first) == said(again)[:3]
        assert inner.asked == [[0, 1, 2], [3, 4]]
        assert (llm.tally.paid, llm.tally.replayed, llm.tally.tokens_in) == (2, 4, 10)
        ledger.close()

    asyncio.run(main())


def test_rows_with_the_same_prompt_share_the_samples_that_are_under_way() -> None:
    async def main() -> None:
        inner = Together()
        llm = ledgered(inner, MemoryLedger(), CallBudget(2))
        rows = await asyncio.gather(
            llm.complete_many(SAMPLES[:3]), llm.complete_many(SAMPLES), llm.complete(SAMPLES[4])
        )
        assert said(rows[1]) == [f"four, {number}" for number in range(5)]
        assert (rows[2].text, rows[2].replayed) == ("four, 4", True)
        assert inner.asked == [[0, 1, 2], [3, 4]]
        assert (llm.tally.paid, llm.tally.replayed) == (2, 4)

    asyncio.run(main())


@pytest.mark.parametrize("most", [0, 1, 4])
def test_what_does_not_come_together_is_asked_for_one_by_one(most: int) -> None:
    async def main() -> None:
        inner = Together(most)
        llm = ledgered(inner, MemoryLedger(), CallBudget(6))
        given = await llm.complete_many(SAMPLES)
        assert said(given) == [f"four, {number}" if number < most else "four" for number in range(5)]
        assert len(inner.requests) == 5 - most
        assert llm.tally.paid == llm.budget.spent == (1 if most else 0) + 5 - most

    asyncio.run(main())


def test_a_model_that_gives_one_reply_a_call_is_asked_so_behind_a_ledger() -> None:
    async def main() -> None:
        inner = FakeLLM(ANSWERS)
        llm = ledgered(inner, MemoryLedger())
        assert said(await llm.complete_many(SAMPLES)) == ["four"] * 5
        assert len(inner.requests) == llm.tally.paid == 5

    asyncio.run(main())


def test_a_cancelled_row_leaves_its_samples_to_the_row_that_waits_for_them() -> None:
    async def main() -> None:
        inner = Together()
        llm = ledgered(inner, MemoryLedger())
        first, second = (asyncio.create_task(llm.complete_many(SAMPLES)) for _ in range(2))
        await asyncio.sleep(0.005)
        first.cancel()
        assert len(await second) == 5
        assert inner.asked == [[0, 1, 2, 3, 4]]
        third = asyncio.create_task(llm.complete_many([replace(ASK, sample=number) for number in (7, 8)]))
        await asyncio.sleep(0.005)
        third.cancel()
        again = await llm.complete_many([replace(ASK, sample=number) for number in (7, 8)])
        assert said(again) == ["four, 7", "four, 8"]

    asyncio.run(main())


def test_a_ledger_from_before_log_probabilities_keeps_its_replies_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "CREATE TABLE reply (key TEXT PRIMARY KEY, text TEXT NOT NULL, logprobs TEXT NOT NULL,"
            " tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cut INTEGER NOT NULL, at TEXT NOT NULL)"
            " WITHOUT ROWID"
        )
        old.execute("INSERT INTO reply VALUES ('old', 'four', '[]', 3, 1, 0, '2026-01-01T00:00:00+00:00')")

    async def main() -> None:
        ledgers = [Ledger(path), Ledger(path)]
        new = Reply("answer: A", tail=(Token("A", (("A", -0.5),)),))
        await ledgers[0].put("new", new)
        assert ledgers[1].get("old") == Reply("four", (), 3, 1)
        assert ledgers[1].get("new") == new
        for ledger in ledgers:
            ledger.close()

    asyncio.run(main())


def test_the_key_of_a_call_without_log_probabilities_is_what_it_always_was() -> None:
    assert call_key("host", "model", ASK) == "17c76518cf8744916a2819756a85801c02fbf4cdd8cdc8eb0d42b64cd2549c85"
    assert call_key("host", "model", replace(ASK, top_logprobs=5)) != call_key("host", "model", ASK)

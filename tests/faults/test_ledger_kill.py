"""kill -9 of a scoring process: what it stored is there, and only calls under way are paid again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from clear_core.estimator import recipe_for
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.stub import StubEndpoint, served
from clear_core.pipeline import score_stream
from clear_core.types import Example, Message

pytestmark = pytest.mark.faults

ROWS, AT_ONCE = 30, 4
QUESTIONS = [f"What follows after {row}?" for row in range(ROWS)]
EXAMPLES = [Example(f"row-{row}", row, (Message("user", text),), f"{row + 1}") for row, text in enumerate(QUESTIONS)]
ANSWERS = {text: f"{row + 1}" for row, text in enumerate(QUESTIONS)}

WRITER = """
import asyncio, sys
from pathlib import Path
from clear_core.llm.ledger import Ledger
from clear_core.llm.port import Reply

async def main():
    ledger = Ledger(Path(sys.argv[1]))
    async def write(start):
        for number in range(start, 10**9, 8):
            await ledger.put(str(number), Reply(f"reply {number}"))
            print(number, flush=True)
    await asyncio.gather(*[write(start) for start in range(8)])

asyncio.run(main())
"""

SCORER = """
import asyncio, sys
from test_ledger_kill import score
asyncio.run(score(sys.argv[1], sys.argv[2]))
"""


async def score(base_url: str, path: str) -> dict[str, float | None]:
    ledger = Ledger(Path(path))
    llm = ledgered(OpenAIChat(base_url, "stub"), ledger)
    scores = {}
    async with aclosing(score_stream(EXAMPLES, llm, recipe_for(llm, 3, "exact"), concurrency=AT_ONCE)) as stream:
        async for each in stream:
            scores[each.id] = each.confidence
    await llm.close()
    ledger.close()
    return scores


@pytest.mark.parametrize("seconds", [0.3, 0.9])
def test_what_was_stored_before_kill_9_is_there(tmp_path: Path, seconds: float) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "ledger.db")], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(seconds)
    os.kill(writer.pid, signal.SIGKILL)
    told = (first + writer.stdout.read()).decode()
    writer.stdout.close()
    writer.wait()
    numbers = told[: told.rfind("\n")].split()  # the last line may be torn; the ledger must not be
    ledger = Ledger(tmp_path / "ledger.db")
    assert len(numbers) > 20
    assert all((reply := ledger.get(number)) and reply.text == f"reply {number}" for number in numbers)
    ledger.close()


def test_a_killed_run_pays_again_for_nothing_but_what_was_under_way(tmp_path: Path) -> None:
    async def main() -> None:
        endpoint = StubEndpoint(ANSWERS, latency=0.05)
        path = str(tmp_path / "ledger.db")
        async with served(endpoint) as base_url:
            scorer = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SCORER, base_url, path, cwd=Path(__file__).parent
            )
            while endpoint.calls < 40:  # noqa: ASYNC110 - the endpoint counts and signals nothing
                await asyncio.sleep(0.01)
            scorer.kill()
            await scorer.wait()
            await asyncio.sleep(0.2)
            before = endpoint.calls
            scores = await score(base_url, path)
        calls_each = 2 + 1  # two reflections, and one request for every sample
        under_way = AT_ONCE * calls_each
        assert before < ROWS * calls_each <= endpoint.calls <= ROWS * calls_each + under_way
        assert set(scores) == {example.id for example in EXAMPLES}
        assert json.dumps(sorted(scores.values())) == json.dumps([1.0] * ROWS)

    asyncio.run(main())

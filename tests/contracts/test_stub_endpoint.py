"""The scripted endpoint as a command: it prints its address, answers by its script, and listens on loopback alone."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from clear_core.estimator import recipe_for, score_example
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.types import ConfidenceScore, Example, Message

QUESTION = "What is the capital of France?"


def test_it_serves_from_the_command_line(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"prompt": QUESTION, "response": "Paris"}) + "\n", "utf-8")
    stub = subprocess.Popen(
        [sys.executable, "-m", "clear_core.llm.stub", "--port", "0", "--answers", str(answers)], stdout=subprocess.PIPE
    )
    assert stub.stdout is not None

    async def main(base_url: str) -> list[ConfidenceScore]:
        llm = OpenAIChat(base_url, "stub")
        rows = [Example(response, 0, (Message("user", QUESTION),), response) for response in ("Paris", "Lyon")]
        scores = [await score_example(row, llm, recipe_for(llm, 3, "exact")) for row in rows]
        await llm.close()
        return scores

    try:
        base_url = stub.stdout.readline().decode().strip()
        assert base_url.startswith("http://127.0.0.1:")
        good, bad = asyncio.run(main(base_url))
    finally:
        stub.terminate()
        stub.wait()
        stub.stdout.close()
    assert (good.confidence, bad.confidence) == (1.0, 0.0)

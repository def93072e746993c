"""Remake the demo's recorded scores and preferences: `make demo-scores`.

Scores are the embedded model's (5 samples). Its own candidates would nearly all be turned down, so the demo's
candidates were written by hand, as a fine-tuned model might answer: mostly right, some the same, some worse. The
embedded model judges them like any other candidate, for those rows of the low half that have one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from pathlib import Path

import click

from clear_core import demo
from clear_core.cli_scoring import run_score
from clear_core.errors import LLMError
from clear_core.estimator import recipe_for
from clear_core.io import Source, detect, read_examples, write_records
from clear_core.judge import ModelJudge
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import ledgered
from clear_core.llm.port import ChatRequest, Reply
from clear_core.pipeline import correct_stream
from clear_core.propose import Thresholds, rows_to_correct, score_table
from clear_core.settings import read_settings
from clear_core.types import ConfidenceScore, Example, Message, ModelRef, Preference
from clear_core.writing import ModelWriter


class WrittenCandidates:
    """A writer whose candidates were written beforehand.

    Args:
        candidates: candidate by the prompt it answers.
    """

    model = demo.CANDIDATES_BY
    host = "demo"

    def __init__(self, candidates: Mapping[tuple[Message, ...], str]) -> None:
        self._candidates = candidates

    async def complete(self, request: ChatRequest) -> Reply:
        """The candidate of this prompt.

        Raises:
            LLMError: when none was written.
        """
        written = self._candidates.get(request.messages)
        if written is None:
            raise LLMError("No candidate was written for this prompt.", problem="empty")
        return Reply(written)

    async def close(self) -> None:
        """Nothing to release."""


async def judge(examples: Sequence[Example], candidates: Mapping[str, str], ledger: Path) -> list[Preference]:
    """Judge the written candidates of the given examples with the embedded model."""
    writer = WrittenCandidates({example.prompt: candidates[example.id] for example in examples})
    with closing(Ledger(ledger)) as kept:
        llm = ledgered(EmbeddedModel(), kept)
        try:
            judged = correct_stream(examples, [ModelWriter(writer)], ModelJudge(llm, recipe_for(llm)))
            async with aclosing(judged) as stream:
                preferences = [preference async for preference in stream]
        finally:
            await llm.close()
    return sorted(preferences, key=lambda preference: preference.row)


def low_rows(examples: Sequence[Example], scores: Sequence[ConfidenceScore]) -> list[Example]:
    """The examples below the default gamma."""
    rows = set(rows_to_correct(score_table(scores), Thresholds()).tolist())
    return [example for example in examples if example.row in rows]


@click.command()
def main() -> None:
    """Score the demo, judge its candidates, and write both records into the package."""
    source = Source.at(demo.dataset_path())
    records = list(read_examples(source, detect(source).field_map))
    examples = [record for record in records if isinstance(record, Example)]
    scores = run_score(examples, ModelRef()).results
    write_records(demo.scores_path(), scores)
    lines = demo.candidates_path().read_text(encoding="utf-8").splitlines()
    candidates = {record["id"]: record["response"] for record in map(json.loads, lines)}
    low = [example for example in low_rows(examples, scores) if example.id in candidates]
    write_records(demo.preferences_path(), asyncio.run(judge(low, candidates, read_settings().ledger_path)))


if __name__ == "__main__":
    main()

"""What the embedded model's recipe rests on: 44 items written for it, each with a right, a swapped and a hard answer.

    python -m benchmarks.recipe --samples 5

A swapped answer is another item's right one; a hard one is wrong, of the same kind and about the same prompt. The
items are for choosing between similarities and weights by reason, not for tuning: 44 of them tell .05 from nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from benchmarks.measures import auroc
from clear_core.asking import Answer
from clear_core.comparing import compare
from clear_core.estimator import recipe_for
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import LedgeredLLM, ledgered
from clear_core.measures import measure_of
from clear_core.pipeline import score_stream
from clear_core.recipe import Recipe
from clear_core.similarity import SIMILARITIES
from clear_core.types import ConfidenceScore, Example, Message

ITEMS: Final = Path(__file__).with_name("recipe_items.jsonl")
KINDS: Final = ("right", "swapped", "hard")
SHIFT: Final = 7
"""An item's swapped answer is the right one of the item so many lines further."""
WEIGHTS: Final = (0.3, 0.5, 0.7)


def examples(items: Sequence[Mapping[str, str]]) -> list[Example]:
    """Three examples for each item, in the order of KINDS."""
    made: list[Example] = []
    for number, item in enumerate(items):
        swapped = items[(number + SHIFT) % len(items)]["right"]
        for kind, response in zip(KINDS, (item["right"], swapped, item["hard"]), strict=True):
            prompt = (Message("user", item["prompt"]),)
            made.append(Example(f"{number}-{kind}", len(made), prompt, response))
    return made


async def score(rows: Sequence[Example], samples: int) -> tuple[list[ConfidenceScore], Recipe]:
    """Score all with the embedded model, in row order."""
    llm: LedgeredLLM = ledgered(EmbeddedModel(), MemoryLedger())
    recipe = recipe_for(llm, samples)
    try:
        async with aclosing(score_stream(rows, llm, recipe)) as stream:
            scores = [each async for each in stream]
    finally:
        await llm.close()
    return sorted(scores, key=lambda each: each.row), recipe


def line(name: str, values: Sequence[float]) -> str:
    """One signal's AUROC: right against swapped, right against hard."""
    of_kind = [values[number :: len(KINDS)] for number in range(len(KINDS))]
    told = [auroc(bad, of_kind[0]) for bad in of_kind[1:]]
    return f"| {name} | " + " | ".join(f"{each.value:.3f}" if each else "-" for each in told) + " |"


def consistency(rows: Sequence[Example], scores: Sequence[ConfidenceScore], recipe: Recipe) -> list[float]:
    """O of every row under a recipe's similarity, from the samples already drawn."""
    found = []
    for row, each in zip(rows, scores, strict=True):
        samples = [Answer(one["text"] or None, one["text"], 1, one["cut"]) for one in each.evidence["samples"]]
        found.append(asyncio.run(compare(row, samples, recipe, measure_of(recipe))).consistency or 0.0)
    return found


@click.command()
@click.option("--samples", type=click.IntRange(1), default=5, show_default=True)
def main(samples: int) -> None:
    """Print AUROC of each signal as a table in Markdown."""
    items = [json.loads(text) for text in ITEMS.read_text("utf-8").splitlines()]
    rows = examples(items)
    scores, recipe = asyncio.run(score(rows, samples))
    likelihood = [each.likelihood or 0.0 for each in scores]
    click.echo(f"{len(items)} items, {samples} samples\n\n| signal | swapped | hard |\n|---|---|---|")
    click.echo(line("likelihood", likelihood))
    for name in SIMILARITIES:
        observed = consistency(rows, scores, replace(recipe, similarity=name))
        click.echo(line(f"consistency, {name}", observed))
        for weight in WEIGHTS:
            blend = [weight * one + (1 - weight) * other for one, other in zip(likelihood, observed, strict=True)]
            click.echo(line(f"{weight} likelihood + {1 - weight:.1f} consistency, {name}", blend))


if __name__ == "__main__":
    main()

"""How many requests and tokens a score takes, and that saving them changes no decision.

    python -m benchmarks.calls [--rows 2000] [--error-rate .1 ...] [--gamma median ...] [--data DIR] [--json]

An endpoint that follows a script is served on the loopback and scored by the adapter that any endpoint is scored by.
Four ways are compared: every sample by itself (5 samples + 2 reflections: the naive 7), all samples in one request,
an early stop once the decision is sure, and both. Gamma is fixed by a pilot of 150 rows, which are scored in full and
count like all others. With --data the endpoint says what one model once said: stored samples of TriviaQA questions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np

from benchmarks.resampling import Figure, Floats, figure, redraw
from benchmarks.saying import Saying, answers_to_products, stored_answers
from clear_core.llm.ledger import MemoryLedger
from clear_core.llm.ledgered import ledgered
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.stub import StubEndpoint, served
from clear_core.pilot import PILOT, fixed_gamma, pilot_rows
from clear_core.pipeline import score_stream
from clear_core.propose import Gamma
from clear_core.recipe import Recipe
from clear_core.types import ConfidenceScore, Example

NAIVE: Final = "one by one"
WAYS: Final[Mapping[str, tuple[bool, bool]]] = {
    NAIVE: (False, False),
    "n = 5": (True, False),
    "early stop": (False, True),
    "early stop, n": (True, True),
}
"""Each way: whether one request may ask for several samples, and whether sampling stops early."""
FULL: Final = Recipe("bsdetector", "token_f1", together=False)


@dataclass(frozen=True, slots=True)
class Line:
    """What one way took, a row.

    Attributes:
        on: which rows, by which endpoint.
        way: a key of WAYS.
        gamma: the threshold as asked for.
        fixed: the same as the number that the pilot made of it.
        rows: how many rows.
        requests: HTTP requests, the pilot's among them.
        requests_after: the same of the rows after the pilot.
        tokens_in: prompt tokens of these.
        tokens_out: completion tokens of these.
        samples: samples drawn of these.
        changed: rows decided otherwise than one by one.
    """

    on: str
    way: str
    gamma: str
    fixed: float
    rows: int
    requests: float
    requests_after: float
    tokens_in: float
    tokens_out: float
    samples: Figure | None
    changed: int


@dataclass(frozen=True, slots=True)
class _Spent:
    requests: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class _Scored:
    scores: Mapping[int, ConfidenceScore]
    pilot: _Spent
    whole: _Spent


def measure(
    on: str, examples: Sequence[Example], script: Saying, gammas: Sequence[str], *, pilot: int = PILOT
) -> list[Line]:
    """Score the examples in every way, those that stop early at every gamma.

    Args:
        on: what the lines say of the rows.
        examples: more of them than the pilot takes.
        script: what the endpoint says.
        gammas: thresholds, as `Gamma.parse` reads them.
        pilot: rows that are scored in full.
    """
    chosen = set(pilot_rows([example.row for example in examples], pilot))
    full = {
        way: asyncio.run(_score(examples, chosen, script, replace(FULL, together=together)))
        for way, (together, early) in WAYS.items()
        if not early
    }
    in_full = [score for row, score in full[NAIVE].scores.items() if row in chosen]
    lines = []
    for asked in gammas:
        fixed = fixed_gamma(in_full, Gamma.parse(asked))
        for way, (together, early) in WAYS.items():
            stopping = replace(FULL, together=together, stop_at=fixed)
            scored = asyncio.run(_score(examples, chosen, script, stopping)) if early else full[way]
            lines.append(_line(scored, full[NAIVE], chosen, Asked(on, way, asked, fixed)))
    return lines


async def _score(examples: Sequence[Example], chosen: set[int], script: Saying, recipe: Recipe) -> _Scored:
    """The pilot in full, then the other rows by the recipe."""
    endpoint = StubEndpoint(script=script)
    scores: dict[int, ConfidenceScore] = {}
    async with served(endpoint) as base_url:
        llm = ledgered(OpenAIChat(base_url, "scripted"), MemoryLedger())

        async def score(part: Sequence[Example], by: Recipe) -> _Spent:
            async with aclosing(score_stream(part, llm, by, concurrency=16)) as stream:
                async for each in stream:
                    scores[each.row] = each
            return _Spent(endpoint.calls, llm.tally.tokens_in, llm.tally.tokens_out)

        pilot = await score([each for each in examples if each.row in chosen], replace(recipe, stop_at=None))
        whole = await score([each for each in examples if each.row not in chosen], recipe)
        await llm.close()
    return _Scored(scores, pilot, whole)


class Asked(NamedTuple):
    """What a line is about: which rows, in which way, at which gamma as asked for and as a number."""

    on: str
    way: str
    gamma: str
    fixed: float


def _line(scored: _Scored, naive: _Scored, chosen: set[int], asked: Asked) -> Line:
    rows = sorted(scored.scores)
    after = [row for row in rows if row not in chosen]
    return Line(
        *asked,
        rows=len(rows),
        requests=scored.whole.requests / len(rows),
        requests_after=(scored.whole.requests - scored.pilot.requests) / len(after),
        tokens_in=(scored.whole.tokens_in - scored.pilot.tokens_in) / len(after),
        tokens_out=(scored.whole.tokens_out - scored.pilot.tokens_out) / len(after),
        samples=_mean([len(scored.scores[row].evidence["samples"]) for row in after]),
        changed=sum(_keeps(scored.scores[row], asked.fixed) != _keeps(naive.scores[row], asked.fixed) for row in rows),
    )


def _keeps(score: ConfidenceScore, gamma: float) -> bool | None:
    return None if score.confidence is None else score.confidence >= gamma


def _mean(values: Sequence[float]) -> Figure | None:
    numbers = np.asarray(values, dtype=np.float64)

    def mean(weights: Floats) -> Floats:
        return np.asarray(weights @ numbers / weights.sum(axis=1))

    return figure(mean, redraw(range(len(numbers))))


def table(lines: Sequence[Line]) -> str:
    """The figures as one table in Markdown."""
    head = (
        "rows",
        "gamma",
        "way",
        "requests",
        "after the pilot",
        "prompt tokens",
        "completion tokens",
        "samples",
        "changed",
    )
    bars = [head, ("---",) * len(head)]
    for line in lines:
        fixed = f"{line.fixed:.3f}".rstrip("0")
        drawn = line.samples
        bars.append(
            (
                line.on,
                fixed if line.gamma == fixed else f"{line.gamma} = {fixed}",
                line.way,
                f"{line.requests:.2f}",
                f"{line.requests_after:.2f}",
                f"{line.tokens_in:,.0f}",
                f"{line.tokens_out:,.0f}",
                f"{drawn.value:.2f} [{drawn.low:.2f}, {drawn.high:.2f}]" if drawn else "–",
                f"{line.changed} of {line.rows:,}",
            )
        )
    return "\n".join(f"| {' | '.join(bar)} |" for bar in bars)


@click.command()
@click.option("--rows", default=2000, show_default=True, type=click.IntRange(PILOT + 1), help="Scripted rows.")
@click.option("--error-rate", "rates", multiple=True, type=click.FloatRange(0, 1), help="Wrong samples. [.1, .3]")
@click.option("--gamma", "gammas", multiple=True, help="median, share:S or a number. [median, 0.5, 0.8]")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Stored samples.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(*, rows: int, rates: tuple[float, ...], gammas: tuple[str, ...], data: Path | None, as_json: bool) -> None:
    """Print requests and tokens a row for each way of asking, and how many decisions changed."""
    gammas = gammas or ("median", "0.5", "0.8")
    lines = []
    for rate in rates or (0.1, 0.3):
        examples, script = answers_to_products(rows, rate)
        lines += measure(f"scripted, {rate:.0%} of samples wrong", examples, script, gammas)
    if data is not None:
        examples, script = stored_answers(data)
        lines += measure("TriviaQA, stored samples", examples, script, gammas)
    click.echo(json.dumps([asdict(line) for line in lines]) if as_json else table(lines))


if __name__ == "__main__":
    main()

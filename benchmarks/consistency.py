"""Consistency without a language model: stored samples of others, scored as `clear-review score --samples-field` does.

Two files are read: 20 short answers of one model to each question, and 20 passages of one model on each person, whose
sentences people have marked as accurate or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.noisy import records
from benchmarks.resampling import Figure, Statistic, auc_pr_of, auroc_of, difference, figure, redraw
from clear_core.errors import InputError
from clear_core.similarity import SIMILARITIES, exact, has_embedding, token_f1
from clear_core.stored import StoredRecipe, score_stored
from clear_core.types import ConfidenceScore, Example

ANSWERS = "triviaqa_llama13b_20samples.jsonl.gz"
PASSAGES = "selfcheck_wikibio.jsonl.gz"
TRUTHS = {"contains": "sample_contains", "exact match": "sample_em"}
"""Two readings of "right": the answer says the gold one, or is it."""
STORED = ("nli", "prompt", "bert")
"""Scores that came with the passages: higher means less consistent with the samples."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside its baseline.

    Attributes:
        on: what was scored, in which reading.
        measure: AUROC or AUC-PR, of finding bad rows.
        name: which score.
        samples: how many samples it saw.
        rows: rows with a score.
        bad: how many of them are bad.
        figure: the figure; None where all rows are good or all are bad.
        against: the name of the baseline; "" for a baseline itself.
        gain: figure minus the baseline's on the same redrawn rows; None for a baseline itself.
    """

    on: str
    measure: str
    name: str
    samples: int
    rows: int
    bad: int
    figure: Figure | None
    against: str = ""
    gain: Figure | None = None


@dataclass(frozen=True, slots=True)
class _Items:
    examples: Sequence[Example]
    bad: Sequence[bool]
    groups: Sequence[str]
    measure: str
    of: Callable[[Sequence[bool], Sequence[float]], Statistic]


def similarities() -> list[str]:
    """The similarities that are installed."""
    return [name for name in SIMILARITIES if name != "embedding" or has_embedding()]


def on_answers(path: Path) -> list[Line]:
    """AUROC for wrong answers: the first stored answer is the response, the 19 after it are its samples."""
    read = [record for _, record in records(path)]
    lines: list[Line] = []
    for truth, column in TRUTHS.items():
        items = _Items(
            [_example(number, _first(record), record["samples"][1:]) for number, record in enumerate(read)],
            [not record[column][0] for record in read],
            [record["gid"] for record in read],
            "AUROC",
            auroc_of,
        )
        baselines = {
            (name, samples): _mean(items.examples, alike, samples)
            for name, alike in (("exact agreement", exact), ("mean token F1", token_f1))
            for samples in (5, 10, 19)
        }
        lines += _lines(f"answers, right = {truth}", items, (5, 10, 19), baselines)
    return lines


def on_passages(path: Path) -> list[Line]:
    """AUC-PR for inaccurate sentences: each sentence is a response, the 20 passages drawn again are its samples."""
    examples, bad, groups = [], [], []
    stored: dict[str, list[float]] = {name: [] for name in STORED}
    for number, record in records(path):
        for sentence, mark in zip(record["sentences"], record["annotation"], strict=True):
            examples.append(_example(number, sentence, record["samples_gpt3"]))
            bad.append(mark != "accurate")
            groups.append(record["gid"])
        for name in STORED:
            stored[name] += [-score for score in record["scores_gpt3samples"][name]]
    items = _Items(examples, bad, groups, "AUC-PR", auc_pr_of)
    baselines = {(f"stored {name}", 20): values for name, values in stored.items()}
    baselines["chance", 0] = [0.0] * len(examples)
    return _lines("sentences", items, (5, 10, 20), baselines)


def _lines(
    on: str, items: _Items, samples: Sequence[int], baselines: dict[tuple[str, int], Sequence[float]]
) -> list[Line]:
    """The baselines, then our consistency at each number of samples beside the baseline that is best as it stands.

    The best is taken among those that see no more samples than the score beside them, or all if none does.
    """
    weights = redraw(items.groups)
    rows, bad = len(items.bad), sum(items.bad)

    def line(name: str, seen: int, of: Statistic, against: str = "", gain: Figure | None = None) -> Line:
        return Line(on, items.measure, name, seen, rows, bad, figure(of, weights), against, gain)

    known = {key: items.of(items.bad, values) for key, values in baselines.items()}
    lines = [line(name, seen, of) for (name, seen), of in known.items()]
    value = {key: found.figure.value if found.figure else 0.0 for key, found in zip(known, lines, strict=True)}
    for seen in samples:
        rivals = [key for key in known if 0 < key[1] <= seen] or [key for key in known if key[1]]
        best = max(rivals, key=value.__getitem__)
        for name in similarities():
            of = items.of(items.bad, _consistency(items.examples, name, seen))
            gain = figure(difference(of, known[best]), weights)
            lines.append(line(f"ours, {name}", seen, of, f"{best[0]}, {best[1]} samples", gain))
    return lines


def _consistency(examples: Sequence[Example], similarity: str, samples: int) -> list[float]:
    recipe = StoredRecipe("samples", samples=samples, similarity=similarity)
    scores = asyncio.run(_scored(examples, recipe))
    missing = [score for score in scores if score.confidence is None]
    if missing:
        # A figure over other rows than its baseline's would compare nothing.
        raise InputError(f"Row {missing[0].row} can't be scored: {missing[0].problem}.", "Use the files as published.")
    return [score.confidence for score in scores if score.confidence is not None]


async def _scored(examples: Sequence[Example], recipe: StoredRecipe) -> list[ConfidenceScore]:
    return [await score_stored(example, recipe) for example in examples]


def _mean(examples: Sequence[Example], alike: Callable[[str, str], float], samples: int) -> list[float]:
    return [
        float(np.mean([alike(example.response, sample) for sample in example.meta["samples"][:samples]]))
        for example in examples
    ]


def _example(number: int, response: str, samples: Sequence[str]) -> Example:
    return Example(f"{number}", number, (), response, {"samples": list(samples)})


def _first(record: dict[str, Any]) -> str:
    return str(record["samples"][0])

"""What a scripted endpoint says to a benchmark: explanations of a model's length, and errors at a known rate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.consistency import ANSWERS
from benchmarks.noisy import records
from clear_core.llm.fake import Script
from clear_core.types import Example, Message

BAD: Final = 0.2
"""Share of scripted rows whose given response is wrong."""
LETTERS: Final = (0.8, 0.1)
"""How often a reflection is right, and how often not sure; else it is wrong."""
EXPLAINED: Final = (60, 180)
"""Words of an explanation, at least and at most."""
NUMBERED: Final = re.compile(r"^Question (\d+): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Saying(Script):
    """Says to question number i one of its samples, and to a reflection the truth at a rate.

    Attributes:
        samples: what it answers to each question, by the sample's number.
        good: whether the response that each question's row holds is right.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    samples: Sequence[Sequence[str]] = ()
    good: Sequence[bool] = ()

    def reply(self, text: str, *, temperature: float, sample: int) -> str:
        """An explanation, and then a letter or the answer of that sample."""
        found = NUMBERED.search(text)
        number = int(found.group(1)) if found else 0
        asked_again = "really sure" in text
        draw = np.random.default_rng([number, sample, temperature > 0, asked_again])
        explained = " ".join(["so"] * int(draw.integers(*EXPLAINED)))
        if temperature > 0:
            return f"{explained}.\nAnswer: {self.samples[number][sample]}"
        right, unsure = LETTERS
        luck = draw.random()
        letter = "A" if self.good[number] == (luck < right) else "B"
        return f"{explained}.\nanswer: ({'C' if right <= luck < right + unsure else letter})"


def answers_to_products(rows: int, error_rate: float, seed: int = 0) -> tuple[list[Example], Saying]:
    """Questions after products; a fifth of the given answers is wrong, and samples are at a rate.

    Args:
        rows: how many.
        error_rate: share of wrong samples.
        seed: the same seed gives the same rows and samples.
    """
    draw = np.random.default_rng(seed)
    factors = draw.integers(11, 99, size=(rows, 2))
    good = draw.random(rows) >= BAD
    wrong = draw.random((rows, 5)) < error_rate
    off = draw.integers(1, 4, size=(rows, 6))
    examples, samples = [], []
    for row, (one, other) in enumerate(factors):
        product = int(one * other)
        told = [_told(product + int(off[row, number]) * int(wrong[row, number])) for number in range(5)]
        given = _told(product if good[row] else product + int(off[row, 5]))
        examples.append(_example(row, f"What is {one} times {other}?", given))
        samples.append(told)
    return examples, Saying(samples=samples, good=[bool(each) for each in good])


def stored_answers(data: Path) -> tuple[list[Example], Saying]:
    """The TriviaQA questions of the consistency benchmark: the first stored answer is given, the next 5 are samples.

    Args:
        data: the folder with the file.
    """
    read = [record for _, record in records(data / ANSWERS)]
    examples = [_example(row, record["question"], record["samples"][0]) for row, record in enumerate(read)]
    good = [bool(record["sample_contains"][0]) for record in read]
    return examples, Saying(samples=[record["samples"][1:6] for record in read], good=good)


def _told(product: int) -> str:
    return f"The product is {product}."


def _example(row: int, question: str, response: str) -> Example:
    return Example(f"q{row}", row, (Message("user", f"Question {row}: {question}"),), response)

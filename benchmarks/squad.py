"""Questions about passages with noisy and clean responses: what an item is, and when an answer to it is right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.noisy import NoisyRow, read_noisy, records, truth_beside
from clear_core.similarity import normalise, words

FILE: Final = "squad_n30_mixed.jsonl.gz"
LONGEST: Final = 15
"""Words of an answer in the right form; 99% of the set's clean answers have no more."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question about a passage.

    Attributes:
        row: the example with its given response, and the kind of noise in it.
        passage: where the answer stands.
        group: items of one group share their subject.
        clean: the right response.
        accepted: all right ones.
    """

    row: NoisyRow
    passage: str
    group: str
    clean: str
    accepted: tuple[str, ...]


def read_items(path: Path, part: str, longest: int) -> list[Item]:
    """The items of a part whose passage and question have no more words than `longest`, in file order.

    Raises:
        InputError: when the file or its truth is not as `benchmarks.noisy.read_noisy` wants it.
    """
    truth = truth_beside(path)
    rows = {row.example.row: row for row in read_noisy(path, truth, part)}
    clean = {record["id"]: record["clean_response"] for _, record in records(truth)}
    items = []
    for number, record in records(path):
        passage = record["context"]
        if number in rows and len(f"{passage} {record['question']}".split()) <= longest:
            good = clean[record["id"]]
            items.append(Item(rows[number], passage, record["gid"], good, (good, *(record["accepted"] or ()))))
    return items


def drawn(items: Sequence[Item], size: int, seed: int) -> list[Item]:
    """A seeded sample in file order, where items about one passage stand together."""
    chosen = random.Random(seed).sample(items, min(size, len(items)))  # noqa: S311
    return sorted(chosen, key=lambda item: item.row.example.row)


def is_right(item: Item, answer: str) -> bool:
    """Whether an answer says the same words as an accepted one, articles and punctuation aside (exact match)."""
    return any(words(answer) == words(good) for good in item.accepted) and bool(words(answer))


def is_valid(item: Item, answer: str) -> bool:
    """Whether an answer has the form that was asked for: words of the passage as they stand there, and only a few."""
    said = normalise(answer)
    return bool(said) and said in normalise(item.passage) and len(said.split()) <= LONGEST

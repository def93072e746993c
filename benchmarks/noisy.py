"""A dataset that is known row by row: which rows are bad in which named way, and a stratified sample of them.

The truth stands in a file of its own (noise that was put in), or in the rows themselves (errors that people found).
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from clear_core.errors import InputError
from clear_core.types import Example, Message

CLEAN = "clean"
PROMPT_COLUMNS = ("instruction", "context", "question", "prompt")
CHOOSE = "Answer with the letter and the text of the right choice."


@dataclass(frozen=True, slots=True)
class NoisyRow:
    """An example and what is true about it.

    Attributes:
        example: what a scorer sees.
        kind: "clean" or the name of the noise.
    """

    example: Example
    kind: str


def truth_beside(data: Path) -> Path:
    """Where the truth of NAME.jsonl(.gz) is expected: NAME.truth.jsonl(.gz) in the same folder."""
    stem, dot, rest = data.name.partition(".jsonl")
    return data.with_name(f"{stem}.truth{dot}{rest}")


def read_rows(data: Path, truth: Path | None, part: str = "train") -> list[NoisyRow]:
    """The rows with their kinds, by the truth file given or found beside the data, else by what the rows tell.

    Raises:
        InputError: as `read_noisy` and `read_labelled`.
    """
    beside = truth or truth_beside(data)
    return read_noisy(data, beside, part) if truth or beside.exists() else read_labelled(data)


def read_labelled(data: Path) -> list[NoisyRow]:
    """All rows of a dataset whose rows tell themselves whether they are bad.

    Args:
        data: JSONL (.gz) with `id`, `is_bad` (0 or 1), for a bad one perhaps `error_type` (its kind, else "bad"),
            the prompt in PROMPT_COLUMNS, and either `response` or `choices` with `given_answer` (a letter).

    Raises:
        InputError: when the file is not such a file.
    """
    rows: list[NoisyRow] = []
    for number, record in records(data):
        if record.get("is_bad") not in {0, 1}:
            hint = "Give the file's truth with --truth, or rows with is_bad."
            raise InputError(f"{data.name}, row {number} does not tell whether it is bad.", hint)
        kind = str(record.get("error_type", "bad")) if record["is_bad"] else CLEAN
        rows.append(NoisyRow(_example(_chosen(record), number, data), kind))
    return rows


def _chosen(record: dict[str, Any]) -> dict[str, Any]:
    """A question with choices as a prompt that lists them, and the given letter with its choice as the response."""
    if "choices" not in record:
        return record
    listed = {letter: f"{letter}. {text}" for letter, text in zip(ascii_uppercase, record["choices"], strict=False)}
    asked = [record["question"], *listed.values(), CHOOSE]
    return record | {"question": "\n".join(asked), "response": listed.get(record.get("given_answer"))}


def read_noisy(data: Path, truth: Path, part: str = "train") -> list[NoisyRow]:
    """All rows of one part of a dataset with their kinds; rows without a `part` belong to every part.

    Args:
        data: JSONL (.gz) with `id`, `response` and at least one of PROMPT_COLUMNS, which are joined in that order.
        truth: JSONL (.gz) with `id` and the kind in `noise_kind` or `kind`.
        part: the part to read.

    Raises:
        InputError: when a file is not such a file, a row has no truth, or the part has no row.
    """
    kinds = {str(record.get("id")): record.get("noise_kind", record.get("kind")) for _, record in records(truth)}
    rows: list[NoisyRow] = []
    for number, record in records(data):
        if record.get("part", part) != part:
            continue
        kind = kinds.get(str(record.get("id")))
        if not isinstance(kind, str):
            raise InputError(f"{truth.name} names no kind for row {number} of {data.name}.", "Give its own truth file.")
        rows.append(NoisyRow(_example(record, number, data), kind))
    if not rows:
        raise InputError(f"{data.name} has no row of part {part}.", "Name a part it has.")
    return rows


def draw(rows: Sequence[NoisyRow], size: int, seed: int) -> list[NoisyRow]:
    """A seeded sample, in file order: half clean rows, the other half shared evenly among the kinds of noise.

    What a kind has too few rows for goes to the other kinds; a size of at least all rows gives all of them.
    """
    if size >= len(rows):
        return list(rows)
    by_kind: dict[str, list[NoisyRow]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    chooser = random.Random(seed)  # noqa: S311 -- a sample, not a secret
    clean = by_kind.pop(CLEAN, [])
    picked: list[NoisyRow] = []
    rest = size - min(len(clean), size // 2)
    # The rarest kind first, so that what it lacks is shared among those after it.
    for left, (_, pool) in zip(
        range(len(by_kind), 0, -1), sorted(by_kind.items(), key=lambda item: (len(item[1]), item[0])), strict=True
    ):
        share = min(len(pool), rest // left)
        picked += chooser.sample(pool, share)
        rest -= share
    picked += chooser.sample(clean, min(len(clean), size - len(picked)))
    return sorted(picked, key=lambda row: row.example.row)


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a JSONL file (.gz) with their numbers; InputError names a line that is none."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{path.name}, line {number + 1} is not JSON: {error}.", "Give a JSONL file."
                ) from None
            yield number, record


def _example(record: dict[str, Any], row: int, data: Path) -> Example:
    asked = [record[column] for column in PROMPT_COLUMNS if record.get(column)]
    if not asked or not isinstance(record.get("response"), str):
        hint = f"It needs response and one of {', '.join(PROMPT_COLUMNS)}."
        raise InputError(f"{data.name}, row {row} has no prompt or no response.", hint)
    return Example(str(record["id"]), row, (Message("user", "\n\n".join(asked)),), record["response"])

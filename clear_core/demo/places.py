"""A small set that a small model learns in minutes: where things are, answered as JSON, a third of it wrong.

Made by a fixed seed rather than stored. A wrong row has the response of another row, as happens when a file's columns
slip against each other.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from itertools import product
from typing import Final

THINGS: Final = (
    "lamp", "kite", "drum", "rope", "coat", "tent", "cup", "saw", "map", "flute", "globe", "ladder", "basket", "pillow",
    "mirror", "hammer", "candle", "bucket", "violin", "blanket",
)  # fmt: skip
PLACES: Final = (
    "attic", "hall", "cellar", "garage", "kitchen", "office", "porch", "studio", "garden", "pantry", "library", "shed",
)  # fmt: skip
SENTENCES: Final = (
    "The {a} is in the {p} and the {b} is in the {q}.",
    "Someone put the {b} in the {q}, then the {a} in the {p}.",
    "You find the {a} in the {p}; the {b} was left in the {q}.",
)
QUESTION: Final = "Where is the {a}? Answer with JSON."
SEED: Final = 2403


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        id: its id.
        prompt: where two things are, and a question on one.
        response: what the set says.
        right: what it should say.
    """

    id: str
    prompt: str
    response: str
    right: str


def places(rows: int = 96, wrong: int = 32, test: int = 60) -> tuple[list[Row], list[Row]]:
    """Rows to curate, and rows to test with, which are all right and share no prompt with them."""
    draw = random.Random(SEED)  # noqa: S311
    asked = draw.sample(list(product(THINGS, THINGS, PLACES, PLACES, SENTENCES)), 2 * (rows + test))
    made = [_row(f"place-{n:03}", one) for n, one in enumerate(o for o in asked if o[0] != o[1] and o[2] != o[3])]
    given = made[:rows]
    slipped = draw.sample(range(rows), wrong)
    for place, other in zip(slipped, [*slipped[1:], *slipped[:1]], strict=True):
        given[place] = Row(given[place].id, given[place].prompt, given[other].right, given[place].right)
    return given, made[rows : rows + test]


def _row(name: str, asked: tuple[str, str, str, str, str]) -> Row:
    a, b, p, q, sentence = asked
    right = json.dumps({"item": a, "place": p})
    return Row(name, f"{sentence.format(a=a, b=b, p=p, q=q)} {QUESTION.format(a=a)}", right, right)

"""Conversations -> tokens of prompt and response -> batches in a seeded order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WINDOW: Final = 16
"""Batches among which examples of like length are put together, so that little of a batch is padding."""
SURROGATES: Final = frozenset(map(chr, range(0xD800, 0xE000)))
"""Halves of characters, which JSON can hold and no tokenizer reads."""
NO_TARGET: Final = -100
"""Stands where a token is not learned."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One example as tokens.

    Attributes:
        prompt: everything before the response, the opening of its turn included.
        response: the response and what ends its turn: all that is learned.
    """

    prompt: tuple[int, ...]
    response: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.response)


def tokens_of(tokenizer: Any, messages: Sequence[Mapping[str, str]], longest: int) -> Tokens | str:
    """One conversation in the model's own chat form, or why it can't be learned.

    Prompt and response are tokenised apart, as they are when the model is asked.

    Returns:
        The tokens, or "blank", "too_long", "not_text" (half a character), "template" (the chat template refuses the
        turns or changes the response), or "control": a text holds one of the tokenizer's control tokens, which would
        end or open a turn where there is none.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
        messages: the conversation; the last turn is the response.
        longest: tokens of prompt and response together that are taken.
    """
    response = messages[-1]["content"]
    if not response.strip():
        return "blank"
    if any(token in turn["content"] for token in tokenizer.all_special_tokens for turn in messages):
        return "control"
    if any(character in SURROGATES for turn in messages for character in turn["content"]):
        return "not_text"
    if (parts := _parts(tokenizer, messages)) is None:
        return "template"
    before, learned_text = parts
    prompt = tokenizer(before, add_special_tokens=False).input_ids
    learned = tokenizer(learned_text, add_special_tokens=False).input_ids
    if len(prompt) + len(learned) > longest:
        return "too_long"
    return Tokens(tuple(prompt), tuple(learned))


def _parts(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> tuple[str, str] | None:
    """What stands before the response, and the response with what ends its turn; None where they can't be told."""
    from jinja2 import TemplateError  # noqa: PLC0415 - comes with transformers

    response = messages[-1]["content"]
    try:
        before = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
    except TemplateError:
        return None
    if not whole.startswith(before):
        return None
    rest = whole[len(before) :]
    # Some templates strip what they are given.
    said = next((text for text in (response, response.strip()) if rest.startswith(text)), None)
    if said is None:
        return None
    return before, said + (rest[len(said) :].rstrip("\n") or tokenizer.eos_token or "")


def batches(lengths: Sequence[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """The examples' numbers in the batches of one epoch: each once, in an order that seed and epoch give.

    Args:
        lengths: tokens of each example.
        size: examples of a batch; the last one may be smaller.
        seed: of the order.
        epoch: from 0; each has an order of its own.
    """
    draw = random.Random(f"{seed}:{epoch}")  # noqa: S311
    order = list(range(len(lengths)))
    draw.shuffle(order)
    made: list[list[int]] = []
    for window in _slices(order, size * WINDOW):
        made += _slices(sorted(window, key=lambda number: lengths[number]), size)
    draw.shuffle(made)
    return made


def padded(examples: Sequence[Tokens], pad: int) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """A batch as rows of one length: token ids, 1 where there is a token, and targets for the last positions.

    Padding stands to the left, so that all responses end together: the model's outputs are needed only at as many last
    positions as the longest response has tokens.
    """
    width, targets = max(len(e) for e in examples), max(len(e.response) for e in examples)
    ids, there, learned = [], [], []
    for example in examples:
        gap = width - len(example)
        ids.append([pad] * gap + [*example.prompt, *example.response])
        there.append([0] * gap + [1] * len(example))
        learned.append([NO_TARGET] * (targets - len(example.response)) + [*example.response])
    return ids, there, learned


def pieces(batch: Sequence[Tokens], most: int) -> list[list[Tokens]]:
    """A batch in pieces that are learned one after the other and count as one step: memory grows with their tokens.

    Args:
        batch: the examples.
        most: tokens of a piece, padding counted; a longer example is a piece of its own.
    """
    made: list[list[Tokens]] = []
    for example in sorted(batch, key=len):
        # Each is at least as long as those before it, so it gives the piece's width.
        if made and (len(made[-1]) + 1) * len(example) <= most:
            made[-1].append(example)
        else:
            made.append([example])
    return made


def _slices(items: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

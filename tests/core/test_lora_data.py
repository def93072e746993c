"""What a local training learns from: tokens of the response alone, each example once an epoch, nothing cut."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from clear_core.errors import InputError
from clear_core.train.gguf_adapter import rotated
from clear_core.train.lora_data import NO_TARGET, Tokens, batches, padded, pieces, tokens_of
from clear_core.train.rows import chat_rows, fingerprint
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, Message


class Tokenizer:
    """One token a character; the template is ChatML's."""

    all_special_tokens = ("<|start|>", "<|end|>")
    eos_token = all_special_tokens[1]

    def __init__(self, ending: str = "<|end|>\n", opening: str = "<|start|>assistant\n") -> None:
        self._ending, self._opening = ending, opening

    def apply_chat_template(self, messages: Any, *, add_generation_prompt: bool = False, **_how: Any) -> str:
        turns = "".join(f"<|start|>{turn['role']}\n{turn['content']}{self._ending}" for turn in messages)
        return turns + (self._opening if add_generation_prompt else "")

    def __call__(self, text: str, **_how: Any) -> Any:
        class Encoded:
            input_ids = tuple(map(ord, text))

        return Encoded


class Stripping(Tokenizer):
    def apply_chat_template(self, messages: Any, **how: Any) -> str:
        return super().apply_chat_template([{**turn, "content": turn["content"].strip()} for turn in messages], **how)


class Refusing(Tokenizer):
    def apply_chat_template(self, *_messages: Any, **_how: Any) -> str:
        raise TemplateError("Conversation roles must alternate")


def conversation(*turns: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)]


def text_of(ids: tuple[int, ...]) -> str:
    return "".join(map(chr, ids))


def test_the_last_turn_and_its_end_are_learned_and_nothing_before() -> None:
    tokens = tokens_of(Tokenizer(), conversation("Hi", "Hello", "2 + 2?", "4\n"), 500)
    assert isinstance(tokens, Tokens)
    assert text_of(tokens.response) == "4\n<|end|>"
    assert text_of(tokens.prompt).endswith("Hello<|end|>\n<|start|>user\n2 + 2?<|end|>\n<|start|>assistant\n")


def test_a_template_without_an_end_gets_the_models_own() -> None:
    tokens = tokens_of(Tokenizer(ending="\n"), conversation("2 + 2?", "4"), 500)
    assert isinstance(tokens, Tokens)
    assert text_of(tokens.response) == "4<|end|>"


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        (("Hi", " \n"), "blank"),
        (("Hi", "x" * 500), "too_long"),
        (("Say <|end|>", "x"), "control"),
        (("\ud800", "x"), "not_text"),
    ],
)
def test_what_cannot_be_learned_whole_is_named(turns: tuple[str, ...], why: str) -> None:
    assert tokens_of(Tokenizer(), conversation(*turns), 500) == why


def test_the_longest_example_that_fits_is_taken_whole() -> None:
    tokens = tokens_of(Tokenizer(), conversation("Hi", "Hello"), 500)
    assert tokens_of(Tokenizer(), conversation("Hi", "Hello"), len(tokens)) == tokens
    assert tokens_of(Tokenizer(), conversation("Hi", "Hello"), len(tokens) - 1) == "too_long"


def test_a_template_that_opens_a_turn_in_two_ways_is_told_apart_from_one_that_strips() -> None:
    assert tokens_of(Tokenizer(opening="<|start|>assistant\n<think>\n"), conversation("Hi", "Hello"), 500) == "template"
    stripped = tokens_of(Stripping(), conversation("Hi", " Hello \n"), 500)
    assert isinstance(stripped, Tokens)
    assert text_of(stripped.response) == "Hello<|end|>"


def test_turns_that_a_template_refuses_are_left_out() -> None:
    assert tokens_of(Refusing(), conversation("Hi", "Hello"), 500) == "template"


@given(st.lists(st.integers(1, 900), max_size=300), st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
def test_each_epoch_has_every_example_once_in_an_order_that_seed_and_epoch_give(
    lengths: list[int], size: int, seed: int, epoch: int
) -> None:
    made = batches(lengths, size, seed, epoch)
    assert sorted(number for batch in made for number in batch) == list(range(len(lengths)))
    assert sorted(map(len, made), reverse=True)[:-1] == [size] * (len(made) - 1)
    assert made == batches(lengths, size, seed, epoch)


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    lengths = list(range(100))
    orders = [batches(lengths, 4, seed, epoch) for seed in range(2) for epoch in range(2)]
    assert all(one != other for place, one in enumerate(orders) for other in orders[:place])


def test_responses_end_together_behind_padding_that_is_never_learned() -> None:
    ids, there, learned = padded([Tokens((1, 2, 3), (4,)), Tokens((1,), (5, 6))], pad=0)
    assert ids == [[1, 2, 3, 4], [0, 1, 5, 6]]
    assert there == [[1, 1, 1, 1], [0, 1, 1, 1]]
    assert learned == [[NO_TARGET, 4], [5, 6]]


@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.integers(1, 200))
def test_a_batch_is_learned_in_pieces_that_fit(lengths: list[int], most: int) -> None:
    batch = [Tokens((0,) * length, (place,)) for place, length in enumerate(lengths)]
    made = pieces(batch, most)
    assert sorted(e.response for piece in made for e in piece) == [(place,) for place in range(len(batch))]
    assert all(len(piece) == 1 or len(piece) * max(map(len, piece)) <= most for piece in made)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 50))
def test_rotated_rows_turn_by_neighbours_as_the_others_by_halves(heads: int, pairs: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights, text, angle = draw.normal(size=(heads * 2 * pairs, 5)), draw.normal(size=5), draw.normal(size=pairs)
    first, second = (weights @ text).reshape(heads, 2, pairs).swapaxes(0, 1)
    by_halves = (first + 1j * second) * np.exp(1j * angle)
    even, odd = np.moveaxis((rotated(weights, heads) @ text).reshape(heads, pairs, 2), 2, 0)
    by_neighbours = (even + 1j * odd) * np.exp(1j * angle)
    np.testing.assert_allclose(by_neighbours, by_halves)


def test_a_fingerprint_tells_rows_and_settings_apart_but_not_how_often_one_saves() -> None:
    rows = chat_rows([Example("1", 0, (Message("user", "Hi"),), "Hello")])
    others = chat_rows([Example("1", 0, (Message("user", "Hi"),), "Hello!")])
    marks = {
        fingerprint(TrainSettings(), rows),
        fingerprint(TrainSettings(seed=1), rows),
        fingerprint(TrainSettings(), others),
        fingerprint(TrainSettings(), [*rows, *rows]),
    }
    assert len(marks) == 4
    assert fingerprint(TrainSettings(save_every=1), rows) == fingerprint(TrainSettings(), rows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trainer": "magic"},
        {"epochs": 0},
        {"rank": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"trainer": "openai", "base": "small"},
        {"trainer": "openai", "base_url": "http://host/v1"},
        {"base_url": "http://host/v1"},
    ],
)
def test_settings_that_cannot_train_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TrainSettings(**wrong)

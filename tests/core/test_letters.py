"""The probabilities of a reflection's letters: read at the place of the choice, or not at all."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.confidence import reflection_value, self_reflection
from clear_core.letters import letter_probabilities
from clear_core.llm.port import Token


def tail(*tokens: str, **odds: float) -> list[Token]:
    """Tokens; a token named `@` could be any of the odds, the first of which it is."""
    return [_token(token, odds) for token in tokens]


def _token(text: str, odds: dict[str, float]) -> Token:
    if text != "@":
        return Token(text, ((text, 0.0),))
    spelt = {name.replace("_", " ").replace("P", "("): odd for name, odd in odds.items()}
    return Token(next(iter(spelt)), tuple((name, math.log(odd)) for name, odd in spelt.items()))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (tail("answer", ":", "@", _A=0.6, _B=0.2, _C=0.2), (0.6, 0.2, 0.2)),
        (tail("answer", ": (", "@", ")", B=0.5, A=0.25), (1 / 3, 2 / 3, 0.0)),
        (tail("It is right.", "\n", "@", A=0.9, It=0.05, B=0.1), (0.9, 0.1, 0.0)),
        (tail("answer:", "@", _A=0.4, A=0.2, PA=0.2, _B=0.2), (0.8, 0.2, 0.0)),
        (tail("answer", ":", "@", ")", ".", "\n", P_C=0.75, P_A=0.25), (0.25, 0.0, 0.75)),
    ],
)
def test_every_spelling_of_a_letter_counts_and_nothing_else(
    tokens: Sequence[Token], expected: tuple[float, float, float]
) -> None:
    found = letter_probabilities(tokens)
    assert found is not None
    assert tuple(found.values()) == pytest.approx(expected)
    assert list(found) == ["A", "B", "C"]


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        tail("answer", ":", " incorrect"),
        tail("A", " careful", " look", " shows", " that", " it", " fits"),
        tail("answer: B"),
        tail("answer", ":", " b"),
        tail("swer", ": (B) and much more"),
        [Token("answer: ", (("answer: ", 0.0),)), Token("B", ())],
    ],
)
def test_no_letter_of_its_own_has_no_probabilities(tokens: Sequence[Token]) -> None:
    assert letter_probabilities(tokens) is None


@given(st.lists(st.tuples(st.text("ABC (:)answer\n", max_size=6), st.floats(-9999.0, 0.0)), max_size=8))
def test_probabilities_sum_to_one_or_are_none(pieces: list[tuple[str, float]]) -> None:
    tokens = [Token(text, ((text, logprob), (" A", -1.0))) for text, logprob in pieces]
    found = letter_probabilities(tokens)
    assert found is None or math.fsum(found.values()) == pytest.approx(1.0)
    if found is not None:
        assert 0.0 <= reflection_value(found) <= 1.0


def test_s_is_p_of_a_and_half_of_c() -> None:
    assert reflection_value({"A": 0.6, "B": 0.1, "C": 0.3}) == pytest.approx(0.75)
    assert reflection_value({"A": 1.0, "B": 0.0, "C": 0.0}) == reflection_value("A") == 1.0
    assert self_reflection([{"A": 0.5, "B": 0.5, "C": 0.0}, "A", None]) == pytest.approx(0.75)

"""The equations against numbers that were published or worked out elsewhere, and their bounds."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.asking import Answer
from clear_core.comparing import compare
from clear_core.confidence import (
    LETTER_VALUES,
    agreement,
    combine,
    likelihood_gain,
    observed_consistency,
    self_reflection,
    sigmoid,
)
from clear_core.entailment import Entailment
from clear_core.measures import NliMeasure
from clear_core.recipe import Recipe
from clear_core.types import Example

EXACTLY = 1e-12
FIVE = ("A five", "B five", "C five", "D five", "E five")
ROWS = [
    (
        ("Paris", "Paris, France", "Paris", "The capital is Paris.", "Paris"),
        {"Paris, France": (0.02, 0.04), "The capital is Paris.": (0.01, 0.03)},
        "A",
        0.912,
        0.9384,
    ),
    (
        ("Lyon", "Paris", "Marseille", "Lyon.", "It is Lyon"),
        {"Lyon": (0.97, 0.93), "Marseille": (0.95, 0.99), "Lyon.": (0.96, 0.94), "It is Lyon": (0.90, 0.88)},
        "B",
        0.2384,
        0.16688,
    ),
    (
        ("Paris is likely", "I do not know", "Paris", "Lyon", "Paris?"),
        {"Paris is likely": (0.05, 0.07), "I do not know": (0.4, 0.2), "Lyon": (0.98, 0.9), "Paris?": (0.1, 0.3)},
        "C",
        0.6,
        0.57,
    ),
    (("Paris",) * 5, {}, "A", 1.0, 1.0),
    (FIVE, dict.fromkeys(FIVE, (1.0, 1.0)), "B", 0.0, 0.0),
]
unit = st.floats(0.0, 1.0)


@pytest.mark.parametrize(("samples", "contradictions", "letter", "consistency", "confidence"), ROWS)
def test_the_five_rows_of_the_method(
    samples: tuple[str, ...],
    contradictions: dict[str, tuple[float, float]],
    letter: str,
    consistency: float,
    confidence: float,
) -> None:
    class Table:
        name = "table"

        def fits(self, _: object) -> bool:
            return True

        def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
            told = [contradictions[two][0] if one == "Paris" else contradictions[one][1] for one, two in pairs]
            return [Entailment(0.0, 1.0 - each, each) for each in told]

    answers = [Answer(sample, sample, 1) for sample in samples]
    example, recipe = Example("a", 0, (), "Paris"), Recipe("bsdetector", "nli")
    observed = asyncio.run(compare(example, answers, recipe, NliMeasure(Table()))).consistency
    assert observed is not None
    assert observed == pytest.approx(consistency, abs=EXACTLY)
    assert combine(observed, self_reflection([letter, letter])) == pytest.approx(confidence, abs=EXACTLY)


# The third is 0.7 * O, as S is 0. The source prints 0.47657982075881957 for it: two of its digits are exchanged.
@pytest.mark.parametrize(
    ("consistency", "reflection", "confidence"),
    [
        (0.799470615386963, 1.0, 0.8596294307708741),
        (0.5200800704956056, 1.0, 0.6640560493469239),
        (0.6808540296554566, 0.0, 0.47659782075881957),
    ],
)
def test_the_three_published_triples(consistency: float, reflection: float, confidence: float) -> None:
    assert combine(consistency, reflection) == pytest.approx(confidence, abs=EXACTLY)


@pytest.mark.parametrize("agreeing", range(6))
@pytest.mark.parametrize("letters", [(one, two) for one in "ABC" for two in "ABC"])
def test_the_eta_table_at_five_samples(agreeing: int, letters: tuple[str, str]) -> None:
    sampled = ["candidate"] * agreeing + ["given"] * (5 - agreeing)
    reflection = self_reflection(letters)
    assert reflection is not None
    over_eta = combine(agreement("candidate", sampled), reflection) > 0.8
    assert over_eta == ((agreeing == 5 and reflection >= 0.5) or (agreeing == 4 and reflection == 1.0))


def test_one_missing_reflection_leaves_the_other_and_two_leave_the_consistency() -> None:
    assert self_reflection(["A", None]) == 1.0
    assert self_reflection([None, "C"]) == 0.5
    assert self_reflection([None, None]) is None
    assert combine(0.4, None) == 0.4


@given(st.lists(st.tuples(unit, st.booleans()), min_size=1, max_size=9), unit, unit)
def test_confidence_stays_between_0_and_1(pairs: list[tuple[float, bool]], alpha: float, beta: float) -> None:
    observed = observed_consistency([s for s, _ in pairs], [match for _, match in pairs], alpha)
    for reflection in (None, *LETTER_VALUES.values()):
        assert -EXACTLY <= combine(observed, reflection, beta) <= 1.0 + EXACTLY


@given(st.lists(unit, min_size=1, max_size=9), st.data())
def test_a_more_similar_sample_never_lowers_the_confidence(similarities: list[float], data: st.DataObject) -> None:
    matches = [False] * len(similarities)
    place = data.draw(st.integers(0, len(similarities) - 1))
    raised = list(similarities)
    raised[place] = data.draw(st.floats(similarities[place], 1.0))
    before = observed_consistency(similarities, matches)
    after = observed_consistency(raised, matches)
    assert after >= before - EXACTLY


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_the_sigmoid_is_bounded_and_rises(one: float, other: float) -> None:
    assert 0.0 <= sigmoid(one) <= 1.0
    assert (sigmoid(one) <= sigmoid(other)) or one > other
    assert sigmoid(one) + sigmoid(-one) == pytest.approx(1.0)


def test_the_gain_is_the_mean_difference_in_nats() -> None:
    assert likelihood_gain([-1.0, -2.0], [-3.0, -4.0]) == pytest.approx(2.0)
    assert sigmoid(math.log(3.0)) == pytest.approx(0.75)

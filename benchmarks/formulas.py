"""BSDetector's equations on numbers worked out elsewhere: how far ours are off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from clear_core.asking import Answer
from clear_core.comparing import compare
from clear_core.confidence import combine, self_reflection
from clear_core.entailment import Entailment
from clear_core.measures import NliMeasure
from clear_core.recipe import Recipe
from clear_core.types import Example

ETA = 0.8
TARGET = "Paris"


@dataclass(frozen=True, slots=True)
class Worked:
    """A worked example with the target "Paris".

    Attributes:
        samples: the k samples.
        letter: the reflection.
        consistency: O as worked out.
        confidence: C as worked out.
        contradictions: P(contradiction) of target then sample, and of sample then target; 0 and 1 by default.
        otherwise: both probabilities of a sample not named there.
    """

    samples: tuple[str, ...]
    letter: str
    consistency: float
    confidence: float
    contradictions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    otherwise: float = 1.0


WORKED = (
    Worked(
        ("Paris", "Paris, France", "Paris", "The capital is Paris.", "Paris"),
        "A",
        0.912,
        0.9384,
        {"Paris, France": (0.02, 0.04), "The capital is Paris.": (0.01, 0.03)},
    ),
    Worked(
        ("Lyon", "Paris", "Marseille", "Lyon.", "It is Lyon"),
        "B",
        0.2384,
        0.16688,
        {"Lyon": (0.97, 0.93), "Marseille": (0.95, 0.99), "Lyon.": (0.96, 0.94), "It is Lyon": (0.9, 0.88)},
    ),
    Worked(
        ("Paris is likely", "I do not know", "Paris", "Lyon", "Paris?"),
        "C",
        0.6,
        0.57,
        {"Paris is likely": (0.05, 0.07), "I do not know": (0.4, 0.2), "Lyon": (0.98, 0.9), "Paris?": (0.1, 0.3)},
    ),
    Worked((TARGET,) * 5, "A", 1.0, 1.0),
    Worked(("Rome", "Lyon", "Nice", "Metz", "Brest"), "B", 0.0, 0.0),
)
TRIPLES = (
    (0.799470615386963, 1.0, 0.8596294307708741),
    (0.5200800704956056, 1.0, 0.6640560493469239),
    (0.6808540296554566, 0.0, 0.47659782075881957),
)
"""O, S and C as published, but for two digits of the last C (see AS_HANDED_DOWN)."""
AS_HANDED_DOWN = (0.6808540296554566, 0.0, 0.47657982075881957)
"""The last triple as handed down: 0.7 O with two neighbouring digits exchanged, so this O can't give it."""


def largest_errors() -> dict[str, float]:
    """The largest absolute error over the worked rows and the published triples, and that of the misprinted one."""
    rows = [error for worked in WORKED for error in _errors(worked)]
    triples = [abs(combine(consistency, reflection) - total) for consistency, reflection, total in TRIPLES]
    consistency, reflection, total = AS_HANDED_DOWN
    misprinted = abs(combine(consistency, reflection) - total)
    return {"rows": max(rows), "triples": max(triples), "third triple as handed down": misprinted}


def eta_table_holds() -> bool:
    """Whether C > 0.8 at k = 5 exactly when all five verdicts agree and S >= 0.5, or four do and S = 1."""
    reflections = [(one + other) / 2 for one, other in product((0.0, 0.5, 1.0), repeat=2)]
    return all(
        (combine(agreeing / 5, reflection) > ETA)
        == ((agreeing == 5 and reflection >= 0.5) or (agreeing == 4 and reflection == 1.0))
        for agreeing, reflection in product(range(6), reflections)
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A model of entailment that knows a worked example's probabilities."""

    worked: Worked
    name: str = "table"

    def fits(self, _: Sequence[tuple[str, str]]) -> bool:
        return True

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        return [Entailment(0.0, 1.0 - told, told) for told in map(self._contradict, pairs)]

    def _contradict(self, pair: tuple[str, str]) -> float:
        sample, side = (pair[1], 0) if pair[0] == TARGET else (pair[0], 1)
        return self.worked.contradictions.get(sample, (self.worked.otherwise,) * 2)[side]


def _errors(worked: Worked) -> tuple[float, float]:
    samples = [Answer(sample, sample, 1) for sample in worked.samples]
    held = compare(Example("a", 0, (), TARGET), samples, Recipe("bsdetector", "nli"), NliMeasure(_Table(worked)))
    consistency = asyncio.run(held).consistency
    if consistency is None:
        return 1.0, 1.0
    total = combine(consistency, self_reflection([worked.letter, worked.letter]))
    return abs(consistency - worked.consistency), abs(total - worked.confidence)

"""Our equations against another implementation of BSDetector's, the one in `uqlm`, on random cases.

`uqlm` is no dependency: it pins older versions of what this project uses. Its wheel beside this environment's packages
is enough. Its sampling prompt and its single reflection differ from ours, so formulas are compared, not calls.
"""

from __future__ import annotations

import asyncio
import importlib.util
import random
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from clear_core.asking import Answer
from clear_core.comparing import compare
from clear_core.confidence import combine, self_reflection
from clear_core.entailment import Entailment
from clear_core.measures import NliMeasure
from clear_core.recipe import Recipe
from clear_core.types import Example

WORDS = ("Paris", "Lyon", "Metz", "Brest", "Nice", "Paris, France", "It is Paris", "I do not know")
REFLECTIONS = {"A": 1.0, "B": 0.0, "C": 0.5}


@dataclass(frozen=True, slots=True)
class Case:
    """A response, its samples, a reflection, and what a model of entailment says of each ordered pair of texts."""

    response: str
    samples: Sequence[str]
    letter: str
    table: Mapping[tuple[str, str], Entailment]
    name: str = "table"

    def fits(self, _: Sequence[tuple[str, str]]) -> bool:
        """Every text is short."""
        return True

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        """As the table says."""
        return [self.table[pair] for pair in pairs]


def is_installed() -> bool:
    """Whether `uqlm` is there."""
    return importlib.util.find_spec("uqlm") is not None


def cases(count: int, seed: int = 0) -> list[Case]:
    """Random cases with 1 to 10 samples, some of which are the response itself."""
    rng = random.Random(seed)  # noqa: S311
    made = []
    for _ in range(count):
        drawn = {pair: rng.random() for pair in ((one, other) for one in WORDS for other in WORDS)}
        table = {pair: Entailment((1 - against) / 3, 2 * (1 - against) / 3, against) for pair, against in drawn.items()}
        samples = rng.choices(WORDS, k=rng.randint(1, 10))
        made.append(Case(rng.choice(WORDS), samples, rng.choice("ABC"), table))
    return made


def ours(case: Case) -> float:
    """C by this project."""
    samples = [Answer(text, text, 1) for text in case.samples]
    recipe = Recipe("bsdetector", "nli", nli="table")
    compared = asyncio.run(compare(Example("row", 0, (), case.response), samples, recipe, NliMeasure(case)))
    return combine(compared.consistency or 0.0, self_reflection([case.letter]))


def theirs(case: Case) -> float:
    """C by `uqlm`: its consistency, its exact match, and its default weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from uqlm.black_box.consistency import ConsistencyScorer  # noqa: PLC0415 - no dependency
        from uqlm.black_box.match import MatchScorer  # noqa: PLC0415
        from uqlm.nli.nli import NLI  # noqa: PLC0415
        from uqlm.scorers.shortform.ensemble import UQEnsemble  # noqa: PLC0415
        from uqlm.utils.tuner import Tuner  # noqa: PLC0415

    nli = NLI.__new__(NLI)  # without a checkpoint: what it would say stands in the table
    nli.label_mapping = ["contradiction", "neutral", "entailment"]
    nli.probabilities = {
        pair: np.array([[told.contradict, told.neutral, told.entail]]) for pair, told in case.table.items()
    }
    scorer = ConsistencyScorer(nli=nli, scorers=["noncontradiction"])
    consistent = scorer.evaluate([case.response], [list(case.samples)])["noncontradiction"]
    matching = MatchScorer().evaluate([case.response], [list(case.samples)])
    ensemble = UQEnsemble.__new__(UQEnsemble)
    ensemble.llm = None
    with suppress(AttributeError):  # it sets its default weights, then misses what loading a checkpoint would need
        ensemble._validate_components(None)  # noqa: SLF001
    ensemble.tuner = Tuner()
    parts = {"noncontradiction": consistent, "exact_match": matching, "judge_1": [REFLECTIONS[case.letter]]}
    return float(ensemble._compute_ensemble_scores(parts, ensemble.weights)[0])  # noqa: SLF001


def largest_difference(count: int = 20) -> float:
    """Over random cases; about a fifth of a second each, which `uqlm` spends waiting."""
    return max(abs(ours(case) - theirs(case)) for case in cases(count))

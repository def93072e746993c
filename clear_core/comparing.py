"""Samples held against the given response: what of both is compared, and the consistency that comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from clear_core import parsing
from clear_core.asking import Answer
from clear_core.confidence import observed_consistency
from clear_core.fields import Matched, fields, matched
from clear_core.labels import label_of
from clear_core.measures import Measure, Similar
from clear_core.similarity import WORD, beginning
from clear_core.types import Example


class HowToCompare(Protocol):
    """What a comparison must be told; a `clear_core.recipe.Recipe` tells it."""

    @property
    def alpha(self) -> float:
        """Weight of the similarity against the exact match."""

    @property
    def explained(self) -> bool:
        """Whether the samples' answers were parsed from explanations."""

    @property
    def by_field(self) -> bool:
        """Whether a response that is JSON is compared field by field."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The closed set of labels that responses come from; empty for none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples held against the given response.

    Attributes:
        rows: one for each sample, JSON-ready: its answer, similarity, whether it matches exactly, and its reply.
        kind: what the response is compared as: "label", "fields" or "texts".
        measure: name of the measure.
        how: in which ways it was used, such as "by sentence", each once.
        alpha: weight of the similarity against the exact match.
        calls: calls to a model that the comparing itself took.
    """

    rows: tuple[dict[str, Any], ...]
    kind: str
    measure: str
    how: frozenset[str]
    alpha: float
    calls: int = 0

    @property
    def measured(self) -> str:
        """How this row was compared, such as "token_f1", "label" or "token_f1 per field"."""
        if self.kind == "label":
            return "label"
        named = " ".join((self.measure, *sorted(self.how)))
        return f"{named} per field" if self.kind == "fields" else named

    @property
    def usable(self) -> int:
        """How many samples have a similarity."""
        return len(self._usable)

    @property
    def observed(self) -> tuple[float, ...]:
        """o_j = alpha s_j + (1 - alpha) r_j of the usable samples, in their order."""
        return tuple(observed_consistency([row["similarity"]], [row["match"]], self.alpha) for row in self._usable)

    @property
    def consistency(self) -> float | None:
        """O; None when no more than half of the samples can be used."""
        usable = self._usable
        if 2 * len(usable) <= len(self.rows):
            return None
        return observed_consistency([row["similarity"] for row in usable], [row["match"] for row in usable], self.alpha)

    @property
    def problem(self) -> str | None:
        """Why the first unusable sample is none: a key of PROBLEMS; None when all are usable."""
        return next((row["problem"] for row in self.rows if row["problem"]), None)

    @property
    def by_field(self) -> dict[str, float]:
        """Path -> mean similarity of the given response's field over the samples; empty unless it was compared so."""
        found: dict[str, list[float]] = {}
        for row in self._usable:
            for path, alike in row.get("fields", {}).items():
                found.setdefault(path, []).append(alike)
        return {path: math.fsum(values) / len(values) for path, values in found.items()}

    @property
    def evidence(self) -> dict[str, Any]:
        """What is behind the number, JSON-ready: the samples and, of JSON, how consistent each field is."""
        by_field = self.by_field
        return {"samples": list(self.rows), "compared": self.measured} | ({"fields": by_field} if by_field else {})

    def joined(self, later: Comparison) -> Comparison:
        """This comparison and that of samples drawn later, as if all had been compared at once."""
        return replace(self, rows=self.rows + later.rows, how=self.how | later.how, calls=self.calls + later.calls)

    @property
    def _usable(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["similarity"] is not None]


class _Held(Protocol):
    """A sample beside the given response: which texts a measure must compare, and what the row says then."""

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Texts to compare."""

    def row(self, similar: Sequence[Similar]) -> dict[str, Any]:
        """Answer, similarity and match."""


@dataclass(frozen=True, slots=True)
class _Missing:
    pairs: Sequence[tuple[str, str]] = ()

    def row(self, similar: Sequence[Similar]) -> dict[str, Any]:  # noqa: ARG002 - there is none
        return {"answer": None, "similarity": None, "match": None}


@dataclass(frozen=True, slots=True)
class _AsTexts:
    given: str
    said: str

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        return [(self.given, self.said)]

    def row(self, similar: Sequence[Similar]) -> dict[str, Any]:
        match = " ".join(self.said.split()) == " ".join(self.given.split())
        return {"answer": self.said, "similarity": similar[0].value, "match": match}


@dataclass(frozen=True, slots=True)
class _AsLabel:
    label: str
    said: str
    named: str | None
    pairs: Sequence[tuple[str, str]] = ()

    def row(self, similar: Sequence[Similar]) -> dict[str, Any]:  # noqa: ARG002 - a label is the same or it is not
        same = self.named == self.label
        told = {"answer": self.said, "similarity": float(same), "match": same, "label": self.named}
        return told if self.named is not None else told | {"reason": "It names none of the labels."}


@dataclass(frozen=True, slots=True)
class _AsFields:
    said: str
    given: Mapping[str, Any]
    held: Matched | None

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        return list(self.held.texts.values()) if self.held else []

    def row(self, similar: Sequence[Similar]) -> dict[str, Any]:
        if self.held is None:
            told = {"answer": self.said, "similarity": 0.0, "match": False, "fields": dict.fromkeys(self.given, 0.0)}
            return told | {"reason": "It is no JSON, as the response is."}
        values = [one.value for one in similar]
        if any(value is None for value in values):
            return {"answer": self.said, "similarity": None, "match": None}
        alike = dict(self.held.decided) | dict(zip(self.held.texts, (value or 0.0 for value in values), strict=True))
        mean = math.fsum(alike.values()) / len(alike)
        in_order = {path: alike[path] for path in (*self.given, *alike)}
        return {"answer": self.said, "similarity": mean, "match": self.held.match, "fields": in_order}


async def compare(
    example: Example, samples: Sequence[Answer[str]], recipe: HowToCompare, measure: Measure
) -> Comparison:
    """Compare each sample with the given response by a measure and by exact match.

    A response that is one of the recipe's labels is compared as a label: s = r = 1 for the same label, else 0. JSON is
    compared field by field, where the recipe says so: s is the mean over the fields of both, r whether both are equal.
    A sample that is no label, or no JSON, counts 0 beside one that is, and its row gives the reason.

    Args:
        example: whose response is the given one.
        samples: the samples; one without a value is missing.
        recipe: says what of the texts is compared, and weighs the similarity against the exact match.
        measure: tells the similarities of texts, see `clear_core.measures`.

    Raises:
        LLMError, BudgetError, InputError: as the measure does.
    """
    held, kind = _hold(example.response, samples, recipe)
    asked = [each for one in held for each in one.pairs]
    told = iter(await measure.similarities(example, asked) if asked else ())
    rows: list[dict[str, Any]] = []
    calls, how = 0, set[str]()
    for sample, one in zip(samples, held, strict=True):
        similar = [next(told) for _ in one.pairs]
        calls += sum(each.calls for each in similar)
        how |= {each.how for each in similar if each.how}
        problem = sample.problem or next((each.problem for each in similar if each.problem), None)
        row = one.row(similar) | {"text": sample.text, "cut": sample.cut, "problem": problem}
        said = [each.text for each in similar if each.text]
        rows.append(row | ({"compared_by": said} if said else {}))
    return Comparison(tuple(rows), kind, measure.name, frozenset(how), recipe.alpha, calls)


def _hold(response: str, samples: Sequence[Answer[str]], recipe: HowToCompare) -> tuple[list[_Held], str]:
    """Each sample beside the response, and what the response is compared as: "label", "fields" or "texts"."""
    given = parsing.comparable(response)
    label = label_of(given, recipe.labels) if recipe.labels else None
    value = _json(response) if recipe.by_field else None

    def hold(sample: Answer[str]) -> _Held:
        if sample.value is None:
            return _Missing()
        if label is not None:
            said = parsing.comparable(sample.value)
            return _AsLabel(label, said, label_of(said, recipe.labels))
        if value is not None:
            other = _json(sample.value)
            held = None if other is None else matched(value, other)
            return _AsFields(parsing.without_code_block(sample.value.strip()), fields(value), held)
        return _AsTexts(*pair(response, sample.value, cut=sample.cut, explained=recipe.explained))

    kind = "label" if label is not None else "texts" if value is None else "fields"
    return [hold(sample) for sample in samples], kind


def _json(text: str) -> Any:
    """The JSON object or list that a text is, or that it states as its answer; None when it is neither."""
    value = parsing.json_value(parsing.without_code_block(text.strip()))
    return parsing.json_value(parsing.comparable(text)) if value is None else value


def pair(response: str, answer: str, *, cut: bool, explained: bool) -> tuple[str, str]:
    """The parts of a given response and a sampled answer that are compared.

    Args:
        response: the given response.
        answer: the sample's answer.
        cut: whether the sample was cut: it is then compared with as many words of the response as it could say.
        explained: whether the answer was parsed from an explanation, so that it is a stated answer by itself.

    Returns:
        The answers that both state (`#### 12`, `Answer: x`), else both as a whole.
    """
    if explained or (parsing.stated_answer(response) and parsing.stated_answer(answer)):
        return parsing.comparable(response), parsing.comparable(answer)
    whole, said = parsing.without_code_block(response.strip()), parsing.without_code_block(answer.strip())
    if cut:
        whole = beginning(whole, sum(1 for _ in WORD.finditer(said)))
    return whole, said

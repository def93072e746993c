"""Confidence from samples and reflections that a dataset already stores: BSDetector's equations, no model asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from clear_core import confidence, parsing
from clear_core.asking import Answer
from clear_core.cells import unpacked
from clear_core.comparing import compare
from clear_core.errors import InputError, LLMError
from clear_core.measures import Measure, measure_of
from clear_core.similarity import has_embedding, known
from clear_core.types import ConfidenceScore, Example

MEASURE: Final = "stored samples"


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """Which columns hold what, and how a confidence is made of them.

    Attributes:
        samples_field: column with a list of texts: sampled responses to the row's prompt.
        reflection_field: column with a reflection or a list of them; "" for none.
        samples: how many of the samples count, the first ones; None for all that a row stores.
        similarity: name of s_j, see `clear_core.similarity`.
        model: the model that was sampled, for the record; "" when unknown.
        alpha: weight of the similarity against the exact match within O.
        beta: weight of O against S, where there are reflections.
        nli: the MNLI checkpoint, by name or path; only with the similarity "nli".
        with_question: whether the NLI model sees the prompt before both texts.
        labels: the closed set of labels that responses come from; a response among them is compared as a label.
    """

    samples_field: str
    reflection_field: str = ""
    samples: int | None = None
    similarity: str = "token_f1"
    model: str = ""
    alpha: float = confidence.ALPHA
    beta: float = confidence.BETA
    nli: str = ""
    with_question: bool = False
    labels: tuple[str, ...] = ()

    @property
    def explained(self) -> bool:
        """No: a stored sample stands as it is, unless it and the response both mark an answer."""
        return False

    @property
    def by_field(self) -> bool:
        """Yes: stored samples are whole, so that JSON can be compared field by field."""
        return True

    @property
    def family(self) -> str:
        """What the confidence is made of, before how texts are compared: the first half of a score's measure."""
        return f"{MEASURE}+reflection" if self.reflection_field else MEASURE

    @property
    def name(self) -> str:
        """The measure of a row that could not be compared, such as "stored samples/token_f1"."""
        return f"{self.family}/{self.similarity}"


def stored_recipe(
    samples_field: str,
    reflection_field: str = "",
    *,
    samples: int | None = None,
    similarity_name: str | None = None,
    model: str = "",
    nli: str = "",
    with_question: bool = False,
    labels: tuple[str, ...] = (),
) -> StoredRecipe:
    """A recipe with the default similarity of BSDetector where none is named; otherwise as `StoredRecipe`.

    Raises:
        InputError: when there is no such similarity, no column of samples, or no sample is to count.
    """
    if not samples_field:
        raise InputError("Stored reflections need stored samples beside them.", "Name their column: --samples-field.")
    if samples is not None and samples < 1:
        raise InputError(f"{samples} stored samples are to count.", "Give 1 or more, or leave the number out for all.")
    chosen = similarity_name or ("embedding" if has_embedding() else "token_f1")
    known(chosen)
    return StoredRecipe(
        samples_field,
        reflection_field,
        samples,
        chosen,
        model,
        nli=nli,
        with_question=with_question,
        labels=labels,
    )


async def score_stored(example: Example, recipe: StoredRecipe, measure: Measure | None = None) -> ConfidenceScore:
    """Score one example by what its row stores: C = beta O + (1 - beta) S, or C = O without reflections.

    As with sampled responses, more than half of the samples must be usable; an example with a missing reflection
    has C = O and is flagged. What is not of the form described is never made a number: such a row is unscored.

    Args:
        example: whose row stores samples.
        recipe: which columns hold what.
        measure: compares samples with the response; None for the one that the recipe names.

    Raises:
        InputError: the measure needs a package that is not installed.
        LLMError: only a fatal one of a measure that asks a model.
        BudgetError: the cap on such calls is reached.
    """
    blank = ConfidenceScore(example.id, example.row, None, measure=recipe.name, model=recipe.model)
    if not example.response.strip():
        return replace(blank, problem="blank")
    texts = _samples(example.meta, recipe.samples_field)
    if not texts:
        return replace(blank, problem="no_samples" if texts is not None else "bad_samples")
    reflection, fault = _reflection(example.meta, recipe.reflection_field)
    if fault == "bad_reflection":
        return replace(blank, problem=fault)
    samples = [_answer(text, example.response) for text in texts[: recipe.samples]]
    missing = (recipe.samples or 0) - len(samples)
    samples += [Answer(None, "", 0, problem="few_samples") for _ in range(missing)]
    try:
        compared = await compare(example, samples, recipe, measure or measure_of(recipe))
    except LLMError as error:
        if error.fatal:
            raise
        return replace(blank, problem=error.problem, evidence={"error": str(error)})
    evidence: dict[str, Any] = compared.evidence | {
        "samples": list(compared.rows[: len(texts)]),
        "samples_field": recipe.samples_field,
    }
    if recipe.reflection_field:
        stored = example.meta.get(recipe.reflection_field)
        evidence |= {"stored_reflection": stored, "reflection_field": recipe.reflection_field}
    total = compared.consistency
    if total is not None:
        total = confidence.combine(total, reflection, recipe.beta)
    return replace(
        blank,
        measure=f"{recipe.family}/{compared.measured}",
        confidence=total,
        consistency=compared.consistency,
        reflection=reflection,
        samples=compared.usable,
        calls=compared.calls,
        problem=compared.problem or fault,
        evidence=evidence,
    )


def _samples(meta: Mapping[str, Any], field: str) -> Sequence[str] | None:
    """The stored texts; empty when the row has none, None when what it has is no list of texts."""
    value = unpacked(meta.get(field))
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return None
    return value


def _answer(text: str, response: str) -> Answer[str]:
    if not text.strip():
        return Answer(None, text, 0, problem="empty_sample")
    if parsing.is_refusal(text) and not parsing.is_refusal(response):
        return Answer(None, text, 0, problem="refused")
    return Answer(text, text, 0)


def _reflection(meta: Mapping[str, Any], field: str) -> tuple[float | None, str | None]:
    """S, or None with the problem that says why; None and no problem without such a column."""
    if not field:
        return None, None
    value = unpacked(meta.get(field))
    read = [_verdict(one) for one in (value if isinstance(value, list) else [value])]
    if any(one is not None and math.isnan(one) for one in read):
        return None, "bad_reflection"
    values = [one for one in read if one is not None]
    return (math.fsum(values) / len(values), None) if values else (None, "no_reflection")


def _verdict(value: Any) -> float | None:
    """A reflection in [0, 1]; None when it is missing, NaN when it is of another kind or scale."""
    if isinstance(value, str):
        letter = parsing.reflection_letter(value)
        if letter is not None:
            return confidence.LETTER_VALUES[letter]
        try:
            value = float(value)
        except ValueError:
            return None
    if value is None:
        return None
    is_share = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if is_share else math.nan

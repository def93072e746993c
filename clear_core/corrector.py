"""Auto-Correct for one example: candidates from every source, guards before any judging, and the best verdict wins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from clear_core import parsing
from clear_core.asking import all_of
from clear_core.errors import LLMError
from clear_core.judge import Judge, Judgement
from clear_core.similarity import normalise
from clear_core.types import Example, Preference
from clear_core.writing import Candidate, Writer

TWIN: Final = "twin"
"""Why a candidate is not judged that says what another one says already."""


def guard(given: str, candidate: str) -> str | None:
    """Why a candidate is turned down before any judging: empty, same, refusal or format; None when it may be judged."""
    if not candidate.strip():
        return "empty"
    if _same(given, candidate):
        return "same"
    if parsing.is_refusal(candidate) and not parsing.is_refusal(given):
        return "refusal"
    if not parsing.keeps_format(given, candidate):
        return "format"
    return None


def _same(one: str, other: str) -> bool:
    if normalise(one) == normalise(other):
        return True
    value, said = parsing.json_value(one), parsing.json_value(other)
    # As text: Python takes true for 1.
    return value is not None and json.dumps(value, sort_keys=True) == json.dumps(said, sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A candidate with what became of it."""

    candidate: Candidate
    rejected: str | None = None
    judged: Judgement | None = None
    problem: str | None = None
    error: str = ""

    @property
    def calls(self) -> int:
        return self.candidate.calls + (self.judged.calls if self.judged else 0)

    @property
    def rank(self) -> tuple[int, float]:
        """What is shown before what: preferred, judged, not to be judged, turned down; last twins and failures."""
        if self.judged is not None and self.judged.preference is not None:
            return (4 if self.judged.verdict == "candidate" else 3), self.judged.preference
        if self.candidate.text is None or self.rejected == TWIN:
            return 0, 0.0
        return (1 if self.rejected else 2), 0.0

    @property
    def told(self) -> dict[str, Any]:
        """JSON-ready, for the evidence of the row."""
        judged = self.judged
        return {
            "candidate": self.candidate.text,
            "candidate_model": self.candidate.writer,
            "preference": judged.preference if judged else None,
            "verdict": judged.verdict if judged else None,
            "rejected": self.rejected,
            "problem": self.problem,
            **({"error": self.error} if self.error else {}),
            **(judged.evidence if judged else {}),
        }


async def correct_example(example: Example, writers: Sequence[Writer], judge: Judge) -> Preference:
    """Have candidates written, judge every distinct one against the given response, and take the best verdict.

    The best is the candidate that the judge prefers with the highest confidence; where it prefers none, the one with
    the highest preference. A writer that fails takes nothing from the others, and its problem flags the row.

    Args:
        example: the example to correct.
        writers: sources of candidates; of equals the earlier one wins.
        judge: compares them with the given response.

    Returns:
        The preference of the best, the others in `evidence["others"]`; with `rejected` when a guard turned every
        candidate down, or with a problem when no writer or judge gave anything usable.

    Raises:
        LLMError: only a fatal one, by which every other row would fail alike.
        BudgetError: the cap on calls is reached.
    """
    written = [one for each in await all_of([writer.write(example) for writer in writers]) for one in each]
    tried = await all_of([_try(example, one, twin, judge) for one, twin in _with_twins(written)])
    best = max(range(len(tried)), key=lambda place: (tried[place].rank, -place))
    won, others = tried[best], [one for place, one in enumerate(tried) if place != best]
    judged = won.judged or Judgement(None, None, "", 0)
    evidence = dict(judged.evidence)
    if won.error:
        evidence["error"] = won.error
    if others:
        evidence["others"] = [one.told for one in others]
    return Preference(
        id=example.id,
        row=example.row,
        candidate=won.candidate.text,
        preference=judged.preference,
        verdict=judged.verdict,
        model=judge.model,
        candidate_model=won.candidate.writer,
        measure=judged.measure,
        prompt_version=judge.prompt_version,
        calls=sum(one.calls for one in tried),
        problem=won.problem or next((one.problem for one in others if one.problem), None),
        rejected=won.rejected,
        evidence=evidence,
        samples=judged.samples,
        temperature=judged.temperature,
    )


def _with_twins(written: Sequence[Candidate]) -> list[tuple[Candidate, bool]]:
    """Each candidate with whether an earlier one says the same, so that it need not be judged again."""
    pairs = []
    for place, one in enumerate(written):
        earlier = [other.text for other in written[:place] if other.text is not None]
        pairs.append((one, one.text is not None and any(_same(text, one.text) for text in earlier)))
    return pairs


async def _try(example: Example, candidate: Candidate, twin: bool, judge: Judge) -> _Tried:  # noqa: FBT001
    if candidate.text is None:
        return _Tried(candidate, problem=candidate.problem, error=candidate.error)
    rejected = guard(example.response, candidate.text) or (TWIN if twin else None)
    if rejected is not None:
        return _Tried(candidate, rejected)
    try:
        judged = await judge.judge(example, candidate)
    except LLMError as error:
        if error.fatal:
            raise
        return _Tried(candidate, problem=error.problem, error=str(error))
    return _Tried(candidate, judged=judged, problem=judged.problem)

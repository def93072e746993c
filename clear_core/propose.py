"""Scores + preferences + thresholds -> proposals: pure, no model call, no write."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from clear_core.errors import ThresholdError
from clear_core.types import FATES, PROBLEMS, ConfidenceScore, Fate, Preference, Proposal, Scope

DEFAULT_ETA: Final = 0.8
KEEP, DROP, REPLACE, UNSCORED = (np.int8(FATES.index(fate)) for fate in ("keep", "drop", "replace", "unscored"))


@dataclass(frozen=True, slots=True)
class Gamma:
    """The threshold on confidence, as a value or as a share to keep.

    Attributes:
        kind: "value" keeps confidence >= amount; "share" keeps exactly ceil(n * amount) of the n scored rows.
        amount: in [0, 1].
    """

    kind: Literal["value", "share"]
    amount: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.amount <= 1.0:
            raise ThresholdError(f"gamma is {self.amount}.", "Give a number from 0 to 1.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "median", "share:0.5" or a number such as "0.62"; "median" is the paper's default, a share of one half.

        Raises:
            ThresholdError: when it is none of these or lies outside [0, 1].
        """
        word = text.strip().lower()
        if word == "median":
            return cls("share", 0.5)
        kind: Literal["value", "share"] = "share" if word.startswith("share:") else "value"
        try:
            return cls(kind, float(word.removeprefix("share:")))
        except ValueError:
            raise ThresholdError(
                f"gamma is {text!r}.", "Give median, share:S or a number, with S and the number from 0 to 1."
            ) from None

    def __str__(self) -> str:
        if self == MEDIAN:
            return "median"
        return f"share:{self.amount:g}" if self.kind == "share" else f"{self.amount:g}"


MEDIAN: Final = Gamma("share", 0.5)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What turns scores into proposals.

    Attributes:
        gamma: the threshold on confidence.
        eta: a candidate replaces the given response when its preference confidence is > eta.
        scope: "low" replaces only rows below gamma; "all" may replace kept rows too, and never drops them.
    """

    gamma: Gamma = MEDIAN
    eta: float = DEFAULT_ETA
    scope: Scope = "low"

    def __post_init__(self) -> None:
        if not 0.0 <= self.eta <= 1.0:
            raise ThresholdError(f"eta is {self.eta}.", "Give a number from 0 to 1.")


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of a run as parallel arrays of length n, in row order: what a moving threshold is computed from.

    Attributes:
        row: row numbers, int64.
        confidence: float64, NaN where unscored.
        consistency: float64, NaN where none; second key of the ranking.
        tie: uint64 hash of the id; third key of the ranking.
        preference: float64 confidence that the candidate is better, NaN where there is no candidate to accept.
    """

    row: NDArray[np.int64]
    confidence: NDArray[np.float64]
    consistency: NDArray[np.float64]
    tie: NDArray[np.uint64]
    preference: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Cut:
    """Gamma applied to a table.

    Attributes:
        kept: bool, length n; False for unscored rows.
        gamma: the threshold as a number: the value itself, or the lowest kept confidence of a share.
        ties_cut: rows dropped by a share although their confidence equals the lowest kept one.
        scored: how many rows have a confidence.
    """

    kept: NDArray[np.bool_]
    gamma: float
    ties_cut: int
    scored: int


def tie_hash(example_id: str) -> int:
    """A stable 64-bit hash of an example's id: equal scores are ranked the same on every machine and run."""
    return int.from_bytes(hashlib.blake2b(example_id.encode(), digest_size=8).digest(), "big")


def number_or_nan(value: float | None) -> float:
    """None as NaN, for the arrays of a ScoreTable."""
    return math.nan if value is None else value


def acceptable(preference: Preference | None) -> float | None:
    """The preference confidence if the judge chose the candidate in both orders, else None."""
    if preference is None or preference.verdict != "candidate" or preference.rejected:
        return None
    return preference.preference


def score_table(scores: Iterable[ConfidenceScore], preferences: Iterable[Preference] = ()) -> ScoreTable:
    """Arrange scores, and the preferences of the same rows, as a table in row order."""
    ordered = sorted(scores, key=lambda score: score.row)
    chosen = {preference.row: acceptable(preference) for preference in preferences}
    return ScoreTable(
        row=np.array([score.row for score in ordered], dtype=np.int64),
        confidence=np.array([number_or_nan(score.confidence) for score in ordered], dtype=np.float64),
        consistency=np.array([number_or_nan(score.consistency) for score in ordered], dtype=np.float64),
        tie=np.array([tie_hash(score.id) for score in ordered], dtype=np.uint64),
        preference=np.array([number_or_nan(chosen.get(score.row)) for score in ordered], dtype=np.float64),
    )


def ranking(table: ScoreTable) -> NDArray[np.int64]:
    """Indices of the scored rows from the most to the least confident, by (confidence, consistency, tie)."""
    scored = np.flatnonzero(~np.isnan(table.confidence))
    consistency = np.nan_to_num(table.consistency[scored], nan=-1.0)
    order = np.lexsort((table.tie[scored], -consistency, -table.confidence[scored]))
    return scored[order]


def cut(table: ScoreTable, gamma: Gamma, order: NDArray[np.int64] | None = None) -> Cut:
    """Apply gamma: a value keeps confidence >= gamma; a share keeps exactly ceil(n * share) by rank.

    Ties would make "confidence > median" keep nothing when most scores are equal; hence the ranking.

    Args:
        table: the scores.
        gamma: the threshold.
        order: `ranking(table)`, where the caller keeps it because a threshold moves often.
    """
    confidence = table.confidence
    scored = int(np.count_nonzero(~np.isnan(confidence)))
    if gamma.kind == "value":
        return Cut(confidence >= gamma.amount, gamma.amount, 0, scored)
    kept = np.zeros(len(table), dtype=np.bool_)
    # The subtraction absorbs binary rounding: 0.1 * 30 is 3.0000000000000004, and 4 rows would be one too many.
    keep = math.ceil(scored * gamma.amount - 1e-9)
    order = ranking(table) if order is None else order
    kept[order[:keep]] = True
    if keep == 0:
        return Cut(kept, 1.0, 0, scored)
    lowest = float(confidence[order[keep - 1]])
    return Cut(kept, lowest, int(np.count_nonzero(confidence[order[keep:]] == lowest)), scored)


def fates(table: ScoreTable, thresholds: Thresholds, at: Cut | None = None) -> NDArray[np.int8]:
    """The fate of each row as an index into FATES, int8[n].

    Args:
        table: scores and preferences.
        thresholds: gamma, eta and scope.
        at: gamma already applied, where the caller has it.
    """
    at = at or cut(table, thresholds.gamma)
    code = np.where(at.kept, KEEP, DROP)
    better = table.preference > thresholds.eta
    if thresholds.scope == "low":
        better &= ~at.kept
    code[better] = REPLACE
    code[np.isnan(table.confidence)] = UNSCORED
    return code


def rows_to_correct(table: ScoreTable, thresholds: Thresholds) -> NDArray[np.int64]:
    """Row numbers that deserve a candidate: those below gamma, or with scope "all" every scored one; ascending."""
    scored = ~np.isnan(table.confidence)
    wanted = scored if thresholds.scope == "all" else scored & ~cut(table, thresholds.gamma).kept
    return table.row[wanted]


def _reason(fate: Fate, score: ConfidenceScore, preference: Preference | None, gamma: float, eta: float) -> str:
    if score.confidence is None:
        why = PROBLEMS.get(score.problem or "", score.problem or "it has not been scored")
        return f"Not scored: {why}."
    if fate == "replace" and preference is not None and preference.preference is not None:
        better, line = _apart(preference.preference, eta)
        given = f"the given response has confidence {score.confidence:.3f}"
        return f"The candidate is better with {better} confidence, over eta {line}; {given}."
    confidence, line = _apart(score.confidence, gamma)
    has = f"The given response has confidence {confidence}"
    if fate == "keep":
        return f"{has}, at or above gamma {line}."
    below = f"equal to gamma {line} and cut as a tie" if score.confidence == gamma else f"below gamma {line}"
    return f"{has}, {below}; {_no_replacement(preference, eta)}."


def _apart(value: float, line: float) -> tuple[str, str]:
    """Both numbers with three decimals, or with as many more as it takes to tell them apart."""
    for digits in range(3, 16):
        told = f"{value:.{digits}f}", f"{line:.{digits}f}"
        if value == line or told[0] != told[1]:
            return told
    return repr(value), repr(line)


def _no_replacement(preference: Preference | None, eta: float) -> str:
    if preference is None:
        return "no candidate was written"
    if preference.rejected:
        return f"the candidate was turned down ({preference.rejected})"
    if preference.preference is None:
        return f"the candidate could not be judged ({PROBLEMS.get(preference.problem or '', 'no verdict')})"
    if preference.verdict != "candidate":
        told = {"given": "the judge prefers the given response", "tie": "the judge sees a tie"}
        return told.get(preference.verdict or "", "the judge's two orders disagree")
    better, line = _apart(preference.preference, eta)
    return f"the candidate is better with only {better} confidence, not over eta {line}"


def proposal_for(
    score: ConfidenceScore, preference: Preference | None, fate: Fate, thresholds: Thresholds, gamma: float
) -> Proposal:
    """Word one proposal: its fate with a sentence that says why.

    Args:
        score: the example's score.
        preference: the judge's comparison, if there is one.
        fate: the fate as `fates` gave it.
        thresholds: those in force.
        gamma: their gamma as a number, as `cut` gave it.
    """
    return Proposal(
        id=score.id,
        row=score.row,
        fate=fate,
        reason=_reason(fate, score, preference, gamma, thresholds.eta),
        gamma=gamma,
        eta=thresholds.eta,
        confidence=score.confidence,
        preference=preference.preference if preference else None,
        response=preference.candidate if preference and fate == "replace" else None,
        measure=score.measure,
        model=score.model,
        candidate_model=preference.candidate_model if preference else "",
        prompt_version=score.prompt_version,
        judge=preference.model if preference else "",
        preference_measure=preference.measure if preference else "",
        scope=thresholds.scope,
    )


def propose(
    scores: Iterable[ConfidenceScore], preferences: Iterable[Preference], thresholds: Thresholds
) -> Iterator[Proposal]:
    """Propose a fate for every score, in row order; a row without a confidence is `unscored`, never dropped."""
    ordered = sorted(scores, key=lambda score: score.row)
    by_row = {preference.row: preference for preference in preferences}
    table = score_table(ordered, by_row.values())
    at = cut(table, thresholds.gamma)
    for score, code in zip(ordered, fates(table, thresholds, at), strict=True):
        yield proposal_for(score, by_row.get(score.row), FATES[code], thresholds, at.gamma)

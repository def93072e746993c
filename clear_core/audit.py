"""What people's decisions on randomly chosen rows prove about a filter: numbers in, intervals out.

Everything here holds for rows that were drawn at random and then decided, whatever the decision was. Rows that a
person picked out, or that a queue put first, prove nothing about the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clear_core.errors import ThresholdError

LEVEL: Final = 0.95
REMOVED_STRATA: Final = 4
DRAWS: Final = 4000
STEPS: Final = 100
"""Thresholds tried for a guaranteed purity: one for each percent of the scored rows."""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with an interval.

    Attributes:
        value: the estimate, a share in [0, 1].
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows of which some are to be decided, on one side of gamma.

    Attributes:
        kept: whether the filter keeps them.
        rows: indices into the score table.
        chosen: those drawn for people, a simple random sample of `rows`.
    """

    kept: bool
    rows: Rows
    chosen: Rows


@dataclass(frozen=True, slots=True)
class Audited:
    """A stratum after people decided.

    Attributes:
        kept: whether the filter keeps its rows.
        size: rows in it.
        decided: drawn rows that were decided.
        bad: of these, how many are bad.
    """

    kept: bool
    size: int
    decided: int
    bad: int


@dataclass(frozen=True, slots=True)
class Purity:
    """A threshold that was proved to keep few bad rows.

    Attributes:
        gamma: keeps confidence >= gamma.
        kept: how many scored rows it keeps.
        decided: of them drawn and decided.
        bad: of these, how many are bad.
        p: how likely so few bad ones were if more than the promised share of the kept rows were bad.
    """

    gamma: float
    kept: int
    decided: int
    bad: int
    p: float


def plan(confidence: Floats, kept: NDArray[np.bool_], budget: int, *, seed: int = 0) -> list[Stratum]:
    """Draw rows for an audit of a filter: half from what it removes, by confidence, and half from what it keeps.

    The removed side is split into REMOVED_STRATA of like confidence, so that no stratum straddles gamma; the kept side
    is one simple random sample.

    Args:
        confidence: of each row, NaN where unscored; unscored rows are on neither side.
        kept: what the filter keeps.
        budget: rows to decide; a side with fewer than its half gives all it has.
        seed: of the draw.

    Raises:
        ThresholdError: when the budget is too small for one row of each stratum.
    """
    if budget < 2 * REMOVED_STRATA:
        raise ThresholdError(f"An audit of {budget} rows is asked for.", f"Give {2 * REMOVED_STRATA} or more.")
    draw = np.random.default_rng(seed)
    scored = ~np.isnan(confidence)
    removed = np.flatnonzero(scored & ~kept)
    by_confidence = removed[np.argsort(confidence[removed], kind="stable")]
    parts = [part for part in np.array_split(by_confidence, REMOVED_STRATA) if len(part)]
    half = budget // 2
    strata = [
        Stratum(kept=False, rows=part, chosen=_some(part, share, draw))
        for part, share in zip(parts, _shares(half, len(parts)), strict=True)
    ]
    keeps = np.flatnonzero(scored & kept)
    if len(keeps):
        strata.append(Stratum(kept=True, rows=keeps, chosen=_some(keeps, budget - half, draw)))
    return strata


def decided(strata: Sequence[Stratum], is_bad: Mapping[int, bool]) -> list[Audited]:
    """Count what people found.

    Args:
        strata: the plan.
        is_bad: index of a row -> whether people call it bad; a drawn row that is missing here was not decided, and a
            row that was not drawn is not counted.
    """
    found = [[is_bad[row] for row in stratum.chosen.tolist() if row in is_bad] for stratum in strata]
    return [
        Audited(stratum.kept, len(stratum.rows), len(bad), sum(bad)) for stratum, bad in zip(strata, found, strict=True)
    ]


def precision(audited: Sequence[Audited], level: float = LEVEL) -> Interval | None:
    """The share of the removed rows that are really bad: a stratified estimate with an interval on the logit scale.

    Half a bad and half a good row are added to each stratum for the interval, so that one without a bad row is not
    taken for sure. None when a stratum of removed rows has no decided row.
    """
    strata = [one for one in audited if not one.kept]
    if not strata or any(one.decided == 0 for one in strata):
        return None
    whole = sum(one.size for one in strata)
    weights = [one.size / whole for one in strata]
    value = math.fsum(w * one.bad / one.decided for w, one in zip(weights, strata, strict=True))
    smooth = [(one.bad + 0.5) / (one.decided + 1) for one in strata]
    centre = math.fsum(w * p for w, p in zip(weights, smooth, strict=True))
    variance = math.fsum(
        w * w * p * (1 - p) / one.decided * (1 - one.decided / one.size)
        for w, p, one in zip(weights, smooth, strata, strict=True)
    )
    low, high = _on_logits(centre, math.sqrt(variance), level)
    return Interval(value, min(low, value), max(high, value))


def recall(audited: Sequence[Audited], level: float = LEVEL, *, seed: int = 0) -> Interval | None:
    """The share of the bad rows that the filter removes, from DRAWS of how many bad rows were not seen.

    The textbook interval of this ratio covers far too seldom (31, 53 and 78% at 100, 200 and 400 rows). Here, in each
    stratum of N rows with x bad among n decided, q ~ Beta(x + 1/2, n - x + 1/2), the unseen bad ~ Binomial(N - n, q).
    None when a stratum has no decided row.

    Args:
        audited: strata of both sides.
        level: share of the draws inside the interval.
        seed: of the draws.
    """
    if not audited or any(one.decided == 0 for one in audited):
        return None
    draw = np.random.default_rng(seed)
    bad = {True: np.zeros(DRAWS), False: np.zeros(DRAWS)}
    for one in audited:
        rate = draw.beta(one.bad + 0.5, one.decided - one.bad + 0.5, DRAWS)
        bad[one.kept] += one.bad + draw.binomial(one.size - one.decided, rate)
    total = bad[True] + bad[False]
    shares = np.divide(bad[False], total, out=np.ones(DRAWS), where=total > 0)
    low, value, high = np.quantile(shares, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def fewest_for_purity(noise: float, delta: float) -> int:
    """How many decided rows, none of them bad, a promise of purity takes: the least m with (1 - noise)^m <= delta."""
    _check(noise, delta)
    return math.ceil(math.log(delta) / math.log1p(-noise) - 1e-9)


def guaranteed_purity(
    confidence: Floats, is_bad: Mapping[int, bool], *, noise: float, delta: float = 0.1
) -> Purity | None:
    """The laxest threshold for which P(more than `noise` of what it keeps is bad) <= delta (Learn then Test).

    Thresholds are tried from the strictest that keeps enough decided rows to the laxest, each by the exact binomial
    test of its kept and decided rows, until the first that fails (arXiv 2110.01052, fixed sequence testing).

    Args:
        confidence: of each row, NaN where unscored.
        is_bad: index of a row -> whether people call it bad, for a simple random sample of *all* scored rows.
        noise: the share of bad rows that is still accepted among the kept ones.
        delta: how often the promise may fail.

    Returns:
        The threshold, or None when no threshold passes.

    Raises:
        ThresholdError: when noise or delta lies outside ]0, 1[.
    """
    least = fewest_for_purity(noise, delta)
    scored = confidence[~np.isnan(confidence)]
    if not len(scored):
        return None
    at = np.array([row for row in is_bad if not math.isnan(confidence[row])], dtype=np.int64)
    bad = np.array([is_bad[row] for row in at.tolist()], dtype=np.bool_)
    last: Purity | None = None
    # Steps of the scores alone: where the thresholds lie must not depend on what people said.
    for gamma in np.unique(np.quantile(scored, np.linspace(0.0, 1.0, STEPS + 1), method="higher"))[::-1]:
        among = confidence[at] >= gamma
        count, found = int(among.sum()), int(bad[among].sum())
        if count < least:
            continue
        p = binomial_cdf(found, count, noise)
        if p > delta:
            break
        last = Purity(float(gamma), int((scored >= gamma).sum()), count, found, p)
    return last


def binomial_cdf(most: int, trials: int, chance: float) -> float:
    """P(X <= most) for X ~ Binomial(trials, chance)."""
    terms = [
        math.lgamma(trials + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(trials - hits + 1)
        + hits * math.log(chance)
        + (trials - hits) * math.log1p(-chance)
        for hits in range(most + 1)
    ]
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def noise_rate(confidence: Floats, is_bad: Mapping[int, bool], level: float = LEVEL) -> Interval | None:
    """The share of bad rows in the dataset, from few decisions and every confidence (PPI++, arXiv 2311.01453).

    With f = 1 - confidence and Y = 1 for a bad row: lambda * mean f of the rows without a decision + mean of
    Y - lambda * f of those with one, lambda = Cov(Y, f) / ((1 + n / N) Var f). So a confidence that tells nothing
    costs nothing, and one that tells much makes the interval shorter. The interval is on the logit scale.

    Args:
        confidence: of each row, NaN where unscored; unscored rows are left out.
        is_bad: index of a row -> whether people call it bad, for a simple random sample of the scored rows.
        level: how often the interval is to cover.

    Returns:
        The rate; None with fewer than two decisions or fewer than two rows without one.
    """
    doubt = 1.0 - confidence
    at = np.array([row for row in is_bad if not math.isnan(confidence[row])], dtype=np.int64)
    others = np.ones(len(confidence), dtype=np.bool_)
    others[at] = False
    unseen = doubt[others & ~np.isnan(doubt)]
    if len(at) < 2 or len(unseen) < 2:
        return None
    bad, seen = np.array([is_bad[row] for row in at.tolist()], dtype=np.float64), doubt[at]
    spread = float(np.var(np.concatenate([seen, unseen]), ddof=1))
    weight = float(np.cov(bad, seen)[0, 1]) / ((1 + len(at) / len(unseen)) * spread) if spread > 0 else 0.0
    rest = bad - weight * seen
    value = weight * float(unseen.mean()) + float(rest.mean())
    variance = weight**2 * float(np.var(unseen, ddof=1)) / len(unseen) + float(np.var(rest, ddof=1)) / len(at)
    error = math.sqrt(variance)
    if 0 < value < 1:
        return Interval(value, *_on_logits(value, error, level))
    # With hardly a bad row the correction may go past an end.
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error
    return Interval(*(min(1.0, max(0.0, end)) for end in (value, value - reach, value + reach)))


def _on_logits(value: float, error: float, level: float) -> tuple[float, float]:
    """An interval that stays within ]0, 1[; near an end it covers where a symmetric one falls short."""
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error / (value * (1 - value))
    logit = math.log(value / (1 - value))
    return _share(logit - reach), _share(logit + reach)


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def _check(noise: float, delta: float) -> None:
    if not (0 < noise < 1 and 0 < delta < 1):
        raise ThresholdError(f"The noise is {noise} and delta {delta}.", "Give numbers between 0 and 1.")


def _some(rows: Rows, count: int, draw: np.random.Generator) -> Rows:
    return np.sort(draw.choice(rows, min(count, len(rows)), replace=False))


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (number < total % parts) for number in range(parts)]

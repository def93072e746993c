"""When enough samples are drawn: the confidence that all k would give lies surely on one side of gamma.

With j of k samples drawn, each of the others adds between 0 and 1 to their sum: O lies between
(o_1 + ... + o_j) / k and that plus (k - j) / k, and C grows with O. No decision changes by stopping there, and no
rounding can change one: the bounds are computed as C itself is, with 0 or 1 for what was not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

LEAST: Final = 1
"""Samples drawn in any case: an observed consistency needs one to be estimated from."""

Confidence = Callable[[Sequence[float]], float]
"""o_1 ... o_k in [0, 1] -> C, growing with each of them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What C would be with every sample drawn, at least and at most; both in [0, 1]."""

    lower: float
    upper: float

    def decide(self, gamma: float) -> bool:
        """Whether C >= gamma is sure, or surely false."""
        return self.lower >= gamma or self.upper < gamma


def bounds(observed: Sequence[float], samples: int, confidence: Confidence) -> Bounds:
    """What C would be with every sample drawn.

    Args:
        observed: o_j of the samples drawn, each in [0, 1]; at most k.
        samples: k.
        confidence: C of k observed consistencies.
    """
    missing = samples - len(observed)
    return Bounds(confidence([*observed, *[0.0] * missing]), confidence([*observed, *[1.0] * missing]))


def next_wave(observed: Sequence[float], samples: int, confidence: Confidence, gamma: float) -> int:
    """How many samples to draw next: the fewest that could decide; 0 when it is decided.

    Args:
        observed: o_j of the samples drawn, each in [0, 1]; at most k.
        samples: k.
        confidence: C of k observed consistencies.
        gamma: the threshold; C >= gamma keeps a row.
    """
    drawn = len(observed)
    if drawn >= LEAST and bounds(observed, samples, confidence).decide(gamma):
        return 0
    for wave in range(max(1, LEAST - drawn), samples - drawn):
        best = bounds([*observed, *[1.0] * wave], samples, confidence)
        worst = bounds([*observed, *[0.0] * wave], samples, confidence)
        if best.decide(gamma) or worst.decide(gamma):
            return wave
    return samples - drawn

"""The equations of BSDetector and of the embedded model's confidence: numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

ALPHA: Final = 0.8
BETA: Final = 0.7
LETTER_VALUES: Final = {"A": 1.0, "B": 0.0, "C": 0.5}
"""What a reflection's letter counts: correct, incorrect, not sure."""


def observed_consistency(similarities: Sequence[float], matches: Sequence[bool], alpha: float = ALPHA) -> float:
    """O = mean over the k samples of o_j = alpha * s_j + (1 - alpha) * r_j.

    Args:
        similarities: s_j in [0, 1], one for each sample; at least one.
        matches: r_j, whether the sample equals the given response exactly; as many.
        alpha: weight of the similarity.

    Returns:
        O in [0, 1].
    """
    pairs = zip(similarities, matches, strict=True)
    return math.fsum(alpha * s + (1.0 - alpha) * float(r) for s, r in pairs) / len(similarities)


def reflection_value(told: str | Mapping[str, float]) -> float:
    """What one reflection counts: its letter's value, or P(A) + 0.5 P(C) of the letters' probabilities; in [0, 1]."""
    if isinstance(told, str):
        return LETTER_VALUES[told]
    return min(1.0, math.fsum(LETTER_VALUES[letter] * probability for letter, probability in told.items()))


def self_reflection(told: Sequence[str | Mapping[str, float] | None]) -> float | None:
    """S = mean value of the reflections that could be read; None when none could.

    Args:
        told: of each reflection the letter, or the probabilities of A, B and C; None for a missing one.
    """
    values = [reflection_value(each) for each in told if each is not None]
    return math.fsum(values) / len(values) if values else None


def combine(consistency: float, reflection: float | None, beta: float = BETA) -> float:
    """C = beta * O + (1 - beta) * S, in [0, 1]; C = O when both reflections are missing (our rule)."""
    if reflection is None:
        return consistency
    return beta * consistency + (1.0 - beta) * reflection


def agreement(first: str, sampled: Sequence[str]) -> float:
    """O for a closed label: the share of the k sampled labels equal to the first."""
    return sum(label == first for label in sampled) / len(sampled)


def likelihood_gain(given_prompt: Sequence[float], alone: Sequence[float]) -> float:
    """Mean log p(y|x) - mean log p(y), in nats per token: what the prompt adds to the response's likelihood.

    Args:
        given_prompt: log-probabilities of the response's tokens after the prompt; at least one.
        alone: log-probabilities of the same tokens without the prompt.
    """
    return math.fsum(given_prompt) / len(given_prompt) - math.fsum(alone) / len(alone)


def sigmoid(nats: float) -> float:
    """1 / (1 + e^-nats), in [0, 1], without overflow."""
    if nats >= 0.0:
        return 1.0 / (1.0 + math.exp(-nats))
    return math.exp(nats) / (1.0 + math.exp(nats))

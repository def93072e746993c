"""What moving a threshold shows, as numbers: counts by fate, histograms split by fate, and a split as a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clear_core.types import FATES, Fate

BINS: Final = 50


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of a value in [0, 1] by equal bins and fate.

    Attributes:
        edges: float64[bins + 1].
        counts: int64[bins] for each fate.
    """

    edges: NDArray[np.float64]
    counts: Mapping[Fate, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Rows closest to a threshold.

    Attributes:
        below: indices into the table, the closest first, of rows under the line.
        above: the same for rows on or over it.
    """

    below: NDArray[np.int64]
    above: NDArray[np.int64]


def counts_by_fate(codes: NDArray[np.int8]) -> dict[Fate, int]:
    """How many rows have each fate; `codes` are indices into FATES."""
    counted = np.bincount(codes, minlength=len(FATES))
    return {fate: int(counted[index]) for index, fate in enumerate(FATES)}


def histogram(values: NDArray[np.float64], codes: NDArray[np.int8], bins: int = BINS) -> Histogram:
    """Bin the values that are not NaN into [0, 1], split by fate.

    Args:
        values: float64[n].
        codes: fates as indices into FATES, int8[n].
        bins: number of equal bins; the last one includes 1.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    present = ~np.isnan(values)
    place = np.minimum((values[present] * bins).astype(np.int64), bins - 1)
    flat = np.bincount(codes[present].astype(np.int64) * bins + place, minlength=len(FATES) * bins)
    return Histogram(edges, {fate: flat[i * bins : (i + 1) * bins] for i, fate in enumerate(FATES)})


def otsu(values: NDArray[np.float64], bins: int = 256) -> float | None:
    """Otsu's threshold of values in [0, 1]: the split with the largest variance between its two sides.

    A hint, never a default. None when fewer than two bins are filled.
    """
    weight, edges = np.histogram(values[~np.isnan(values)], bins=bins, range=(0.0, 1.0))
    if np.count_nonzero(weight) < 2:
        return None
    centre = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(weight)[:-1]
    above = weight.sum() - below
    mass = np.cumsum(weight * centre)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass[:-1] / below - (mass[-1] - mass[:-1]) / above) ** 2
    return float(edges[1:][int(np.nanargmax(between))])

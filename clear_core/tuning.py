"""What a moving threshold shows: counts, histograms and the rows at the line, from a table that was ranked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from clear_core.propose import DROP, REPLACE, UNSCORED, Cut, ScoreTable, Thresholds, cut, fates, ranking
from clear_core.thresholds import Histogram, Nearest, counts_by_fate, histogram, otsu
from clear_core.types import Fate

Queue = Literal["drops", "replacements", "unscored"]
Order = Literal["near", "far", "row"]

NOBODY: Final = np.int8(-1)
"""In an array of people's fates: nobody has decided this row."""

_PROPOSED: Final = {"drops": DROP, "replacements": REPLACE, "unscored": UNSCORED}


@dataclass(frozen=True, slots=True)
class Board:
    """A score table with what does not change while thresholds move.

    Attributes:
        table: the scores, n rows in row order.
        order: indices of the scored rows, the most confident first (`propose.ranking`).
        preferred: indices of the rows with a candidate that the judge prefers, the surest first.
        otsu: Otsu's threshold of the confidence, a hint; None when there is nothing to split.
    """

    table: ScoreTable
    order: NDArray[np.int64]
    preferred: NDArray[np.int64]
    otsu: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """Thresholds applied to a board.

    Attributes:
        codes: proposed fate of each row as an index into FATES, int8[n].
        cut: gamma as applied.
        counts: rows by fate once people's decisions are laid over the proposals.
        decided: how many rows people have decided.
        confidence: histogram of the confidence, split by the fates behind `counts`.
        preference: histogram of the preference, split likewise; only rows with a candidate that the judge prefers.
        at_gamma: rows on both sides of gamma, nearest first.
        at_eta: rows on both sides of eta, nearest first; with scope "low" only those that gamma leaves to eta.
    """

    codes: NDArray[np.int8]
    cut: Cut
    counts: Mapping[Fate, int]
    decided: int
    confidence: Histogram
    preference: Histogram
    at_gamma: Nearest
    at_eta: Nearest


def make_board(table: ScoreTable) -> Board:
    """Rank a table once."""
    candidates = np.flatnonzero(~np.isnan(table.preference))
    surest = np.argsort(-table.preference[candidates], kind="stable")
    return Board(table, ranking(table), candidates[surest], otsu(table.confidence))


def places(table: ScoreTable, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where row numbers stand in a table.

    Returns:
        Indices into the table, and for each whether the table has that row; the index of a missing row means nothing.
    """
    at = np.minimum(np.searchsorted(table.row, rows), max(len(table) - 1, 0))
    known = table.row[at] == rows if len(table) else np.zeros(len(rows), dtype=np.bool_)
    return at, known


def picture(board: Board, thresholds: Thresholds, decided: NDArray[np.int8], *, near: int = 5) -> Picture:
    """Apply thresholds, without a model call or a write.

    Args:
        board: the ranked scores.
        thresholds: gamma, eta and scope.
        decided: the fate people gave each row as an index into FATES, NOBODY where none did; int8[n].
        near: how many rows to name on each side of a line.
    """
    table = board.table
    at = cut(table, thresholds.gamma, board.order)
    codes = fates(table, thresholds, at)
    final = np.where(decided == NOBODY, codes, decided)
    low = board.preferred if thresholds.scope == "all" else board.preferred[~at.kept[board.preferred]]
    over = int(np.searchsorted(-table.preference[low], -thresholds.eta, side="left"))
    return Picture(
        codes=codes,
        cut=at,
        counts=counts_by_fate(final),
        decided=int(np.count_nonzero(decided != NOBODY)),
        confidence=histogram(table.confidence, final),
        preference=histogram(table.preference, final),
        at_gamma=_around(board.order, int(np.count_nonzero(at.kept)), near),
        at_eta=_around(low, over, near),
    )


def _around(descending: NDArray[np.int64], over: int, count: int) -> Nearest:
    """The `count` indices on either side of a cut after the first `over` of a descending order."""
    return Nearest(below=descending[over : over + count], above=descending[max(0, over - count) : over][::-1])


def queue(board: Board, codes: NDArray[np.int8], which: Queue, order: Order) -> NDArray[np.int64]:
    """The rows proposed for one fate, in the order to look at them.

    Args:
        board: the ranked scores.
        codes: proposed fates as `picture` gives them.
        which: proposed drops, proposed replacements, or rows without a confidence.
        order: "near" starts at the line (gamma for drops, eta for replacements), "far" at the least confident drop
            or the surest replacement; "row" is the file's order.

    Returns:
        Indices into the table.
    """
    if order == "row" or which == "unscored":
        return np.flatnonzero(codes == _PROPOSED[which])
    descending = board.order if which == "drops" else board.preferred
    chosen: NDArray[np.int64] = descending[codes[descending] == _PROPOSED[which]]
    starts_at_top = (which == "drops") == (order == "near")
    return chosen if starts_at_top else chosen[::-1]

"""The list of bad rows as a CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO, Final

from clear_core.types import RowProblem

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_problem_report(problems: Iterable[RowProblem], sink: BinaryIO) -> int:
    """Write row (0-based), field, reason and raw of every problem.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front: the rows come from strangers. Curated
    data is never treated so.

    Returns:
        How many rows were written.
    """
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    try:
        table = csv.writer(text)
        table.writerow(("row", "field", "reason", "raw"))
        count = 0
        for problem in problems:
            cells = (problem.field, problem.reason, problem.raw)
            table.writerow((problem.row, *(_harmless(cell) for cell in cells)))
            count += 1
    finally:
        text.detach()
    return count


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

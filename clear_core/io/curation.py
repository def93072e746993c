"""Outcomes beside the records they belong to: what is written, what is left out, and the count of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clear_core.errors import InputError
from clear_core.io.record import Record
from clear_core.io.shapes import read_record
from clear_core.io.source import FieldMap
from clear_core.types import Example, Outcome, RowProblem


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """Records of the original file by what became of them; the five add up to all records.

    Attributes:
        kept: written unchanged by a proposal or a decision.
        replaced: written with another response.
        dropped: left out.
        unscored: written unchanged because nothing is known about them.
        rejected: left out because they could not be read.
    """

    kept: int = 0
    replaced: int = 0
    dropped: int = 0
    unscored: int = 0
    rejected: int = 0

    @property
    def written(self) -> int:
        """Records in the curated file."""
        return self.kept + self.replaced + self.unscored

    @property
    def records(self) -> int:
        """Records in the original file."""
        return self.written + self.dropped + self.rejected


@dataclass(frozen=True, slots=True)
class Kept:
    """An example that is written.

    Attributes:
        example: as it was read.
        response: the response to put in place; None leaves the record untouched.
    """

    example: Example
    response: str | None


class Curation:
    """Takes the records of a file in order and tells what becomes of each.

    Args:
        field_map: which column means what.
        outcomes: in row order; an example without one is kept as unscored.
    """

    def __init__(self, field_map: FieldMap, outcomes: Iterable[Outcome]) -> None:
        self._field_map = field_map
        self._outcomes = iter(outcomes)
        self._next = next(self._outcomes, None)
        self._tally = {"keep": 0, "replace": 0, "drop": 0, "unscored": 0, "rejected": 0}

    def decide(self, record: Record) -> Kept | None:
        """What to write for a record; None when it is left out.

        Raises:
            InputError: when the outcomes belong to another file, or a replacement can't be written.
        """
        example = read_record(record, self._field_map)
        if isinstance(example, RowProblem):
            self._tally["rejected"] += 1
            return None
        outcome = self._take(example)
        fate = outcome.fate if outcome else "unscored"
        self._tally[fate] += 1
        if fate == "drop":
            return None
        response = _sound(outcome) if outcome and fate == "replace" else None
        return Kept(example, None if response == example.response else response)

    def close(self) -> ExportCounts:
        """The counts, once every record was decided.

        Raises:
            InputError: when outcomes are left over.
        """
        if self._next is not None:
            raise _foreign(self._next)
        tally = self._tally
        return ExportCounts(tally["keep"], tally["replace"], tally["drop"], tally["unscored"], tally["rejected"])

    def _take(self, example: Example) -> Outcome | None:
        outcome = self._next
        if outcome is None or outcome.row > example.row:
            return None
        if outcome.row < example.row or outcome.id != example.id:
            raise _foreign(outcome)
        self._next = next(self._outcomes, None)
        if self._next is not None and self._next.row <= outcome.row:
            raise InputError(f"Row {self._next.row} comes twice or out of order.", "Sort the proposals by row.")
        return outcome


def _foreign(outcome: Outcome) -> InputError:
    return InputError(
        f"The file has no example {outcome.id!r} at row {outcome.row}.",
        "Scores, proposals and decisions must come from this very file with this field map.",
    )


def _sound(outcome: Outcome) -> str:
    where = f"The replacement for row {outcome.row}"
    if outcome.response is None:
        raise InputError(f"{where} is missing.", "Give a response, or keep or drop the row.")
    try:
        outcome.response.encode()
    except UnicodeEncodeError:
        raise InputError(f"{where} holds half of a character (a lone surrogate).", "Edit the replacement.") from None
    if "\0" in outcome.response:
        raise InputError(f"{where} holds a NUL character.", "Edit the replacement.")
    return outcome.response

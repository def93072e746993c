"""A judge that asks nobody: preferences or verdicts of both orders that the dataset brings along, by our own rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from clear_core import confidence, parsing
from clear_core.cells import is_blank, number, unpacked
from clear_core.errors import InputError
from clear_core.judge import CANDIDATE_LABELS, Judgement, order_of, settle, verdict_of
from clear_core.types import Example
from clear_core.writing import Candidate, ColumnWriter, Writer

STORED_VERDICTS: Final = "stored verdicts/both-orders"


@dataclass(frozen=True, slots=True)
class StoredJudge:
    """Judges a column's candidates by what another column of the same row says of them.

    Attributes:
        preference_field: column with the confidence in [0, 1] that the candidate is better; a list of them where the
            row has a list of candidates. It names no orders, so that a position bias stays unseen.
        verdicts_field: column with the verdicts of both orders, [given response first, candidate first]; a list of
            such pairs where the row has a list of candidates. An order is a verdict ("1", "2" or "tie": which place is
            better; a reply that states one will do, see `parsing.verdict_label`), or a list of a first verdict and
            sampled ones, or {"verdicts": such a list, "reflections": letters A, B, C}.
        model: who judged, for the record; empty when unknown.
        beta: weight of O against S, where there are reflections.
    """

    preference_field: str = ""
    verdicts_field: str = ""
    model: str = ""
    beta: float = confidence.BETA

    def __post_init__(self) -> None:
        if bool(self.preference_field) == bool(self.verdicts_field):
            raise InputError(
                "A stored judge needs one column: preferences or verdicts.",
                "Name the column of preferences, or that of verdicts, not both.",
            )

    @property
    def measure(self) -> str:
        """How it judges, as preferences record it."""
        return f"column/{self.preference_field}" if self.preference_field else STORED_VERDICTS

    @property
    def prompt_version(self) -> str:
        """Empty: nothing was asked."""
        return ""

    async def judge(self, example: Example, candidate: Candidate) -> Judgement:
        """The stored comparison of a candidate with the given response; never raises."""
        field = self.preference_field or self.verdicts_field
        value = unpacked(example.meta.get(field))
        if candidate.place is not None:
            is_list = isinstance(value, list) and candidate.place < len(value)
            value = value[candidate.place] if is_list else None
        if is_blank(value) or value == []:
            return self._without("no_verdicts", value)
        return self._preferred(value) if self.preference_field else self._settled(value)

    def _preferred(self, value: Any) -> Judgement:
        told = number(value)
        if told is None or not 0.0 <= told <= 1.0:
            return self._without("bad_value" if told is None else "off_scale", value)
        return Judgement(told, verdict_of(told), self.measure, 0, evidence=self._evidence(value))

    def _settled(self, value: Any) -> Judgement:
        read = [_read(order) for order in value] if isinstance(value, list) else []
        known = [order for order in read if order is not None]
        if len(read) != len(CANDIDATE_LABELS) or len(known) < len(read):
            return self._without("bad_verdicts", value)
        orders = [
            order_of(order.first, order.sampled, order.letters, label, self.beta)
            for order, label in zip(known, CANDIDATE_LABELS, strict=True)
        ]
        usable = [order for order in orders if order is not None]
        if len(usable) < len(orders):
            return self._without("bad_verdicts", value)
        verdict, preference = settle(usable)
        samples = min(len(order.sampled) for order in known)
        return Judgement(preference, verdict, self.measure, 0, None, self._evidence(value), samples)

    def _evidence(self, value: Any) -> dict[str, Any]:
        return {"stored": value, "field": self.preference_field or self.verdicts_field}

    def _without(self, problem: str, value: Any) -> Judgement:
        return Judgement(None, None, self.measure, 0, problem, self._evidence(value))


@dataclass(frozen=True, slots=True)
class _Stored:
    first: parsing.Label | None
    sampled: Sequence[parsing.Label | None]
    letters: Sequence[parsing.Letter | None]


def _read(order: Any) -> _Stored | None:
    """One order as it is stored; None when it is of another kind. A verdict that can't be read is missing."""
    letters: Any = []
    if isinstance(order, dict):
        if not order.keys() <= {"verdicts", "reflections"}:
            return None
        order, letters = order.get("verdicts"), order.get("reflections") or []
    told = order if isinstance(order, list) else [order]
    if not told or not isinstance(letters, list):
        return None
    first, *sampled = [_label(one) for one in told]
    return _Stored(
        first, sampled, [parsing.reflection_letter(one) if isinstance(one, str) else None for one in letters]
    )


def _label(told: Any) -> parsing.Label | None:
    """A verdict as a label, as a number, or as a reply that states one; None when it is none of these."""
    if isinstance(told, str):
        return parsing.verdict_label(told)
    place = number(told)
    return "1" if place == 1 else "2" if place == 2 else None


def check_pairing(writers: Sequence[Writer], judge: object) -> None:
    """Stored verdicts say which candidate they are about only beside one column of candidates.

    Raises:
        InputError: when they are to judge anything else.
    """
    if isinstance(judge, StoredJudge) and (len(writers) != 1 or not isinstance(writers[0], ColumnWriter)):
        raise InputError(
            "Stored preferences and verdicts belong to the candidates of one column.",
            "Name that column as the only source of candidates, or let a model judge.",
        )

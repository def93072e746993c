"""Telling a dead endpoint from a difficult example, so that an outage pauses a run instead of unscoring it."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from clear_core.types import PROBLEMS, ConfidenceScore, Preference

Result = TypeVar("Result", ConfidenceScore, Preference)

TRANSPORT: Final = frozenset({"unreachable", "rate_limited", "timeout"})
"""Problems that say nothing about the example."""


class OutageGuard(Generic[Result]):
    """Holds results back that failed in transport, until a success shows that the endpoint lives.

    Args:
        patience: how many such failures in a row are an outage.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._held: list[Result] = []
        self._ever_well = False

    def admit(self, result: Result) -> list[Result]:
        """Take a finished result; those that may be stored come back."""
        if result.problem in TRANSPORT and _number(result) is None:
            self._held.append(result)
            return []
        self._ever_well = True
        held = self.release()
        held.append(result)
        return held

    def release(self) -> list[Result]:
        """What is held back, as failures of their own."""
        held, self._held = self._held, []
        return held

    @property
    def is_out(self) -> bool:
        """Whether the endpoint failed so often in a row that going on is of no use."""
        return len(self._held) >= self._patience

    @property
    def was_never_well(self) -> bool:
        """Whether results are held back and nothing ever succeeded."""
        return bool(self._held) and not self._ever_well

    @property
    def message(self) -> str:
        """What happened, for a person."""
        last = self._held[-1]
        what = PROBLEMS.get(last.problem or "", "the endpoint failed")
        detail = str(last.evidence.get("error", "")).strip()
        return f"{what.capitalize()} for {len(self._held)} rows in a row, so the run is paused. {detail}".strip()


def _number(result: ConfidenceScore | Preference) -> float | None:
    return result.confidence if isinstance(result, ConfidenceScore) else result.preference

"""Telling a dead endpoint from a difficult example, so that an outage pauses a run instead of unscoring it."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from clear_core.types import PROBLEMS, ConfidenceScore, Preference

Result = TypeVar("Result", ConfidenceScore, Preference)

TRANSPORT: Final = frozenset({"unreachable", "rate_limited", "timeout"})
"""Problems that say nothing about the example."""


class OutageGuard(Generic[Result]):
    """Holds results back that failed in transport, until later successes show that the endpoint lives.

    Args:
        under_way: how many examples are under way at once: so many successes may still come in after the endpoint
            died, and so many show that it lives; twice as many failures held back are an outage.
    """

    def __init__(self, under_way: int) -> None:
        self._under_way = under_way
        self._held: deque[tuple[int, Result]] = deque()
        self._successes = 0

    def admit(self, result: Result) -> list[Result]:
        """Take a finished result; those that may be stored come back."""
        if result.problem in TRANSPORT and _number(result) is None:
            self._held.append((self._successes, result))
            return []
        self._successes += 1
        admitted = [result]
        while self._held and self._successes - self._held[0][0] >= self._under_way:
            admitted.append(self._held.popleft()[1])
        return admitted

    def release(self) -> list[Result]:
        """What is held back, as failures of their own."""
        held = [result for _, result in self._held]
        self._held.clear()
        return held

    @property
    def is_out(self) -> bool:
        """Whether so many examples failed in transport lately that going on is of no use."""
        return len(self._held) >= 2 * self._under_way

    @property
    def was_never_well(self) -> bool:
        """Whether results are held back and nothing ever succeeded."""
        return bool(self._held) and not self._successes

    @property
    def message(self) -> str:
        """What happened, for a person."""
        first, last = self._held[0][0], self._held[-1][1]
        failed, since = len(self._held), self._successes - first
        what = PROBLEMS.get(last.problem or "", "the endpoint failed").capitalize()
        detail = str(last.evidence.get("error", "")).strip()
        return f"{what} for {failed} of the last {failed + since} rows; the run waits for you. {detail}".strip()


def _number(result: ConfidenceScore | Preference) -> float | None:
    return result.confidence if isinstance(result, ConfidenceScore) else result.preference

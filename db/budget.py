"""The cap on a run's paid calls, kept in the database so that no crash and no resumption can lift it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine

from clear_core.errors import BudgetError
from clear_core.llm.ledgered import CallBudget
from db.leases import Lease, reserve_calls

LARGEST_BLOCK: Final = 50


class LeasedBudget(CallBudget):
    """Takes calls from the run's cap in blocks, before they are made.

    A killed worker loses what is left of its block, at most a twentieth of the cap: the cap is never exceeded.

    Args:
        engine: the database.
        lease: the run.
        max_calls: the run's cap; None for no cap.
    """

    def __init__(self, engine: Engine, lease: Lease, max_calls: int | None) -> None:
        super().__init__(max_calls)
        self._engine = engine
        self._lease = lease
        self.unspent = 0

    def reserve(self) -> None:
        """Take one place under the cap.

        Raises:
            BudgetError: when there is none left.
            LeaseLostError: when another worker owns the run.
        """
        if self.max_calls is not None:
            self._take(self.max_calls)
        self.spent += 1

    def _take(self, cap: int) -> None:
        if not self.unspent:
            block = max(1, min(LARGEST_BLOCK, cap // 20))
            self.unspent = reserve_calls(self._engine, self._lease, block, cap)
        if not self.unspent:
            raise BudgetError(
                f"The cap of {cap:,} calls is reached.",
                "What is finished is kept; raise the cap and resume to go on from here.",
            )
        self.unspent -= 1

    def release(self) -> None:
        """Give back the place of a call that no endpoint can bill."""
        super().release()
        if self.max_calls is not None:
            self.unspent += 1

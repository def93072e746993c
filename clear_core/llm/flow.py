"""How many calls go to one endpoint at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Flow:
    """How many calls may be under way: one more for each round that goes well, 0.7 of them after a refusal.

    Args:
        most: the most that are ever under way at once.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = float(most)
        self._under_way = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it for one try."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._under_way < max(1, int(self._limit)))
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._changed:
                self._changed.notify()

    def taken(self) -> None:
        """Note that the endpoint took a call."""
        self._limit = min(self._most, self._limit + 1.0 / self._limit)

    def refused(self) -> None:
        """Note that the endpoint found the calls too many."""
        self._limit = max(1.0, self._limit * 0.7)

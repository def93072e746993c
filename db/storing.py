"""Results stored as they finish, until there are no more examples or the worker is asked to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from clear_core.types import ConfidenceScore, Example, Preference
from db.outage import OutageGuard
from db.pulse import Pulse, Stop
from db.records import RunStatus
from db.shift import Shift

Result = TypeVar("Result", ConfidenceScore, Preference)
Save = Callable[..., str]

SAVE_EVERY_S: Final = 1.0
SAVE_ROWS: Final = 200
GRACE_S: Final[dict[Stop, float]] = {"pause": 20.0, "cancel": 0.0, "terminate": 3.0, "lost": 0.0}
"""How long examples under way may still finish; what is cut off stays in the ledger, call by call."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended, with a sentence for a person."""

    status: RunStatus
    message: str = ""


class Feed:
    """Gives examples until there are none, or until the worker is asked to stop.

    Args:
        pending: the examples.
        pulse: says when to stop.
    """

    def __init__(self, pending: Iterator[Example], pulse: Pulse) -> None:
        self._pending = pending
        self._pulse = pulse
        self.is_exhausted = False

    def __iter__(self) -> Iterator[Example]:
        for example in self._pending:
            if self._pulse.stop:
                return
            yield example
        self.is_exhausted = True


class Storing:
    """Stores a stream's results as they finish: at least every second, at most so many in one transaction.

    Args:
        shift: the worker's time on the run.
        pulse: says when to stop.
        feed: what the stream reads its examples from.
        save: `db.results.save_scores` or `save_preferences`.
    """

    def __init__(self, shift: Shift, pulse: Pulse, feed: Feed, save: Save) -> None:
        self._shift = shift
        self._pulse = pulse
        self._feed = feed
        self._save_results = save
        self._ready: list[Any] = []
        self._saved_at = time.monotonic()

    async def store(self, stream: AsyncGenerator[Result]) -> Ending:
        """Store all of a stream; "done" only when every example of the feed went through it.

        Raises:
            ClearError: as the stream and the database do; everything finished before is stored.
        """
        guard = OutageGuard[Result](self._shift.run.config.concurrency)
        upcoming = asyncio.ensure_future(anext(stream))
        try:
            while not self._out_of_grace:
                await asyncio.wait({upcoming}, timeout=SAVE_EVERY_S / 4)
                if upcoming.done():
                    self._ready += guard.admit(upcoming.result())
                    if guard.is_out:
                        return Ending("paused", guard.message)
                    upcoming = asyncio.ensure_future(anext(stream))
                await self._save_if_due()
        except StopAsyncIteration:
            if guard.was_never_well:
                return Ending("paused", guard.message)
            if self._feed.is_exhausted:
                self._ready += guard.release()
                return Ending("done")
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
            await stream.aclose()
            await self._save()
        return STOPPED[self._pulse.stop]

    @property
    def _out_of_grace(self) -> bool:
        stop = self._pulse.stop
        return bool(stop) and self._pulse.stopping_for > GRACE_S[stop]

    async def _save_if_due(self) -> None:
        if len(self._ready) >= SAVE_ROWS or time.monotonic() - self._saved_at > SAVE_EVERY_S:
            await self._save()

    async def _save(self) -> None:
        ready, self._ready = self._ready, []
        self._saved_at = time.monotonic()
        if ready and self._pulse.stop != "lost":
            self._shift.count(len(ready))
            shift = self._shift
            # Off the loop: a long import may hold the database's lock for a moment, and calls go on meanwhile.
            request = await asyncio.to_thread(self._save_results, shift.engine, shift.lease, ready, shift.progress())
            self._pulse.hear(request)


STOPPED: Final[dict[Stop, Ending]] = {
    "pause": Ending("paused", "Paused on request."),
    "cancel": Ending("cancelled", "Cancelled on request; everything finished before is kept."),
    "terminate": Ending("interrupted", "The system told the worker to stop. Resume goes on from here."),
    "lost": Ending("interrupted"),
}

"""What a worker knows of itself while it works on a run: its counters, its pace, its phase."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from sqlalchemy import Engine

from clear_core.llm.ledgered import LedgeredLLM
from db.budget import LeasedBudget
from db.leases import Lease, Progress
from db.records import RunRecord

PACE_WINDOW_S: Final = 30.0


class Shift:
    """One worker's time on one run.

    Args:
        engine: the database.
        lease: the right to work on it.
        run: the run as it was when the shift began.
    """

    def __init__(self, engine: Engine, lease: Lease, run: RunRecord) -> None:
        self.engine = engine
        self.lease = lease
        self.run = run
        self.budget = LeasedBudget(engine, lease, run.config.max_calls)
        self.models: list[LedgeredLLM] = []
        self.phase = "starting"
        self.is_loading = False
        self.finished = 0
        self._marks = deque([(time.monotonic(), 0)])

    def begin(self, phase: str) -> None:
        """Enter a phase; its pace is measured from now on."""
        self.phase = phase
        self._marks = deque([(time.monotonic(), self.finished)])

    def count(self, rows: int) -> None:
        """Note rows that were just finished."""
        now = time.monotonic()
        self.finished += rows
        self._marks.append((now, self.finished))
        while len(self._marks) > 2 and now - self._marks[1][0] > PACE_WINDOW_S:
            self._marks.popleft()

    @property
    def rate_per_s(self) -> float | None:
        """Rows per second over the last half minute; None while there was none."""
        start, before = self._marks[0]
        if self.finished == before:
            return None
        return (self.finished - before) / max(time.monotonic() - start, 1e-3)

    def progress(self) -> Progress:
        """The run's counters: earlier shifts and this one."""
        tallies = [model.tally for model in self.models]
        return Progress(
            phase="loading model" if self.is_loading else self.phase,
            calls_paid=self.run.calls_paid + sum(tally.paid for tally in tallies),
            calls_replayed=self.run.calls_replayed + sum(tally.replayed for tally in tallies),
            tokens_in=self.run.tokens_in + sum(tally.tokens_in for tally in tallies),
            tokens_out=self.run.tokens_out + sum(tally.tokens_out for tally in tallies),
            rate_per_s=self.rate_per_s,
        )

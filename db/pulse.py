"""A worker's heartbeat: a thread that says "alive", tells the progress, and hears requests to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Literal, Self

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db.leases import Lease, LeaseLostError, Progress, beat

BEAT_S: Final = 1.0

Stop = Literal["", "pause", "cancel", "terminate", "lost"]

_REQUESTS: Final[Mapping[str, Stop]] = {"pause": "pause", "cancel": "cancel"}

log = logging.getLogger(__name__)


class Pulse:
    """Beats while its block runs; `stop` says why the worker should end, "" while it should not.

    A thread of its own, so that neither a busy event loop nor a slow endpoint makes a living worker look dead.

    Args:
        engine: the database.
        lease: the run.
        progress: asked for the progress at each beat.
        terminated: set from outside (a signal) to end the worker.
    """

    def __init__(
        self, engine: Engine, lease: Lease, progress: Callable[[], Progress], terminated: threading.Event
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._progress = progress
        self._terminated = terminated
        self._ended = threading.Event()
        self._asked: Stop = ""
        self._since: float | None = None
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def stop(self) -> Stop:
        """Why the worker should end; a lost lease before anything else."""
        if self._asked == "lost" or not self._terminated.is_set():
            return self._asked
        return "terminate"

    @property
    def stopping_for(self) -> float:
        """Seconds since the worker was first seen to be asked to end; 0 while it is not."""
        if not self.stop:
            return 0.0
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                self.hear(beat(self._engine, self._lease, self._progress()))
            except LeaseLostError:
                self._asked = "lost"
                return
            except OperationalError as error:
                # A full disk or a lock held too long may pass; the run is only stale after several beats.
                log.warning("No heartbeat: %s", error.orig)

    def hear(self, request: str) -> None:
        """Take note of a request that came back from the database."""
        if request in _REQUESTS:
            self._asked = _REQUESTS[request]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

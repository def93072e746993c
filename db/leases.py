"""Who owns a run: one worker at a time, known by a token that grows with every owner and fences off earlier ones."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, select, update

from clear_core.errors import StateError
from db.engine import write
from db.models import RunRow
from db.records import ACTIVE, RunStatus

STALE_S: Final = 10.0
"""A running run without a sign of life for so long is interrupted."""

QUEUE_S: Final = 60.0
"""A queued run that no worker took for so long is interrupted: its worker never came up."""

RUN = RunRow.__table__


class LeaseLostError(StateError):
    """Another worker owns the run, or somebody ended it: this worker must stop and may not store anything more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run; void as soon as a later owner has a higher token."""

    run_id: int
    token: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker is, apart from the rows it stored; the counters are the whole run's.

    Attributes:
        phase: what it is at.
        calls_paid: calls that reached the endpoint.
        calls_replayed: calls answered by the ledger.
        tokens_in: prompt tokens of paid calls.
        tokens_out: completion tokens of paid calls.
        rate_per_s: rows finished per second, lately.
    """

    phase: str = ""
    calls_paid: int = 0
    calls_replayed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    rate_per_s: float | None = None


def looks_alive(run: Row[Any]) -> bool:
    """Whether a run has a worker: it is running, its heartbeat is fresh and its process, if on this host, exists."""
    if run.status != "running" or time.time() - (run.heartbeat_at or 0.0) > STALE_S:
        return False
    return run.owner_host != socket.gethostname() or _exists(run.owner_pid)


def shown_status(run: Row[Any]) -> RunStatus:
    """The status as it looks from outside: a run that should have a living worker and has none is interrupted."""
    waits = run.status == "queued" and time.time() - (run.heartbeat_at or 0.0) <= QUEUE_S
    if run.status in ACTIVE and not waits and not looks_alive(run):
        return "interrupted"
    status: RunStatus = run.status
    return status


def _exists(pid: int) -> bool:
    with suppress(ChildProcessError):
        # A child of this process that ended is collected first, or its remains would look alive.
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def claim_run(engine: Engine, run_id: int) -> Lease:
    """Take a queued run, or one whose worker is gone.

    Raises:
        StateError: when there is no such run, a worker is at it, or it has ended.
    """
    with write(engine) as connection:
        run = locked_run(connection, run_id)
        if looks_alive(run):
            raise StateError(f"Run {run_id} already has a worker.")
        if run.status not in {"queued", "running", "interrupted"}:
            raise StateError(f"Run {run_id} is {run.status}.", "Resume it first.")
        now = time.time()
        values = {
            "status": "running",
            # What a training left under way elsewhere can only be cancelled by a worker.
            "request": "cancel" if run.request == "cancel" else "",
            "token": run.token + 1,
            "owner_host": socket.gethostname(),
            "owner_pid": os.getpid(),
            "heartbeat_at": now,
            "started_at": run.started_at or now,
            "finished_at": None,
            "message": "",
            "phase": "starting",
            "rate_per_s": None,
        }
        connection.execute(update(RunRow).where(RunRow.id == run_id).values(values))
        return Lease(run_id, run.token + 1)


def locked_run(connection: Connection, run_id: int) -> Row[Any]:
    """The row of a run inside a writing transaction, locked where the database has row locks.

    Raises:
        StateError: when there is none of this id.
    """
    run = connection.execute(select(RUN).where(RunRow.id == run_id).with_for_update()).one_or_none()
    if run is None:
        raise StateError(f"There is no run {run_id}.", "Choose one from the list.")
    return run


def update_owned(connection: Connection, lease: Lease, values: dict[Any, Any]) -> str:
    """Change the run that a lease gives the right to, as the fence of its transaction.

    Returns:
        The pending request: "", "pause" or "cancel".

    Raises:
        LeaseLostError: when the lease is void; the caller's transaction is then rolled back.
    """
    owned = (RunRow.id == lease.run_id) & (RunRow.token == lease.token) & (RunRow.status == "running")
    request = connection.execute(update(RunRow).where(owned).values(values).returning(RunRow.request)).scalar()
    if request is None:
        raise LeaseLostError(f"Run {lease.run_id} has another worker, or was ended.")
    return str(request)


def beat(engine: Engine, lease: Lease, progress: Progress) -> str:
    """Give a sign of life with the progress made.

    Returns:
        The pending request: "", "pause" or "cancel".

    Raises:
        LeaseLostError: when the lease is void.
    """
    with write(engine) as connection:
        return update_owned(connection, lease, {"heartbeat_at": time.time(), **asdict(progress)})


def describe(
    engine: Engine,
    lease: Lease,
    *,
    done: int | None = None,
    total: int | None = None,
    recipe: str | None = None,
    state: str | None = None,
) -> None:
    """Record how far a run is; None leaves a value as it is.

    Args:
        engine: the database.
        lease: the run.
        done: rows (or steps) done.
        total: rows (or steps) to do.
        recipe: what is used to do them, as JSON.
        state: what a next worker must find again, as JSON.

    Raises:
        LeaseLostError: when the lease is void.
    """
    values = {"done": done, "total": total, "recipe": recipe, "state": state}
    with write(engine) as connection:
        update_owned(connection, lease, {key: value for key, value in values.items() if value is not None})


def release_run(
    engine: Engine, lease: Lease, status: RunStatus, message: str, progress: Progress, *, calls_unspent: int = 0
) -> None:
    """End one worker's work on a run.

    Args:
        engine: the database.
        lease: the lease, void afterwards.
        status: what the run is from now on.
        message: why, for a person; may be empty.
        progress: the last word on the counters.
        calls_unspent: reserved calls that were not made.

    Raises:
        LeaseLostError: when the lease was void already.
    """
    ended = status in {"done", "cancelled", "capped", "failed"}
    with write(engine) as connection:
        values = {
            **asdict(progress),
            "status": status,
            "message": message,
            "phase": "",
            "rate_per_s": None,
            "request": "",
            "heartbeat_at": time.time(),
            "finished_at": time.time() if ended else None,
            "calls_reserved": RunRow.calls_reserved - calls_unspent,
            "owner_pid": None,
        }
        if status == "done":
            values["retry_problems"] = False
        update_owned(connection, lease, values)


def reserve_calls(engine: Engine, lease: Lease, wanted: int, cap: int) -> int:
    """Reserve calls under the run's cap before they are made, so that no crash can lift the cap.

    Returns:
        How many were granted: `wanted`, fewer, or 0 at the cap.

    Raises:
        LeaseLostError: when the lease is void.
    """
    with write(engine) as connection:
        reserved = locked_run(connection, lease.run_id).calls_reserved
        granted = max(0, min(wanted, cap - reserved))
        update_owned(connection, lease, {"calls_reserved": reserved + granted})
        return int(granted)

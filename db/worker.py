"""The body of a job: takes a run, works on it, and leaves it in a state that a person can read and resume."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Final

from sqlalchemy import Engine

from clear_core.errors import BudgetError, ClearError
from db.clients import Clients, Models
from db.correcting import correct
from db.datasets import get_dataset, import_examples
from db.leases import LeaseLostError, claim_run, describe, release_run
from db.pulse import Pulse
from db.records import RunStatus
from db.runs import get_run
from db.scoring import score
from db.shift import Shift
from db.storing import STOPPED, Ending
from db.training import train

TELL_EVERY_S: Final = 0.5

log = logging.getLogger(__name__)


def work(engine: Engine, run_id: int, models: Models, terminated: threading.Event) -> RunStatus:
    """Do what is left of a run.

    Args:
        engine: the database.
        run_id: a queued run, or one whose worker is gone.
        models: how to reach the models; not used by an import.
        terminated: set from outside (a signal) to end early.

    Returns:
        What the run is afterwards; "interrupted" also when another worker took it over.

    Raises:
        StateError: when the run can't be taken.
    """
    lease = claim_run(engine, run_id)
    shift = Shift(engine, lease, get_run(engine, run_id))
    log.info("Run %d: started, %d of %d rows done", run_id, shift.run.done, shift.run.total)
    with Pulse(engine, lease, shift.progress, terminated) as pulse:
        pulse.hear(shift.run.pending_request)
        ending = _end(shift, pulse, models)
    shift.is_loading = False
    try:
        release_run(engine, lease, ending.status, ending.message, shift.progress(), calls_unspent=shift.budget.unspent)
    except LeaseLostError:
        ending = Ending("interrupted", "Another worker has the run; nothing more was stored.")
    log.info("Run %d: %s. %s", run_id, ending.status, ending.message)
    return ending.status


def _end(shift: Shift, pulse: Pulse, models: Models) -> Ending:
    try:
        return _job(shift, pulse, models)
    except LeaseLostError:
        return STOPPED["lost"]
    except BudgetError as error:
        return Ending("capped", str(error))
    except ClearError as error:
        return Ending("failed", str(error))
    except Exception as error:
        # The process ends here: whatever went wrong, the run must say so and stay resumable.
        log.exception("Run %d failed", shift.run.id)
        return Ending("failed", f"The worker met an unexpected {type(error).__name__}; its log has the details.")


def _job(shift: Shift, pulse: Pulse, models: Models) -> Ending:
    if shift.run.config.kind == "import":
        return _import(shift, pulse)
    if shift.run.config.kind == "train":
        return asyncio.run(train(shift, pulse, models))
    return asyncio.run(_ask(shift, pulse, models))


async def _ask(shift: Shift, pulse: Pulse, models: Models) -> Ending:
    async with Clients(shift, models) as clients:
        job = correct if shift.run.config.kind == "correct" else score
        return await job(shift, pulse, clients)


def _import(shift: Shift, pulse: Pulse) -> Ending:
    shift.begin("importing")
    told_at = time.monotonic()

    def tell(examples: int, problems: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > TELL_EVERY_S:
            shift.count(examples + problems - shift.finished)
            describe(shift.engine, shift.lease, done=examples + problems)
            told_at = time.monotonic()

    dataset_id = shift.run.dataset_id
    examples, problems = import_examples(
        shift.engine, dataset_id, should_stop=lambda: bool(pulse.stop), on_progress=tell
    )
    if get_dataset(shift.engine, dataset_id).status != "ready":
        return STOPPED[pulse.stop]
    rows = examples + problems
    describe(shift.engine, shift.lease, done=rows, total=rows)
    return Ending("done")

"""Runs: asked for here, worked on by `db.worker`, watched from the pages."""

from __future__ import annotations

from sqlalchemy import Engine

from db.records import RunConfig, RunKind, RunRecord


def create_run(engine: Engine, dataset_id: int, config: RunConfig, created_by: str) -> int:
    """Queue a run; `db.jobs.start_worker` then starts it.

    Returns:
        The run's id.

    Raises:
        StateError: when the dataset is missing or not ready, or `score_run_id` is not a score run of it.
        InputError: when the configuration can't be used (limits below 1, a base URL with credentials, ...).
        ThresholdError: when gamma is not a threshold.
    """
    raise NotImplementedError


def get_run(engine: Engine, run_id: int) -> RunRecord:
    """One run as it stands; "interrupted" when it should be running but its worker is gone.

    Raises:
        StateError: when there is none of this id.
    """
    raise NotImplementedError


def list_runs(engine: Engine, dataset_id: int, kind: RunKind | None = None) -> list[RunRecord]:
    """The dataset's runs, newest first."""
    raise NotImplementedError


def request_pause(engine: Engine, run_id: int) -> None:
    """Ask the worker to stop after what is in flight; at once when no worker has it.

    Raises:
        StateError: when the run is neither queued nor running.
    """
    raise NotImplementedError


def request_cancel(engine: Engine, run_id: int) -> None:
    """End the run for good; every stored row is kept.

    Raises:
        StateError: when the run has already ended.
    """
    raise NotImplementedError


def request_resume(engine: Engine, run_id: int, *, max_calls: int | None = None, retry_problems: bool = False) -> None:
    """Queue a stopped run again; `db.jobs.start_worker` then starts it, and the ledger answers what was paid for.

    Args:
        engine: the database.
        run_id: the run.
        max_calls: a new cap on the whole run's paid calls; None leaves the cap as it was.
        retry_problems: also ask again for rows that have no confidence (or preference) for a named problem; allowed
            on a run that is done, too.

    Raises:
        StateError: when the run is queued, running or cancelled, or done and nothing is to be retried.
        InputError: when the new cap is not above what was already paid.
    """
    raise NotImplementedError

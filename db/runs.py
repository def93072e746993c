"""Runs: asked for here, worked on by `db.worker`, watched from the pages."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from clear_core.errors import InputError, StateError
from db.configs import check_config
from db.convert import config_of, config_values, run_of
from db.datasets import get_dataset
from db.engine import read, write
from db.leases import RUN, locked_run, looks_alive, shown_status
from db.models import PolicyRow, RunRow
from db.records import RESUMABLE, DatasetRecord, RunConfig, RunKind, RunRecord


def create_run(engine: Engine, dataset_id: int, config: RunConfig, created_by: str) -> int:
    """Queue a run; `db.jobs.start_worker` then starts it.

    Returns:
        The run's id.

    Raises:
        StateError: when the dataset is missing or not ready, or `score_run_id` or `policy_id` is not one of it.
        InputError, ThresholdError: when the configuration can't be used, as `check_config` says.
    """
    check_config(config)
    dataset = get_dataset(engine, dataset_id)
    _check_state(dataset, config)
    if config.kind == "correct" and config.score_run_id is not None:
        check_run(engine, dataset_id, config.score_run_id, "score")
    if config.kind == "train" and config.policy_id is not None:
        _check_policy(engine, dataset_id, config.policy_id)
    values = {
        "dataset_id": dataset_id,
        "kind": config.kind,
        "config": config_values(config),
        "status": "queued",
        "total": min(config.limit or dataset.examples, dataset.examples) if config.kind == "score" else 0,
        "created_at": time.time(),
        "heartbeat_at": time.time(),
        "created_by": created_by,
    }
    with write(engine) as connection:
        return int(connection.execute(insert(RunRow).values(values).returning(RunRow.id)).scalar_one())


def _check_state(dataset: DatasetRecord, config: RunConfig) -> None:
    if config.kind == "import":
        if dataset.status == "ready":
            raise StateError(f"Dataset {dataset.id} is already imported.")
    elif dataset.status != "ready":
        raise StateError(f"Dataset {dataset.id} is not ready ({dataset.status}).", "Wait for its import to finish.")


def _check_policy(engine: Engine, dataset_id: int, policy_id: int) -> None:
    with read(engine) as connection:
        owner = connection.execute(select(PolicyRow.dataset_id).where(PolicyRow.id == policy_id)).scalar()
    if owner != dataset_id:
        raise StateError(f"Policy {policy_id} is not one of dataset {dataset_id}.", "Choose one from the list.")


def check_run(engine: Engine, dataset_id: int, run_id: int, kind: RunKind) -> RunRecord:
    """The run of this id, if it is of this dataset and kind.

    Raises:
        StateError: when it is not.
    """
    run = get_run(engine, run_id)
    if run.dataset_id != dataset_id or run.config.kind != kind:
        raise StateError(f"Run {run_id} is not a {kind} run of dataset {dataset_id}.", "Choose one from the list.")
    return run


def get_run(engine: Engine, run_id: int) -> RunRecord:
    """One run as it stands; "interrupted" when it should be running but its worker is gone.

    Raises:
        StateError: when there is none of this id.
    """
    with read(engine) as connection:
        run = connection.execute(select(RUN).where(RunRow.id == run_id)).one_or_none()
    if run is None:
        raise StateError(f"There is no run {run_id}.", "Choose one from the list.")
    return run_of(run, shown_status(run))


def list_runs(engine: Engine, dataset_id: int, kind: RunKind | None = None) -> list[RunRecord]:
    """The dataset's runs, newest first."""
    query = select(RUN).where(RunRow.dataset_id == dataset_id).order_by(RunRow.id.desc())
    if kind:
        query = query.where(RunRow.kind == kind)
    with read(engine) as connection:
        return [run_of(run, shown_status(run)) for run in connection.execute(query)]


def request_pause(engine: Engine, run_id: int) -> None:
    """Ask the worker to stop after what is in flight; at once when no worker has it.

    Raises:
        StateError: when the run is neither queued nor running.
    """
    with write(engine) as connection:
        run = locked_run(connection, run_id)
        if run.status not in {"queued", "running"}:
            raise StateError(f"Run {run_id} is {run.status}; there is nothing to pause.")
        values = {"request": "pause"} if looks_alive(run) else {"status": "paused", "request": ""}
        _update(connection, run_id, values)


def request_cancel(engine: Engine, run_id: int) -> bool:
    """End the run for good; every stored row is kept.

    Returns:
        Whether a worker must be started for it: without one, a training that was left under way at an endpoint would
        go on there.

    Raises:
        StateError: when the run has already ended.
    """
    with write(engine) as connection:
        run = locked_run(connection, run_id)
        if run.status in {"done", "cancelled"}:
            raise StateError(f"Run {run_id} is {run.status} already.")
        ended = {"status": "cancelled", "request": "", "finished_at": time.time()}
        is_alive, is_elsewhere = looks_alive(run), _is_elsewhere(run)
        told = {"status": "queued", "heartbeat_at": time.time(), "request": "cancel"}
        _update(connection, run_id, {"request": "cancel"} if is_alive else told if is_elsewhere else ended)
        return is_elsewhere and not is_alive


def _is_elsewhere(run: Row[Any]) -> bool:
    """Whether a training was begun at an endpoint."""
    config = config_of(run)
    return config.train is not None and bool(config.train.base_url) and bool(json.loads(run.state).get("trainer"))


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
    with write(engine) as connection:
        run = locked_run(connection, run_id)
        status = shown_status(run)
        if status not in RESUMABLE and not (status == "done" and retry_problems):
            raise StateError(f"Run {run_id} is {status} and can't be resumed.")
        config = config_of(run)
        if max_calls is not None:
            if max_calls <= run.calls_reserved:
                raise InputError(
                    f"The cap of {max_calls:,} calls is used up ({run.calls_reserved:,} calls).", "Give a larger one."
                )
            config = replace(config, max_calls=max_calls)
        values = {
            "status": "queued",
            "heartbeat_at": time.time(),
            "request": "",
            "message": "",
            "retry_problems": retry_problems or run.retry_problems,
            "config": config_values(config),
            "finished_at": None,
        }
        _update(connection, run_id, values)


def _update(connection: Connection, run_id: int, values: dict[str, Any]) -> None:
    connection.execute(update(RunRow).where(RunRow.id == run_id).values(values))

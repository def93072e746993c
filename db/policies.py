"""Policies: thresholds that somebody chose, named and versioned; never changed."""

from __future__ import annotations

import time

from sqlalchemy import Engine, func, insert, select

from clear_core.errors import InputError, StateError
from clear_core.propose import Gamma, Thresholds
from db.convert import policy_of
from db.engine import read, write
from db.models import DatasetRow, PolicyRow
from db.records import PolicyRecord, Scope
from db.runs import check_run

POLICY = PolicyRow.__table__


def save_policy(
    engine: Engine,
    *,
    dataset_id: int,
    name: str,
    score_run_id: int,
    correct_run_id: int | None,
    gamma: str,
    gamma_value: float,
    eta: float,
    scope: Scope,
    created_by: str,
) -> PolicyRecord:
    """Save thresholds as the next version of a name.

    Args:
        engine: the database.
        dataset_id: the dataset.
        name: the policy's name; its first version is 1.
        score_run_id: a score run of that dataset.
        correct_run_id: a correct run of that dataset, or None.
        gamma: as `Gamma.parse` reads it.
        gamma_value: gamma as a number, from `propose.cut`.
        eta: threshold on preference, in [0, 1].
        scope: low or all.
        created_by: who.

    Raises:
        StateError: when a run is missing or belongs to another dataset.
        InputError: when the name is empty.
        ThresholdError: when gamma or eta is not a threshold.
    """
    if not name.strip():
        raise InputError("The policy has no name.", "Give it one.")
    thresholds = Thresholds(Gamma.parse(gamma), eta, scope)
    check_run(engine, dataset_id, score_run_id, "score")
    if correct_run_id is not None:
        check_run(engine, dataset_id, correct_run_id, "correct")
    values = {
        "dataset_id": dataset_id,
        "name": name.strip(),
        "score_run_id": score_run_id,
        "correct_run_id": correct_run_id,
        "gamma": str(thresholds.gamma),
        "gamma_value": gamma_value,
        "eta": eta,
        "scope": scope,
        "created_at": time.time(),
        "created_by": created_by,
    }
    with write(engine) as connection:
        # Locks the dataset where the database has row locks: two savers get two versions.
        connection.execute(select(DatasetRow.id).where(DatasetRow.id == dataset_id).with_for_update())
        same = (PolicyRow.dataset_id == dataset_id) & (PolicyRow.name == values["name"])
        latest = connection.execute(select(func.max(PolicyRow.version)).where(same)).scalar() or 0
        saved = insert(PolicyRow).values(values | {"version": latest + 1}).returning(POLICY)
        return policy_of(connection.execute(saved).one())


def list_policies(engine: Engine, dataset_id: int) -> list[PolicyRecord]:
    """The dataset's policies, newest first."""
    query = select(POLICY).where(PolicyRow.dataset_id == dataset_id).order_by(PolicyRow.id.desc())
    with read(engine) as connection:
        return [policy_of(row) for row in connection.execute(query)]


def get_policy(engine: Engine, policy_id: int) -> PolicyRecord:
    """One policy.

    Raises:
        StateError: when there is none of this id.
    """
    with read(engine) as connection:
        row = connection.execute(select(POLICY).where(PolicyRow.id == policy_id)).one_or_none()
    if row is None:
        raise StateError(f"There is no policy {policy_id}.", "Choose one from the list.")
    return policy_of(row)

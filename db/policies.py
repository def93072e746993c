"""Policies: thresholds that somebody chose, named and versioned; never changed."""

from __future__ import annotations

from sqlalchemy import Engine

from db.records import PolicyRecord, Scope


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
    raise NotImplementedError


def list_policies(engine: Engine, dataset_id: int) -> list[PolicyRecord]:
    """The dataset's policies, newest first."""
    raise NotImplementedError


def get_policy(engine: Engine, policy_id: int) -> PolicyRecord:
    """One policy.

    Raises:
        StateError: when there is none of this id.
    """
    raise NotImplementedError

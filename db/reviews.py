"""Decisions: appended, never changed. What stands is a fold of them, kept beside the log in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from clear_core.types import Decision
from db.records import DecisionCounts, StandingTable


def append_decision(engine: Engine, dataset_id: int, decision: Decision, *, policy_id: int | None) -> bool:
    """Append one decision, durable when this returns.

    What is missing in `decision.shown` of policy, model, confidence and preference is filled in from the policy's runs.

    Returns:
        False when this uid was appended before: the same fact twice is one fact.

    Raises:
        StateError: when the example, the policy or the decision to undo is not this dataset's, or action and fate
            contradict each other.
    """
    raise NotImplementedError


def undo_last(
    engine: Engine, dataset_id: int, reviewer: str, *, policy_id: int | None, uid: str | None = None
) -> Decision | None:
    """Append an undo of this reviewer's newest decision that is not undone yet.

    Args:
        engine: the database.
        dataset_id: the dataset.
        reviewer: who.
        policy_id: the policy in force.
        uid: unique id of the undo, for a caller that may ask twice; made up when None.

    Returns:
        The undo as appended, or None when there is nothing left to undo.
    """
    raise NotImplementedError


def decisions(engine: Engine, dataset_id: int) -> Iterator[Decision]:
    """The whole log in the order of appending, in bounded memory."""
    raise NotImplementedError


def decisions_for(engine: Engine, dataset_id: int, rows: Sequence[int]) -> dict[int, list[Decision]]:
    """The log of these rows, in order; rows without a decision are missing."""
    raise NotImplementedError


def effective_fates(engine: Engine, dataset_id: int) -> dict[int, Decision]:
    """The standing decision of each row ("unsure" stands, but leaves the row open), for folding into an export.

    Equal to `clear_core.apply.standing` of the log. For queues and counts use `standing_table`, which is light.
    """
    raise NotImplementedError


def standing_table(engine: Engine, dataset_id: int, *, after_seq: int = 0) -> StandingTable:
    """Row states as arrays; with `after_seq` only the rows touched since.

    An undone row comes back as "open", so that a cached table can be brought up to date by overwriting.
    """
    raise NotImplementedError


def decision_counts(engine: Engine, dataset_id: int) -> DecisionCounts:
    """How many rows stand where, and how many decisions were appended."""
    raise NotImplementedError


def recent(engine: Engine, dataset_id: int, reviewer: str, n: int = 10) -> list[Decision]:
    """This reviewer's newest decisions, newest first, undos included."""
    raise NotImplementedError

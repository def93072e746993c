"""Decisions: appended, never changed. What stands is a fold of them, kept beside the log in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, Row, exists, func, select
from sqlalchemy.orm import aliased

from clear_core.apply import standing
from clear_core.types import Decision
from db.appending import DECISION, append, check_sense
from db.bulk import PAGE, as_array, in_pages
from db.convert import decision_of
from db.engine import read, write
from db.models import DecisionRow, StandingRow
from db.records import ROW_STATES, DecisionCounts, StandingTable


def append_decision(engine: Engine, dataset_id: int, decision: Decision, *, policy_id: int | None) -> bool:
    """Append one decision, durable when this returns.

    What is missing in `decision.shown` of policy, model, confidence and preference is filled in from the policy's runs.

    Returns:
        False when this uid was appended before: the same fact twice is one fact.

    Raises:
        StateError: when the example, the policy or the decision to undo is not this dataset's, or action and fate
            contradict each other.
    """
    check_sense(decision)
    with write(engine) as connection:
        return append(connection, dataset_id, decision, policy_id)


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
    uid = uid or uuid.uuid4().hex
    with write(engine) as connection:
        before = connection.execute(select(DECISION).where(DecisionRow.uid == uid)).one_or_none()
        if before is not None:
            return decision_of(before)
        last = _last_undoable(connection, dataset_id, reviewer)
        if last is None:
            return None
        undo = Decision(
            uid=uid,
            id=last.example_id,
            row=last.row,
            action="undo",
            fate=None,
            reviewer=reviewer,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            undoes=last.uid,
        )
        append(connection, dataset_id, undo, policy_id)
    return decisions_for(engine, dataset_id, [undo.row])[undo.row][-1]


def _last_undoable(connection: Connection, dataset_id: int, reviewer: str) -> Row[Any] | None:
    undo, redo = aliased(DecisionRow), aliased(DecisionRow)
    undone_for_good = exists().where(undo.undoes == DecisionRow.uid, ~exists().where(redo.undoes == undo.uid))
    mine = (DecisionRow.dataset_id == dataset_id) & (DecisionRow.reviewer == reviewer) & (DecisionRow.action != "undo")
    candidates = select(DECISION).where(mine, ~undone_for_good).order_by(DecisionRow.seq.desc())
    for candidate in connection.execute(candidates):
        # The query tells most; where an undo was itself undone, only the fold knows.
        on_row = (DecisionRow.dataset_id == dataset_id) & (DecisionRow.row == candidate.row)
        undos = select(DECISION).where(on_row, DecisionRow.action == "undo").order_by(DecisionRow.seq)
        log = [candidate, *connection.execute(undos)]
        if standing(decision_of(row) for row in log):
            return candidate
    return None


def decisions(engine: Engine, dataset_id: int) -> Iterator[Decision]:
    """The whole log in the order of appending, in bounded memory."""
    query = select(DECISION).where(DecisionRow.dataset_id == dataset_id).order_by(DecisionRow.seq).limit(PAGE)
    after = 0
    while True:
        with read(engine) as connection:
            page = connection.execute(query.where(DecisionRow.seq > after)).all()
        if not page:
            return
        yield from map(decision_of, page)
        after = page[-1].seq


def decisions_for(engine: Engine, dataset_id: int, rows: Sequence[int]) -> dict[int, list[Decision]]:
    """The log of these rows, in order; rows without a decision are missing."""
    found: dict[int, list[Decision]] = {}
    with read(engine) as connection:
        for page in in_pages([int(row) for row in rows]):
            here = (DecisionRow.dataset_id == dataset_id) & DecisionRow.row.in_(page)
            for row in connection.execute(select(DECISION).where(here).order_by(DecisionRow.seq)):
                found.setdefault(row.row, []).append(decision_of(row))
    return found


def effective_fates(engine: Engine, dataset_id: int) -> dict[int, Decision]:
    """The standing decision of each row ("unsure" stands, but leaves the row open), for folding into an export.

    Equal to `clear_core.apply.standing` of the log. For queues and counts use `standing_table`, which is light.
    """
    query = (
        select(DECISION)
        .join(StandingRow, StandingRow.decision_seq == DecisionRow.seq)
        .where(StandingRow.dataset_id == dataset_id)
        .order_by(DecisionRow.row)
    )
    with read(engine) as connection:
        return {row.row: decision_of(row) for row in connection.execute(query)}


def standing_table(engine: Engine, dataset_id: int, *, after_seq: int = 0) -> StandingTable:
    """Row states as arrays; with `after_seq` only the rows touched since.

    An undone row comes back as "open", so that a cached table can be brought up to date by overwriting.
    """
    query = (
        select(StandingRow.row, StandingRow.state, StandingRow.seq)
        .where(StandingRow.dataset_id == dataset_id, StandingRow.seq > after_seq)
        .order_by(StandingRow.row)
    )
    with read(engine) as connection:
        found = as_array(connection, query, [("row", "i8"), ("state", "i1"), ("seq", "i8")])
    newest = int(found["seq"].max(initial=after_seq))
    return StandingTable(newest, np.ascontiguousarray(found["row"]), np.ascontiguousarray(found["state"]))


def decision_counts(engine: Engine, dataset_id: int) -> DecisionCounts:
    """How many rows stand where, and how many decisions were appended."""
    states = (
        select(StandingRow.state, func.count()).where(StandingRow.dataset_id == dataset_id).group_by(StandingRow.state)
    )
    people = (
        select(DecisionRow.reviewer, func.count())
        .where(DecisionRow.dataset_id == dataset_id)
        .group_by(DecisionRow.reviewer)
    )
    with read(engine) as connection:
        by_state = {ROW_STATES[state]: count for state, count in connection.execute(states)}
        by_reviewer = dict(connection.execute(people).all())
    return DecisionCounts(
        keep=by_state.get("keep", 0),
        drop=by_state.get("drop", 0),
        replace=by_state.get("replace", 0),
        unsure=by_state.get("unsure", 0),
        appended=sum(by_reviewer.values()),
        by_reviewer=by_reviewer,
    )

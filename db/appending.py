"""One decision into the log, with what it rests on, and the standing of its row in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from clear_core.apply import standing
from clear_core.errors import StateError
from clear_core.types import Action, Decision, Fate
from db.convert import decision_of, decision_values
from db.models import DatasetRow, DecisionRow, ExampleRow, PolicyRow, PreferenceRow, ScoreRow, StandingRow
from db.records import ROW_STATES

DECISION = DecisionRow.__table__

FATES_OF: Mapping[Action, frozenset[Fate | None]] = {
    "accept": frozenset({"drop", "replace", "keep"}),
    "reject": frozenset({"keep"}),
    "edit": frozenset({"replace"}),
    "keep": frozenset({"keep"}),
    "drop": frozenset({"drop"}),
    "unsure": frozenset({None}),
    "undo": frozenset({None}),
}
"""What an action can make of an example."""

_STATES: Mapping[Fate | None, int] = {
    None: ROW_STATES.index("unsure"),
    "keep": ROW_STATES.index("keep"),
    "drop": ROW_STATES.index("drop"),
    "replace": ROW_STATES.index("replace"),
}


def check_sense(decision: Decision) -> None:
    """Refuse what no dataset could make sense of.

    Raises:
        StateError: when action, fate, response and what is undone contradict each other.
    """
    if decision.fate not in FATES_OF[decision.action]:
        raise StateError(f"The decision {decision.action!r} can't make a row {decision.fate!r}.")
    if (decision.fate == "replace") != (decision.response is not None):
        raise StateError("A decision has a response exactly when it replaces one.")
    if (decision.action == "undo") != (decision.undoes is not None):
        raise StateError("A decision names another one exactly when it undoes it.")
    if not decision.reviewer.strip():
        raise StateError("A decision needs a reviewer.", "Give your name.")
    if not 1 <= len(decision.uid) <= 64 or len(decision.at) > 40:
        raise StateError("The decision has no usable uid or time.")


def append(connection: Connection, dataset_id: int, decision: Decision, policy_id: int | None) -> bool:
    """Append a decision and renew what stands on its row.

    Returns:
        False when this uid was appended before.

    Raises:
        StateError: when the example, the policy or the decision to undo is not this dataset's.
    """
    # Locks the dataset where the database has row locks: numbers of decisions then grow in the order of commits.
    connection.execute(select(DatasetRow.id).where(DatasetRow.id == dataset_id).with_for_update())
    known = connection.execute(select(DecisionRow.seq).where(DecisionRow.uid == decision.uid)).scalar()
    if known is not None:
        return False
    _check_place(connection, dataset_id, decision)
    shown = dict(_provenance(connection, dataset_id, decision.row, policy_id)) | dict(decision.shown)
    values = decision_values(dataset_id, decision, shown, policy_id)
    seq = connection.execute(insert(DecisionRow).values(values).returning(DecisionRow.seq)).scalar_one()
    _restand(connection, dataset_id, decision.row, seq)
    return True


def _check_place(connection: Connection, dataset_id: int, decision: Decision) -> None:
    here = (ExampleRow.dataset_id == dataset_id) & (ExampleRow.row == decision.row)
    example_id = connection.execute(select(ExampleRow.example_id).where(here)).scalar()
    if example_id != decision.id:
        raise StateError(
            f"Row {decision.row} of dataset {dataset_id} is not the example {decision.id!r}.",
            "Reload the page: the dataset was replaced.",
        )
    if decision.undoes is None:
        return
    undone = connection.execute(select(DECISION).where(DecisionRow.uid == decision.undoes)).one_or_none()
    if undone is None or undone.dataset_id != dataset_id or undone.row != decision.row:
        raise StateError(f"There is no decision {decision.undoes!r} on row {decision.row} to undo.")


def _provenance(connection: Connection, dataset_id: int, row: int, policy_id: int | None) -> Mapping[str, Any]:
    """What a decision rests on, as far as the policy in force tells."""
    if policy_id is None:
        return {}
    policy = connection.execute(select(PolicyRow.__table__).where(PolicyRow.id == policy_id)).one_or_none()
    if policy is None or policy.dataset_id != dataset_id:
        raise StateError(f"Policy {policy_id} is not one of dataset {dataset_id}.", "Choose one from the list.")
    here = (ScoreRow.run_id == policy.score_run_id) & (ScoreRow.row == row)
    score = connection.execute(select(ScoreRow.confidence, ScoreRow.model).where(here)).one_or_none()
    preference = None
    if policy.correct_run_id is not None:
        judged = (PreferenceRow.run_id == policy.correct_run_id) & (PreferenceRow.row == row)
        preference = connection.execute(select(PreferenceRow.preference).where(judged)).scalar()
    return {
        "policy": f"{policy.name} v{policy.version}",
        "gamma": policy.gamma_value,
        "eta": policy.eta,
        "model": score.model if score else "",
        "confidence": score.confidence if score else None,
        "preference": preference,
    }


def _restand(connection: Connection, dataset_id: int, row: int, seq: int) -> None:
    """Fold one row's decisions anew and keep the outcome."""
    here = (DecisionRow.dataset_id == dataset_id) & (DecisionRow.row == row)
    log = {each.uid: each for each in connection.execute(select(DECISION).where(here).order_by(DecisionRow.seq)).all()}
    stands = standing(decision_of(each) for each in log.values()).get(row)
    values = {
        "state": state_of(stands),
        "seq": seq,
        "decision_seq": log[stands.uid].seq if stands else None,
    }
    mine = (StandingRow.dataset_id == dataset_id) & (StandingRow.row == row)
    if connection.execute(update(StandingRow).where(mine).values(values)).rowcount == 0:
        connection.execute(insert(StandingRow).values(values | {"dataset_id": dataset_id, "row": row}))


def state_of(decision: Decision | None) -> int:
    """Index into ROW_STATES of what a standing decision makes of its row."""
    return 0 if decision is None else _STATES[decision.fate]

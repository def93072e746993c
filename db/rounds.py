"""Rounds: filter, train, correct, train again; each with its own scores, policy, export and model, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, insert, select, update

from clear_core.errors import InputError, StateError
from clear_core.propose import ScoreTable, Thresholds, cut, fates
from clear_core.types import FATES, Fate, ModelRef
from db.configs import check_model
from db.convert import round_of, to_json
from db.datasets import get_dataset
from db.engine import read, write
from db.models import DatasetRow, RoundRow
from db.policies import get_policy
from db.records import ROW_STATES, RoundRecord, RunKind, RunRecord
from db.reviews import decision_counts, standing_table
from db.runs import check_run, get_run, list_runs
from db.scores import intervals, score_table

ROUND: Final = RoundRow.__table__


@dataclass(frozen=True, slots=True)
class RoundSummary:
    """What a round comes to, as it stands now: what a table of rounds shows.

    Attributes:
        round: the round.
        score: the run that gave the confidences.
        correct: the run that gave the preferences, or None.
        train: the training, or None.
        thresholds: the policy's, else the defaults.
        policy: the policy's name and version, "" while none is saved.
        gamma: gamma as a number.
        scored: rows with a confidence.
        mean: mean confidence of these; None without any.
        median: their median; None without any.
        proposed: how many rows the policy alone gives which fate; rows without a score are unscored.
        fates: the same with what people decided: what an export holds.
        decided: rows on which a person's fate stands.
        undecided: rows whose sampling stopped early and whose interval holds gamma, so that it is not sure.
        trained: the model that came out: of the training, or registered; None while there is none.
    """

    round: RoundRecord
    score: RunRecord
    correct: RunRecord | None
    train: RunRecord | None
    thresholds: Thresholds
    policy: str
    gamma: float
    scored: int
    mean: float | None
    median: float | None
    proposed: Mapping[Fate, int]
    fates: Mapping[Fate, int]
    decided: int
    undecided: int
    trained: ModelRef | None

    @property
    def written(self) -> int:
        """Rows that an export holds: kept, replaced, and those that nobody scored."""
        return sum(self.fates.values()) - self.fates["drop"]


def create_round(
    engine: Engine,
    dataset_id: int,
    *,
    score_run_id: int,
    correct_run_id: int | None = None,
    policy_id: int | None = None,
    name: str = "",
    note: str = "",
    created_by: str = "",
) -> RoundRecord:
    """Begin the dataset's next round.

    Args:
        engine: the database.
        dataset_id: the dataset.
        score_run_id: the scores that it stands on.
        correct_run_id: the preferences that it stands on; None for a round that only filters.
        policy_id: the policy that decides; may come later.
        name: what people call it; "Round N" when empty.
        note: a person's words.
        created_by: who.

    Raises:
        StateError: when the dataset, a run or the policy is missing or does not belong to it.
    """
    values = {
        "dataset_id": dataset_id,
        "score_run_id": score_run_id,
        "correct_run_id": correct_run_id,
        "policy_id": policy_id,
        "note": note.strip(),
        "created_at": time.time(),
        "created_by": created_by,
    }
    get_dataset(engine, dataset_id)
    _check_ties(engine, dataset_id, values)
    with write(engine) as connection:
        # Locks the dataset where the database has row locks: two rounds begun at once get two numbers.
        connection.execute(select(DatasetRow.id).where(DatasetRow.id == dataset_id).with_for_update())
        latest = connection.execute(select(func.max(RoundRow.number)).where(RoundRow.dataset_id == dataset_id)).scalar()
        number = (latest or 0) + 1
        named = {"number": number, "name": name.strip() or f"Round {number}"}
        return round_of(connection.execute(insert(RoundRow).values(values | named).returning(ROUND)).one())


def _check_ties(engine: Engine, dataset_id: int, values: Mapping[str, Any]) -> None:
    kinds: Mapping[str, RunKind] = {"score_run_id": "score", "correct_run_id": "correct", "train_run_id": "train"}
    for name, kind in kinds.items():
        if values.get(name) is not None:
            check_run(engine, dataset_id, values[name], kind)
    policy_id = values.get("policy_id")
    if policy_id is not None and get_policy(engine, policy_id).dataset_id != dataset_id:
        raise StateError(f"Policy {policy_id} is not one of dataset {dataset_id}.", "Choose one from the list.")


def change_round(
    engine: Engine,
    round_id: int,
    *,
    score_run_id: int | None = None,
    correct_run_id: int | None = None,
    policy_id: int | None = None,
    train_run_id: int | None = None,
    name: str | None = None,
    note: str | None = None,
) -> RoundRecord:
    """Tie runs, a policy or words to a round; None leaves a value as it is.

    Raises:
        StateError: when the round, a run or the policy is missing, or belongs to another dataset.
    """
    given = {
        "score_run_id": score_run_id,
        "correct_run_id": correct_run_id,
        "policy_id": policy_id,
        "train_run_id": train_run_id,
        "name": name and name.strip(),
        "note": note if note is None else note.strip(),
    }
    changes = {field: value for field, value in given.items() if value is not None}
    _check_ties(engine, get_round(engine, round_id).dataset_id, changes)
    return _change(engine, round_id, changes)


def _change(engine: Engine, round_id: int, changes: Mapping[str, Any]) -> RoundRecord:
    if changes:
        with write(engine) as connection:
            connection.execute(update(RoundRow).where(RoundRow.id == round_id).values(changes))
    return get_round(engine, round_id)


def register_model(engine: Engine, round_id: int, model: ModelRef) -> RoundRecord:
    """Note where the model is that somebody trained elsewhere on the round's export.

    Raises:
        StateError: when there is no such round.
        InputError: when the model can't be asked: an endpoint without a name, a base URL with credentials.
    """
    check_model(model)
    if not model.base_url and not model.adapter:
        raise InputError("The embedded model as it is was not trained.", "Give its endpoint, or its adapter's folder.")
    get_round(engine, round_id)
    return _change(engine, round_id, {"registered": to_json(asdict(model))})


def list_rounds(engine: Engine, dataset_id: int) -> list[RoundRecord]:
    """The dataset's rounds, first round first."""
    query = select(ROUND).where(RoundRow.dataset_id == dataset_id).order_by(RoundRow.number)
    with read(engine) as connection:
        return [round_of(row) for row in connection.execute(query)]


def get_round(engine: Engine, round_id: int) -> RoundRecord:
    """One round.

    Raises:
        StateError: when there is none of this id.
    """
    with read(engine) as connection:
        row = connection.execute(select(ROUND).where(RoundRow.id == round_id)).one_or_none()
    if row is None:
        raise StateError(f"There is no round {round_id}.", "Choose one from the list.")
    return round_of(row)


def round_summary(engine: Engine, round_id: int) -> RoundSummary:
    """What a round comes to now (about 1 s for 1M rows).

    Cache it on `round_stamp`.
    """
    round_ = get_round(engine, round_id)
    policy = get_policy(engine, round_.policy_id) if round_.policy_id else None
    thresholds = policy.thresholds if policy else Thresholds()
    score = get_run(engine, policy.score_run_id if policy else round_.score_run_id)
    correct_id = policy.correct_run_id if policy else round_.correct_run_id
    train = get_run(engine, round_.train_run_id) if round_.train_run_id else None
    table = score_table(engine, score.id, correct_id)
    at = cut(table, thresholds.gamma)
    codes = fates(table, thresholds, at)
    missing = max(0, get_dataset(engine, round_.dataset_id).examples - len(table))
    standing = standing_table(engine, round_.dataset_id)
    stands = standing.state >= ROW_STATES.index("keep")
    confidence = table.confidence[~np.isnan(table.confidence)]
    return RoundSummary(
        round=round_,
        score=score,
        correct=get_run(engine, correct_id) if correct_id else None,
        train=train,
        thresholds=thresholds,
        policy=f"{policy.name} v{policy.version}" if policy else "",
        gamma=at.gamma,
        scored=at.scored,
        mean=float(confidence.mean()) if len(confidence) else None,
        median=float(np.median(confidence)) if len(confidence) else None,
        proposed=_counts(codes, missing),
        fates=_decided(table, codes, missing, standing.row[stands], standing.state[stands]),
        decided=int(stands.sum()),
        undecided=intervals(engine, score.id).undecided(at.gamma),
        trained=round_.registered or (train.trained if train else None),
    )


def _counts(codes: NDArray[np.int8], missing: int) -> dict[Fate, int]:
    """How many rows have which fate; those without a result are unscored."""
    found = np.bincount(codes, minlength=len(FATES))
    return {fate: int(found[code]) + (missing if fate == "unscored" else 0) for code, fate in enumerate(FATES)}


def _decided(
    table: ScoreTable, codes: NDArray[np.int8], missing: int, rows: NDArray[np.int64], states: NDArray[np.int8]
) -> dict[Fate, int]:
    """The counts with people's decisions put over the policy's fates."""
    fate_of_state = np.array([FATES.index(state) if state in FATES else -1 for state in ROW_STATES], dtype=np.int8)
    said = fate_of_state[states]
    scored = np.isin(rows, table.row, assume_unique=True)
    codes = codes.copy()
    codes[np.searchsorted(table.row, rows[scored])] = said[scored]
    return _counts(np.concatenate([codes, said[~scored]]), missing - int((~scored).sum()))


def round_stamp(engine: Engine, round_id: int) -> tuple[object, ...]:
    """Changes with everything that a round's summary depends on: its ties, its runs' results, people's decisions."""
    round_ = get_round(engine, round_id)
    policy = get_policy(engine, round_.policy_id) if round_.policy_id else None
    ties = {round_.score_run_id, round_.correct_run_id, round_.train_run_id}
    if policy:
        ties |= {policy.score_run_id, policy.correct_run_id}
    runs = [get_run(engine, run_id) for run_id in sorted(run_id for run_id in ties if run_id is not None)]
    appended = decision_counts(engine, round_.dataset_id).appended
    return round_, tuple((run.id, run.version, run.status) for run in runs), appended


def trained_models(engine: Engine, dataset_id: int) -> list[tuple[str, ModelRef]]:
    """Every model that was trained on the dataset, newest first, each with a label: who may write candidates."""
    found = [
        (f"{each.name}: {_called(each.registered)}", each.registered)
        for each in reversed(list_rounds(engine, dataset_id))
        if each.registered
    ]
    runs = [(run, run.trained) for run in list_runs(engine, dataset_id, "train")]
    found += [(f"Training {run.id}: {_called(model)}", model) for run, model in runs if model]
    return found


def _called(model: ModelRef) -> str:
    return model.model or PurePath(model.adapter).name

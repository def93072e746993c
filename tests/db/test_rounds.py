"""Rounds: numbered, tied to runs and a policy of their own dataset, and summed up as an export would be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from db_kit import decide, score
from sqlalchemy import Engine

from clear_core.errors import InputError, StateError
from clear_core.types import ModelRef
from db.curation import Curation, export_dataset
from db.policies import get_policy, list_policies
from db.records import RunConfig
from db.reviews import append_decision
from db.rounds import (
    change_round,
    create_round,
    get_round,
    list_rounds,
    register_model,
    round_stamp,
    round_summary,
    trained_models,
)
from db.runs import create_run, list_runs
from db.scores import intervals

Scored = Callable[..., int]


def test_rounds_are_numbered_within_their_dataset(
    engine: Engine, reviewed: int, dataset: Callable[[int], int], scored: Scored
) -> None:
    scores = list_runs(engine, reviewed, "score")[0].id
    second = create_round(engine, reviewed, score_run_id=scores, name=" After training ", created_by="ada")
    other = dataset(2)
    first = create_round(engine, other, score_run_id=scored(other, {0: 0.5}))
    assert (second.number, second.name, first.number, first.name) == (2, "After training", 1, "Round 1")
    assert [each.number for each in list_rounds(engine, reviewed)] == [1, 2]
    assert get_round(engine, second.id) == second


def test_a_round_takes_only_what_is_its_datasets(engine: Engine, reviewed: int, dataset: Callable[[int], int]) -> None:
    correct, scores = list_runs(engine, reviewed)
    policy = list_policies(engine, reviewed)[0].id
    other = dataset(2)
    with pytest.raises(StateError, match="not a score run"):
        create_round(engine, other, score_run_id=scores.id)
    with pytest.raises(StateError, match="not a score run"):
        create_round(engine, reviewed, score_run_id=correct.id)
    mine = list_rounds(engine, reviewed)[0]
    with pytest.raises(StateError, match="not a train run"):
        change_round(engine, mine.id, train_run_id=scores.id)
    with pytest.raises(StateError, match="no policy 99"):
        change_round(engine, mine.id, policy_id=99)
    with pytest.raises(StateError, match="There is no round 99"):
        change_round(engine, 99, policy_id=policy)
    assert change_round(engine, mine.id, name="First", note=" only a try ").note == "only a try"
    assert get_round(engine, mine.id).policy_id == policy


def test_a_summary_counts_what_an_export_of_the_same_policy_holds(
    engine: Engine, reviewed: int, tmp_path: Path
) -> None:
    mine = list_rounds(engine, reviewed)[0]
    summary = round_summary(engine, mine.id)
    assert (summary.policy, summary.gamma, summary.scored, summary.decided) == ("first v1", 0.2, 3, 1)
    assert (summary.mean, summary.median) == (pytest.approx(0.4), 0.2)
    assert summary.proposed == {"keep": 2, "drop": 0, "replace": 1, "unscored": 1}
    assert summary.fates == {"keep": 1, "drop": 1, "replace": 1, "unscored": 1}
    append_decision(engine, reviewed, decide(4, "drop", "drop"), policy_id=None)
    append_decision(engine, reviewed, decide(1, "unsure", None), policy_id=None)
    summary = round_summary(engine, mine.id)
    assert summary.fates == {"keep": 1, "drop": 2, "replace": 1, "unscored": 0}
    assert summary.decided == 2
    policy = get_policy(engine, mine.policy_id or 0)
    curation = Curation(reviewed, policy.score_run_id, policy.correct_run_id, policy.thresholds, policy)
    counts = export_dataset(engine, tmp_path, curation).facts["counts"]
    assert [counts[name] for name in ("kept", "dropped", "replaced", "unscored")] == [1, 2, 1, 0]
    assert summary.written == 2


def test_a_round_without_a_policy_stands_on_the_defaults(
    engine: Engine, dataset: Callable[[int], int], scored: Scored
) -> None:
    dataset_id = dataset(4)
    mine = create_round(engine, dataset_id, score_run_id=scored(dataset_id, {0: 0.9, 1: 0.1}))
    summary = round_summary(engine, mine.id)
    assert (summary.policy, summary.correct, summary.trained) == ("", None, None)
    assert summary.fates == {"keep": 1, "drop": 1, "replace": 0, "unscored": 2}


def test_a_registered_model_may_write_candidates(engine: Engine, reviewed: int) -> None:
    mine = list_rounds(engine, reviewed)[0]
    assert trained_models(engine, reviewed) == []
    ours = ModelRef("http://127.0.0.1:9/v1", "ours")
    register_model(engine, mine.id, ours)
    assert round_summary(engine, mine.id).trained == ours
    assert trained_models(engine, reviewed) == [("Round 1: ours", ours)]
    with pytest.raises(InputError, match="model name"):
        register_model(engine, mine.id, ModelRef("http://127.0.0.1:9/v1"))
    with pytest.raises(InputError, match="user name or password"):
        register_model(engine, mine.id, ModelRef("http://ada:secret@127.0.0.1:9/v1", "ours"))
    with pytest.raises(InputError, match="was not trained"):
        register_model(engine, mine.id, ModelRef())


def test_a_stamp_changes_with_decisions_and_ties(engine: Engine, reviewed: int) -> None:
    mine = list_rounds(engine, reviewed)[0]
    before = round_stamp(engine, mine.id)
    assert round_stamp(engine, mine.id) == before
    append_decision(engine, reviewed, decide(0, "keep", "keep"), policy_id=None)
    decided = round_stamp(engine, mine.id)
    change_round(engine, mine.id, note="looked at")
    assert len({before, decided, round_stamp(engine, mine.id)}) == 3


def test_rows_that_stopped_early_are_found_again(
    engine: Engine, dataset: Callable[[int], int], save: Callable[..., int]
) -> None:
    early = [score(0, 0.5, lower=0.3, upper=0.7), score(1, 0.9), score(2, 0.2, lower=0.1, upper=0.25)]
    at = intervals(engine, save(dataset(3), early))
    assert (at.row.tolist(), at.lower.tolist(), at.upper.tolist()) == ([0, 2], [0.3, 0.1], [0.7, 0.25])
    # C >= gamma keeps: at the upper bound it is open, at the lower one it is sure.
    assert [at.undecided(gamma) for gamma in (0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.8)] == [0, 1, 1, 0, 1, 1, 0]


def test_a_training_needs_settings(engine: Engine, reviewed: int) -> None:
    with pytest.raises(InputError, match="needs settings"):
        create_run(engine, reviewed, RunConfig("train"), "ada")

"""Policies: named, versioned, never changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from clear_core.errors import ClearError, InputError, StateError, ThresholdError
from clear_core.propose import Gamma, Thresholds
from db.policies import get_policy, list_policies, save_policy
from db.records import PolicyRecord

Save = Callable[..., PolicyRecord]


@pytest.fixture
def save(engine: Engine, dataset: Callable[[int], int], scored: Callable[..., int]) -> Save:
    dataset_id = dataset(3)
    scores = scored(dataset_id, {0: 0.1, 1: 0.5})

    def make(**changes: object) -> PolicyRecord:
        values = {
            "dataset_id": dataset_id,
            "name": "strict",
            "score_run_id": scores,
            "correct_run_id": None,
            "gamma": "median",
            "gamma_value": 0.5,
            "eta": 0.8,
            "scope": "low",
            "created_by": "ada",
        }
        return save_policy(engine, **(values | changes))

    return make


def test_each_saving_is_the_next_version_of_its_name(engine: Engine, save: Save) -> None:
    first, second, other = save(), save(gamma="share:0.40", scope="all"), save(name=" lax ")
    assert [(each.name, each.version) for each in (first, second, other)] == [("strict", 1), ("strict", 2), ("lax", 1)]
    assert list_policies(engine, first.dataset_id) == [other, second, first]
    assert get_policy(engine, second.id) == second
    assert second.thresholds == Thresholds(Gamma("share", 0.4), 0.8, "all")
    assert first.gamma == "median"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": " "}, InputError),
        ({"gamma": "1.5"}, ThresholdError),
        ({"eta": -0.1}, ThresholdError),
        ({"score_run_id": 99}, StateError),
        ({"dataset_id": 99}, StateError),
    ],
)
def test_an_unusable_policy_is_refused(save: Save, changes: dict[str, object], error: type[ClearError]) -> None:
    with pytest.raises(error):
        save(**changes)


def test_a_score_run_is_no_correct_run(save: Save) -> None:
    with pytest.raises(StateError, match="not a correct run"):
        save(correct_run_id=save().score_run_id)


def test_a_missing_policy_is_said_to_be_missing(engine: Engine) -> None:
    with pytest.raises(StateError, match="no policy 7"):
        get_policy(engine, 7)

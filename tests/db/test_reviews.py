"""Decisions: appended facts; what stands is their fold, whatever the order, the undos and the repetitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from threading import Thread

import numpy as np
import pytest
from db_kit import decide
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from clear_core.apply import standing
from clear_core.errors import StateError
from clear_core.types import Decision
from db.datasets import import_examples
from db.policies import list_policies
from db.records import ROW_STATES, DecisionCounts, StandingTable
from db.reviews import (
    append_decision,
    decision_counts,
    decisions,
    decisions_for,
    effective_fates,
    standing_table,
    undo_last,
)

Dataset = Callable[[int], int]


def _append(engine: Engine, dataset_id: int, *made: Decision) -> None:
    for decision in made:
        assert append_decision(engine, dataset_id, decision, policy_id=None)


def _states(table: StandingTable) -> dict[int, str]:
    return {int(row): ROW_STATES[state] for row, state in zip(table.row, table.state, strict=True)}


def test_a_decision_comes_back_as_it_was(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(3)
    decision = decide(
        1, "edit", "replace", response="half \ud800, NUL \x00, ünïcode", note="typo \ud800", shown={"confidence": 0.25}
    )
    _append(engine, dataset_id, decision)
    assert list(decisions(engine, dataset_id)) == [decision]
    assert effective_fates(engine, dataset_id) == {1: decision}
    assert decisions_for(engine, dataset_id, [0, 1]) == {1: [decision]}


def test_the_same_fact_twice_is_one_fact(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(2)
    decision = decide(0)
    assert append_decision(engine, dataset_id, decision, policy_id=None)
    assert not append_decision(engine, dataset_id, decision, policy_id=None)
    assert len(list(decisions(engine, dataset_id))) == 1
    assert decision_counts(engine, dataset_id).appended == 1


def test_a_decision_stores_what_the_policy_knew(engine: Engine, reviewed: int) -> None:
    policy = list_policies(engine, reviewed)[0]
    decision = decide(0, "accept", "replace", shown={"confidence": 0.5, "seconds": 3})
    append_decision(engine, reviewed, decision, policy_id=policy.id)
    stored = decisions_for(engine, reviewed, [0])[0][0]
    assert stored.shown == {
        "policy": "first v1",
        "gamma": 0.2,
        "eta": 0.8,
        "model": "m",
        "confidence": 0.5,
        "preference": 0.9,
        "seconds": 3,
    }
    with engine.connect() as connection:
        query = "SELECT policy_id, model, confidence, preference FROM decision WHERE uid = ?"
        assert connection.exec_driver_sql(query, (decision.uid,)).one() == (policy.id, "m", 0.5, 0.9)


@pytest.mark.parametrize(
    "decision",
    [
        decide(0, "reject", "drop"),
        decide(0, "unsure", "drop"),
        decide(0, "edit", "keep"),
        decide(0, "keep", "keep", response="x"),
        decide(0, "edit", "replace", response=None),
        decide(0, "undo", None),
        decide(0, "undo", None, undoes="unknown"),
        decide(0, "drop", "drop", undoes="unknown"),
        decide(0, reviewer=" "),
        decide(0, uid=""),
        decide(9),
        replace(decide(0), id="another"),
    ],
)
def test_a_senseless_decision_is_refused(engine: Engine, dataset: Dataset, decision: Decision) -> None:
    dataset_id = dataset(2)
    with pytest.raises(StateError):
        append_decision(engine, dataset_id, decision, policy_id=None)
    assert list(decisions(engine, dataset_id)) == []


def test_other_peoples_numbers_are_refused(engine: Engine, dataset: Dataset, reviewed: int) -> None:
    other = dataset(3)
    policy = list_policies(engine, reviewed)[0]
    with pytest.raises(StateError, match="not one of dataset"):
        append_decision(engine, other, decide(0), policy_id=policy.id)
    theirs = next(decisions(engine, reviewed))
    with pytest.raises(StateError, match="to undo"):
        append_decision(engine, other, decide(2, "undo", None, undoes=theirs.uid), policy_id=None)


def test_undo_walks_back_through_ones_own_decisions(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(4)
    first, second, third = decide(0), decide(1), decide(0, "keep", "keep")
    _append(engine, dataset_id, first, second, decide(2, reviewer="bob"), third)
    assert _states(standing_table(engine, dataset_id)) == {0: "keep", 1: "drop", 2: "drop"}
    undone = [undo_last(engine, dataset_id, "ada", policy_id=None) for _ in range(4)]
    assert [undo.undoes if undo else None for undo in undone] == [third.uid, second.uid, first.uid, None]
    assert _states(standing_table(engine, dataset_id)) == {0: "open", 1: "open", 2: "drop"}
    assert len(list(decisions(engine, dataset_id))) == 7


def test_undoing_brings_back_what_stood_before(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(2)
    first = decide(0, reviewer="bob")
    _append(engine, dataset_id, first, decide(0, "keep", "keep"))
    undo_last(engine, dataset_id, "ada", policy_id=None)
    assert effective_fates(engine, dataset_id) == {0: first}


def test_an_undo_can_be_undone_and_then_undone_again(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(2)
    first = decide(0)
    _append(engine, dataset_id, first)
    undo = undo_last(engine, dataset_id, "ada", policy_id=None)
    assert undo is not None
    _append(engine, dataset_id, decide(0, "undo", None, undoes=undo.uid))
    assert effective_fates(engine, dataset_id) == {0: first}
    again = undo_last(engine, dataset_id, "ada", policy_id=None)
    assert again is not None
    assert again.undoes == first.uid
    assert effective_fates(engine, dataset_id) == {}
    assert undo_last(engine, dataset_id, "ada", policy_id=None) is None


def test_an_undo_asked_for_twice_is_done_once(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(3)
    _append(engine, dataset_id, decide(0), decide(1))
    first, second = (undo_last(engine, dataset_id, "ada", policy_id=None, uid="same") for _ in range(2))
    assert first == second
    assert len(list(decisions(engine, dataset_id))) == 3


def test_counts_say_who_and_where(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(6)
    _append(
        engine,
        dataset_id,
        decide(0),
        decide(1, "reject", "keep"),
        decide(2, "edit", "replace"),
        decide(3, "unsure", None),
        decide(4, reviewer="bob"),
    )
    undo_last(engine, dataset_id, "bob", policy_id=None)
    counts = decision_counts(engine, dataset_id)
    assert counts == DecisionCounts(keep=1, drop=1, replace=1, unsure=1, appended=6, by_reviewer={"ada": 4, "bob": 2})
    assert decision_counts(engine, dataset_id + 1) == DecisionCounts()


def test_a_cached_table_is_kept_up_to_date_by_what_changed(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(5)
    _append(engine, dataset_id, decide(0), decide(3))
    before = standing_table(engine, dataset_id)
    assert len(standing_table(engine, dataset_id, after_seq=before.seq)) == 0
    assert standing_table(engine, dataset_id, after_seq=before.seq).seq == before.seq
    _append(engine, dataset_id, decide(1, "unsure", None))
    undo_last(engine, dataset_id, "ada", policy_id=None)
    undo_last(engine, dataset_id, "ada", policy_id=None)
    changed = standing_table(engine, dataset_id, after_seq=before.seq)
    assert _states(changed) == {1: "open", 3: "open"}
    assert _states(before) | _states(changed) == _states(standing_table(engine, dataset_id))


def test_reviewers_who_press_at_once_lose_nothing(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(40)
    errors: list[Exception] = []

    def press(reviewer: str) -> None:
        try:
            for row in range(40):
                append_decision(engine, dataset_id, decide(row, reviewer=reviewer), policy_id=None)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            errors.append(error)

    threads = [Thread(target=press, args=(f"r{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert decision_counts(engine, dataset_id).by_reviewer == {f"r{number}": 40 for number in range(6)}
    assert effective_fates(engine, dataset_id) == standing(decisions(engine, dataset_id))


ACTIONS = [("accept", "drop"), ("accept", "replace"), ("reject", "keep"), ("edit", "replace"), ("unsure", None)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.integers(0, 3), st.sampled_from(ACTIONS), st.sampled_from(["ada", "bob"])),
        st.tuples(st.just("undo_last"), st.just(0), st.just(ACTIONS[0]), st.sampled_from(["ada", "bob"])),
        st.tuples(st.just("undo_any"), st.integers(0, 30), st.just(ACTIONS[0]), st.just("ada")),
        st.tuples(st.just("repeat"), st.integers(0, 30), st.just(ACTIONS[0]), st.just("ada")),
    ),
    max_size=25,
)
_numbers = count()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(steps=STEPS)
def test_what_stands_always_equals_the_fold_of_the_log(
    engine: Engine, fresh: Callable[[], int], steps: list[tuple[str, int, tuple[str, str | None], str]]
) -> None:
    dataset_id = fresh()
    log: list[Decision] = []
    cached: dict[int, str] = {}
    seq = 0
    for kind, number, (action, fate), reviewer in steps:
        if kind == "decide":
            made = decide(number, action, fate, reviewer=reviewer, uid=f"{dataset_id}-{len(log)}")
            assert append_decision(engine, dataset_id, made, policy_id=None)
            log.append(made)
        elif kind == "undo_last":
            undo = undo_last(engine, dataset_id, reviewer, policy_id=None)
            log += [undo] if undo else []
        elif log:
            chosen = log[number % len(log)]
            if kind == "repeat":
                assert not append_decision(engine, dataset_id, chosen, policy_id=None)
            else:
                made = decide(chosen.row, "undo", None, undoes=chosen.uid, uid=f"{dataset_id}-{len(log)}")
                assert append_decision(engine, dataset_id, made, policy_id=None)
                log.append(made)
        changed = standing_table(engine, dataset_id, after_seq=seq)
        seq, cached = changed.seq, cached | _states(changed)
    assert list(decisions(engine, dataset_id)) == log
    expected = standing(log)
    assert effective_fates(engine, dataset_id) == expected
    table = standing_table(engine, dataset_id)
    assert np.all(np.diff(table.row) > 0)
    assert _states(table) == cached
    assert {row: state for row, state in cached.items() if state != "open"} == {
        row: decision.fate or "unsure" for row, decision in expected.items()
    }


@pytest.fixture
def fresh(engine: Engine, upload: Callable[..., int]) -> Callable[[], int]:
    """Another dataset of four rows each time it is called, q0 to q3."""

    def make() -> int:
        records = [{"id": f"q{row}", "prompt": f"{next(_numbers)}", "response": "r"} for row in range(4)]
        dataset_id = upload(records)
        import_examples(engine, dataset_id)
        return dataset_id

    return make

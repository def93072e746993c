"""The fold of proposals and decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.apply import apply_decisions, standing
from clear_core.errors import InputError
from clear_core.types import Decision, Proposal

FATE_OF = {"accept": "drop", "reject": "keep", "edit": "replace", "keep": "keep", "drop": "drop", "unsure": None}


def proposal(row, fate="drop"):
    return Proposal(f"id-{row}", row, fate, "because.", 0.5, 0.8, response="candidate" if fate == "replace" else None)


def decision(uid, row, action, undoes=None, response=None):
    response = "edited" if action == "edit" and response is None else response
    return Decision(uid, f"id-{row}", row, action, FATE_OF.get(action), "ann", "2026-01-01T00:00:00Z", response, undoes)


def test_a_person_beats_the_proposal_and_signs_for_it():
    (outcome,) = apply_decisions([proposal(0)], standing([decision("a", 0, "reject")]))
    assert (outcome.fate, outcome.author, outcome.reason) == ("keep", "ann", "Kept by ann.")


def test_without_a_decision_the_policy_is_the_author():
    (outcome,) = apply_decisions([proposal(0, "replace")], {})
    assert (outcome.fate, outcome.response, outcome.author, outcome.reason) == (
        "replace",
        "candidate",
        "policy",
        "because.",
    )


def test_an_edit_puts_the_edited_response_in_place():
    (outcome,) = apply_decisions([proposal(0)], standing([decision("a", 0, "edit")]))
    assert (outcome.fate, outcome.response) == ("replace", "edited")


def test_unsure_leaves_the_proposal_in_force():
    (outcome,) = apply_decisions([proposal(0)], standing([decision("a", 0, "reject"), decision("b", 0, "unsure")]))
    assert (outcome.fate, outcome.author) == ("drop", "policy")


def test_undo_brings_back_what_stood_before_and_redo_takes_it_again():
    log = [decision("a", 0, "reject"), decision("b", 0, "accept"), decision("c", 0, "undo", undoes="b")]
    assert standing(log)[0].uid == "a"
    log.append(decision("d", 0, "undo", undoes="c"))
    assert standing(log)[0].uid == "b"


def test_the_same_fact_twice_counts_once():
    log = [decision("a", 0, "reject"), decision("b", 0, "accept"), decision("a", 0, "reject")]
    assert standing(log)[0].uid == "b"


@given(st.lists(st.tuples(st.sampled_from([*FATE_OF, "undo"]), st.integers(0, 3), st.integers(0, 30)), max_size=40))
def test_undoing_everything_leaves_nothing_standing(steps):
    log = []
    for number, (action, row, target) in enumerate(steps):
        if action == "undo":
            log.append(decision(f"u{number}", row, "undo", undoes=f"u{target}"))
        else:
            log.append(decision(f"u{number}", row, action))
    for step in range(len(log)):
        left = standing(log)
        if not left:
            break
        victim = next(iter(left.values()))
        log.append(decision(f"x{step}", victim.row, "undo", undoes=victim.uid))
    assert standing(log) == {}


def test_decisions_of_another_dataset_are_refused():
    with pytest.raises(InputError, match="'id-7'"):
        list(apply_decisions([proposal(0)], {7: decision("a", 7, "keep")}))
    foreign = Decision("a", "other", 0, "keep", "keep", "ann", "2026-01-01T00:00:00Z")
    with pytest.raises(InputError, match="'other'"):
        list(apply_decisions([proposal(0)], {0: foreign}))

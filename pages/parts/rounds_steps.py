"""What can be done with rounds: begin the next one, tie one to other runs or another policy, look at one everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from db.policies import list_policies
from db.records import DatasetRecord, PolicyRecord, RoundRecord, RunRecord
from db.rounds import change_round, create_round
from db.runs import list_runs
from pages.parts import address, basis
from pages.parts.errors import in_words
from pages.parts.shell import engine, reviewer


@dataclass(frozen=True, slots=True)
class Ties:
    """What a round can be tied to, newest first."""

    scores: Sequence[RunRecord]
    corrections: Sequence[RunRecord]
    policies: Sequence[PolicyRecord]


@dataclass(frozen=True, slots=True)
class _Filled:
    """A round's form, as it starts or as it was sent."""

    name: str
    score: int
    correct: int | None
    policy: int | None
    note: str


def ties_of(dataset: DatasetRecord) -> Ties:
    """What the rounds of a dataset can be tied to; trials cover a few rows only and are left out."""
    scores, corrections = (
        [run for run in basis.usable(list_runs(engine(), dataset.id, kind)) if not run.config.trial]
        for kind in ("score", "correct")
    )
    return Ties(scores, corrections, list_policies(engine(), dataset.id))


def go_to(round_: RoundRecord) -> None:
    """Put a round into the address, with what it stands on, so that every page shows it."""
    if round_.policy_id:
        address.put(round=round_.id, policy=round_.policy_id, run=None, correct=None)
    else:
        address.put(round=round_.id, policy=None, run=round_.score_run_id, correct=round_.correct_run_id or 0)


def begin(dataset: DatasetRecord, ties: Ties, number: int) -> None:
    """The form that begins the next round, on the newest scores, candidates and policy unless others are chosen."""
    with st.popover(f"Begin round {number}", icon=":material/add:", type="primary" if number == 1 else "secondary"):
        newest = _Filled(
            f"Round {number}",
            ties.scores[0].id,
            ties.corrections[0].id if ties.corrections else None,
            ties.policies[0].id if ties.policies else None,
            "",
        )
        filled = _form(ties, "new", newest, "Begin it")
    if filled:
        with in_words():
            begun = create_round(
                engine(),
                dataset.id,
                score_run_id=filled.score,
                correct_run_id=filled.correct,
                policy_id=filled.policy,
                name=filled.name,
                note=filled.note,
                created_by=reviewer(),
            )
            go_to(begun)
            st.rerun()


def change(ties: Ties, round_: RoundRecord) -> None:
    """The form that changes what a round is tied to, its name and its note."""
    with st.popover("Change", icon=":material/edit:", key=f"change_{round_.id}"):
        as_it_is = _Filled(round_.name, round_.score_run_id, round_.correct_run_id, round_.policy_id, round_.note)
        filled = _form(ties, str(round_.id), as_it_is, "Save")
    if filled:
        with in_words():
            changed = change_round(
                engine(),
                round_.id,
                score_run_id=filled.score,
                correct_run_id=filled.correct,
                policy_id=filled.policy,
                name=filled.name,
                note=filled.note,
            )
            go_to(changed)
            st.rerun()


def _form(ties: Ties, key: str, before: _Filled, label: str) -> _Filled | None:
    """A round's ties and words; None until the button is pressed."""
    scores = {run.id: basis.run_label(run) for run in ties.scores}
    corrections = {0: "None: only keep and drop"} | {run.id: basis.run_label(run) for run in ties.corrections}
    policies = {0: "None yet"} | {each.id: _policy_label(each) for each in ties.policies}
    with st.form(f"round_{key}", border=False):
        name = st.text_input("Name", value=before.name, max_chars=80)
        policy = _select("Policy", policies, before.policy, "A policy brings its own scores and candidates.")
        score = _select("Scores", scores, before.score)
        correct = _select("Candidates", corrections, before.correct)
        note = st.text_input("Note", value=before.note, max_chars=500)
        if not st.form_submit_button(label, type="primary"):
            return None
    of_policy = next((each for each in ties.policies if each.id == policy), None)
    if of_policy:
        score, correct = of_policy.score_run_id, of_policy.correct_run_id or 0
    return _Filled(name, score, correct or None, policy or None, note)


def _select(label: str, options: Mapping[int, str], chosen: int | None, about: str | None = None) -> int:
    ids = list(options)
    at = ids.index(chosen) if chosen is not None and chosen in options else 0
    return st.selectbox(label, ids, index=at, format_func=lambda each: options.get(each, ""), help=about)


def _policy_label(policy: PolicyRecord) -> str:
    return f"{policy.name} v{policy.version} · gamma {policy.gamma_value:.3f}, eta {policy.eta:.3f}"

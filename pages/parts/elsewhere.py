"""A model that is trained elsewhere: the export to train it on, and where it is to be found afterwards."""

from __future__ import annotations

import streamlit as st

from clear_core.types import ModelRef
from db.records import RoundRecord
from db.rounds import create_round, register_model
from pages.parts import address
from pages.parts.basis import Basis
from pages.parts.endpoint import ask_endpoint, missing_of
from pages.parts.errors import in_words
from pages.parts.export_route import export_link
from pages.parts.lesson import Lesson
from pages.parts.rounds_steps import go_to
from pages.parts.shell import engine, reviewer, settings
from pages.parts.text import count
from pages.parts.tickets import LIFETIME


def train_elsewhere(lesson: Lesson) -> None:
    """Show the two steps: download what is to be learnt, then say where the model is."""
    with st.container(border=True):
        st.html('<h4 class="cr-h">1. Train on this file</h4>')
        if lesson.basis is None:
            st.caption("Choose a policy above: the file holds what it keeps. Without one, the uploaded file is it.")
        else:
            st.fragment(_links, run_every=LIFETIME // 3)(lesson.basis)
            if lesson.unscored:
                rows = count(lesson.unscored, "row")
                st.caption(
                    f"An export also holds the {rows} that nobody scored, as they came; its manifest counts them."
                )
    with st.container(border=True):
        st.html('<h4 class="cr-h">2. Say where the model is</h4>')
        _register(lesson)


def _links(basis: Basis) -> None:
    """The links; drawn anew before their tickets end."""
    with st.container(horizontal=True):
        export_link(basis, "openai", "As OpenAI chat JSONL")
        export_link(basis, "same", "In the dataset's own shape")
        export_link(basis, "manifest", "Manifest")


def _register(lesson: Lesson) -> None:
    model = ask_endpoint("registered", settings(), ModelRef())
    missing = missing_of(model)
    if lesson.round is None and lesson.basis is None:
        missing = "A trained model belongs to a round: choose a policy or a round above."
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Register this model", type="primary", icon=":material/how_to_reg:", disabled=bool(missing)):
            _store(lesson, model)
        st.html(f'<span class="cr-quiet">{missing or _what_then(lesson.round)}</span>', width="content")


def _what_then(round_: RoundRecord | None) -> str:
    """What registering does; words of ours."""
    return "It can then write candidates and score." if round_ else "This begins a round with this policy."


def _store(lesson: Lesson, model: ModelRef) -> None:
    with in_words():
        round_ = lesson.round or (_begun(lesson.basis) if lesson.basis else None)
        if round_:
            go_to(register_model(engine(), round_.id, model))
            st.switch_page(address.PAGES / "rounds.py")


def _begun(basis: Basis) -> RoundRecord:
    """A round on the policy that was chosen."""
    return create_round(
        engine(),
        basis.dataset.id,
        score_run_id=basis.score.id,
        correct_run_id=basis.correct.id if basis.correct else None,
        policy_id=basis.policy.id if basis.policy else None,
        created_by=reviewer(),
    )

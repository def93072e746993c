"""Export: what the curated dataset will hold, what changed and why, and the files to download."""

from __future__ import annotations

import numpy as np
import streamlit as st

from clear_core.tuning import NOBODY
from clear_core.types import FATES
from db.reviews import decision_counts
from pages.parts import address, basis
from pages.parts.basis import Basis
from pages.parts.boards import load
from pages.parts.changes import final_fates, show_changes, total_counts
from pages.parts.checks import run_checks, show_checks
from pages.parts.commands import commands
from pages.parts.export_route import export_link
from pages.parts.fates import LOOKS
from pages.parts.queues import Proposed, proposed
from pages.parts.shell import dataset_page, engine
from pages.parts.table import show_table
from pages.parts.tickets import LIFETIME
from pages.parts.tiles import show_counts


def page() -> None:
    """The page."""
    dataset = dataset_page("Export")
    at_hand = basis.find(engine(), dataset)
    board, standing = load(engine(), dataset.id, at_hand.score, at_hand.correct)
    seen = proposed(board, standing, at_hand.thresholds)
    _summary(at_hand, seen)
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True):
        st.subheader("Checks", anchor=False)
        show_checks(run_checks(engine(), at_hand, seen))
        _authors(at_hand, seen)
    with right, st.container(border=True):
        st.subheader("Download", anchor=False)
        _downloads(at_hand)
    with st.container(border=True):
        st.subheader("What changes", anchor=False)
        _changes(at_hand, seen)
    with st.expander("The same without a screen", icon=":material/terminal:"):
        st.caption("With the records above beside the original file, these commands write the same bytes.")
        st.code(commands(at_hand), language="bash")


def _summary(at_hand: Basis, seen: Proposed) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(basis.thresholds_html(at_hand, seen.cut.gamma), width="content")
        address.page_link("tune", "Change", icon=":material/tune:")
    people = decision_counts(engine(), at_hand.dataset.id)
    show_counts(total_counts(at_hand, seen), people.keep + people.drop + people.replace)


def _authors(at_hand: Basis, seen: Proposed) -> None:
    """Who decided what: the thresholds or a person, by fate; and how many decisions each reviewer made."""
    decided = seen.standing.fates
    by_person = decided != NOBODY
    final = final_fates(seen)
    rows = []
    for code, fate in enumerate(FATES):
        own = int(np.count_nonzero(by_person & (final == code)))
        rows.append((LOOKS[fate].done.capitalize(), int(np.count_nonzero(final == code)) - own, own))
    show_table(("Fate", "By the thresholds", "By people"), rows, caption="Rows by fate and author")
    made = decision_counts(engine(), at_hand.dataset.id).by_reviewer
    if made:
        who = ((name, number) for name, number in sorted(made.items(), key=lambda item: -item[1]))
        show_table(("Reviewer", "Decisions appended"), who, caption="Decisions by reviewer")


@st.fragment(run_every=LIFETIME // 3)
def _downloads(at_hand: Basis) -> None:
    """The links; drawn anew before their tickets end."""
    export_link(at_hand, "same", "Curated dataset, in its own shape")
    export_link(at_hand, "openai", "Curated dataset as OpenAI chat JSONL")
    export_link(at_hand, "manifest", "Manifest")
    export_link(at_hand, "changes", "Dropped and replaced rows, with reasons")
    export_link(at_hand, "decisions", "All decisions")
    st.caption("Untouched rows come back byte for byte. A large dataset takes a moment before its download starts.")
    address.page_link("train", "Train a model on it", icon=":material/model_training:")
    with st.expander("The records behind it"):
        export_link(at_hand, "scores", "Scores")
        if at_hand.correct:
            export_link(at_hand, "preferences", "Preferences")
        export_link(at_hand, "proposals", "Proposals")


@st.fragment
def _changes(at_hand: Basis, seen: Proposed) -> None:
    show_changes(at_hand, seen)


page()

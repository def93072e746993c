"""Rounds: filter, train, correct, train again; what each came to, side by side, and two sets of scores compared."""

from __future__ import annotations

import streamlit as st

from db.records import DatasetRecord, RoundRecord
from db.rounds import list_rounds
from pages.parts import address
from pages.parts.compare import show_comparison
from pages.parts.empty import empty
from pages.parts.rounds_steps import Ties, begin, change, go_to, ties_of
from pages.parts.rounds_table import next_step, show_rounds, summary_of
from pages.parts.shell import dataset_page, engine
from pages.parts.steering import steer

_SHOWN = 6
_PAGES = (
    ("tune", "Tune it", "tune"),
    ("review", "Review it", "rate_review"),
    ("export", "Export it", "download"),
    ("train", "Train on it", "model_training"),
    ("correct", "Correct it", "edit_note"),
)
_ABOUT = (
    "A round is one pass of the method: scores, the policy that decides on them, and the model trained on what it "
    "keeps. Round 1 filters and trains; the model then writes candidates for round 2, and so on. Each round keeps its "
    "own scores, policy and export."
)


def page() -> None:
    """The page."""
    dataset = dataset_page("Rounds")
    ties = ties_of(dataset)
    if not ties.scores:
        empty(
            "No scores yet",
            "A round stands on scores, so score the dataset first.",
            icon="speed",
            step="Go to Score",
            page="score",
        )
        return
    rounds = list_rounds(engine(), dataset.id)
    if rounds:
        _rounds(dataset, ties, rounds)
    else:
        st.html(f'<p class="cr-lead">{_ABOUT}</p>')
        begin(dataset, ties, 1)
    show_comparison(ties.scores)


def _rounds(dataset: DatasetRecord, ties: Ties, rounds: list[RoundRecord]) -> None:
    """The rounds side by side, and what can be done with the one at hand."""
    wanted = address.number("round")
    at_hand = next((each for each in rounds if each.id == wanted), rounds[-1])
    summaries = {each.id: summary_of(engine(), each.id) for each in rounds[-_SHOWN:]}
    show_rounds(list(summaries.values()), at_hand)
    if len(rounds) > _SHOWN:
        st.caption(f"The last {_SHOWN} of {len(rounds):,} rounds are shown.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="round_bar"):
        _choose(rounds, at_hand)
        change(ties, at_hand)
        _elsewhere(at_hand)
        begin(dataset, ties, rounds[-1].number + 1)
    if at_hand.id in summaries:
        st.caption(next_step(summaries[at_hand.id]))


def _choose(rounds: list[RoundRecord], at_hand: RoundRecord) -> None:
    """Which round the buttons are about."""
    names = {
        each.id: each.name if each.name == f"Round {each.number}" else f"{each.number}: {each.name}" for each in rounds
    }
    steer("round_choice", at_hand.id)
    st.selectbox(
        "Round",
        list(names),
        format_func=lambda round_id: names.get(round_id, ""),
        key="round_choice",
        on_change=lambda: address.put(round=st.session_state["round_choice"]),
        label_visibility="collapsed",
        width=220,
    )


def _elsewhere(at_hand: RoundRecord) -> None:
    """The pages that show a round: they are opened on its policy, or on its runs."""
    for name, label, icon in _PAGES:
        if st.button(label, icon=f":material/{icon}:", type="tertiary", key=f"to_{name}"):
            go_to(at_hand)
            st.switch_page(address.PAGES / f"{name}.py")


page()

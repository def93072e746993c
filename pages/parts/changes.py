"""What an export changes, row by row: the dropped with their reasons, the replaced with their diff, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from clear_core.apply import outcome_of, standing
from clear_core.propose import proposal_for
from clear_core.thresholds import counts_by_fate
from clear_core.tuning import NOBODY
from clear_core.types import FATES, ConfidenceScore, Example, Fate, Outcome
from db.datasets import examples_by_row
from db.reviews import decision_counts, decisions_for
from db.scores import get_preferences, get_scores
from pages.parts.basis import Basis
from pages.parts.conversation import text_html
from pages.parts.diff import diff_html
from pages.parts.fates import LOOKS, fate_html
from pages.parts.queues import Proposed
from pages.parts.shell import engine
from pages.parts.text import escaped

_PAGE: Final = 10
_CHANGED: Final[tuple[Fate, ...]] = ("replace", "drop", "unscored")


def final_fates(seen: Proposed) -> NDArray[np.int8]:
    """The fate of each row of the board once people's decisions are laid over the proposals, as indices into FATES."""
    decided = seen.standing.fates
    return np.where(decided == NOBODY, seen.codes, decided)


def total_counts(at_hand: Basis, seen: Proposed) -> dict[Fate, int]:
    """Examples of the whole dataset by fate, those included that the score run did not reach.

    They are unscored, unless people decided on them: a decision stands whatever run it was made on.
    """
    counts = counts_by_fate(final_fates(seen))
    missing = at_hand.dataset.examples - len(seen.codes)
    if missing > 0:
        people, here = decision_counts(engine(), at_hand.dataset.id), counts_by_fate(_decided(seen))
        outside: dict[Fate, int] = {"keep": people.keep, "drop": people.drop, "replace": people.replace}
        elsewhere = {fate: number - here[fate] for fate, number in outside.items()}
        counts = {fate: number + elsewhere.get(fate, 0) for fate, number in counts.items()}
        counts["unscored"] += missing - sum(elsewhere.values())
    return counts


def _decided(seen: Proposed) -> NDArray[np.int8]:
    decided: NDArray[np.int8] = seen.standing.fates
    found: NDArray[np.int8] = decided[decided != NOBODY]
    return found


def show_changes(at_hand: Basis, seen: Proposed) -> None:
    """A page of the rows that do not stay as they came, chosen by fate."""
    final = final_fates(seen)
    members = {fate: np.flatnonzero(final == FATES.index(fate)) for fate in _CHANGED}
    options = [fate for fate in _CHANGED if len(members[fate])]
    if not options:
        st.caption("Every row stays as it came.")
        return
    if st.session_state.get("changes_fate") not in options:
        st.session_state["changes_fate"] = options[0]
    fate = st.segmented_control(
        "Which changes",
        options,
        format_func=lambda each: f"{LOOKS[each].done.capitalize()} {len(members[each]):,}",
        key="changes_fate",
        required=True,
        label_visibility="collapsed",
    )
    chosen = members[fate or options[0]]
    pages = -(-len(chosen) // _PAGE)
    page = st.pagination(pages, key=f"changes_{fate}_{pages}") if pages > 1 else 1
    indices = chosen[(page - 1) * _PAGE : page * _PAGE]
    cards = "".join(_card(example, outcome) for example, outcome in _read(at_hand, seen, indices))
    st.html(f'<div class="cr-changes">{cards}</div>')


def _read(at_hand: Basis, seen: Proposed, indices: NDArray[np.int64]) -> list[tuple[Example, Outcome]]:
    """The examples at these indices with what becomes of them, by the same fold as the export's."""
    rows = [int(row) for row in seen.board.table.row[indices]]
    scores = get_scores(engine(), at_hand.score.id, rows)
    preferences = get_preferences(engine(), at_hand.correct.id, rows) if at_hand.correct else {}
    log = [decision for part in decisions_for(engine(), at_hand.dataset.id, rows).values() for decision in part]
    decided = standing(log)
    codes: Mapping[int, int] = dict(zip(rows, seen.codes[indices].tolist(), strict=True))
    found = []
    for example in examples_by_row(engine(), at_hand.dataset.id, rows):
        row = example.row
        score = scores.get(row) or ConfidenceScore(example.id, row, None)
        proposal = proposal_for(score, preferences.get(row), FATES[codes[row]], at_hand.thresholds, seen.cut.gamma)
        found.append((example, outcome_of(proposal, decided.get(row))))
    return found


def _card(example: Example, outcome: Outcome) -> str:
    body = text_html(example.response)
    if outcome.fate == "replace" and outcome.response is not None:
        body = diff_html(example.response, outcome.response, sides=False, old_title="Given", new_title="Written")
    mark = fate_html(outcome.fate, LOOKS[outcome.fate].done.capitalize())
    return (
        f'<div class="cr-change"><div class="cr-near-head">{mark}'
        f'<span class="cr-id">{escaped(example.id[:80])}</span><span class="cr-quiet cr-num">Row {example.row:,}</span>'
        f'<span class="cr-quiet">{escaped(outcome.reason)}</span></div>{body}</div>'
    )

"""Tune: move gamma and eta and see at once what becomes of the rows; save the thresholds as a policy.

Moving a threshold calls no model and writes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from clear_core.plots import threshold_figure
from clear_core.thresholds import Histogram
from clear_core.tuning import Board, Picture, picture
from clear_core.types import FATES
from db.datasets import examples_by_row
from db.runs import list_runs
from db.scores import get_preferences
from pages.parts import address, basis, policies
from pages.parts.at_line import NearRow, show_at_line
from pages.parts.basis import Basis
from pages.parts.boards import Standing, load, stopped_early
from pages.parts.colours import palette
from pages.parts.empty import empty
from pages.parts.errors import notice
from pages.parts.shell import dataset_page, engine
from pages.parts.text import count
from pages.parts.threshold import Number, Setting, box, change, current, kind_control, scope_control, slider
from pages.parts.tiles import show_counts


def page() -> None:
    """The page."""
    dataset = dataset_page("Tune")
    at_hand = basis.find(engine(), dataset)
    _choose_runs(at_hand)
    board, standing = load(engine(), dataset.id, at_hand.score, at_hand.correct)
    _tuning(at_hand, board, standing)


def _choose_runs(at_hand: Basis) -> None:
    """Which scores and candidates to tune on; another choice leaves the policy."""
    scores = basis.usable(list_runs(engine(), at_hand.dataset.id, "score"))
    corrections = basis.corrections(engine(), at_hand.dataset, at_hand.score)
    with st.container(horizontal=True, key="bases"):
        _select("Scores", "run", {run.id: basis.run_label(run) for run in scores}, at_hand.score.id)
        labels = {run.id: basis.run_label(run) for run in corrections} | {0: "None: only keep and drop"}
        if corrections:
            _select("Candidates", "correct", labels, at_hand.correct.id if at_hand.correct else 0)


def _select(label: str, name: address.Name, options: dict[int, str], chosen: int) -> None:
    key = f"tune_{name}"
    if st.session_state.get(key) != chosen:
        st.session_state[key] = chosen
    others = {"correct": None} if name == "run" else {}
    st.selectbox(
        label,
        list(options),
        format_func=lambda run_id: options.get(run_id, ""),
        key=key,
        on_change=lambda: address.put(**{name: st.session_state[key]}, **others, policy=None),
        width=420,
    )


@st.fragment
def _tuning(at_hand: Basis, board: Board, standing: Standing) -> None:
    """Everything that a moving threshold changes."""
    setting = current(at_hand.thresholds, at_hand.stamp)
    decided = standing.fates
    seen = picture(board, setting.thresholds, decided)
    missing = max(0, at_hand.dataset.examples - len(board.table))
    policies.bar(at_hand, setting, seen.cut.gamma)
    show_counts({**seen.counts, "unscored": seen.counts["unscored"] + missing}, seen.decided)
    if missing:
        st.caption(f"{count(missing, 'example')} of this dataset are not in this run yet: they count as unscored.")
    with st.container(key="panels"):
        left, right = st.columns(2, gap="medium")
        with left:
            _gamma(at_hand, board, seen, setting)
        with right:
            _eta(at_hand, board, seen, setting)


def _gamma(at_hand: Basis, board: Board, seen: Picture, setting: Setting) -> None:
    gamma = seen.cut.gamma
    with st.container(border=True, key="gamma"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader("Auto-Filter: gamma", anchor=False, help="Rows with confidence ≥ gamma are kept.")
            kind_control(setting)
        low = "dropped" if setting.scope == "all" or at_hand.correct is None else "dropped or replaced"
        _chart(seen.confidence, gamma, "gamma", ("confidence", low, "kept"))
        number = Number("share", "Share to keep", setting.share, 2, lambda share: change(share=share), titled=True)
        if setting.kind != "share":
            at = setting.value if setting.kind == "value" else gamma
            number = Number("value", "Gamma", at, 3, lambda value: change(kind="value", value=value))
        slider(number)
        with st.container(horizontal=True, vertical_alignment="center"):
            box(number)
            _otsu(board)
        st.caption(_gamma_words(seen, setting))
        _stopped_early(at_hand, gamma)
        _near(at_hand, board, seen, "gamma")


def _gamma_words(seen: Picture, setting: Setting) -> str:
    """What to know about the way gamma is chosen."""
    if setting.kind == "median":
        words = "The median keeps the better half, the paper's default. It drops half of clean data, too."
    elif setting.kind == "share":
        words = f"Keeps exactly {count(int(np.count_nonzero(seen.cut.kept)), 'row')} by rank; gamma is the lowest kept."
    else:
        words = "Keeps every row with confidence ≥ gamma."
    if seen.cut.ties_cut:
        words += (
            f" {count(seen.cut.ties_cut, 'row')} with the same confidence as the lowest kept one fell under the cut."
        )
    return words


def _stopped_early(at_hand: Basis, gamma: float) -> None:
    """Rows whose sampling stopped early at another gamma, and which this one leaves undecided."""
    stopped = stopped_early(engine(), at_hand.score)
    undecided = stopped.undecided(gamma)
    if not undecided:
        return
    own = at_hand.score.state.get("gamma")
    at = f" at gamma {own:.3f}" if isinstance(own, float) else ""
    notice(
        f"Of {count(len(stopped), 'row')} whose sampling stopped early{at}, {undecided:,} might lie on the other side "
        "of this gamma had every sample been drawn.",
        "Score again without stopping early, or with this gamma, to be sure of them; or look at them in Review.",
        tone="warning",
    )


def _otsu(board: Board) -> None:
    """Otsu's split as a hint that can be taken."""
    if board.otsu is not None:
        suggested = round(board.otsu, 3)
        st.button(
            f"Otsu's split: {suggested:.3f}",
            key="otsu",
            type="tertiary",
            icon=":material/lightbulb:",
            help="The split that parts low from high best. A hint: it knows nothing about right and wrong.",
            on_click=partial(change, kind="value", value=suggested),
        )


def _eta(at_hand: Basis, board: Board, seen: Picture, setting: Setting) -> None:
    with st.container(border=True, key="eta"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader("Auto-Correct: eta", anchor=False, help="A candidate replaces when its preference > eta.")
            if at_hand.correct is not None:
                scope_control(setting)
        if at_hand.correct is None and address.number("correct") == 0:
            st.caption("Candidates are left out. Choose them above to replace responses.")
            return
        if at_hand.correct is None:
            empty(
                "No candidates yet",
                "Have a model write a candidate for the low rows and a judge compare it; eta then says which replace.",
                icon="edit_note",
                step="Go to Correct",
                page="correct",
            )
            return
        _chart(seen.preference, setting.eta, "eta", ("preference", "not replaced", "replaced"))
        number = Number("eta", "Eta", setting.eta, 3, lambda eta: change(eta=eta))
        slider(number)
        box(number)
        _eta_notes(at_hand, board)
        _near(at_hand, board, seen, "eta", setting.eta)


def _eta_notes(at_hand: Basis, board: Board) -> None:
    run = at_hand.correct
    if run is None:
        return
    preferred = count(len(board.preferred), "candidate")
    words = f"Replaces when preference > eta. Of {run.done:,} judged rows, {preferred} won in the judge's eyes."
    if run.config.weak_candidates:
        words += " Candidates come from the base model, the weaker variant."
    st.caption(words)
    if not len(board.preferred):
        notice("The judge prefers no candidate, so eta has nothing to replace.")


def _chart(histogram: Histogram, at: float, name: str, words: tuple[str, str, str]) -> None:
    axis, below, above = words
    figure = threshold_figure(histogram, at, palette(), below=below, above=above, axis=axis, name=name)
    total = sum(int(counts.sum()) for counts in histogram.counts.values())
    st.plotly_chart(
        figure,
        theme=None,
        config={"displayModeBar": False},
        key=f"chart_{name}",
        alt=f"Histogram of {axis} over {count(total, 'row')}, stacked by fate, with {name} at {at:.3f}",
    )


def _near(at_hand: Basis, board: Board, seen: Picture, name: Literal["gamma", "eta"], eta: float = 0.0) -> None:
    """Read the rows at a line and list them: at gamma with their given responses, at eta with the candidates."""
    at_eta = name == "eta"
    near, values = (seen.at_eta, board.table.preference) if at_eta else (seen.at_gamma, board.table.confidence)
    rows = [int(board.table.row[index]) for index in (*near.above, *near.below)]
    examples = {example.row: example for example in examples_by_row(engine(), at_hand.dataset.id, rows)}
    judged = get_preferences(engine(), at_hand.correct.id, rows) if at_eta and at_hand.correct else {}

    def told(indices: NDArray[np.int64]) -> list[NearRow]:
        found = [(index, examples.get(int(board.table.row[index]))) for index in indices]
        return [
            NearRow(
                example,
                (judged[example.row].candidate if example.row in judged else None) or example.response,
                float(values[index]),
                FATES[seen.codes[index]],
            )
            for index, example in found
            if example is not None
        ]

    line = f"eta {eta:.3f}" if at_eta else f"gamma {seen.cut.gamma:.3f}"
    show_at_line(told(near.above), told(near.below), line, "Candidates" if at_eta else "Given responses")


page()

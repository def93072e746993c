"""Two sets of scores of the same rows: do they rank alike, and would they drop the same rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.errors import ThresholdError
from clear_core.peers import Paired, PeerComparison, compare_scores, pair_up
from clear_core.plots import Cloud, agreement_figure, cloud
from clear_core.propose import Gamma
from clear_core.types import Example
from db.datasets import examples_by_row
from db.records import RunRecord
from db.scores import score_table
from pages.parts import basis
from pages.parts.at_line import head, tail
from pages.parts.colours import palette
from pages.parts.errors import show_error
from pages.parts.progress import facts_html
from pages.parts.shell import engine
from pages.parts.table import show_table
from pages.parts.text import count

_LISTED: Final = 6
_LEGEND: Final = (
    '<p class="cr-small"><span class="cr-keep">●</span> both keep &nbsp; <span class="cr-drop">●</span> both drop '
    '&nbsp; <span class="cr-unscored">●</span> they disagree</p>'
)
_GAMMA_HELP: Final = "median, a number such as 0.62, or share:0.4 to keep the best 40 %"


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two runs held against each other.

    Attributes:
        figures: how far they agree.
        pairs: the rows that both score.
        apart: rows that one keeps and the other drops, with both confidences, those furthest apart first.
    """

    figures: PeerComparison
    pairs: Cloud
    apart: tuple[tuple[int, float, float], ...]


@st.fragment
def show_comparison(runs: Sequence[RunRecord]) -> None:
    """Show how far two score runs agree, to be chosen among several.

    Args:
        runs: score runs of one dataset with results, newest first.
    """
    st.html('<h4 class="cr-h">Two sets of scores compared</h4>')
    if len(runs) < 2:
        st.caption("There is one set of scores so far. Score again with another model, or take over a quality score.")
        return
    with st.container(border=True, key="comparison"):
        chosen = _choose(runs)
        if chosen is None:
            return
        one, other, gammas = chosen
        compared = _compared(
            engine(), str(engine().url), (one.id, one.version, gammas[0]), (other.id, other.version, gammas[1])
        )
        names = (f"Run {one.id}", f"Run {other.id}")
        _tell(compared, names)
        _list_apart(compared, names, one.dataset_id)


def _choose(runs: Sequence[RunRecord]) -> tuple[RunRecord, RunRecord, tuple[str, str]] | None:
    """Two runs, each with its own gamma; None while there is nothing to compare."""
    labels = {run.id: basis.run_label(run) for run in runs}
    chosen: list[RunRecord] = []
    gammas: list[str] = []
    for place, column in enumerate(st.columns(2, gap="medium")):
        with column, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            wanted = st.selectbox(
                ("Scores", "Compared with")[place],
                list(labels),
                index=1 - place,
                format_func=lambda run_id: labels.get(run_id, ""),
                key=f"compare_{place}",
                width="stretch",
            )
            gammas.append(
                st.text_input("Gamma", "median", key=f"compare_gamma_{place}", width=110, help=_GAMMA_HELP).strip()
            )
            chosen.append(next(run for run in runs if run.id == wanted))
    try:
        for gamma in gammas:
            Gamma.parse(gamma)
    except ThresholdError as error:
        show_error(error)
        return None
    if chosen[0].id == chosen[1].id:
        st.caption("Choose two different runs.")
        return None
    return chosen[0], chosen[1], (gammas[0], gammas[1])


@st.cache_data(max_entries=8, show_spinner="Comparing…")
def _compared(_engine: Engine, url: str, one: tuple[int, int, str], other: tuple[int, int, str]) -> _Compared:
    del url  # a part of the cache's key
    tables = score_table(_engine, one[0]), score_table(_engine, other[0])
    gammas = Gamma.parse(one[2]), Gamma.parse(other[2])
    pairs = pair_up(*tables, *gammas)
    return _Compared(compare_scores(*tables, *gammas), cloud(pairs.one, pairs.other), _apart(pairs))


def _apart(pairs: Paired) -> tuple[tuple[int, float, float], ...]:
    """The rows on whose fate the sets disagree, by how far apart they rank them."""
    places = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (pairs.one, pairs.other)]
    gap = np.where(pairs.dropped_by_one == pairs.dropped_by_other, -1, np.abs(places[0] - places[1]))
    furthest = np.argsort(-gap, kind="stable")[:_LISTED]
    return tuple((int(pairs.row[at]), float(pairs.one[at]), float(pairs.other[at])) for at in furthest if gap[at] >= 0)


def _tell(compared: _Compared, names: tuple[str, str]) -> None:
    """The figures in words and numbers on the left, the rows as a cloud on the right."""
    figures = compared.figures
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.html(_words(figures, names))
    with right:
        if not figures.both:
            return
        st.plotly_chart(
            agreement_figure(compared.pairs, (figures.gamma_one, figures.gamma_other), palette(), names),
            theme=None,
            config={"displayModeBar": False},
            key="comparison_chart",
            alt=f"Confidence of {names[1]} against {names[0]} over {count(figures.both, 'row')}",
        )


def _list_apart(compared: _Compared, names: tuple[str, str], dataset_id: int) -> None:
    """The rows that one set keeps and the other drops, to be looked at."""
    if not compared.apart:
        return
    examples = {each.row: each for each in examples_by_row(engine(), dataset_id, [row for row, *_ in compared.apart])}
    st.html('<div class="cr-label">Kept by one and dropped by the other, furthest apart in rank</div>')
    show_table(
        ["Row", *names, "Prompt", "Given response"],
        [
            (row, f"{one:.3f}", f"{other:.3f}", _asked(examples[row]), head(examples[row].response))
            for row, one, other in compared.apart
            if row in examples
        ],
        caption=f"Rows on which {names[0]} and {names[1]} disagree",
    )


def _asked(example: Example) -> str:
    return tail(next((turn.content for turn in reversed(example.prompt) if turn.role == "user"), ""))


def _words(figures: PeerComparison, names: tuple[str, str]) -> str:
    one, other = names
    facts = [
        ("Rank correlation (Spearman)", _number(figures.spearman)),
        ("Rows that both score", f"{figures.both:,}"),
        ("Dropped by both", f"{figures.dropped_both:,}"),
        (f"Only by {one}", f"{figures.dropped_one:,}"),
        (f"Only by {other}", f"{figures.dropped_other:,}"),
        ("Overlap of the drops (Jaccard)", _number(figures.jaccard)),
        ("Agreement beyond chance (kappa)", _number(figures.kappa)),
    ]
    missing = [
        (figures.only_one, f"only in {one}"),
        (figures.only_other, f"only in {other}"),
        (figures.unscored_one, f"unscored in {one} alone"),
        (figures.unscored_other, f"unscored in {other} alone"),
        (figures.unscored_both, "unscored in both"),
    ]
    told = ", ".join(f"{number:,} {words}" for number, words in missing if number)
    gammas = f"gamma {figures.gamma_one:.3f} for {one}, {figures.gamma_other:.3f} for {other}"
    left_out = f" Left out: {told}." if told else ""
    return f'{facts_html(facts)}<p class="cr-quiet cr-small">At {gammas}.{left_out}</p>{_LEGEND}'


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

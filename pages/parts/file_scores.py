"""Scores without a model: from samples that the file stores, or from a quality score that somebody else gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from db.records import RunConfig
from pages.parts.agreement import ask_labels, ask_nli, choose_similarity
from pages.parts.columns import Column, choose_column, lists_words, number_text, numbers_words
from pages.parts.errors import notice

_SAMPLES: Final = "Its samples"
_SCORES: Final = "A quality score"
_WORDS: Final = {
    _SAMPLES: "Answers sampled elsewhere, stored as a list in each row: how far they agree with the given response is "
    "the confidence, with stored self-reflections if there are any. No model is asked.",
    _SCORES: "A number that somebody else gave each row, such as a rating from 1 to 5, a reward or IFD, taken over as "
    "the confidence. Tune, review and compare it like any other.",
}
_AS_IT_IS: Final = "0 to 1, as it is"
_RANGE: Final = "A scale"
_RANK: Final = "By rank"


def ask_columns(columns: Sequence[Column], before: RunConfig) -> tuple[RunConfig, str]:
    """Show which columns are taken over, and how.

    Args:
        columns: the dataset's columns beside prompt and response.
        before: settings to start with.

    Returns:
        The settings, and what is missing as a sentence; empty when nothing is.
    """
    config = RunConfig("score")
    if not columns:
        notice("This file has no columns beside prompt and response.", "Score it with a model instead.")
        return config, "There is nothing to take over."
    numeric = [column for column in columns if column.is_numeric]
    lists = [column for column in columns if column.is_lists]
    which = st.segmented_control(
        "What it stores",
        [_SAMPLES, _SCORES],
        default=_SCORES if before.score_field or (numeric and not lists) else _SAMPLES,
        required=True,
        key="stored_kind",
        persist_state="session",
    )
    st.markdown(_WORDS[which])
    if which == _SCORES:
        return _score(sorted(columns, key=lambda column: not column.is_numeric), before)
    return _samples(sorted(columns, key=lambda column: not column.is_lists), before)


def _samples(columns: Sequence[Column], before: RunConfig) -> tuple[RunConfig, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field = choose_column("Column with samples", columns, "samples_field", default=before.samples_field)
        others = [column for column in columns if column.name != field]
        reflection = choose_column(
            "Column with self-reflections", others, "reflection_field", default=before.reflection_field, optional=True
        )
        most = st.number_input(
            "Samples per row",
            1,
            1000,
            before.samples or None if before.samples_field else None,
            key="stored_samples",
            persist_state="session",
            width=170,
            placeholder="all",
            help="Only the first so many of each row; a row with fewer is told by name.",
        )
    column = next(column for column in columns if column.name == field)
    st.caption(lists_words(column))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choose_similarity(before, "stored_", without=frozenset({"llm"}))
        chosen = ask_labels(chosen, "stored_")
        scorer = _scorer("Sampled by", before)
    config, missing = ask_nli(chosen, "stored_")
    config = RunConfig(
        "score",
        samples_field=field,
        reflection_field=reflection,
        samples=most or 0,
        scorer=scorer,
        similarity=config.similarity,
        nli=config.nli,
        with_question=config.with_question,
        labels=config.labels,
    )
    return config, missing or ("" if column.lists else "That column holds no list of texts.")


def _score(columns: Sequence[Column], before: RunConfig) -> tuple[RunConfig, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field = choose_column("Column with scores", columns, "score_field", default=before.score_field)
        scorer = _scorer("Given by", before)
    column = next(column for column in columns if column.name == field)
    st.caption(numbers_words(column))
    config = RunConfig("score", score_field=field, scorer=scorer)
    if not column.numbers:
        return config, "That column holds no numbers."
    inside = column.low >= 0 and column.high <= 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Becomes a confidence",
            [_AS_IT_IS, _RANGE, _RANK],
            default=_AS_IT_IS if inside else _RANGE,
            required=True,
            key=f"scale_{field}",
            persist_state="session",
        )
        ends = _ends(column) if kind == _RANGE else (0.0, 1.0)
        lower = st.toggle(
            "Lower is better",
            value=before.lower_is_better,
            key=f"lower_is_better_{field}",
            persist_state="session",
            help="Such as a perplexity, or an IFD above 1.",
        )
    st.caption(_scale_words(kind, ends, lower_is_better=lower))
    scale = "rank" if kind == _RANK else f"{ends[0]:g}:{ends[1]:g}" if kind == _RANGE else ""
    missing = ""
    if kind == _AS_IT_IS and not inside:
        found = f"{number_text(column.low)} to {number_text(column.high)}"
        missing = f"The numbers go from {found}: give their scale, or take their rank."
    elif ends[0] >= ends[1]:
        missing = "The scale's lowest number must be below its highest."
    return replace(config, scale=scale, lower_is_better=lower), missing


def _ends(column: Column) -> tuple[float, float]:
    """The ends of the scale, to be known, not found: a file's best row need not be a perfect one."""
    low = st.number_input(
        "Lowest possible", value=float(column.low), key=f"scale_low_{column.name}", persist_state="session", width=150
    )
    high = st.number_input(
        "Highest possible",
        value=float(column.high),
        key=f"scale_high_{column.name}",
        persist_state="session",
        width=150,
        help="The ends of the scale that was used, not only of what was given. A row outside it stays unscored.",
    )
    return low, high


def _scale_words(kind: str, ends: tuple[float, float], *, lower_is_better: bool) -> str:
    """What the numbers become."""
    if kind == _RANK:
        worse = "higher" if lower_is_better else "lower"
        return (
            f"A row's confidence is the share of rows with a {worse} number: only their order counts, ties stay ties."
        )
    low, high = map(number_text, reversed(ends) if lower_is_better else ends)
    return f"{low} becomes confidence 0, {high} becomes 1; a row outside that scale is unscored, by name."


def _scorer(label: str, before: RunConfig) -> str:
    return st.text_input(
        label,
        value=before.scorer,
        key=f"scorer_{label}",
        persist_state="session",
        width=220,
        max_chars=80,
        placeholder="a model's or a method's name",
        help="For the record: who made these numbers.",
    ).strip()

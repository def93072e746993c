"""How responses are compared: which similarity, by which NLI model, and whether responses come from a closed set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

import streamlit as st

from clear_core.entailment import has_nli
from db.records import RunConfig
from pages.parts.errors import notice

_SIMILARITIES: Final = {
    "": "the measure's own",
    "embedding": "meaning (static embeddings)",
    "nli": "contradiction (an NLI model)",
    "llm": "the model itself (yes or no)",
    "answer_recall": "words of the response found",
    "token_f1": "words shared (F1)",
    "jaccard": "words shared (Jaccard)",
    "exact": "exact match",
}
_FREE: Final = "Free text"
_FOUND: Final = "Labels, found in the file"
_GIVEN: Final = "These labels"


def choose_similarity(before: RunConfig, name: str, *, disabled: bool = False, without: frozenset[str]) -> RunConfig:
    """Show the choice of the similarity, beside what stands in the same row.

    Args:
        before: settings to start with.
        name: prefix of the widgets' keys.
        disabled: whether nothing is compared.
        without: similarities that can't be used here.

    Returns:
        `before` with the similarity.
    """
    options = [each for each in _SIMILARITIES if each not in without]
    chosen = st.selectbox(
        "Agreement is measured by",
        options,
        index=options.index(before.similarity) if before.similarity in options else 0,
        format_func=lambda each: _SIMILARITIES.get(each, each),
        key=f"{name}similarity",
        persist_state="session",
        width=280,
        disabled=disabled,
    )
    return replace(before, similarity=chosen)


def ask_nli(config: RunConfig, name: str) -> tuple[RunConfig, str]:
    """Show which NLI model compares, where one does.

    Returns:
        The settings with it, and what is missing as a sentence; empty when nothing is.
    """
    if config.similarity != "nli":
        return replace(config, nli="", with_question=False), ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        nli = st.text_input(
            "NLI model",
            value=config.nli,
            key=f"{name}nli",
            persist_state="session",
            width=420,
            placeholder="name or folder of a checkpoint trained on MNLI",
            help="Any sequence classifier with the labels entailment, neutral and contradiction. A folder needs no "
            "network; a name is looked up in the local cache, then downloaded.",
        ).strip()
        with_question = st.checkbox(
            "Show it the question, too",
            value=config.with_question,
            key=f"{name}with_question",
            persist_state="session",
            help="Puts the prompt before both texts: useful for answers of a few words.",
        )
    if not has_nli():
        notice("An NLI model needs the extra [nli], which is not installed.", "Run: make setup-train", tone="warning")
        return config, "Install the extra, or choose another similarity."
    return replace(config, nli=nli, with_question=with_question), "" if nli else "Name the NLI model."


def ask_labels(before: RunConfig, name: str) -> RunConfig:
    """Show whether responses are free text or labels of a closed set, which are compared as such."""
    kinds = [_FREE, _FOUND, _GIVEN]
    at = _FOUND if before.labels == "auto" else _GIVEN if before.labels else _FREE
    kind = st.selectbox(
        "Responses are",
        kinds,
        index=kinds.index(at),
        key=f"{name}labels",
        persist_state="session",
        width=280,
        help="A label is compared as a label: the same one or another, never by meaning. JSON is compared field by "
        "field, whatever is chosen here.",
    )
    labels: Literal["auto"] | tuple[str, ...] = "auto" if kind == _FOUND else ()
    if kind == _GIVEN:
        typed: Any = before.labels if isinstance(before.labels, tuple) else ()
        text = st.text_input(
            "Labels, separated by commas",
            value=", ".join(typed),
            key=f"{name}label_list",
            persist_state="session",
            placeholder="positive, negative, neutral",
        )
        labels = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    return replace(before, labels=labels)

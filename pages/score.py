"""Score: choose a model, try it on 20 rows, see what the whole costs, start; watch, pause, resume, cancel."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from clear_core.similarity import SIMILARITIES
from db.records import DatasetRecord, RunConfig, RunRecord
from pages.parts import address
from pages.parts.endpoint import ModelChoice, choose_model
from pages.parts.plan import plan_run
from pages.parts.progress import run_panel
from pages.parts.runs import failed_rows, run_at_hand, run_list, runs_of
from pages.parts.shell import dataset_page, settings

_EMBEDDED: Final = """
Runs on this computer: no key, no network. Confidence is the **likelihood gain** of the given response (does the prompt
make it likelier?) together with **sampled consistency** (do the model's own answers agree with it?). With its 135M
parameters it ranks mismatched, off-topic and garbled responses well, wrong answers of the right kind hardly better than
chance, and it can't judge itself. Let it order the rows for you; don't let it decide alone.
"""
_ENDPOINT: Final = """
**BSDetector**: the model answers each prompt several times and is asked whether it finds the given response correct;
agreement and self-reflection together are the confidence. Your examples are sent to this endpoint.
"""
_SIMILARITY: Final = {
    "": "the measure's own",
    "embedding": "meaning (static embeddings)",
    "answer_recall": "words of the response found",
    "token_f1": "words shared (F1)",
    "jaccard": "words shared (Jaccard)",
    "exact": "exact match",
}


def page() -> None:
    """The page."""
    dataset = dataset_page("Score")
    runs = runs_of(dataset, "score")
    at_hand = run_at_hand(runs, "score")
    if at_hand:
        _show(at_hand, dataset)
    if at_hand and at_hand.is_resumable:
        with st.expander("New run"):
            _new_run(dataset, runs)
    elif not (at_hand and at_hand.is_active):
        st.html(f'<h4 class="cr-h">{"New run" if runs else "Choose who scores"}</h4>')
        _new_run(dataset, runs)
    run_list(runs, at_hand)


def _show(run: RunRecord, dataset: DatasetRecord) -> None:
    run = run_panel(run.id)
    failed_rows(run, dataset)
    if run.status == "done" and not run.config.trial:
        address.page_link("tune", "Tune the thresholds", icon=":material/arrow_forward:")


def _new_run(dataset: DatasetRecord, runs: list[RunRecord]) -> None:
    """The settings of a new run, its trial, and its plan."""
    before = runs[0].config if runs else RunConfig("score", base_url=settings().base_url)
    with st.container(border=True):
        choice = choose_model("score", settings(), ModelChoice(before.base_url, before.model))
        st.markdown(_EMBEDDED if choice.is_embedded else _ENDPOINT)
        config = replace(_details(choice, before), base_url=choice.base_url, model=choice.model)
    plan_run(dataset, config, runs, rows=dataset.examples, missing=choice.missing, verb="Score")


def _details(choice: ModelChoice, before: RunConfig) -> RunConfig:
    """Samples, similarity and what is seldom changed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        samples = st.number_input(
            "Samples per row",
            min_value=0 if choice.is_embedded else 1,
            max_value=20,
            value=max(before.samples, 0 if choice.is_embedded else 1),
            key=f"samples_{choice.is_embedded}",
            persist_state="session",
            width=170,
            help="k: how often the model answers a prompt to see whether it agrees with itself. "
            + ("0 is fastest: likelihood alone." if choice.is_embedded else "Each sample is a call."),
        )
        similarity = st.selectbox(
            "Agreement is measured by",
            ["", *SIMILARITIES],
            index=["", *SIMILARITIES].index(before.similarity),
            format_func=lambda name: _SIMILARITY.get(name, name),
            key="similarity",
            persist_state="session",
            width=280,
            disabled=samples == 0,
        )
        temperature, concurrency = before.temperature, before.concurrency
        if not choice.is_embedded:
            temperature = st.number_input(
                "Temperature", 0.1, 2.0, before.temperature, 0.1, key="temperature", persist_state="session", width=150
            )
            concurrency = st.number_input(
                "Rows at once", 1, 64, before.concurrency, key="concurrency", persist_state="session", width=150
            )
    return RunConfig("score", similarity=similarity, samples=samples, temperature=temperature, concurrency=concurrency)


page()

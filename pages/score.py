"""Score: choose who scores, try it on 20 rows, see what the whole costs, start; watch, pause, resume, cancel."""

from __future__ import annotations

from typing import Final

import streamlit as st

from clear_core.types import ModelRef
from db.records import DatasetRecord, RunConfig, RunRecord
from db.rounds import trained_models
from pages.parts import address
from pages.parts.columns import stored_columns
from pages.parts.endpoint import missing_of
from pages.parts.file_scores import ask_columns
from pages.parts.models import by_label, choose_model
from pages.parts.plan import plan_run
from pages.parts.progress import run_panel
from pages.parts.runs import failed_rows, run_at_hand, run_list, runs_of
from pages.parts.scoring import ask_scoring
from pages.parts.shell import dataset_page, engine, settings

_FILE: Final = "The file itself"
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
    trained = by_label(trained_models(engine(), dataset.id))
    with st.container(border=True):
        model = choose_model("score", settings(), before.asked, label="Scored by", trained=trained, other=_FILE)
        if model is None:
            config, missing = ask_columns(stored_columns(engine(), dataset), before)
        else:
            st.markdown(_ENDPOINT if model.base_url else _EMBEDDED)
            config, missing = _asked(model, before)
    plan_run(dataset, config, runs, rows=dataset.examples, missing=missing, verb="Score")


def _asked(model: ModelRef, before: RunConfig) -> tuple[RunConfig, str]:
    config, missing = ask_scoring(model, before)
    return config, missing_of(model) or missing


page()

"""How a model scores: samples, how they are compared, stopping early, and what is seldom changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from clear_core.errors import ThresholdError
from clear_core.propose import Gamma
from clear_core.types import ModelRef
from db.records import RunConfig
from pages.parts.agreement import ask_labels, ask_nli, choose_similarity
from pages.parts.errors import show_error
from pages.parts.text import count

_PILOT: Final = "A pilot of {pilot}, drawn by chance, is scored in full and fixes gamma as a number. "
_EARLY: Final = (
    "A row is asked no further once its confidence is surely on one side of gamma: the same rows are kept at that "
    "gamma, by fewer samples. A score that stopped early is an interval and says so."
)


def ask_scoring(model: ModelRef, before: RunConfig) -> tuple[RunConfig, str]:
    """Show the settings of a score run that asks a model.

    Args:
        model: the model that is asked.
        before: settings to start with.

    Returns:
        The settings, and what is missing as a sentence; empty when nothing is.
    """
    local = not model.base_url
    config = RunConfig("score", base_url=model.base_url, model=model.model, adapter=model.adapter)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        samples = st.number_input(
            "Samples per row",
            min_value=0 if local else 1,
            max_value=20,
            value=max(before.samples, 0 if local else 1),
            key=f"samples_{local}",
            persist_state="session",
            width=170,
            help="k: how often the model answers a prompt to see whether it agrees with itself. "
            + ("0 is fastest: likelihood alone." if local else "More cost more; 5 is the paper's."),
        )
        config = replace(config, samples=samples)
        chosen = choose_similarity(before, "", disabled=samples == 0, without=frozenset({"llm"} if local else ()))
        config = replace(config, similarity=chosen.similarity if samples else "")
        with st.popover("More settings", icon=":material/tune:"):
            config = _seldom(config, before, local=local)
    config, missing = ask_nli(replace(config, nli=before.nli, with_question=before.with_question), "")
    if not local:
        config, early = _early(config, before)
        missing = missing or early
    return config, missing


def _seldom(config: RunConfig, before: RunConfig, *, local: bool) -> RunConfig:
    """What is right for nearly everybody as it stands."""
    config = replace(config, labels=ask_labels(before, "").labels)
    temperature = st.number_input(
        "Temperature", 0.1, 2.0, before.temperature, 0.1, key="temperature", persist_state="session", width=150
    )
    config = replace(config, temperature=temperature)
    if local:
        return config
    concurrency = st.number_input(
        "Rows at once", 1, 64, before.concurrency, key="concurrency", persist_state="session", width=150
    )
    together = st.checkbox(
        "Ask for all samples of a row in one request",
        value=before.together is not False,
        key="together",
        persist_state="session",
        help="Saves sending the prompt again for each sample. An endpoint that can't is noticed and asked one by one.",
    )
    letters = st.checkbox(
        "Use the probabilities of the letters A, B and C",
        value=before.letter_probabilities,
        key="letter_probabilities",
        persist_state="session",
        help="Self-reflection is finer where the endpoint returns log-probabilities; else the letter itself counts.",
    )
    return replace(config, concurrency=concurrency, together=None if together else False, letter_probabilities=letters)


def _early(config: RunConfig, before: RunConfig) -> tuple[RunConfig, str]:
    """Stopping early: whether, at which gamma, and after how many rows scored in full."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        early = st.toggle(
            "Stop early, with the same decisions", value=before.stop_early, key="stop_early", persist_state="session"
        )
        if not early:
            return config, ""
        gamma = st.text_input(
            "Gamma",
            value=before.gamma,
            key="early_gamma",
            persist_state="session",
            width=140,
            help="median, a number such as 0.62, or share:0.4 to keep the best 40 %",
        )
        pilot = before.pilot
        try:
            by_share = Gamma.parse(gamma).kind == "share"
        except ThresholdError as error:
            show_error(error)
            return config, "Gamma is not a threshold yet."
        if by_share:  # a number is fixed already
            pilot = st.number_input(
                "Pilot rows", 20, 1000, max(20, before.pilot), key="pilot", persist_state="session", width=140
            )
    st.caption((_PILOT.format(pilot=count(pilot, "row")) if by_share else "") + _EARLY)
    return replace(config, stop_early=True, gamma=gamma, pilot=pilot), ""

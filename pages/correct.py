"""Correct: a model writes another response for rows that deserve one, and a judge compares it with the given one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from clear_core.errors import ClearError
from clear_core.propose import Gamma, Thresholds, rows_to_correct
from db.policies import list_policies
from db.records import DatasetRecord, RunConfig, RunRecord, Scope
from db.rounds import trained_models
from db.scores import score_table
from pages.parts import address
from pages.parts.columns import stored_columns
from pages.parts.described import asked_words
from pages.parts.empty import empty
from pages.parts.errors import show_error
from pages.parts.judging import choose_judge
from pages.parts.models import by_label
from pages.parts.plan import plan_run
from pages.parts.progress import run_panel
from pages.parts.runs import failed_rows, run_at_hand, run_list, runs_of
from pages.parts.shell import dataset_page, engine, settings
from pages.parts.text import count
from pages.parts.writers import choose_writers

_SCOPES: Final[dict[str, Scope]] = {"Rows below gamma": "low", "All scored rows": "all"}


def page() -> None:
    """The page."""
    dataset = dataset_page("Correct")
    scored = [run for run in runs_of(dataset, "score") if run.done and not run.is_active and not run.config.trial]
    if not scored:
        empty(
            "Nothing is scored yet",
            "Candidates are written for rows with a low confidence, so score the dataset first.",
            icon="speed",
            step="Go to Score",
            page="score",
        )
        return
    runs = runs_of(dataset, "correct")
    at_hand = run_at_hand(runs, "correct")
    if at_hand:
        _show(at_hand, dataset)
    if at_hand and at_hand.is_resumable:
        with st.expander("New run"):
            _new_run(dataset, runs, scored)
    elif not (at_hand and at_hand.is_active):
        st.html(f'<h4 class="cr-h">{"New run" if runs else "Choose who writes and who judges"}</h4>')
        _new_run(dataset, runs, scored)
    run_list(runs, at_hand)


def _show(run: RunRecord, dataset: DatasetRecord) -> None:
    run = run_panel(run.id)
    failed_rows(run, dataset)
    if run.status == "done" and not run.config.trial:
        address.page_link("tune", "Tune the thresholds", icon=":material/arrow_forward:")


def _new_run(dataset: DatasetRecord, runs: list[RunRecord], scored: list[RunRecord]) -> None:
    before = runs[0].config if runs else RunConfig("correct", base_url=settings().base_url)
    trained, columns = by_label(trained_models(engine(), dataset.id)), stored_columns(engine(), dataset)
    with st.container(border=True):
        writers = choose_writers(settings(), before, trained, columns)
    with st.container(border=True):
        judging = choose_judge(settings(), before, trained, columns, writers)
    with st.container(border=True):
        scope, rows = _which_rows(dataset, scored, before)
    candidates, weak = writers.judged_by(judging.judge)
    config = replace(
        judging.config,
        candidates=() if weak else candidates,
        weak_candidates=weak,
        score_run_id=scope.score_run_id,
        gamma=scope.gamma,
        scope=scope.scope,
    )
    missing = writers.missing or judging.missing or ("" if rows else "No row is in this scope.")
    plan_run(dataset, config, runs, rows=rows, missing=missing, verb="Correct")


def _which_rows(dataset: DatasetRecord, scored: list[RunRecord], before: RunConfig) -> tuple[RunConfig, int]:
    """Which rows get a candidate, and how many they are."""
    names = {run.id: f"Run {run.id}: {asked_words(run.config)}" for run in scored}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        policy = next(
            (each for each in list_policies(engine(), dataset.id) if each.id == address.number("policy")), None
        )
        wanted = policy.score_run_id if policy else address.number("run")
        score_run = st.selectbox(
            "Scores",
            list(names),
            index=list(names).index(wanted) if wanted in names else 0,
            format_func=lambda run_id: names.get(run_id, ""),
            width=300,
        )
        scope = _SCOPES[
            st.segmented_control(
                "Which rows",
                list(_SCOPES),
                default=next(word for word, scope in _SCOPES.items() if scope == before.scope),
                required=True,
                key="scope",
                persist_state="session",
            )
        ]
        gamma = policy.gamma if policy else before.gamma
        if scope == "low":
            gamma = st.text_input(
                "Gamma",
                value=gamma,
                key=f"gamma_{policy.id}" if policy else "gamma",
                persist_state="session",
                width=140,
                help="median, a number such as 0.62, or share:0.4 to keep the best 40 %",
            )
    return RunConfig("correct", score_run_id=score_run, gamma=gamma, scope=scope), _count(
        scored, score_run, gamma, scope
    )


def _count(scored: list[RunRecord], score_run: int, gamma: str, scope: Scope) -> int:
    """How many rows the scope holds; a gamma that is none is answered in words."""
    version = next(run.version for run in scored if run.id == score_run)
    try:
        rows = _rows_in_scope(score_run, version, gamma, scope)
    except ClearError as error:
        show_error(error)
        return 0
    st.caption(f"{count(rows, 'row')} would get a candidate.")
    return rows


@st.cache_data(max_entries=16, show_spinner=False)
def _rows_in_scope(score_run: int, version: int, gamma: str, scope: Scope) -> int:
    del version  # a part of the cache's key
    thresholds = Thresholds(Gamma.parse(gamma), scope=scope)
    return len(rows_to_correct(score_table(engine(), score_run), thresholds))


page()

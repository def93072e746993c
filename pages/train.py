"""Train: fine-tune a model on what a policy keeps, here, at an endpoint or elsewhere; watch, pause, resume, cancel."""

from __future__ import annotations

from typing import Final

import streamlit as st

from clear_core.train.settings import TrainSettings
from db.records import DatasetRecord, RunConfig, RunRecord
from db.rounds import change_round
from db.runs import create_run
from pages.parts import address
from pages.parts.elsewhere import train_elsewhere
from pages.parts.errors import in_words
from pages.parts.lesson import Lesson, choose_lesson
from pages.parts.progress import run_panel
from pages.parts.runs import open_run, run_at_hand, run_list, runs_of
from pages.parts.shell import dataset_page, engine, reviewer, settings, start
from pages.parts.text import count
from pages.parts.training import ask_lora, ask_openai
from pages.parts.training_facts import show_training

_HERE: Final = "On this computer"
_OPENAI: Final = "OpenAI fine-tuning"
_ELSEWHERE: Final = "Elsewhere"


def page() -> None:
    """The page."""
    dataset = dataset_page("Train")
    runs = runs_of(dataset, "train")
    at_hand = run_at_hand(runs, "train")
    if at_hand:
        _show(at_hand)
    if at_hand and at_hand.is_resumable:
        with st.expander("New training"):
            _new(dataset, runs)
    elif not (at_hand and at_hand.is_active):
        st.html(f'<h4 class="cr-h">{"New training" if runs else "Choose what is learnt, and where"}</h4>')
        _new(dataset, runs)
    run_list(runs, at_hand)


def _show(run: RunRecord) -> None:
    run = run_panel(run.id, unit="step", more=show_training)
    if run.trained is not None:
        with st.container(horizontal=True):
            address.page_link("correct", "Have it write candidates", icon=":material/arrow_forward:")
            address.page_link("rounds", "See the rounds")


def _new(dataset: DatasetRecord, runs: list[RunRecord]) -> None:
    """What is learnt, by whom, and the start."""
    before = next((run.config.train for run in runs if run.config.train), TrainSettings())
    with st.container(border=True):
        lesson = choose_lesson(dataset)
    ways = [_HERE, _OPENAI, _ELSEWHERE]
    way = st.segmented_control(
        "Train",
        ways,
        default=_OPENAI if before.trainer == "openai" else _HERE,
        required=True,
        key="train_way",
        persist_state="session",
    )
    if way == _ELSEWHERE:
        train_elsewhere(lesson)
        return
    with st.container(border=True):
        chosen, missing = ask_lora(before) if way == _HERE else ask_openai(settings(), before)
    if chosen is None or not lesson.rows:
        st.caption(missing or "There is no row to learn from.")
        return
    _offer(dataset, lesson, chosen)


def _offer(dataset: DatasetRecord, lesson: Lesson, chosen: TrainSettings) -> None:
    """How many of the rows, and the start."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rows = st.number_input(
            "Rows",
            1,
            lesson.rows,
            lesson.rows,
            width=150,
            key=f"train_rows_{lesson.rows}",
            help="All, or only the first so many, to try.",
        )
        pressed = st.button(
            f"Train on {count(rows, 'row')}", type="primary", icon=":material/model_training:", key="start"
        )
    if pressed:
        with in_words():
            config = RunConfig(
                "train",
                train=chosen,
                policy_id=lesson.policy.id if lesson.policy else None,
                limit=rows if rows < lesson.rows else None,
            )
            run_id = create_run(engine(), dataset.id, config, reviewer())
            if lesson.round:
                change_round(engine(), lesson.round.id, train_run_id=run_id)
            start(run_id, config)
            open_run(run_id, "train")
            st.rerun()


page()

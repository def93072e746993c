"""Rounds side by side: one column a round, so that what changed from one to the next is read across."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.types import FATES, Fate
from db.records import RoundRecord
from db.rounds import RoundSummary, round_stamp, round_summary
from pages.parts.described import asked_words, model_words, writers_words
from pages.parts.fates import LOOKS, fate_html
from pages.parts.progress import STATES
from pages.parts.text import ago, escaped, plain

_NONE: Final = '<span class="cr-quiet">–</span>'


def summary_of(engine: Engine, round_id: int) -> RoundSummary:
    """What a round comes to now; computed again only when something under it changed."""
    return _summary(engine, round_id, str(engine.url), repr(round_stamp(engine, round_id)))


@st.cache_data(max_entries=32, show_spinner="Counting the rounds…")
def _summary(_engine: Engine, round_id: int, url: str, stamp: str) -> RoundSummary:
    del url, stamp  # parts of the cache's key
    return round_summary(_engine, round_id)


def show_rounds(rounds: Sequence[RoundSummary], at_hand: RoundRecord) -> None:
    """Show rounds as the columns of a table, the one at hand marked.

    Args:
        rounds: the rounds, first round first.
        at_hand: the round that is open.
    """
    heads = "".join(_head(each, is_open=each.round.id == at_hand.id) for each in rounds)
    lines = "".join(
        f'<tr><th scope="row">{word}</th>{"".join(f"<td>{cell(each)}</td>" for each in rounds)}</tr>'
        for word, cell in _LINES
    )
    st.html(
        '<div class="cr-scroll" tabindex="0"><table class="cr-table cr-rounds"><caption>Rounds side by side</caption>'
        f'<thead><tr><th scope="col"><span class="cr-quiet">Round</span></th>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def next_step(summary: RoundSummary) -> str:
    """What comes next in a round; Markdown, names escaped."""
    name = plain(summary.round.name)
    if not summary.policy:
        return f"Next in {name}: tune it and save the thresholds as its policy."
    if summary.train is not None and summary.trained is None and not summary.train.is_active:
        return f"Next in {name}: its training is {STATES[summary.train.status].word.lower()}; go on with it on Train."
    if summary.trained is None and summary.train is None:
        return f"Next in {name}: train a model on what it keeps."
    if summary.trained is None:
        return f"{name} is being trained."
    return f"Next: on Correct, have the model of {name} write candidates, and begin a round with them."


def _head(summary: RoundSummary, *, is_open: bool) -> str:
    mark = ' class="cr-accent" aria-current="true"' if is_open else ""
    return f'<th scope="col"{mark}>{escaped(summary.round.name)}</th>'


def _scores(summary: RoundSummary) -> str:
    measure = str(summary.score.recipe.get("name") or summary.score.recipe.get("measure") or "")
    return _run(summary.score.id, asked_words(summary.score.config), measure)


def _candidates(summary: RoundSummary) -> str:
    run = summary.correct
    return _run(run.id, writers_words(run), f"judged by {asked_words(run.config)}") if run else _NONE


def _run(run_id: int, words: str, more: str) -> str:
    quiet = f'<div class="cr-quiet cr-small">{escaped(more)}</div>' if more else ""
    return f"<div>Run {run_id}: {escaped(words)}</div>{quiet}"


def _confidence(summary: RoundSummary) -> str:
    if summary.mean is None or summary.median is None:
        return _NONE
    return f'<span class="cr-num">{summary.mean:.3f}</span> <span class="cr-quiet">median {summary.median:.3f}</span>'


def _policy(summary: RoundSummary) -> str:
    name = escaped(summary.policy) if summary.policy else '<span class="cr-quiet">defaults, not saved</span>'
    numbers = f"gamma {summary.gamma:.3f}, eta {summary.thresholds.eta:.3f}"
    return f'<div>{name}</div><div class="cr-quiet cr-small cr-num">{numbers}</div>'


def _fate(fate: Fate) -> Callable[[RoundSummary], str]:
    def cell(summary: RoundSummary) -> str:
        total, number = sum(summary.fates.values()), summary.fates[fate]
        share = f"{number / total:.1%}" if total else "–"
        return f'<span class="cr-num"><b>{number:,}</b> <span class="cr-quiet">{share}</span></span>'

    return cell


def _undecided(summary: RoundSummary) -> str:
    return f'<span class="cr-num">{summary.undecided:,}</span>' if summary.undecided else _NONE


def _decided(summary: RoundSummary) -> str:
    return f'<span class="cr-num">{summary.decided:,}</span>'


def _written(summary: RoundSummary) -> str:
    total = sum(number for fate, number in summary.fates.items() if fate != "drop")
    return f'<span class="cr-num">{total:,}</span>'


def _trained(summary: RoundSummary) -> str:
    if summary.trained is not None:
        return escaped(model_words(summary.trained))
    if summary.train is not None:
        look = STATES[summary.train.status]
        return f'<span class="{look.tone}">Training {summary.train.id}: {look.word.lower()}</span>'
    return _NONE


def _begun(summary: RoundSummary) -> str:
    who = f" by {summary.round.created_by}" if summary.round.created_by else ""
    return f'<span class="cr-quiet">{ago(summary.round.created_at)}{escaped(who)}</span>'


def _note(summary: RoundSummary) -> str:
    return f'<span dir="auto">{escaped(summary.round.note)}</span>' if summary.round.note else _NONE


_LINES: Final[tuple[tuple[str, Callable[[RoundSummary], str]], ...]] = (
    ("Scores", _scores),
    ("Candidates", _candidates),
    ("Mean confidence", _confidence),
    ("Policy", _policy),
    *((fate_html(fate, LOOKS[fate].done.capitalize()), _fate(fate)) for fate in FATES),
    ("Not sure at this gamma", _undecided),
    ("Decided by people", _decided),
    ("Rows in the export", _written),
    ("Trained model", _trained),
    ("Begun", _begun),
    ("Note", _note),
)

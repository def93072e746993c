"""Before a run: a trial on a few rows, then what the whole will take, a hard cap, and the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import streamlit as st

from clear_core.cost import CostEstimate, Prices, Range, TrialFigures, calls_per_row, estimate
from db.datasets import examples_by_row
from db.records import DatasetRecord, RunConfig, RunRecord
from db.runs import create_run
from db.scores import iter_preferences, iter_scores
from pages.parts.errors import in_words
from pages.parts.progress import facts_html
from pages.parts.runs import open_run
from pages.parts.shell import engine, reviewer, start
from pages.parts.text import count, duration

TRIAL_ROWS: Final = 20
_EARLY: Final = (
    "Stopping early saves tokens that are not counted here: after the pilot a row drew 2 to 3.6 of its 5 samples in "
    "simulations, depending on gamma. Samples come in waves, so where an endpoint gives several at once the number of "
    "calls may grow while their cost shrinks; the range allows for it."
)
CAP_ROOM: Final = 2
"""A cap that no trial tells allows each call twice: a reply that can't be read is asked for once more."""


def plan_run(
    dataset: DatasetRecord, config: RunConfig, runs: Sequence[RunRecord], *, rows: int, missing: str, verb: str
) -> None:
    """Offer a trial of a run, and once there is one with these settings, its estimate and the whole run.

    Where nothing is paid, or the trial would be the whole, the whole run needs no trial. What is paid has a cap.

    Args:
        dataset: the dataset.
        config: the settings as they stand.
        runs: the dataset's runs of this kind, newest first.
        rows: how many rows the whole run has.
        missing: what the settings still lack, as a sentence; empty when nothing.
        verb: what a run does to rows: "Score".
    """
    if missing:
        st.caption(missing)
        return
    trial = next((run for run in runs if run.config.trial and run.status == "done" and _same(run.config, config)), None)
    if config.asked is None and all(source.column for source in config.candidates):
        _stored(dataset, config, rows, verb)
    elif trial:
        _whole(dataset, config, trial, rows, verb)
    elif _is_paid(config):
        _first_paid(dataset, config, rows, verb)
    else:
        _free(dataset, config, rows, verb)


def _is_paid(config: RunConfig) -> bool:
    return bool(config.endpoints)


def _first_paid(dataset: DatasetRecord, config: RunConfig, rows: int, verb: str) -> None:
    """The first paid rows: a trial, or all rows where they are no more than a trial has."""
    few = rows <= TRIAL_ROWS
    first = rows if few else TRIAL_ROWS
    likely = first * _calls_a_row(config)
    least = first * _calls_a_row(config, together=bool(config.base_url) and config.together is not False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        capped = replace(config, max_calls=_cap(likely * CAP_ROOM))
        if few:
            if st.button(_label(verb, rows), type="primary", icon=":material/play_arrow:", key="start"):
                _start(dataset, capped)
        elif st.button(f"Try {TRIAL_ROWS} rows", type="primary", icon=":material/play_arrow:", key="trial"):
            _start(dataset, _trial(capped))
    calls = f"about {count(likely, 'call')}"
    if least < likely:
        calls = f"{least:,} to {count(likely, 'call')}: the fewest where the endpoint gives all samples in one request"
    told = f"{count(first, 'row')} take {calls}."
    st.caption(told if few else f"{told} The trial tells what the whole will take, before it starts.")


def _calls_a_row(config: RunConfig, *, together: bool = False) -> int:
    """Calls of a row before any trial tells: those that each source and each verdict takes."""
    likelihood = not config.base_url
    return calls_per_row(
        "correct" if config.kind == "correct" else "score",
        config.samples,
        likelihood=likelihood,
        written=sum(source.model is not None for source in config.writers),
        judged=len(config.writers) if config.asked else 0,
        similarity=config.similarity,
        together=together,
    )


def _stored(dataset: DatasetRecord, config: RunConfig, rows: int, verb: str) -> None:
    """What the file holds already needs no trial."""
    if st.button(_label(verb, rows), type="primary", icon=":material/play_arrow:", key="start"):
        _start(dataset, config)
    st.caption("No model is asked: this takes seconds.")


def _free(dataset: DatasetRecord, config: RunConfig, rows: int, verb: str) -> None:
    """The whole run at once, for it costs nothing but time; beside it the trial that tells how much time."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_label(verb, rows), type="primary", icon=":material/play_arrow:", key="start"):
            _start(dataset, config)
        if rows > TRIAL_ROWS and st.button(f"Try {TRIAL_ROWS} rows", icon=":material/timer:", key="trial"):
            _start(dataset, _trial(config))
    if rows > TRIAL_ROWS:
        st.caption(
            "Nothing is paid: it runs here, and can be paused at any time. A trial tells first how long it takes."
        )


def _trial(config: RunConfig) -> RunConfig:
    return replace(config, limit=TRIAL_ROWS, trial=True, stop_early=False)


def _label(verb: str, rows: int) -> str:
    return f"{verb} {count(rows, 'row')}"


def _same(one: RunConfig, other: RunConfig) -> bool:
    """Whether two runs ask the same of each row; a trial is scored in full, so that it tells for an early stop, too."""
    return _of_each_row(one) == _of_each_row(other)


def _of_each_row(config: RunConfig) -> RunConfig:
    config = replace(config, limit=None, max_calls=None, trial=False, measure="")
    if config.kind == "score":
        config = replace(config, stop_early=False, gamma="", pilot=0)
    return config


def _whole(dataset: DatasetRecord, config: RunConfig, trial: RunRecord, rows: int, verb: str) -> None:
    """What the whole will take by the trial, what bounds it, and the start."""
    paid = _is_paid(config)
    with st.container(border=True, key="plan"):
        st.html(f'<h4 class="cr-h">What it will take, judging by {count(trial.done, "row")}</h4>')
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = int(
                st.number_input(
                    "Rows", min_value=1, max_value=rows, value=rows, width=150, help="All, or only the first so many."
                )
            )
            prices = _prices() if paid else None
            rest = max(0, wanted - trial.done)
            expected = estimate(_figures(trial), rest, prices)
            if config.stop_early:
                expected = _stopping_early(expected, rest * _calls_a_row(config))
            cap = _cap(math.ceil(expected.calls.high)) if paid else None
        st.html(facts_html(_facts(expected, trial, paid=paid)))
        if config.stop_early:
            st.caption(_EARLY)
        if st.button(_label(verb, wanted), type="primary", icon=":material/play_arrow:", key="start"):
            _start(dataset, replace(config, limit=wanted if wanted < rows else None, max_calls=cap))


def _stopping_early(expected: CostEstimate, most: int) -> CostEstimate:
    """An estimate for a run that stops early: samples are asked for in waves, at worst each by itself."""
    calls = expected.calls
    return replace(expected, calls=Range(calls.low, calls.expected, max(calls.high, most)))


def _cap(proposed: int) -> int:
    """The cap on paid calls as it is set; never below one call."""
    return int(
        st.number_input(
            "Hard cap on paid calls",
            min_value=1,
            value=max(1, proposed),
            width=200,
            help="The run stops before the call that would exceed it. What is finished stays, and it can go on later.",
        )
    )


def _prices() -> Prices | None:
    prices = [
        st.number_input(
            f"Price per 1M tokens {way}",
            min_value=0.0,
            value=None,
            format="%.3f",
            key=f"price_{way}",
            width=190,
            persist_state="session",
            placeholder="unknown",
        )
        for way in ("in", "out")
    ]
    return None if prices[0] is None or prices[1] is None else Prices(prices[0], prices[1])


def _figures(trial: RunRecord) -> TrialFigures:
    """The trial in numbers: tokens are counted for paid calls, so replayed ones are taken to have had as many."""
    calls = trial.calls_paid + trial.calls_replayed
    part = calls / trial.calls_paid if trial.calls_paid else 0.0
    ran = (trial.finished_at - trial.started_at).total_seconds() if trial.finished_at and trial.started_at else 0.0
    return TrialFigures(
        rows=trial.done,
        calls=calls,
        tokens_in=round(trial.tokens_in * part),
        tokens_out=round(trial.tokens_out * part),
        seconds=ran * part,
        lengths=_lengths(trial),
    )


def _lengths(trial: RunRecord) -> list[int]:
    """Characters of prompt and response of each row that the trial did."""
    if trial.config.kind == "score":
        rows = [score.row for score in islice(iter_scores(engine(), trial.id), TRIAL_ROWS)]
    else:
        rows = [preference.row for preference in islice(iter_preferences(engine(), trial.id), TRIAL_ROWS)]
    examples = examples_by_row(engine(), trial.dataset_id, rows)
    return [sum(len(turn.content) for turn in example.prompt) + len(example.response) for example in examples]


def _facts(expected: CostEstimate, trial: RunRecord, *, paid: bool) -> list[tuple[str, str]]:
    facts = [("Calls", _range(expected.calls))]
    if not trial.calls_paid:
        return [*facts, ("Tokens, time and money", "unknown: the trial was replayed from earlier calls")]
    facts += [
        ("Tokens in", _range(expected.tokens_in)),
        ("Tokens out", _range(expected.tokens_out)),
        ("Time", f"{duration(expected.seconds.low)} – {duration(expected.seconds.high)}"),
    ]
    if not paid:
        money = "none: it runs here"
    elif expected.dollars is None:
        money = "give prices to see"
    else:
        money = f"${expected.dollars.low:,.2f} – ${expected.dollars.high:,.2f}"
    return [*facts, ("Money", money)]


def _range(value: Range) -> str:
    low, high = round(value.low), round(value.high)
    return f"{low:,}" if low == high else f"{low:,} – {high:,}"


def _start(dataset: DatasetRecord, config: RunConfig) -> None:
    with in_words():
        run_id = create_run(engine(), dataset.id, config, reviewer())
        start(run_id, config)
        open_run(run_id, config.kind)
        st.rerun()

"""A run as it stands: its state in a word, live progress, failures by kind, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from clear_core.types import PROBLEMS
from db.records import RunRecord, RunStatus
from db.runs import get_run, request_cancel, request_pause, request_resume
from pages.parts.described import asked_words, training_words, writers_words
from pages.parts.endpoint import key_field, knows_key
from pages.parts.errors import in_words, notice
from pages.parts.shell import engine, settings, start
from pages.parts.text import ago, count, duration, escaped, icon_html


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a run's state looks: a word, an icon and one of the CSS classes that carry a colour."""

    word: str
    icon: str
    tone: str


STATES: Final[dict[RunStatus, StateLook]] = {
    "queued": StateLook("Starting", "hourglass_top", "cr-quiet"),
    "running": StateLook("Running", "play_circle", "cr-accent"),
    "paused": StateLook("Paused", "pause_circle", "cr-warn"),
    "interrupted": StateLook("Interrupted", "power_off", "cr-warn"),
    "capped": StateLook("Stopped at its cap", "block", "cr-warn"),
    "failed": StateLook("Failed", "error", "cr-drop"),
    "cancelled": StateLook("Cancelled", "cancel", "cr-quiet"),
    "done": StateLook("Done", "check_circle", "cr-keep"),
}

_PHASES: Final = {
    "starting": "Starting",
    "loading model": "Loading the model",
    "scoring": "Scoring",
    "correcting": "Writing and judging candidates",
    "importing": "Reading the file",
    "pilot": "Scoring the pilot in full",
    "reading the column": "Reading the column",
    "preparing": "Getting ready",
    "uploading": "Uploading the rows",
    "queued": "Waiting at the endpoint",
    "training": "Training",
    "saving": "Saving the model",
}
_TELLING: Final = 3
"""Finished rows before a remaining time is told: from fewer it jumps about."""

_REQUESTS: Final = {"pause": "Pausing after the calls in flight…", "cancel": "Cancelling after the calls in flight…"}
_STOPPED: Final = {
    "interrupted": (
        "The worker of this run is gone.",
        "What was finished is stored; no finished call is paid for again.",
    ),
    "capped": ("The cap on calls is reached.", "What was finished is stored. Raise the cap to go on."),
    "paused": ("This run is paused.", "Resume goes on from the last stored row."),
}


def state_html(run: RunRecord) -> str:
    """The run's state as icon and word."""
    look = STATES[run.status]
    return f'<span class="cr-state {look.tone}">{icon_html(look.icon)}<span>{look.word}</span></span>'


def run_panel(run_id: int, *, unit: str = "row", more: Callable[[RunRecord], None] | None = None) -> RunRecord:
    """Show a run: live while a worker is at it, with pause, cancel, resume and retry as its state allows.

    Args:
        run_id: the run.
        unit: what it counts, in the singular.
        more: shows what else is known of it, as often as the rest.

    Returns:
        The run as it stood at the start of this page run.
    """
    run = get_run(engine(), run_id)
    with st.container(border=True, key="run_panel"):
        if run.is_active:
            _live = st.fragment(_watch, run_every=1)
            _live(run_id, unit, more)
        else:
            _figures(run, unit, more)
        _actions(run, unit)
    return run


def _watch(run_id: int, unit: str, more: Callable[[RunRecord], None] | None) -> None:
    run = get_run(engine(), run_id)
    if not run.is_active:
        st.rerun()
    _figures(run, unit, more)


def _figures(run: RunRecord, unit: str, more: Callable[[RunRecord], None] | None) -> None:
    phase = _REQUESTS.get(run.pending_request) or (_PHASES.get(run.phase, run.phase) if run.is_active else "")
    said = " · ".join(word for word in ("Trial" if run.config.trial else "", phase) if word)
    st.html(
        f'<div class="cr-run-head">{state_html(run)}<span class="cr-quiet">{escaped(said)}</span>'
        f'<span class="cr-quiet cr-right">Run {run.id} · {ago(run.created_at)}</span></div>'
    )
    if run.status != "done":
        st.progress(min(1.0, run.done / run.total) if run.total else 0.0, _progress_words(run, unit))
    if facts := _facts(run):
        st.html(facts)
    if more:
        more(run)
    _failures(run, unit)


def _progress_words(run: RunRecord, unit: str) -> str:
    if not run.total:
        return f"{count(run.done, unit)} so far" if run.done else "Getting ready"
    words = [f"{run.done:,} of {count(run.total, unit)}"]
    if run.is_active and run.rate_per_s:
        rate = run.rate_per_s
        words.append(f"{rate:,.1f} a second" if rate >= 1 else f"one in {duration(1 / rate)}")
    if run.is_active and run.done >= _TELLING and run.seconds_left is not None:
        words.append(f"about {duration(run.seconds_left)} left")
    return " · ".join(words)


def _facts(run: RunRecord) -> str:
    config = run.config
    facts: list[tuple[str, str]] = []
    if run.status == "done":
        facts.append(("Steps" if config.train else "Rows", f"{run.done:,}"))
    if config.train:
        facts += training_words(config.train)
    elif config.kind != "import":
        facts.append(("Judge" if config.kind == "correct" else "Scored by", asked_words(config)))
    if config.kind == "score" or run.recipe.get("recorded"):
        facts.append(("Measure", str(run.recipe.get("measure", ""))))
    if isinstance(gamma := run.state.get("gamma"), float):
        facts.append(("Stops early at", f"gamma {gamma:.3f}"))
    if config.kind == "correct":
        facts.append(("Candidates from", writers_words(run)))
    if run.calls_paid or run.calls_replayed:
        word = "Calls paid" if config.endpoints else "Calls"
        facts.append((word, f"{run.calls_paid:,}" + (f" of {config.max_calls:,}" if config.max_calls else "")))
        facts.append(("Replayed, free", f"{run.calls_replayed:,}"))
        facts.append(("Tokens in / out", f"{run.tokens_in:,} / {run.tokens_out:,}"))
        if run.started_at and run.finished_at:
            facts.append(("Took", duration((run.finished_at - run.started_at).total_seconds())))
    return facts_html([fact for fact in facts if fact[1]])


def facts_html(facts: list[tuple[str, str]]) -> str:
    """Label and value pairs in one line that wraps; values may be untrusted."""
    pairs = "".join(f"<div><dt>{escaped(label)}</dt><dd>{escaped(value)}</dd></div>" for label, value in facts)
    return f'<dl class="cr-facts">{pairs}</dl>' if facts else ""


def _failures(run: RunRecord, unit: str) -> None:
    """The rows without a result, by what went wrong."""
    if run.config.kind == "import" or not run.problems:
        return
    kinds = "".join(
        f"<li><b>{number:,}</b> {escaped(PROBLEMS.get(problem, problem))}</li>"
        for problem, number in sorted(run.problems.items(), key=lambda item: -item[1])
    )
    total = count(sum(run.problems.values()), unit)
    st.html(f'<div class="cr-failures"><span class="cr-quiet">{total} with a problem:</span><ul>{kinds}</ul></div>')


def _actions(run: RunRecord, unit: str) -> None:
    """The buttons that the state allows, outside the live part: a press must meet what was seen."""
    if run.is_active:
        with st.container(horizontal=True):
            st.button("Pause", icon=":material/pause:", on_click=_ask, args=(run, "pause"), key=f"pause_{run.id}")
            _cancel(run)
        return
    if run.status in _STOPPED:
        words, way_on = _STOPPED[run.status]
        if run.config.train:
            way_on = "Resume goes on from where the training stands."
        notice(run.message or words, way_on, tone="warning")
    elif run.message:
        notice(run.message, tone="error" if run.status == "failed" else "info")
    failed = 0 if run.config.kind == "import" else sum(run.problems.values())
    if run.is_resumable or (run.status == "done" and failed):
        _resume(run, failed, unit)


def _cancel(run: RunRecord) -> None:
    with st.popover("Cancel", icon=":material/close:"):
        kept = "" if run.config.train else " Every finished row is kept."
        st.markdown(f"Cancelling ends the run for good.{kept}")
        st.button("Cancel this run", on_click=_ask, args=(run, "cancel"), key=f"cancel_{run.id}")


def _resume(run: RunRecord, failed: int, unit: str) -> None:
    config = run.config
    for base_url in config.endpoints:
        if not knows_key(settings(), base_url):
            st.caption("The key of this endpoint was not stored. Give it again to go on.")
            key_field(f"resume_{run.id}", settings(), base_url)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cap = None
        if run.status == "capped":
            cap = st.number_input(
                "New cap on paid calls", min_value=run.calls_paid + 1, value=2 * max(run.calls_paid, 1), width=220
            )
        if run.is_resumable and st.button("Resume", icon=":material/play_arrow:", type="primary"):
            _again(run, cap, retry=False)
        if failed and st.button(f"Try the {count(failed, unit)} with a problem again", icon=":material/replay:"):
            _again(run, cap, retry=True)
        if run.is_resumable:
            _cancel(run)


def _again(run: RunRecord, cap: int | None, *, retry: bool) -> None:
    with in_words():
        request_resume(engine(), run.id, max_calls=cap, retry_problems=retry)
        start(run.id, run.config)
        st.rerun()


def _ask(run: RunRecord, what: str) -> None:
    """Pause or cancel; that the run has ended meanwhile is no error to its reader."""
    with in_words():
        if what == "pause":
            request_pause(engine(), run.id)
        elif request_cancel(engine(), run.id):
            start(run.id, run.config)  # somebody has to tell the endpoint that its job is over

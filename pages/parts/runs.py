"""Runs of a dataset on screen: which one is at hand, what the others are, and the rows that a run could not do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import streamlit as st

from clear_core.types import PROBLEMS
from db.records import DatasetRecord, RunKind, RunRecord
from db.runs import list_runs
from db.scores import iter_preferences, iter_scores
from pages.parts import address
from pages.parts.described import run_words
from pages.parts.progress import state_html
from pages.parts.shell import engine
from pages.parts.table import show_table
from pages.parts.text import ago, count, escaped

_LISTED: Final = 20
_PART: Final[dict[RunKind, address.Name]] = {"score": "run", "correct": "correct", "import": "run", "train": "training"}


def run_at_hand(runs: Sequence[RunRecord], kind: RunKind) -> RunRecord | None:
    """The run of the address if it is one of these, else the newest one."""
    wanted = address.number(_PART[kind])
    return next((run for run in runs if run.id == wanted), runs[0] if runs else None)


def open_run(run_id: int, kind: RunKind) -> None:
    """Put a run into the address."""
    address.put(**{_PART[kind]: run_id})


def run_list(runs: Sequence[RunRecord], at_hand: RunRecord | None) -> None:
    """List a dataset's runs of one kind, newest first, each to be opened."""
    if len(runs) < 2:
        return
    with st.expander(f"All {count(len(runs), 'run')}"):
        for run in runs[:_LISTED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(_line(run))
                is_open = at_hand is not None and run.id == at_hand.id
                st.button(
                    "Open", key=f"run_{run.id}", disabled=is_open, on_click=open_run, args=(run.id, run.config.kind)
                )


def _line(run: RunRecord) -> str:
    config = run.config
    words = [
        f"Run {run.id}" + (" (trial)" if config.trial else ""),
        run_words(run),
        str(run.recipe.get("name") or run.recipe.get("measure") or ""),
        f"{run.done:,} of {count(run.total, 'step' if config.train else 'row')}",
        count(sum(run.problems.values()), "problem") if run.problems else "",
        ago(run.created_at),
    ]
    said = " · ".join(escaped(word) for word in words if word)
    return f'<div class="cr-line">{state_html(run)}<span class="cr-quiet">{said}</span></div>'


def failed_rows(run: RunRecord, dataset: DatasetRecord) -> None:
    """List the first rows without a result, each with its problem, when asked to."""
    failed = sum(run.problems.values())
    if not failed or run.is_active:
        return
    if st.toggle(f"Show the {count(failed, 'row')} with a problem", key=f"failed_{run.id}"):
        found = list(islice(_failed(run), _LISTED))
        show_table(["Row", "Id", "Problem", "What came back"], found, caption=f"Rows of {dataset.name} with a problem")
        if failed > len(found):
            st.caption(f"The first {len(found)} of {failed:,} are listed.")


def _failed(run: RunRecord) -> Iterator[tuple[int, str, str, str]]:
    results = iter_scores(engine(), run.id) if run.config.kind == "score" else iter_preferences(engine(), run.id)
    for result in results:
        if result.problem:
            said = str(result.evidence.get("error") or result.evidence.get("raw") or "")[:300]
            yield result.row, result.id[:60], PROBLEMS.get(result.problem, result.problem), said


def runs_of(dataset: DatasetRecord, kind: RunKind) -> list[RunRecord]:
    """The dataset's runs of one kind, newest first."""
    return list_runs(engine(), dataset.id, kind)

"""Checks before an export: whether every row is accounted for, and what has not been looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.apply import standing
from clear_core.parsing import keeps_format
from db.datasets import examples_by_row
from db.records import ROW_STATES
from db.reviews import decisions_for
from pages.parts.basis import Basis
from pages.parts.boards import stopped_early
from pages.parts.changes import total_counts
from pages.parts.queues import Proposed
from pages.parts.text import count, escaped, icon_html

_LOOKS: Final = {"good": ("check_circle", "cr-keep"), "note": ("info", "cr-quiet"), "warning": ("warning", "cr-warn")}
_MOST_EDITS: Final = 500


@dataclass(frozen=True, slots=True)
class Check:
    """One check and how it came out.

    Attributes:
        tone: good, worth knowing, or worth a look before exporting.
        words: the outcome as a sentence.
    """

    tone: Literal["good", "note", "warning"]
    words: str


def run_checks(engine: Engine, at_hand: Basis, seen: Proposed) -> Iterator[Check]:
    """Check what the export will hold, by counts and by a look into the rows that people edited."""
    dataset = at_hand.dataset
    counts = total_counts(at_hand, seen)
    dropped, unscored = counts["drop"], counts["unscored"]
    records = dataset.examples + dataset.problems
    yield Check(
        "good",
        f"All {count(records, 'record')} of the file are accounted for: {dataset.examples - dropped:,} are written, "
        f"{dropped:,} dropped, {dataset.problems:,} can't be read.",
    )
    missing = dataset.examples - len(seen.codes)
    if unscored:
        yield Check(
            "note",
            f"{count(unscored, 'unscored example stays', 'unscored examples stay')} in the dataset as they came.",
        )
    if missing:
        yield Check("warning", f"{count(missing, 'example was', 'examples were')} not reached by the score run.")
    left = {view: seen.left(view) for view in ("drops", "replacements", "unsure")}
    if left["drops"] or left["replacements"]:
        yield Check(
            "warning",
            f"{count(left['drops'], 'proposed drop')} and {count(left['replacements'], 'proposed replacement')} "
            "were not reviewed: they follow the thresholds.",
        )
    else:
        yield Check("good", "Every proposed change has been reviewed.")
    if left["unsure"]:
        unsure = count(left["unsure"], "example marked unsure follows", "examples marked unsure follow")
        yield Check("warning", f"{unsure} the thresholds.")
    undecided = stopped_early(engine, at_hand.score).undecided(seen.cut.gamma)
    if undecided:
        yield Check(
            "warning",
            f"Sampling stopped early for {count(undecided, 'example')} that might lie on the other side of this gamma.",
        )
    if at_hand.policy is None:
        yield Check("note", "The thresholds are not saved as a policy; the manifest holds their numbers.")
    yield from _edits(engine, at_hand, seen)


def _edits(engine: Engine, at_hand: Basis, seen: Proposed) -> Iterator[Check]:
    """Whether responses that people wrote keep the format of the given ones (JSON stays JSON)."""
    replaced = np.flatnonzero(seen.standing.state == ROW_STATES.index("replace"))
    rows = [int(row) for row in seen.board.table.row[replaced[:_MOST_EDITS]]]
    if not rows:
        return
    log = [decision for part in decisions_for(engine, at_hand.dataset.id, rows).values() for decision in part]
    written = {row: decision.response for row, decision in standing(log).items() if decision.response is not None}
    broken = [
        example.id
        for example in examples_by_row(engine, at_hand.dataset.id, rows)
        if example.row in written and not keeps_format(example.response, written[example.row])
    ]
    if broken:
        named = ", ".join(broken[:5]) + (" and more" if len(broken) > 5 else "")
        yield Check(
            "warning",
            f"{count(len(broken), 'replacement breaks', 'replacements break')} the given response's format: {named}.",
        )
    else:
        looked = "first " if len(replaced) > _MOST_EDITS else ""
        yield Check("good", f"The {looked}{count(len(written), 'replacement')} that people chose: no format is broken.")


def show_checks(checks: Iterator[Check]) -> None:
    """Show the checks as a list; words may hold ids of the dataset, they are escaped."""
    lines = []
    for check in checks:
        icon, tone = _LOOKS[check.tone]
        lines.append(f'<li class="{tone}">{icon_html(icon)}<span>{escaped(check.words)}</span></li>')
    st.html(f'<ul class="cr-checks">{"".join(lines)}</ul>')

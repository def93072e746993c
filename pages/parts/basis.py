"""What a view of proposals stands on: scores, preferences, and the thresholds of a policy or the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.errors import StateError
from clear_core.propose import Thresholds
from db.policies import get_policy
from db.records import DatasetRecord, PolicyRecord, RunRecord
from db.runs import get_run, list_runs
from pages.parts import address
from pages.parts.described import run_words
from pages.parts.empty import empty
from pages.parts.errors import notice
from pages.parts.text import count, escaped
from pages.parts.threshold import unsaved


@dataclass(frozen=True, slots=True)
class Basis:
    """What proposals are made from.

    Attributes:
        dataset: the dataset at hand.
        score: the run that gave the confidences.
        correct: the run that gave the preferences, or None.
        policy: the saved policy of the address, or None.
    """

    dataset: DatasetRecord
    score: RunRecord
    correct: RunRecord | None
    policy: PolicyRecord | None

    @property
    def thresholds(self) -> Thresholds:
        """The policy's thresholds, else the defaults: gamma = median, eta = 0.8."""
        return self.policy.thresholds if self.policy else Thresholds()

    @property
    def stamp(self) -> tuple[int, int, int | None]:
        """Changes when the controls on the Tune page should start anew."""
        return self.dataset.id, self.score.id, self.policy.id if self.policy else None

    @property
    def name(self) -> str:
        """What the thresholds are called on screen; the policy's name is untrusted."""
        return f"{self.policy.name} v{self.policy.version}" if self.policy else "Default thresholds"


def find(engine: Engine, dataset: DatasetRecord) -> Basis:
    """The basis that the address names, else the newest; without scores the page says what to do and stops."""
    policy = _superseded(_policy(engine, dataset))
    scores = usable(list_runs(engine, dataset.id, "score"))
    score = get_run(engine, policy.score_run_id) if policy else _named("run", scores)
    if score is None:
        empty(
            "No scores yet",
            "Give every example a confidence first; thresholds and proposals follow from it.",
            icon="speed",
            step="Go to Score",
            page="score",
        )
        st.stop()
    if policy:
        correct = get_run(engine, policy.correct_run_id) if policy.correct_run_id else None
    else:
        correct = _named("correct", corrections(engine, dataset, score))
    return Basis(dataset, score, correct, policy)


def usable(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Runs with results, newest first; trials come after the rest, for they cover a few rows only."""
    return sorted((run for run in runs if run.done), key=lambda run: (run.config.trial, -run.id))


def corrections(engine: Engine, dataset: DatasetRecord, score: RunRecord) -> list[RunRecord]:
    """The correct runs with results that belong to these scores, newest first."""
    runs = list_runs(engine, dataset.id, "correct")
    return usable([run for run in runs if run.config.score_run_id in {score.id, None}])


def run_label(run: RunRecord) -> str:
    """A run in one line, for a selector."""
    trial = "trial, " if run.config.trial else ""
    # The browser answers with the label, so it must not change by itself: a date, not an age.
    return f"Run {run.id} · {run_words(run)} · {trial}{count(run.done, 'row')} · {run.created_at:%d %b %H:%M}"


def thresholds_html(at_hand: Basis, gamma: float) -> str:
    """The thresholds in force, and whether others were moved on the Tune page without being saved.

    Args:
        at_hand: the basis.
        gamma: gamma as a number, as it cuts now.
    """
    words = f"{escaped(at_hand.name)}: gamma {gamma:.3f}, eta {at_hand.thresholds.eta:.3f}"
    moved = unsaved(at_hand.thresholds, at_hand.stamp)
    more = (
        ' <span class="cr-warn">· what you moved on Tune is not saved and does not count here</span>' if moved else ""
    )
    return f'<span class="cr-quiet cr-num">{words}{more}</span>'


def _policy(engine: Engine, dataset: DatasetRecord) -> PolicyRecord | None:
    wanted = address.number("policy")
    if wanted is None:
        return None
    try:
        policy = get_policy(engine, wanted)
    except StateError:
        policy = None
    if policy is None or policy.dataset_id != dataset.id:
        notice(f"There is no policy {wanted} for this dataset.", "The default thresholds are used.", tone="warning")
        address.put(policy=None)
        return None
    return policy


def _superseded(policy: PolicyRecord | None) -> PolicyRecord | None:
    """The policy, unless the address names a run that is not its own: whoever put that run there looks at it."""
    if policy is None:
        return None
    own: dict[address.Name, int | None] = {"run": policy.score_run_id, "correct": policy.correct_run_id}
    if any(address.number(name) not in {None, run_id} for name, run_id in own.items()):
        address.put(policy=None)
        return None
    return policy


def _named(name: address.Name, runs: Sequence[RunRecord]) -> RunRecord | None:
    """The run that the address names among these, else the first; 0 in the address means none on purpose."""
    wanted = address.number(name)
    if wanted == 0:
        return None
    return next((run for run in runs if run.id == wanted), runs[0] if runs else None)

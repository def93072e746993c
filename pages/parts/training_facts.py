"""What a training has come to: its loss as it falls, what it learnt from, and the model that came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clear_core.plots import loss_figure
from clear_core.types import FATES
from db.records import RunRecord
from pages.parts.colours import palette
from pages.parts.described import model_words
from pages.parts.evidence import number_of
from pages.parts.fates import LOOKS
from pages.parts.progress import facts_html


def show_training(run: RunRecord) -> None:
    """Show the facts of a training and its loss; what the trainer told may be untrusted."""
    if facts := training_facts(run):
        st.html(facts_html(facts))
    points = _points(run.recipe.get("losses"))
    if len(points) > 1:
        st.plotly_chart(
            loss_figure(points, palette()),
            theme=None,
            config={"displayModeBar": False},
            key=f"loss_{run.id}",
            alt=f"Training loss from {points[0][1]:.3f} to {points[-1][1]:.3f} over {points[-1][0]:,.0f} steps",
        )


def training_facts(run: RunRecord) -> list[tuple[str, str]]:
    """What is known of a training, as label and value."""
    recipe = run.recipe
    facts: list[tuple[str, str]] = []
    if run.trained is not None:
        facts.append(("Model", model_words(run.trained)))
    if run.trained is not None and run.trained.adapter:
        facts.append(("Its adapter", run.trained.adapter))
    if isinstance(examples := recipe.get("examples"), int):
        facts.append(("Learnt from" if run.trained else "Learns from", f"{examples:,} rows"))
    fates = recipe.get("fates")
    if isinstance(fates, Mapping):
        told = [f"{int(fates[fate]):,} {LOOKS[fate].done}" for fate in FATES if number_of(fates.get(fate))]
        facts.append(("Of the dataset", ", ".join(told)))
    points = _points(recipe.get("losses"))
    if points:
        facts.append(("Loss, first and last", f"{points[0][1]:.3f} → {points[-1][1]:.3f}"))
    if run.trained is None and recipe.get("told"):
        facts.append(("The trainer says", str(recipe["told"])[:300]))
    return facts


def _points(losses: Any) -> list[tuple[float, float]]:
    """Steps with their loss; anything else is left out."""
    if not isinstance(losses, Sequence) or isinstance(losses, str):
        return []
    pairs = [(number_of(each[0]), number_of(each[1])) for each in losses if isinstance(each, list) and len(each) == 2]
    return [(step, loss) for step, loss in pairs if step is not None and loss is not None]

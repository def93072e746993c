"""Choosing a model: the embedded one, one at an endpoint, or one that was trained on this dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import streamlit as st

from clear_core.settings import Settings
from clear_core.types import ModelRef
from pages.parts.described import model_words
from pages.parts.endpoint import ask_endpoint, key_field
from pages.parts.text import plain

EMBEDDED: Final = "Embedded model"
ENDPOINT: Final = "An endpoint"
TRAINED: Final = "A trained model"


def choose_model(
    name: str,
    settings: Settings,
    default: ModelRef | None,
    *,
    label: str,
    trained: Mapping[str, ModelRef],
    other: str = "",
) -> ModelRef | None:
    """Show the choice of a model.

    Args:
        name: prefix of the widgets' keys, one per choice on a page.
        settings: where the environment's endpoint and key are found.
        default: what to start with; None for the other choice.
        label: what the model is for.
        trained: models trained on this dataset, by label.
        other: a choice that is no model, such as the file itself.

    Returns:
        The model; None where the other choice is taken.
    """
    kinds = [EMBEDDED, ENDPOINT, *([TRAINED] if trained else []), *([other] if other else [])]
    kind = st.segmented_control(
        label, kinds, default=_kind(default, trained, other), required=True, key=f"{name}_kind", persist_state="session"
    )
    if kind == other:
        return None
    if kind == EMBEDDED:
        return ModelRef()
    if kind == TRAINED:
        return ask_trained(name, settings, trained, default)
    return ask_endpoint(name, settings, default or ModelRef())


def by_label(models: Iterable[tuple[str, ModelRef]]) -> dict[str, ModelRef]:
    """Trained models by label; two models under one label are told apart by where they are."""
    named: dict[str, ModelRef] = {}
    for label, model in models:
        shared = named.get(label, model) != model
        named[f"{label} ({model_words(model)})" if shared else label] = model
    return named


def _kind(default: ModelRef | None, trained: Mapping[str, ModelRef], other: str) -> str:
    if default is None:
        return other or EMBEDDED
    if default in trained.values():
        return TRAINED
    return ENDPOINT if default.base_url else EMBEDDED


def ask_trained(
    name: str, settings: Settings, trained: Mapping[str, ModelRef], default: ModelRef | None = None
) -> ModelRef:
    """Show the choice among trained models, and the key of the endpoint where the chosen one is."""
    labels = list(trained)
    chosen = st.selectbox(
        "Which one",
        labels,
        index=next((at for at, label in enumerate(labels) if trained[label] == default), 0),
        key=f"{name}_trained",
        persist_state="session",
        width=420,
    )
    model = trained[chosen]
    st.caption(plain(model_words(model)))
    if model.base_url:
        key_field(name, settings, model.base_url)
    return model

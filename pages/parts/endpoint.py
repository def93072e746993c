"""A model at an OpenAI-compatible endpoint: its address, its name and its key."""

from __future__ import annotations

from typing import Final

import streamlit as st

from clear_core.settings import Settings
from clear_core.types import ModelRef

_KEYS: Final = "keys"
_TYPED: Final = "Type a key"
_ENVIRONMENT: Final = "Key from the environment"
_NONE: Final = "No key"


def same_address(base_url: str) -> str:
    """An address in the one form in which addresses are compared: ".../v1" and ".../v1/" are the same endpoint."""
    return base_url.strip().rstrip("/")


def missing_of(model: ModelRef) -> str:
    """What is still to be filled in of a model, as a sentence; empty when nothing is."""
    if not model.base_url or (model.model and model.base_url.startswith(("http://", "https://"))):
        return ""
    return "Fill in the endpoint's address (https://…) and the model's name."


def ask_endpoint(name: str, settings: Settings, default: ModelRef) -> ModelRef:
    """Show the fields of an endpoint: its address, the model's name and the key."""
    left, right = st.columns([3, 2])
    base_url = left.text_input(
        "Address",
        value=default.base_url or settings.base_url or "https://api.openai.com/v1",
        key=f"{name}_url",
        persist_state="session",
        help="Base URL of an OpenAI-compatible API, usually ending in /v1. Your examples are sent there.",
    )
    model = right.text_input(
        "Model name",
        value=default.model or settings.model,
        key=f"{name}_model",
        persist_state="session",
        placeholder="as the endpoint calls it",
    )
    address = same_address(base_url)
    key_field(name, settings, address)
    return ModelRef(address, model.strip())


def key_field(name: str, settings: Settings, base_url: str) -> None:
    """Show how the key of an endpoint is given. A typed key stays in this session's memory and goes nowhere else."""
    base_url = same_address(base_url)
    options = [_ENVIRONMENT, _TYPED, _NONE] if settings.api_key else [_TYPED, _NONE]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    # The environment's key is only offered unasked to the endpoint that the environment names.
    own = bool(settings.api_key) and base_url == same_address(settings.base_url)
    how = left.segmented_control(
        "Key", options, default=_ENVIRONMENT if own else _TYPED, required=True, key=f"{name}_how:{base_url}"
    )
    keys: dict[str, str] = st.session_state.setdefault(_KEYS, {})
    if how == _ENVIRONMENT:
        keys[base_url] = settings.api_key
    elif how == _NONE:
        keys[base_url] = ""
    else:
        _typed(name, base_url, keys, right)


def _typed(name: str, base_url: str, keys: dict[str, str], place: st.delta_generator.DeltaGenerator) -> None:
    known = bool(keys.get(base_url))
    typed = place.text_input(
        "The key",
        type="password",
        key=f"{name}_key:{base_url}",
        autocomplete="off",
        placeholder="kept for this session" if known else "stays in this session only",
        help="Held in memory until you close this tab; never stored, logged or exported.",
    )
    if typed:
        keys[base_url] = typed.strip()


def key_for(settings: Settings, base_url: str) -> str:
    """The key to use at an endpoint: this session's, else the environment's where it names that endpoint, else none."""
    keys: dict[str, str] = st.session_state.get(_KEYS, {})
    address = same_address(base_url)
    return keys.get(address, settings.api_key if address and address == same_address(settings.base_url) else "")


def knows_key(settings: Settings, base_url: str) -> bool:
    """Whether this session can enter an endpoint without asking; the embedded model needs no key."""
    known: dict[str, str] = st.session_state.get(_KEYS, {})
    return not base_url or same_address(base_url) in known or bool(key_for(settings, base_url))

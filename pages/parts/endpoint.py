"""Choosing a model: the embedded one, or one at an OpenAI-compatible endpoint, with its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from clear_core.settings import Settings
from clear_core.types import CandidateSource

_KEYS: Final = "keys"
_TYPED: Final = "Type a key"
_ENVIRONMENT: Final = "Key from the environment"
_NONE: Final = "No key"
_EMBEDDED: Final = "Embedded model"
_ENDPOINT: Final = "An endpoint"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to ask.

    Attributes:
        base_url: OpenAI-compatible endpoint; empty means the embedded model.
        model: its name there; empty with the embedded model.
    """

    base_url: str = ""
    model: str = ""

    @property
    def is_embedded(self) -> bool:
        """Whether it is the embedded model."""
        return not self.base_url

    @property
    def missing(self) -> str:
        """What is still to be filled in, as a sentence; empty when nothing is."""
        if self.is_embedded or (self.model and self.base_url.startswith(("http://", "https://"))):
            return ""
        return "Fill in the endpoint's address (https://…) and the model's name."


def same_address(base_url: str) -> str:
    """An address in the one form in which addresses are compared: ".../v1" and ".../v1/" are the same endpoint."""
    return base_url.strip().rstrip("/")


def described(base_url: str, model: str) -> str:
    """A model in a few words: "gpt-x at api.example.com", or the embedded one."""
    if not base_url:
        return "embedded model (SmolLM2 135M)"
    return f"{model or 'a model'} at {urlsplit(base_url).netloc or base_url}"


def written_by(source: CandidateSource) -> str:
    """A source of candidates in a few words."""
    if source.model is None:
        return source.label or f"the column {source.column}"
    return described(source.model.base_url, source.model.model)


def choose_model(name: str, settings: Settings, default: ModelChoice, *, label: str = "Model") -> ModelChoice:
    """Show the choice between the embedded model and an endpoint.

    Args:
        name: prefix of the widgets' keys, one per choice on a page.
        settings: where the environment's endpoint and key are found.
        default: what to start with.
        label: what the model is for.
    """
    kind = st.segmented_control(
        label,
        [_EMBEDDED, _ENDPOINT],
        default=_EMBEDDED if default.is_embedded else _ENDPOINT,
        required=True,
        key=f"{name}_kind",
        persist_state="session",
    )
    if kind == _EMBEDDED:
        return ModelChoice()
    return ask_endpoint(name, settings, default)


def ask_endpoint(name: str, settings: Settings, default: ModelChoice) -> ModelChoice:
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
    choice = ModelChoice(same_address(base_url), model.strip())
    key_field(name, settings, choice.base_url)
    return choice


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

"""How a model is fine-tuned: here as a LoRA, or at an endpoint that speaks OpenAI's fine-tuning API."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import streamlit as st

from clear_core.errors import InputError
from clear_core.settings import Settings
from clear_core.train.settings import TrainSettings
from clear_core.types import ModelRef
from pages.parts.endpoint import ask_endpoint, missing_of
from pages.parts.errors import notice, show_error

_EMBEDDED: Final = "Embedded model"
_CHECKPOINT: Final = "Another checkpoint"
_HERE: Final = (
    "A LoRA is trained on this computer, on the responses alone: no key, no network, a GPU if there is one. "
    "Checkpoints let it pause and go on. The embedded model then wears what it learnt and can write candidates."
)
_THERE: Final = (
    "**The rows are uploaded to this endpoint and its training is billed there.** It goes on if this app stops; the "
    "run watches it again. The model that comes out is asked at the same endpoint."
)


def ask_lora(before: TrainSettings) -> tuple[TrainSettings | None, str]:
    """Show the settings of a training on this computer.

    Args:
        before: settings to start with.

    Returns:
        The settings, None where they can't be used; and what is missing as a sentence, empty when nothing is.
    """
    before = before if before.trainer == "lora" else TrainSettings()
    st.markdown(_HERE)
    if any(find_spec(package) is None for package in ("torch", "transformers", "peft")):
        notice(
            "Training here needs the extra [train], which is not installed.", "Run: make setup-train", tone="warning"
        )
        return None, "Install the extra, or train elsewhere."
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Start from",
            [_EMBEDDED, _CHECKPOINT],
            default=_CHECKPOINT if before.base else _EMBEDDED,
            required=True,
            key="lora_start",
            persist_state="session",
        )
        base = ""
        if kind == _CHECKPOINT:
            base = st.text_input(
                "Checkpoint",
                value=before.base,
                key="lora_base",
                persist_state="session",
                width=320,
                placeholder="name or folder of a causal language model",
            ).strip()
        epochs = _epochs("lora", before)
        with st.popover("More settings", icon=":material/tune:"):
            rank = st.number_input("Rank", 1, 256, before.rank, key="lora_rank", persist_state="session", width=170)
            rate = st.number_input(
                "Learning rate",
                min_value=0.0,
                value=before.learning_rate,
                step=0.0001,
                format="%.5f",
                key="lora_rate",
                persist_state="session",
                width=170,
                placeholder="by itself",
            )
            batch = st.number_input(
                "Rows in a step",
                1,
                256,
                before.batch_size,
                key="lora_batch",
                persist_state="session",
                width=170,
                placeholder="by itself",
            )
            longest = st.number_input(
                "Longest row, tokens",
                16,
                32_768,
                before.max_tokens,
                key="lora_longest",
                persist_state="session",
                width=170,
                help="Prompt and response together. Longer rows are left out and counted, never cut.",
            )
            seed = st.number_input(
                "Seed", 0, 2**31 - 1, before.seed, key="lora_seed", persist_state="session", width=170
            )
    if kind == _CHECKPOINT and not base:
        return None, "Name the checkpoint to start from."
    return _checked(
        base=base,
        epochs=epochs,
        rank=rank,
        learning_rate=rate or None,
        batch_size=batch,
        max_tokens=longest,
        seed=seed,
    )


def ask_openai(settings: Settings, before: TrainSettings) -> tuple[TrainSettings | None, str]:
    """Show the settings of a training at an endpoint; what comes back is as with `ask_lora`."""
    before = before if before.trainer == "openai" else TrainSettings()
    st.markdown(_THERE)
    model = ask_endpoint("tuning", settings, ModelRef(before.base_url, before.base))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = _epochs("openai", before)
        suffix = st.text_input(
            "Name's suffix",
            value=before.suffix,
            key="tuning_suffix",
            persist_state="session",
            width=200,
            max_chars=40,
            placeholder="none",
            help="The endpoint puts it into the new model's name.",
        ).strip()
    if missing := missing_of(model):
        return None, missing
    return _checked(trainer="openai", base=model.model, base_url=model.base_url, epochs=epochs, suffix=suffix)


def _epochs(name: str, before: TrainSettings) -> int:
    return st.number_input(
        "Epochs",
        1,
        100,
        before.epochs,
        key=f"{name}_epochs",
        persist_state="session",
        width=130,
        help="Passes over the rows.",
    )


def _checked(**values: object) -> tuple[TrainSettings | None, str]:
    try:
        return TrainSettings(**values), ""  # type: ignore[arg-type]
    except InputError as error:
        show_error(error)
        return None, "Change that setting to train."

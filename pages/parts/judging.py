"""Who judges candidates: a model, or verdicts that the file stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from clear_core.settings import Settings
from clear_core.types import ModelRef
from db.records import RunConfig
from pages.parts.columns import Column, choose_column, first_words, numbers_words
from pages.parts.endpoint import missing_of
from pages.parts.models import choose_model
from pages.parts.writers import Writers

_FILE: Final = "The file itself"
_LIKELIHOOD: Final = (
    "With the embedded model the comparison is of **likelihood**: which response does the prompt make likelier? "
    "It ranks candidates for you; it is no judgement."
)
_BOTH: Final = (
    "The judge sees both responses in **both orders**; the preference is the smaller of the two confidences. "
    "It may be another model than those that write."
)
_PREFERENCES: Final = "Preferences"
_VERDICTS: Final = "Verdicts of both orders"
_STORED: Final = {
    _PREFERENCES: "A number from 0 to 1 in each row: how confident somebody is that the candidate is better. It names "
    "no orders, so a judge's liking for one place stays unseen.",
    _VERDICTS: "In each row a pair of verdicts, [given response first, candidate first], each 1, 2 or tie: which place "
    "is better. Our own rule decides: both orders must agree.",
}


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges and how.

    Attributes:
        judge: the model; None where the file holds the verdicts.
        config: the settings.
        missing: what is still to be filled in, as a sentence; empty when nothing is.
    """

    judge: ModelRef | None
    config: RunConfig
    missing: str


def choose_judge(
    settings: Settings,
    before: RunConfig,
    trained: Mapping[str, ModelRef],
    columns: Sequence[Column],
    writers: Writers,
) -> Judging:
    """Show the choice of the judge.

    Args:
        settings: where the environment's endpoint and key are found.
        before: settings to start with.
        trained: models trained on this dataset, by label.
        columns: the dataset's columns beside prompt and response.
        writers: who writes.
    """
    other = _FILE if columns else ""
    judge = choose_model("judge", settings, before.asked, label="The judge is", trained=trained, other=other)
    if judge is None:
        return _stored(before, columns, writers)
    st.markdown(_BOTH if judge.base_url else _LIKELIHOOD)
    config = RunConfig("correct", base_url=judge.base_url, model=judge.model, adapter=judge.adapter)
    if judge.base_url:
        config = _details(config, before)
    return Judging(judge, config, missing_of(judge))


def _details(config: RunConfig, before: RunConfig) -> RunConfig:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        samples = st.number_input(
            "Verdicts sampled per order",
            1,
            20,
            max(before.samples, 1),
            key="judge_samples",
            persist_state="session",
            width=210,
            help="k: how often the verdict is asked for again, to see whether the judge agrees with itself.",
        )
        temperature = st.number_input(
            "Temperature",
            0.1,
            2.0,
            before.temperature,
            0.1,
            key="judge_temperature",
            persist_state="session",
            width=150,
        )
        concurrency = st.number_input(
            "Rows at once", 1, 64, before.concurrency, key="judge_concurrency", persist_state="session", width=150
        )
    return replace(config, samples=samples, temperature=temperature, concurrency=concurrency)


def _stored(before: RunConfig, columns: Sequence[Column], writers: Writers) -> Judging:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "It stores",
            [_PREFERENCES, _VERDICTS],
            default=_VERDICTS if before.verdicts_field else _PREFERENCES,
            required=True,
            key="verdict_kind",
            persist_state="session",
        )
        fitting = sorted(columns, key=lambda column: not (column.is_share if kind == _PREFERENCES else column.lists))
        field = choose_column(
            "Column", fitting, f"verdict_column_{kind}", default=before.preference_field or before.verdicts_field
        )
    st.markdown(_STORED[kind])
    column = next(column for column in columns if column.name == field)
    st.caption(numbers_words(column) if kind == _PREFERENCES else first_words(column))
    is_number = kind == _PREFERENCES
    config = RunConfig(
        "correct", preference_field=field if is_number else "", verdicts_field="" if is_number else field
    )
    about = [source.column for source in writers.sources]
    fits = len(about) == 1 and about[0] not in {"", field} and not writers.base
    missing = "" if fits else "Stored verdicts are about stored candidates: choose the one column that holds them."
    if is_number and not column.is_share:
        missing = missing or "Preferences are numbers from 0 to 1: choose the column that holds them."
    return Judging(None, config, missing)

"""Who writes candidates: the judge's own model, other models, trained ones, or columns of the file; several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from clear_core.settings import Settings
from clear_core.types import CandidateSource, ModelRef
from db.records import RunConfig
from pages.parts.columns import Column, texts_words
from pages.parts.endpoint import ask_endpoint, key_field, missing_of

_BASE: Final = "The judge's own model"
_EMBEDDED: Final = "The embedded model"
_ENDPOINT: Final = "An endpoint"
_TRAINED: Final = "A trained model"
_COLUMN: Final = "The file itself"
_WEAK: Final = (
    "**The weaker variant.** The judge's own model writes without having learnt from your data: its wording and format "
    "may differ from your responses, and a judge tends to like its own words. Read these candidates with more care."
)
_TUNED: Final = (
    "The method's own way is a model fine-tuned on the rows that scored well. Name it as its endpoint calls it; "
    "several names of one endpoint are separated by commas."
)
_EXTRA: Final = "writer_endpoints"


@dataclass(frozen=True, slots=True)
class Writers:
    """Who writes, as chosen.

    Attributes:
        sources: the sources, without the judge's own model.
        base: whether the judge's own model writes, too.
        missing: what is still to be filled in, as a sentence; empty when nothing is.
    """

    sources: tuple[CandidateSource, ...]
    base: bool
    missing: str

    def judged_by(self, judge: ModelRef | None) -> tuple[tuple[CandidateSource, ...], bool]:
        """The sources with the judge's own model among them if it writes; and whether it alone writes.

        Args:
            judge: the judge; None where the file holds the verdicts.
        """
        if judge is None:
            return self.sources, False
        own = (CandidateSource(judge),) if self.base else ()
        both = tuple(dict.fromkeys((*own, *self.sources)))
        return both, both == (CandidateSource(judge),)


def choose_writers(
    settings: Settings, before: RunConfig, trained: Mapping[str, ModelRef], columns: Sequence[Column]
) -> Writers:
    """Show the choice of sources, and the fields of each kind chosen."""
    kinds = [_BASE, _EMBEDDED, _ENDPOINT, *([_TRAINED] if trained else []), *([_COLUMN] if columns else [])]
    chosen = st.pills(
        "Candidates come from",
        kinds,
        selection_mode="multi",
        default=_kinds(before, trained, kinds),
        key="writers",
        persist_state="session",
    )
    sources: list[CandidateSource] = []
    missing = "" if chosen else "Choose where candidates come from."
    if _BASE in chosen:
        st.markdown(_WEAK)
    if _EMBEDDED in chosen:
        sources.append(CandidateSource(ModelRef()))
    if _TRAINED in chosen:
        sources += _trained(settings, trained, before)
    if _ENDPOINT in chosen:
        models = _endpoints(settings, before)
        missing = missing or next(filter(None, map(missing_of, models)), "")
        sources += map(CandidateSource, models)
    if _COLUMN in chosen:
        sources += _columns(columns, before)
    if len(sources) + (_BASE in chosen) > 1:
        st.caption("Every different candidate is judged; the one with the best verdict is proposed.")
    if _COLUMN in chosen and not any(source.column for source in sources):
        missing = missing or "Choose the columns that hold candidates."
    return Writers(tuple(sources), _BASE in chosen, missing)


def _kinds(before: RunConfig, trained: Mapping[str, ModelRef], kinds: Sequence[str]) -> list[str]:
    """The kinds that an earlier run used; at first the newest trained model if there is one, else the judge itself."""
    if not before.candidates:
        return [_TRAINED] if trained and before.score_run_id is None else [_BASE]
    found = {_kind(source, before, trained) for source in before.candidates}
    return [kind for kind in kinds if kind in found]


def _kind(source: CandidateSource, before: RunConfig, trained: Mapping[str, ModelRef]) -> str:
    if source.model is None:
        return _COLUMN
    if source.model == before.asked:
        return _BASE
    if source.model in trained.values():
        return _TRAINED
    return _ENDPOINT if source.model.base_url else _EMBEDDED


def _trained(settings: Settings, trained: Mapping[str, ModelRef], before: RunConfig) -> list[CandidateSource]:
    written = [source.model for source in before.candidates]
    known = [label for label, model in trained.items() if model in written]
    chosen = st.multiselect(
        "Trained models",
        list(trained),
        default=known or list(trained)[:1],
        key="trained_writers",
        persist_state="session",
        width=420,
    )
    models = [trained[label] for label in chosen]
    for base_url in dict.fromkeys(model.base_url for model in models if model.base_url):
        key_field("trained", settings, base_url)
    return [CandidateSource(model) for model in models]


def _endpoints(settings: Settings, before: RunConfig) -> list[ModelRef]:
    """One endpoint, or several; each with the names of one or several models."""
    st.markdown(_TUNED)
    used = _by_endpoint(before)
    number = max(st.session_state.setdefault(_EXTRA, len(used)), 1)
    models = []
    for at in range(number):
        base_url, names = used[at] if at < len(used) else ("", "")
        asked = ask_endpoint("candidate" if at == 0 else f"candidate{at}", settings, ModelRef(base_url, names))
        models += [ModelRef(asked.base_url, name.strip()) for name in (asked.model or " ").split(",")]
    with st.container(horizontal=True):
        st.button("Another endpoint", icon=":material/add:", type="tertiary", on_click=_count, args=(number + 1,))
        if number > 1:
            st.button("One fewer", icon=":material/remove:", type="tertiary", on_click=_count, args=(number - 1,))
    return models


def _by_endpoint(before: RunConfig) -> list[tuple[str, str]]:
    """The endpoints that an earlier run's candidates came from, each with its models' names."""
    names: dict[str, list[str]] = {}
    for source in before.candidates:
        if source.model is not None and source.model.base_url and source.model != before.asked:
            names.setdefault(source.model.base_url, []).append(source.model.model)
    return [(base_url, ", ".join(models)) for base_url, models in names.items()]


def _count(number: int) -> None:
    st.session_state[_EXTRA] = number


def _columns(columns: Sequence[Column], before: RunConfig) -> list[CandidateSource]:
    names = [column.name for column in columns]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Columns with candidates",
            names,
            default=[source.column for source in before.candidates if source.column in names],
            key="candidate_columns",
            persist_state="session",
            width=420,
            help="A text, or a list of texts, in each row.",
        )
        label = st.text_input(
            "Written by",
            value=next((source.label for source in before.candidates if source.column), ""),
            key="candidate_label",
            persist_state="session",
            width=220,
            max_chars=80,
            placeholder="the column's name",
            help="For the record: who wrote them.",
        ).strip()
    for column in columns:
        if column.name in chosen:
            st.caption(texts_words(column))
    return [CandidateSource(column=name, label=label) for name in chosen]

"""What every page shares: the settings, the database, the reviewer, and the bar with the dataset at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote

import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.errors import StateError
from clear_core.settings import Settings, read_settings
from db.datasets import get_dataset, list_datasets
from db.engine import open_engine, upgrade
from db.jobs import start_worker
from db.records import DatasetRecord, RunConfig
from db.runs import list_runs, request_pause
from pages.parts import address
from pages.parts.empty import empty
from pages.parts.endpoint import key_for
from pages.parts.errors import notice
from pages.parts.text import count, plain

_COOKIE: Final = "clear_reviewer"
_REMEMBER = """
export default function ({ data }) {
  document.cookie = `clear_reviewer=${data.name}; path=/; max-age=31536000; SameSite=Strict`
}
"""


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings()


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The review database, upgraded to this version's schema, shared by all sessions."""
    opened = open_engine(settings().database_url)
    upgrade(opened)
    return opened


def start(run_id: int, config: RunConfig) -> None:
    """Start the worker of a queued run, with the keys that this session holds for its endpoints."""
    keys = {base_url: key_for(settings(), base_url) for base_url in config.endpoints}
    start_worker(run_id, url=settings().database_url, keys=keys)


def pause_runs() -> None:
    """Ask every worker to pause: the app is being stopped in order, and the embedded model stops with it.

    A worker pauses by itself within seconds; a server that is killed leaves its workers to go on.
    """
    for dataset in list_datasets(engine()):
        for run in list_runs(engine(), dataset.id):
            if run.is_active:
                # The run may have ended between the two looks.
                with suppress(StateError):
                    request_pause(engine(), run.id)


def reviewer() -> str:
    """The name that decisions are signed with: as typed, else as this browser remembers, else as the settings say."""
    typed = str(st.session_state.get("reviewer", "")).strip()
    # Without a browser there is no handshake to read cookies from, and Streamlit's tests stand in a mock for it.
    cookie = st.context.cookies.get(_COOKIE, "")
    remembered = unquote(cookie).strip() if isinstance(cookie, str) else ""
    return (typed or remembered or settings().reviewer or "reviewer")[:80]


def dataset_page(title: str, *, ready: bool = True) -> DatasetRecord:
    """Open a page about one dataset: its title, the bar with the dataset and the reviewer.

    Args:
        title: the page's title.
        ready: whether the page needs the import to be finished; if it is not, the page says so and stops.

    Returns:
        The dataset at hand; without one the page shows what to do and stops.
    """
    datasets = list_datasets(engine())
    current = _current(datasets)
    bar(title, datasets, current)
    if current is None:
        empty(
            "No dataset yet",
            "Everything here works on a dataset. Upload one, or load the demo with one click.",
            icon="database",
            step="Go to Datasets",
            page="datasets",
        )
        st.stop()
    if ready and current.status != "ready":
        _not_ready(current)
    return current


def bar(title: str, datasets: Sequence[DatasetRecord] = (), current: DatasetRecord | None = None) -> None:
    """The head of a page: its title, the selector of the dataset at hand if there is one, and the reviewer's name."""
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        st.title(title, anchor=False)
        if current:
            _choose(datasets, current)
        _sign()


def _current(datasets: list[DatasetRecord]) -> DatasetRecord | None:
    """The dataset of the address, else the newest; a wrong address is answered in words."""
    wanted = address.number("dataset")
    if wanted is not None:
        try:
            return get_dataset(engine(), wanted)
        except StateError as error:
            notice(error.message, "It may have been deleted. Choose another one.", tone="warning")
    newest = max(datasets, key=lambda dataset: dataset.id, default=None)
    address.put(dataset=newest.id if newest else None)
    return newest


def _choose(datasets: Sequence[DatasetRecord], current: DatasetRecord) -> None:
    """The selector of the dataset at hand."""
    names = {dataset.id: f"{dataset.name} · {count(dataset.examples, 'example')}" for dataset in datasets}
    # The browser answers with the label: two datasets under one label would be one.
    shared = {label for label, times in Counter(names.values()).items() if times > 1}
    names = {key: f"{label} · no. {key}" if label in shared else label for key, label in names.items()}
    st.session_state["dataset_choice"] = current.id
    st.selectbox(
        "Dataset",
        list(names),
        format_func=lambda dataset_id: names.get(dataset_id, ""),
        key="dataset_choice",
        on_change=lambda: address.put(dataset=st.session_state["dataset_choice"]),
        label_visibility="collapsed",
        width=340,
    )


def _sign() -> None:
    """The reviewer's name, behind a small button; the browser remembers it."""
    with st.popover(
        plain(reviewer()), icon=":material/person:", help="Who decides: your name stands with each decision"
    ):
        st.text_input("Your name", value=reviewer(), max_chars=80, key="reviewer", persist_state="session")
        st.caption("Stored with every decision you make. This browser remembers it.")
        _remember(key="remember_reviewer", data={"name": quote(reviewer(), safe="")}, height=1)


def _not_ready(dataset: DatasetRecord) -> None:
    """Say why a dataset can't be worked on yet, and stop the page."""
    if dataset.status == "importing":
        notice("This dataset is still being imported.", "Its rows appear here when the import is done.")
    else:
        notice("The import of this dataset did not finish.", "Open it on the Datasets page to see why.", tone="warning")
    address.page_link("datasets", "Go to Datasets", icon=":material/database:")
    st.stop()


_remember = st.components.v2.component("remember_reviewer", js=_REMEMBER)

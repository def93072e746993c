"""Datasets: upload one, see how it reads, import it; or load the demo. Open, rename and delete what is there."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from clear_core.errors import ClearError
from clear_core.io import Source
from db.curation import forget_exports
from db.datasets import delete_dataset, get_dataset, list_datasets, rename_dataset
from db.records import DatasetRecord
from pages.parts import address
from pages.parts.dataset_view import show_dataset
from pages.parts.demo import load_demo
from pages.parts.errors import in_words, notice, show_error
from pages.parts.prepare import prepare
from pages.parts.shell import bar, engine, reviewer, settings
from pages.parts.text import ago, count, escaped
from pages.parts.upload_route import uploaded
from pages.parts.uploader import RENEWED_EVERY, Upload, drop_zone

_LEAD: Final = (
    '<p class="cr-lead">CLEAR Review gives every row of an instruction-tuning dataset a confidence, proposes what to '
    "drop and what to replace, and leaves the last word to you. Everything stays on this computer, unless you choose "
    "an endpoint to score with.</p>"
)
_STEPS: Final = (
    '<ol class="cr-steps">'
    "<li><b>Upload</b>Alpaca, prompt and response, OpenAI messages or ShareGPT, in any size.</li>"
    "<li><b>Score</b>With the embedded model, no key needed, an endpoint of yours, or by columns of the file.</li>"
    "<li><b>Tune</b>Move two thresholds and see at once what they keep, drop and replace.</li>"
    "<li><b>Review</b>Decide on the proposals one by one, by key. A person always beats a slider.</li>"
    "<li><b>Export</b>The curated dataset in its own shape, with a record of every decision.</li>"
    "<li><b>Train</b>Fine-tune a model on what is kept, have it write better responses, and go round again.</li></ol>"
)
_STATUS: Final = {"importing": "importing", "ready": "", "failed": "import failed"}


def page() -> None:
    """The page."""
    bar("Datasets")
    sha256 = address.text("upload")
    if sha256:
        path = uploaded(settings().uploads_dir, sha256)
        name = address.text("file")[:200] or "upload"
        if path:
            prepare(Upload(sha256, name), Source(path, name))
            return
        notice("This upload is gone.", "Upload the file again.", tone="warning")
        address.put(upload=None, file=None)
    datasets = list_datasets(engine())
    if datasets:
        _bring(is_first=False)
        _list(datasets)
        _opened(datasets)
    else:
        st.html(_LEAD)
        _bring(is_first=True)
        st.html(_STEPS)


def _bring(*, is_first: bool) -> None:
    """The two ways in: a file, or the demo."""
    left, right = st.columns([5, 2], vertical_alignment="center")
    with left:
        st.fragment(_drop, run_every=RENEWED_EVERY)()
    with right:
        kind: Literal["primary", "secondary"] = "primary" if is_first else "secondary"
        if st.button("Load the demo", icon=":material/science:", width="stretch", type=kind, key="demo"):
            with st.spinner("Loading the demo…"), in_words():
                address.put(dataset=load_demo(engine(), settings(), reviewer()))
                st.rerun()
        st.html('<div class="cr-quiet cr-small">Customer e-mails, scored already: tune and review at once.</div>')


def _drop() -> None:
    if arrived := drop_zone(settings()):
        address.put(upload=arrived.sha256, file=arrived.name)
        st.rerun()


def _list(datasets: list[DatasetRecord]) -> None:
    at_hand = address.number("dataset")
    with st.container(border=True, key="datasets", gap="small"):
        for dataset in datasets:
            _line(dataset, is_open=dataset.id == at_hand)


def _line(dataset: DatasetRecord, *, is_open: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = [escaped(dataset.source_name), ago(dataset.created_at)]
        if dataset.problems:
            words.insert(0, f"{dataset.problems:,} can't be used")
        if dataset.status == "ready":
            words.insert(0, count(dataset.examples, "row"))
        status = _STATUS[dataset.status]
        mark = f'<span class="cr-state cr-warn">{status}</span> · ' if status else ""
        st.html(
            f'<div class="cr-line {"cr-opened" if is_open else "cr-unopened"}"><b>{escaped(dataset.name)}</b>'
            f'<span class="cr-quiet">{mark}{" · ".join(words)}</span></div>'
        )
        if not is_open:
            st.button("Open", key=f"open_{dataset.id}", on_click=_open, args=(dataset.id,))
        with st.popover("", icon=":material/more_horiz:", key=f"more_{dataset.id}", help="Rename or delete"):
            _change(dataset)


def _open(dataset_id: int) -> None:
    address.put(dataset=dataset_id)


def _change(dataset: DatasetRecord) -> None:
    name = st.text_input("Name", value=dataset.name, max_chars=120, key=f"name_{dataset.id}")
    if st.button("Rename", key=f"rename_{dataset.id}", disabled=name.strip() in {"", dataset.name}):
        with in_words():
            rename_dataset(engine(), dataset.id, name)
            st.rerun()
    st.caption("Deleting takes its runs, policies and decisions along. It can't be undone.")
    sure = st.checkbox("Yes, delete it for good", key=f"sure_{dataset.id}")
    if st.button("Delete", key=f"delete_{dataset.id}", icon=":material/delete:", disabled=not sure):
        _delete(dataset)


def _delete(dataset: DatasetRecord) -> None:
    try:
        delete_dataset(engine(), dataset.id)
        forget_exports(engine(), settings().exports_dir)
    except ClearError as error:
        show_error(error)
        return
    if address.number("dataset") == dataset.id:
        address.put(dataset=None)
    st.rerun()


def _opened(datasets: list[DatasetRecord]) -> None:
    """The dataset at hand, below the list; a wrong address is answered in words."""
    wanted = address.number("dataset")
    if wanted is None:
        wanted = datasets[0].id
        address.put(dataset=wanted)
        st.rerun()
    try:
        show_dataset(get_dataset(engine(), wanted))
    except ClearError as error:
        show_error(error)


page()

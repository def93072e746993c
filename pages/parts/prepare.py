"""From an uploaded file to a dataset: what it is, how it reads, what can't be used, and the import."""

from __future__ import annotations

from typing import Final

import streamlit as st

from clear_core.errors import InputError
from clear_core.io import Detection, FieldMap, Source, read_columns
from clear_core.io.opening import sniff
from clear_core.types import RowProblem
from db.datasets import create_dataset
from db.records import RunConfig
from db.runs import create_run
from pages.parts import address
from pages.parts.check import Check, checked, detected
from pages.parts.conversation import show_example
from pages.parts.download import download_link
from pages.parts.errors import notice, show_error
from pages.parts.mapping import SHAPES, choose_columns
from pages.parts.problems_route import PATH
from pages.parts.progress import facts_html
from pages.parts.shell import engine, reviewer, start
from pages.parts.table import show_table
from pages.parts.text import beginning, count, size
from pages.parts.uploader import Upload

_FORMATS: Final = {"jsonl": "JSON lines", "json": "JSON", "csv": "CSV", "parquet": "Parquet"}
_PACKED: Final = {"": "", "gz": ", gzip", "zst": ", Zstandard"}
_CELL: Final = 160


def prepare(upload: Upload, source: Source) -> None:
    """Show an uploaded file and offer its import."""
    _head()
    try:
        detection = detected(source, upload.sha256, upload.name)
    except InputError as error:
        show_error(error)
        detection = _by_hand(source)
    _found(upload, source, detection)
    try:
        field_map = choose_columns(
            detection.columns, detection.field_map if detection.certainty else None, name=upload.sha256[:12]
        )
        with st.spinner("Reading the file…", show_time=True):
            check = checked(source, upload.sha256, upload.name, field_map)
    except InputError as error:
        show_error(error)
        return
    _import(upload, source, detection, field_map, check)
    _preview(check)
    _problems(upload, field_map, check)


def _head() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html('<h3 class="cr-h">New dataset</h3>')
        if st.button("Choose another file", icon=":material/arrow_back:"):
            address.put(upload=None, file=None)
            st.rerun()


def _by_hand(source: Source) -> Detection:
    """The columns to map by hand where no shape fits; a file without readable records ends the page."""
    try:
        columns = read_columns(source)
        file_format, compression = sniff(source)
    except InputError:
        st.stop()
    first = FieldMap("messages", columns[0])
    return Detection(file_format, compression, first, columns, 0.0, "Choose the columns by hand.")


def _found(upload: Upload, source: Source, detection: Detection) -> None:
    certainty = detection.certainty
    word = "certain" if certainty >= 0.95 else "likely" if certainty >= 0.6 else "a guess" if certainty else "not found"
    st.html(
        facts_html(
            [
                ("File", upload.name),
                ("Size", size(source.path.stat().st_size)),
                ("Format", _FORMATS[detection.file_format] + _PACKED[detection.compression]),
                ("Shape", SHAPES[detection.field_map.shape] if certainty else "unknown"),
                ("Certainty", f"{certainty:.2f}, {word}"),
                ("Why", detection.why),
            ]
        )
    )


def _import(upload: Upload, source: Source, detection: Detection, field_map: FieldMap, check: Check) -> None:
    """What was checked, and the button that imports."""
    if not check.good:
        notice(
            "No row can be used with these columns.",
            check.problems[0].reason if check.problems else "Choose other columns.",
            tone="error",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", value=upload.name.split(".")[0][:80] or "dataset", max_chars=120, width=340)
        label = f"Import {count(check.good, 'row')}" if check.complete else "Import all rows"
        pressed = st.button(label, type="primary", icon=":material/download_done:")
        st.html(f'<span class="cr-quiet">{_checked_words(check)}</span>', width="content")
    if pressed:
        _start(upload, source, detection, field_map, name)


def _checked_words(check: Check) -> str:
    bad = f"{count(check.bad, 'row')} can't be used" if check.bad else "every row can be used"
    if check.complete:
        return f"{count(check.good + check.bad, 'row')} read, {bad}."
    return f"Of the first {count(check.good + check.bad, 'row')} {bad}; the import reads the rest."


def _start(upload: Upload, source: Source, detection: Detection, field_map: FieldMap, name: str) -> None:
    try:
        dataset_id = create_dataset(
            engine(),
            name=name,
            source=source,
            sha256=upload.sha256,
            detection=detection,
            field_map=field_map,
            created_by=reviewer(),
        )
    except InputError as error:
        show_error(error)
        return
    config = RunConfig("import")
    start(create_run(engine(), dataset_id, config, reviewer()), config)
    address.put(dataset=dataset_id, upload=None, file=None)
    st.rerun()


def _preview(check: Check) -> None:
    st.html(f"<h4 class='cr-h'>The first {count(len(check.examples), 'row')}, as a reader sees them</h4>")
    for example in check.examples:
        show_example(example)


def _problems(upload: Upload, field_map: FieldMap, check: Check) -> None:
    if not check.bad:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(f"<h4 class='cr-h'>{count(check.bad, 'row')} that can't be used</h4>", width="content")
        label = f"Download {count(check.bad, 'bad row')}" if check.complete else "Download all bad rows of the file"
        download_link(label, PATH, "problems", upload=upload.sha256, file=upload.name, columns=field_map.to_json())
    problem_table(check.problems, check.bad)


def problem_table(problems: list[RowProblem] | tuple[RowProblem, ...], total: int) -> None:
    """List bad rows with what is wrong and how each begins in the file."""
    show_table(
        ["Row", "Column", "What is wrong", "In the file"],
        [(problem.row, problem.field or "–", problem.reason, beginning(problem.raw, _CELL)) for problem in problems],
        caption="Rows that can't be used",
    )
    if total > len(problems):
        st.caption(f"The first {len(problems):,} of {total:,} are listed.")

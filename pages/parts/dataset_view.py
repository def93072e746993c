"""One dataset: how it was read, its import while it runs, its rows, and the rows that can't be used."""

from __future__ import annotations

from typing import Final

import streamlit as st

from db.datasets import examples_by_row, row_problems
from db.records import DatasetRecord
from db.runs import list_runs
from pages.parts import address
from pages.parts.check import LISTED
from pages.parts.conversation import show_example
from pages.parts.download import download_link
from pages.parts.errors import notice
from pages.parts.mapping import SHAPES
from pages.parts.prepare import problem_table
from pages.parts.problems_route import PATH
from pages.parts.progress import facts_html, run_panel
from pages.parts.shell import engine
from pages.parts.text import ago, count, escaped

_PAGE: Final = 5
_TURNED: Final = 100


def show_dataset(dataset: DatasetRecord) -> None:
    """Show one dataset, below its name, with the step that comes next."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<h3 class="cr-h">{escaped(dataset.name)}</h3>', width="content")
        if dataset.status == "ready":
            _next_step(dataset)
    counts = [("Rows", f"{dataset.examples:,}"), ("Can't be used", f"{dataset.problems:,}")]
    facts = [
        ("File", dataset.source_name),
        ("Shape", SHAPES[dataset.field_map.shape]),
        ("Brought in", f"{ago(dataset.created_at)} by {dataset.created_by}"),
    ]
    st.html(facts_html(facts if dataset.status == "importing" else counts + facts))
    if dataset.status != "ready":
        _import_state(dataset)
    if dataset.examples:
        _rows(dataset)
    if dataset.problems:
        _bad_rows(dataset)


def _next_step(dataset: DatasetRecord) -> None:
    if any(run.done and run.status == "done" for run in list_runs(engine(), dataset.id, "score")):
        address.page_link("tune", "Tune it", icon=":material/arrow_forward:")
        address.page_link("score", "Score again")
    else:
        address.page_link("score", "Score it", icon=":material/arrow_forward:")


def _import_state(dataset: DatasetRecord) -> None:
    """The import run: live, stopped or failed."""
    imports = list_runs(engine(), dataset.id, "import")
    if imports:
        run_panel(imports[0].id)
    else:
        notice("The import of this dataset was not finished.", "Delete it and upload the file again.", tone="warning")


def _rows(dataset: DatasetRecord) -> None:
    records = dataset.examples + dataset.problems
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.html(f'<h4 class="cr-h">{count(dataset.examples, "row")}</h4>', width="content")
        start = _first_row(dataset, records)
    for example in examples_by_row(engine(), dataset.id, range(start, min(start + _PAGE, records))):
        show_example(example)


def _first_row(dataset: DatasetRecord, records: int) -> int:
    """The first row to show: by page, or by its number where there are more pages than anybody turns."""
    pages = -(-records // _PAGE)
    if pages == 1:
        return 0
    if pages <= _TURNED:
        return (st.pagination(pages, key=f"page_{dataset.id}") - 1) * _PAGE
    return int(st.number_input("From row", 0, records - 1, 0, _PAGE, key=f"from_{dataset.id}", width=180))


def _bad_rows(dataset: DatasetRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(f'<h4 class="cr-h">{count(dataset.problems, "row")} that can\'t be used</h4>', width="content")
        download_link(f"Download {count(dataset.problems, 'bad row')}", PATH, "problems", dataset=dataset.id)
    problem_table(row_problems(engine(), dataset.id, limit=LISTED), dataset.problems)

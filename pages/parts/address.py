"""The address of a view: the dataset, runs and policy at hand stand in the URL, so a link or a reload finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

import streamlit as st

Name = Literal["dataset", "run", "correct", "policy", "round", "training", "view", "order", "row", "upload", "file"]

NAMES: Final[tuple[Name, ...]] = get_args(Name)
PAGES: Final = Path(__file__).resolve().parent.parent
_MEMORY: Final = "address"
_OF_DATASET: Final[tuple[Name, ...]] = ("run", "correct", "policy", "round", "training", "row")


def keep() -> None:
    """Carry the address across a click in the navigation, which drops what no widget owns. Call once per run."""
    memory: dict[str, str] = st.session_state.setdefault(_MEMORY, {})
    for name in NAMES:
        if name in st.query_params:
            memory[name] = st.query_params[name]
        elif name in memory:
            st.query_params[name] = memory[name]


def text(name: Name) -> str:
    """A part of the address as it stands there, untrusted; empty when it is not there."""
    return st.query_params.get(name, "")


def number(name: Name) -> int | None:
    """A part of the address as the id it should be; None when it is missing or is no id."""
    value = text(name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def put(**values: int | str | None) -> None:
    """Change parts of the address; None takes one out. Another dataset takes its runs and policy along.

    Args:
        **values: parts by name (see `NAMES`) with an id, a text or None.
    """
    memory: dict[str, str] = st.session_state.setdefault(_MEMORY, {})
    if "dataset" in values and str(values["dataset"]) != memory.get("dataset"):
        values = dict.fromkeys(_OF_DATASET) | values
    for name, value in values.items():
        if value is None:
            memory.pop(name, None)
            if name in st.query_params:
                del st.query_params[name]
        else:
            memory[name] = str(value)
            if st.query_params.get(name) != str(value):  # every write is a message to the browser
                st.query_params[name] = str(value)


def page_link(page: str, label: str, *, icon: str | None = None) -> None:
    """A link to a page by its name, such as "score", that keeps the address."""
    st.page_link(PAGES / f"{page}.py", label=label, icon=icon, query_params=_memory())


def _memory() -> dict[str, str]:
    memory: dict[str, str] = st.session_state.setdefault(_MEMORY, {})
    return dict(memory)

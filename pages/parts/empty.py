"""Empty states: what is missing, why it matters and the one next step."""

from __future__ import annotations

import streamlit as st

from pages.parts.address import page_link
from pages.parts.text import escaped, icon_html


def empty(title: str, sentence: str, *, icon: str = "inbox", step: str = "", page: str = "") -> None:
    """Show an empty state, with a link to the page of the next step if there is one.

    Args:
        title: what is missing; words of ours.
        sentence: why, and what the next step does.
        icon: Material Symbols name.
        step: label of the link.
        page: page to go to, such as "score"; it keeps the address's dataset and runs.
    """
    st.html(f'<div class="cr-empty">{icon_html(icon)}<h3>{escaped(title)}</h3><p>{escaped(sentence)}</p></div>')
    if step and page:
        with st.container(horizontal=True, horizontal_alignment="center"):
            page_link(page, step)

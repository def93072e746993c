"""A small table as HTML: text that can be selected, read aloud and found in the page, unlike a drawn grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from pages.parts.text import escaped


def show_table(head: Sequence[str], rows: Iterable[Sequence[str | int]], *, caption: str = "") -> None:
    """Show a table of at most a few hundred rows; cells may be untrusted, numbers stand to the right.

    Args:
        head: the columns' names, words of ours.
        rows: cells by column; an int is a number with thousands separators, a str a text.
        caption: what the table is, for screen readers.
    """
    lines = list(rows)
    numbers = [isinstance(cell, int) for cell in lines[0]] if lines else [False] * len(head)
    heads = "".join(
        f'<th scope="col"{" class=cr-num" if number else ""}>{escaped(name)}</th>'
        for name, number in zip(head, numbers, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in lines)
    label = f"<caption>{escaped(caption)}</caption>" if caption else ""
    st.html(
        f'<div class="cr-scroll" tabindex="0"><table class="cr-table">{label}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(cell: str | int) -> str:
    if isinstance(cell, int):
        return f'<td class="cr-num">{cell:,}</td>'
    return f'<td dir="auto">{escaped(cell)}</td>'

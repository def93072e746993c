"""The rows nearest a threshold, on both sides of the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from clear_core.types import Example, Fate
from pages.parts.fates import fate_html
from pages.parts.text import escaped

_SHORT = 110


@dataclass(frozen=True, slots=True)
class NearRow:
    """A row near a line.

    Attributes:
        example: the row's example.
        response: the response to show with it: the given one, or the candidate.
        value: its confidence or preference.
        fate: what becomes of it as the thresholds stand.
    """

    example: Example
    response: str
    value: float
    fate: Fate


def head(text: str) -> str:
    """The start of a text in one line, the cut marked; plain text, not escaped."""
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT].rstrip()}…"


def tail(text: str) -> str:
    """The end of a text in one line: where prompts that share an instruction differ."""
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"…{line[-_SHORT:].partition(' ')[2] or line[-_SHORT:]}"


def show_at_line(above: Sequence[NearRow], below: Sequence[NearRow], line: str, title: str) -> None:
    """List rows from the highest value to the lowest, with the line between them.

    Args:
        above: rows over the line, nearest first.
        below: rows under it, nearest first.
        line: what stands on the line, such as "gamma 0.620"; words of ours.
        title: what the responses are; words of ours.
    """
    if not above and not below:
        return
    parts = [*map(_row, reversed(above)), f'<div class="cr-at-line" role="separator">{line}</div>', *map(_row, below)]
    titles = f'<div class="cr-label cr-near-titles"><span>Prompts nearest the line</span><span>{title}</span></div>'
    st.html(f'{titles}<div class="cr-near">{"".join(parts)}</div>')


def _row(near: NearRow) -> str:
    name, response = escaped(near.example.id[:60]), escaped(head(near.response))
    asked = next((turn.content for turn in reversed(near.example.prompt) if turn.role == "user"), "")
    return (
        f'<div class="cr-near-row"><div class="cr-near-head"><b class="cr-num">{near.value:.3f}</b>'
        f'{fate_html(near.fate)}<span class="cr-id">{name}</span></div>'
        f'<div class="cr-near-text"><span dir="auto" class="cr-quiet">{escaped(tail(asked))}</span>'
        f'<span dir="auto">{response or "(empty)"}</span></div></div>'
    )

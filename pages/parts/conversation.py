"""An example as a reader sees it: the prompt as chat, then the response. Dataset text enters as escaped text only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from clear_core.types import Example, Message
from pages.parts.text import escaped

LONGEST_SHOWN: Final = 20_000
"""Characters of one text sent to the browser; what is left out is said, never cut in silence."""

_SPEAKERS: Final = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}


def text_html(text: str) -> str:
    """Untrusted text as an HTML block that keeps its line breaks and its own writing direction."""
    shown = escaped(text[:LONGEST_SHOWN])
    rest = len(text) - LONGEST_SHOWN
    more = f'<span class="cr-more">… {rest:,} more characters are not shown here</span>' if rest > 0 else ""
    empty = "" if text else '<span class="cr-more">(empty)</span>'
    return f'<div class="cr-text" dir="auto" tabindex="0">{shown}{empty}{more}</div>'


def conversation_html(prompt: Sequence[Message], response: str | None = None, *, label: str = "Response") -> str:
    """The chat as HTML.

    Args:
        prompt: the turns before the response.
        response: the given response; None leaves it out, for pages that show it themselves.
        label: heading of the response; words of ours, never dataset text.
    """
    turns = [
        f'<div class="cr-turn cr-{turn.role}"><div class="cr-speaker">{_SPEAKERS[turn.role]}</div>'
        f"{text_html(turn.content)}</div>"
        for turn in prompt
    ]
    end = ""
    if response is not None:
        end = f'<div class="cr-turn cr-response"><div class="cr-speaker">{label}</div>{text_html(response)}</div>'
    return f'<div class="cr-chat"><div class="cr-turns">{"".join(turns)}</div>{end}</div>'


def show_example(example: Example) -> None:
    """Show one example with its row number and id, as a card."""
    st.html(
        f'<div class="cr-card"><div class="cr-card-head">Row {example.row:,}'
        f'<span class="cr-id" title="{escaped(example.id[:200])}">{escaped(example.id[:60])}</span></div>'
        f"{conversation_html(example.prompt, example.response)}</div>"
    )

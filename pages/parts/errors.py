"""Errors in words: what is wrong and what to do. Nothing here shows a traceback or reads text as Markdown."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from clear_core.errors import ClearError
from pages.parts.text import escaped, icon_html

log = logging.getLogger(__name__)

Tone = Literal["error", "warning", "info", "good"]
_ICONS = {"error": "error", "warning": "warning", "info": "info", "good": "check_circle"}


def notice(message: str, hint: str = "", *, tone: Tone = "info") -> None:
    """Show a calm panel; message and hint may hold untrusted text, they are escaped."""
    extra = f'<div class="cr-hint">{escaped(hint)}</div>' if hint else ""
    role = "alert" if tone == "error" else "status"
    st.html(
        f'<div class="cr-notice cr-{tone}" role="{role}">{icon_html(_ICONS[tone])}'
        f"<div><div>{escaped(message)}</div>{extra}</div></div>"
    )


def show_error(error: ClearError) -> None:
    """Show an error of ours: its message and its hint."""
    notice(error.message, error.hint, tone="error")


@contextmanager
def in_words() -> Iterator[None]:
    """Turn a ClearError of the block into a panel in its place; other exceptions go on."""
    try:
        yield
    except ClearError as error:
        show_error(error)


def on_script_error(error: Exception) -> bool:
    """Answer an exception that no page caught: ours in its own words, others by a reference into the log.

    Returns:
        True: the panel shown here replaces Streamlit's own.
    """
    if isinstance(error, ClearError):
        show_error(error)
        return True
    reference = uuid.uuid4().hex[:8]
    log.error("The traceback above has reference %s.", reference)
    notice(
        "Something went wrong on this page. What was saved stays saved.",
        f"Reload the page; if it happens again, the server's log has the details under reference {reference}.",
        tone="error",
    )
    return True

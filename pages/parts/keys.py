"""The keys of the review page: what guards them in the browser, and the sheet that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

_PARTS: Final = Path(__file__).resolve().parent

KEYS: Final = (
    ("A", "accept the proposal"),
    ("X", "reject it: keep the given response"),
    ("E", "edit the response, then save it"),
    ("D", "drop the example"),
    ("U", "unsure: leave it open for later"),
    ("Z", "undo your last decision"),
    ("J →", "next item"),
    ("K ←", "previous item"),
    ("V", "side by side, or one text"),
    ("Ctrl Enter", "save the edit"),
    ("Esc", "leave the edit; your text is kept"),
    ("?", "this list"),
)


def guard_keys(
    item: str,
    *,
    buttons: Mapping[str, str],
    decides: Sequence[str],
    alias: Sequence[str],
    draft: str,
    base: str,
    sent: str,
) -> None:
    """Guard the keys for the item on screen; show the button that lists them.

    Args:
        item: names this showing of this item, as the card's `data-item` does.
        buttons: role of the button behind each key; a button's key is "act-<role>-...".
        decides: the keys that decide something: they need the item to have been seen.
        alias: the keys that have no button of their own.
        draft: name under which the browser keeps the text being edited; empty when nothing is edited.
        base: the text that the editing started from.
        sent: name of a text that has been saved and can be forgotten; may be empty.
    """
    _guard(
        key="keys",
        data={
            "item": item,
            "buttons": dict(buttons),
            "decides": list(decides),
            "alias": dict.fromkeys(alias, True),
            "draft": draft,
            "base": base,
            "sent": sent,
            "keys": [list(pair) for pair in KEYS],
        },
        width="content",
    )


_guard = st.components.v2.component(
    "review_keys",
    html=(_PARTS / "keys.html").read_text("utf-8"),
    css=(_PARTS / "keys.css").read_text("utf-8"),
    js=(_PARTS / "keys.js").read_text("utf-8"),
)

"""What a reviewer can do with an item, each by a button with its key; every press is stored before the next item."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st

from clear_core.decide import Choice
from clear_core.types import Fate
from pages.parts import address
from pages.parts.basis import Basis
from pages.parts.fates import LOOKS
from pages.parts.keys import guard_keys
from pages.parts.queues import Place, Proposed
from pages.parts.review_item import Item
from pages.parts.review_store import Showing, show_flash, store, undo


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do with an item.

    Attributes:
        role: part of the button's key.
        key: the keyboard's.
        label: words on the button.
        choice: what it decides.
        icon: Material Symbols name, without the colons.
    """

    role: str
    key: str
    label: str
    choice: Choice
    icon: str


_DROP: Final = Act("drop", "D", "Drop", "drop", LOOKS["drop"].icon)
_UNSURE: Final = Act("unsure", "U", "Unsure", "unsure", "help_center")
ACTS: Final[Mapping[Fate, tuple[Act, ...]]] = {
    "drop": (
        Act("accept", "A", "Drop it", "accept", LOOKS["drop"].icon),
        Act("reject", "X", "Keep it", "reject", LOOKS["keep"].icon),
        _UNSURE,
    ),
    "replace": (
        Act("accept", "A", "Replace", "accept", LOOKS["replace"].icon),
        Act("reject", "X", "Keep the given", "reject", LOOKS["keep"].icon),
        _DROP,
        _UNSURE,
    ),
    "unscored": (Act("keep", "A", "Keep it", "keep", LOOKS["keep"].icon), _DROP, _UNSURE),
    "keep": (Act("accept", "A", "Keep it", "accept", LOOKS["keep"].icon), _DROP, _UNSURE),
}
"""What can be decided about an item, by what is proposed for it."""

_EDITING: Final = "review_editing"
_SENT: Final = "review_sent"


def editing(item: Item) -> bool:
    """Whether this item's response is being edited."""
    return bool(st.session_state.get(_EDITING) == item.example.row)


def show_actions(basis: Basis, seen: Proposed, place: Place, item: Item | None) -> None:
    """The bar with the buttons, what was done last, and the way to the neighbours.

    Args:
        basis: what the proposals stand on.
        seen: the proposals.
        place: where one stands.
        item: the item on screen; None when the queue is finished.
    """
    with st.container(key="actions"):
        if item is not None and editing(item):
            _edit(Showing(basis, place, item, uuid.uuid4().hex))
        else:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key="acts"):
                if item is not None:
                    _decide_buttons(Showing(basis, place, item, uuid.uuid4().hex))
                _walk_buttons(basis, seen, place, item)
                _guard(basis, item)
                show_flash()


def _decide_buttons(showing: Showing) -> None:
    item = showing.item
    for act in ACTS[item.proposal.fate]:
        st.button(
            act.label,
            key=f"act-{act.role}-{item.showing}",
            shortcut=act.key,
            icon=f":material/{act.icon}:",
            type="primary" if act.key == "A" else "secondary",
            on_click=_press,
            args=(showing, act.choice),
        )
        if act.choice in {"reject", "keep"}:
            _edit_button(item)


def _edit_button(item: Item) -> None:
    st.button(
        "Edit",
        key=f"act-edit-{item.showing}",
        shortcut="E",
        icon=":material/edit:",
        on_click=lambda: st.session_state.update({_EDITING: item.example.row}),
    )


def _walk_buttons(basis: Basis, seen: Proposed, place: Place, item: Item | None) -> None:
    """Undo, next and previous; the newest decision's number is in the undo's key, so that one press undoes one."""
    _quiet("undo", f"-{seen.standing.seq}", "Undo", "Z", partial(undo, basis, seen, uuid.uuid4().hex))
    here = item.showing if item else "end"
    for role, label, key, step in (("previous", "Previous", "K", -1), ("next", "Next", "J", 1)):
        row = place.neighbour(step)
        _quiet(role, f"-{here}", label, key, partial(_go, row), disabled=row is None)
    if item is not None and item.proposal.response is not None:
        _quiet("view", f"-{here}", "View", "V", _turn)


def _quiet(role: str, suffix: str, label: str, key: str, press: Callable[[], None], *, disabled: bool = False) -> None:
    st.button(label, key=f"act-{role}{suffix}", shortcut=key, type="tertiary", on_click=press, disabled=disabled)


def _go(row: int | None) -> None:
    if row is not None:
        address.put(row=row)


def _turn() -> None:
    st.session_state["review_unified"] = not st.session_state.get("review_unified", False)


def _press(showing: Showing, choice: Choice) -> None:
    store(showing, choice)


def _edit(showing: Showing) -> None:
    """The response as text to change. The browser keeps every stroke; leaving the field or Ctrl+Enter sends it."""
    item = showing.item
    key = f"edited-{item.showing}"
    st.session_state.setdefault(key, item.draft())
    with st.container(key="edited"):
        st.text_area("Response", key=key, height=180, on_change="ignore", persist_state="session")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Save and replace",
            key=f"act-save-{item.showing}",
            shortcut="Ctrl+Enter",
            type="primary",
            icon=f":material/{LOOKS['replace'].icon}:",
            on_click=_save,
            args=(showing, key),
        )
        _quiet("leave", f"-{item.showing}", "Leave", "Esc", _leave)
        st.button(
            "Start over",
            key=f"act-again-{item.showing}",
            type="tertiary",
            on_click=lambda: st.session_state.update({key: item.draft(), _SENT: _draft_name(showing.basis, item)}),
        )
        _guard(showing.basis, item)
        show_flash()


def _leave() -> None:
    st.session_state.pop(_EDITING, None)


def _save(showing: Showing, key: str) -> None:
    if store(showing, "edit", str(st.session_state.get(key) or "")):
        _leave()
        st.session_state[_SENT] = _draft_name(showing.basis, showing.item)


def _draft_name(basis: Basis, item: Item) -> str:
    return f"clear-review:{basis.dataset.id}:{item.example.row}"


def _guard(basis: Basis, item: Item | None) -> None:
    """Tell the browser which keys decide what is on screen."""
    buttons: dict[str, Any] = {"z": "undo", "j": "next", "k": "previous", "v": "view"}
    decides: list[str] = []
    alias: list[str] = []
    if item is not None:
        acts = {act.key.lower(): act.role for act in ACTS[item.proposal.fate]}
        if item.proposal.fate == "drop":
            acts["d"] = "accept"
            alias.append("d")
        decides = list(acts)
        buttons |= acts | {"e": "edit"}
    guard_keys(
        item.showing if item else "",
        buttons=buttons,
        decides=decides,
        alias=alias,
        draft=_draft_name(basis, item) if item is not None and editing(item) else "",
        base=item.draft() if item is not None and editing(item) else "",
        sent=st.session_state.pop(_SENT, ""),
    )

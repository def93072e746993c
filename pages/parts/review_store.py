"""What a press on the review page stores: decisions and undos, each at once, and the word about it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from clear_core.decide import Choice, decide
from clear_core.errors import ClearError
from db.reviews import append_decision, undo_last
from pages.parts import address
from pages.parts.basis import Basis
from pages.parts.errors import show_error
from pages.parts.queues import Place, Proposed
from pages.parts.review_item import Item
from pages.parts.shell import engine, reviewer
from pages.parts.text import escaped

_SAID: Final[Mapping[str, str]] = {"keep": "Kept", "drop": "Dropped", "replace": "Replaced"}
_FLASH: Final = "review_flash"


@dataclass(frozen=True, slots=True)
class Showing:
    """One showing of an item: whatever is pressed on it, and however often, becomes one decision.

    Attributes:
        basis: what the proposals stand on.
        place: where the item stands in its queue.
        item: the item.
        uid: unique id of the decision to come.
    """

    basis: Basis
    place: Place
    item: Item
    uid: str


def store(showing: Showing, choice: Choice, text: str = "") -> bool:
    """Append a decision and go on to the next open item; a second press on the same showing is the same fact.

    Returns:
        Whether it was stored; if not, the reason is shown.
    """
    item, basis = showing.item, showing.basis
    try:
        decision = decide(
            item.proposal,
            choice,
            uid=showing.uid,
            reviewer=reviewer(),
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seen=item.seen(text if choice == "edit" else None),
            given=item.example.response,
            text=text,
        )
        append_decision(engine(), basis.dataset.id, decision, policy_id=basis.policy.id if basis.policy else None)
    except ClearError as error:
        st.session_state[_FLASH] = error
        return False
    said = _SAID[decision.fate] if decision.fate else "Left open:"
    how = ", edited" if choice == "edit" else ""
    st.session_state[_FLASH] = f"{said} {item.example.id[:60]}{how}"
    address.put(row=showing.place.following)
    return True


def undo(basis: Basis, seen: Proposed, uid: str) -> None:
    """Take back the reviewer's newest decision and go back to its item."""
    try:
        undone = undo_last(
            engine(), basis.dataset.id, reviewer(), policy_id=basis.policy.id if basis.policy else None, uid=uid
        )
    except ClearError as error:
        st.session_state[_FLASH] = error
        return
    if undone is None:
        st.session_state[_FLASH] = "Nothing left to undo"
        return
    st.session_state[_FLASH] = f"Undone: {undone.id[:60]}"
    address.put(view=seen.home(undone.row), row=undone.row)


def show_flash() -> None:
    """What was done last, once, in a place that screen readers watch."""
    said = st.session_state.pop(_FLASH, None)
    if isinstance(said, ClearError):
        show_error(said)
        said = None
    words = f"{escaped(said)}{'' if said.startswith(('Undone', 'Nothing')) else ' · Z undoes'}" if said else ""
    st.html(f'<div class="cr-flash" role="status">{words}</div>')

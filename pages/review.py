"""Review: decide on what is proposed, one item at a time; every decision is stored in the moment it is made."""

from __future__ import annotations

import streamlit as st

from pages.parts import address, basis
from pages.parts.basis import Basis
from pages.parts.boards import load
from pages.parts.errors import notice
from pages.parts.queues import TITLES, VIEWS, Place, Proposed, choose, find_place, order_at_hand, proposed, view_at_hand
from pages.parts.review_actions import editing, show_actions
from pages.parts.review_item import read_item, show_item
from pages.parts.shell import dataset_page, engine
from pages.parts.text import count


def page() -> None:
    """The page."""
    dataset = dataset_page("Review")
    _reviewing(basis.find(engine(), dataset))


@st.fragment
def _reviewing(at_hand: Basis) -> None:
    """The queue, the item and its buttons."""
    board, standing = load(engine(), at_hand.dataset.id, at_hand.score, at_hand.correct)
    seen = proposed(board, standing, at_hand.thresholds)
    view = view_at_hand()
    place = find_place(seen, view, order_at_hand())
    choose(seen, place.view, place.order)
    _progress(at_hand, seen, place)
    item = None if place.position is None else read_item(engine(), at_hand, seen, int(place.members[place.position]))
    if item is None:
        _finished(seen, place)
    else:
        address.put(row=item.example.row)
        show_item(item, sides=not st.session_state.get("review_unified", False), editing=editing(item))
    show_actions(at_hand, seen, place, item)


def _progress(at_hand: Basis, seen: Proposed, place: Place) -> None:
    """How far the queue is, and which thresholds propose it."""
    total = len(place.rows)
    at = f"{place.position + 1:,} of {total:,}" if place.position is not None else count(total, "item")
    done = f" · {place.done:,} decided" if place.view not in {"unsure", "decided"} else ""
    share = place.done / total if total and place.view != "decided" else 1.0
    st.html(
        f'<div class="cr-progress"><span class="cr-num"><b>{at}</b>{done}</span>'
        f'<span class="cr-track"><b style="width:{share:.1%}"></b></span>'
        f"{basis.thresholds_html(at_hand, seen.cut.gamma)}</div>"
    )


def _finished(seen: Proposed, place: Place) -> None:
    """Nothing left in this queue: what to do next."""
    total = len(place.rows)
    if place.view in {"unsure", "decided"}:
        notice(f"No item is {'unsure' if place.view == 'unsure' else 'decided yet'}.")
    elif total:
        notice(f"All {count(total, 'item')} of this queue are decided or unsure.", tone="good")
    else:
        notice(
            "Nothing is proposed here with these thresholds.", "Move them on the Tune page, or look at another queue."
        )
    others = [each for each in VIEWS if each not in {place.view, "decided"} and seen.left(each)]
    with st.container(horizontal=True):
        for other in others:
            st.button(
                f"{TITLES[other]}: {seen.left(other):,} left",
                key=f"queue-{other}",
                on_click=lambda view=other: address.put(view=view, row=None),
            )
        if not others:
            address.page_link("export", "Go to Export", icon=":material/download:")


page()

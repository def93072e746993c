"""The queues of the review page: what is in them, in which order, and where in them one stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from clear_core.propose import Cut, Thresholds, cut, fates
from clear_core.tuning import NOBODY, Board, Order, queue
from clear_core.types import FATES, Fate
from pages.parts import address
from pages.parts.boards import OPEN, UNSURE, Standing
from pages.parts.steering import steer

View = Literal["drops", "replacements", "unscored", "unsure", "decided"]

VIEWS: Final[tuple[View, ...]] = get_args(View)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
TITLES: Final[Mapping[View, str]] = {
    "drops": "Drops",
    "replacements": "Replacements",
    "unscored": "Unscored",
    "unsure": "Unsure",
    "decided": "Decided",
}
_HOME: Final[Mapping[Fate, View]] = {"drop": "drops", "replace": "replacements", "unscored": "unscored"}
_PROPOSED: Final[tuple[View, ...]] = ("drops", "replacements", "unscored")


@dataclass(frozen=True, slots=True)
class Proposed:
    """Thresholds applied to a board, with what people have said.

    Attributes:
        board: the ranked scores, n rows.
        standing: what people have said.
        codes: proposed fates as indices into FATES, int8[n].
        cut: gamma as applied.
    """

    board: Board
    standing: Standing
    codes: NDArray[np.int8]
    cut: Cut

    def members(self, view: View, order: Order) -> NDArray[np.int64]:
        """Indices of the rows of a view, in order."""
        if view == "unsure":
            return np.flatnonzero(self.standing.state == UNSURE)
        if view == "decided":
            return np.flatnonzero(self.standing.fates != NOBODY)
        return queue(self.board, self.codes, view, order)

    def left(self, view: View) -> int:
        """How many rows of a view nobody has looked at; of the unsure and decided ones, how many there are."""
        if view in _PROPOSED:
            code = FATES.index(next(fate for fate, home in _HOME.items() if home == view))
            return int(np.count_nonzero((self.codes == code) & (self.standing.state == OPEN)))
        return len(self.members(view, "row"))

    def home(self, row: int) -> View:
        """The view that a row belongs to by its proposal; a row proposed to be kept is found among the decided."""
        index = int(np.searchsorted(self.board.table.row, row))
        return _HOME.get(FATES[self.codes[index]], "decided") if index < len(self.codes) else "decided"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one stands in a queue.

    Attributes:
        view: which queue.
        order: in which order.
        members: indices into the board's table, in order.
        rows: their row numbers.
        position: place in `members`; None when nothing is left to show.
        following: row of the next open item, after the end from the start again; None when none is left.
        done: how many members are no longer open.
    """

    view: View
    order: Order
    members: NDArray[np.int64]
    rows: NDArray[np.int64]
    position: int | None
    following: int | None
    done: int

    def neighbour(self, step: int) -> int | None:
        """Row of the item `step` places on; None at either end."""
        at = (len(self.rows) if self.position is None and step < 0 else self.position or 0) + step
        return int(self.rows[at]) if 0 <= at < len(self.rows) else None


def proposed(board: Board, standing: Standing, thresholds: Thresholds) -> Proposed:
    """Apply thresholds."""
    at = cut(board.table, thresholds.gamma, board.order)
    return Proposed(board, standing, fates(board.table, thresholds, at), at)


def view_at_hand() -> View:
    """The view of the address; the proposed drops when it names none."""
    return next((view for view in VIEWS if view == address.text("view")), "drops")


def order_at_hand() -> Order:
    """The order of the address; from the line outwards when it names none."""
    return next((order for order in ORDERS if order == address.text("order")), "near")


def find_place(seen: Proposed, view: View, order: Order) -> Place:
    """Where the address stands in a queue: at its row, else at the first open item."""
    members = seen.members(view, order)
    rows = seen.board.table.row[members]
    is_open = seen.standing.state[members] == (UNSURE if view == "unsure" else OPEN)
    wanted = address.number("row")
    found = np.flatnonzero(rows == wanted) if wanted is not None else np.array([], dtype=np.int64)
    still_open = np.flatnonzero(is_open)
    position: int | None = None
    if len(found):
        position = int(found[0])
    elif view == "decided" and len(rows):
        position = 0
    elif len(still_open):
        position = int(still_open[0])
    others = still_open[still_open != position] if position is not None else still_open
    after = others[others > position] if position is not None else others
    following = after if len(after) else others
    return Place(
        view=view,
        order=order,
        members=members,
        rows=rows,
        position=position,
        following=int(rows[following[0]]) if len(following) else None,
        done=len(rows) - len(still_open),
    )


def choose(seen: Proposed, view: View, order: Order) -> None:
    """The choice of view, with how many items each has left, and of the order."""
    left = {each: seen.left(each) for each in VIEWS}
    with st.container(horizontal=True, horizontal_alignment="distribute", key="queues"):
        steer("review_view", view)
        st.segmented_control(
            "Queue",
            VIEWS,
            format_func=lambda each: f"{TITLES[each]} {left[each]:,}",
            key="review_view",
            required=True,
            on_change=lambda: address.put(view=st.session_state["review_view"], row=None),
            label_visibility="collapsed",
        )
        if view in {"drops", "replacements"}:
            far = "Least confident first" if view == "drops" else "Surest first"
            words: Mapping[Order, str] = {"near": "Nearest the line", "far": far, "row": "File order"}
            steer("review_order", order)
            st.segmented_control(
                "Order",
                list(words),
                format_func=words.__getitem__,
                key="review_order",
                required=True,
                on_change=lambda: address.put(order=st.session_state["review_order"], row=None),
                label_visibility="collapsed",
            )

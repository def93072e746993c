"""One item under review: what is read for it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.decide import shown
from clear_core.propose import proposal_for
from clear_core.types import FATES, ConfidenceScore, Decision, Example, Preference, Proposal
from db.datasets import examples_by_row
from db.records import ROW_STATES, RowState
from db.reviews import decisions_for
from db.scores import get_preferences, get_scores
from pages.parts.basis import Basis
from pages.parts.conversation import conversation_html, text_html
from pages.parts.diff import diff_html
from pages.parts.fates import LOOKS, fate_html
from pages.parts.judge_parts import preference_html
from pages.parts.queues import Proposed
from pages.parts.score_parts import score_html
from pages.parts.text import escaped


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of one row.

    Attributes:
        example: the example.
        score: its score; without a confidence if the run has none for it.
        preference: the judge's comparison, or None.
        proposal: what the thresholds propose.
        log: every decision on it so far, in order.
        state: where people's decisions leave it.
        policy: name of the thresholds in force.
        scope: their scope.
    """

    example: Example
    score: ConfidenceScore
    preference: Preference | None
    proposal: Proposal
    log: tuple[Decision, ...]
    state: RowState
    policy: str
    scope: str

    @property
    def showing(self) -> str:
        """Names this item at this point of its history: a key pressed for an earlier showing can't decide this one."""
        return f"{self.example.row}-{len(self.log)}"

    @property
    def standing(self) -> Decision | None:
        """The newest decision on it that is not an undo, while the item is decided or unsure."""
        made = [decision for decision in self.log if decision.action != "undo"]
        return made[-1] if made and self.state != "open" else None

    def seen(self, edited: str | None = None) -> dict[str, object]:
        """What the reviewer sees of it, as stored with a decision."""
        return shown(
            self.example,
            self.proposal,
            self.score,
            self.preference,
            policy=self.policy,
            scope=self.scope,
            edited=edited,
        )

    def draft(self) -> str:
        """The text that an edit starts from: an earlier edit, else the candidate if one is proposed, else the given."""
        earlier = self.standing
        if earlier is not None and earlier.response is not None:
            return earlier.response
        return self.proposal.response if self.proposal.response is not None else self.example.response


def read_item(engine: Engine, basis: Basis, seen: Proposed, index: int) -> Item | None:
    """Read the row at an index of the board; None when the dataset no longer has it."""
    row = int(seen.board.table.row[index])
    examples = examples_by_row(engine, basis.dataset.id, [row])
    if not examples:
        return None
    example = examples[0]
    score = get_scores(engine, basis.score.id, [row]).get(row) or ConfidenceScore(example.id, row, None)
    preference = get_preferences(engine, basis.correct.id, [row]).get(row) if basis.correct else None
    thresholds = basis.thresholds
    proposal = proposal_for(score, preference, FATES[seen.codes[index]], thresholds, seen.cut.gamma)
    return Item(
        example=example,
        score=score,
        preference=preference,
        proposal=proposal,
        log=tuple(decisions_for(engine, basis.dataset.id, [row]).get(row, [])),
        state=ROW_STATES[seen.standing.state[index]],
        policy=basis.name,
        scope=thresholds.scope,
    )


def show_item(item: Item, *, sides: bool, editing: bool) -> None:
    """Show an item: conversation and response (or diff) on the left, the reasons and numbers on the right.

    Args:
        item: the item.
        sides: a replacement side by side, instead of as one text.
        editing: whether its response is being edited below, which leaves the diff out.
    """
    with st.container(key="item"):
        left, right = st.columns([13, 7], gap="medium")
        with left:
            st.html(
                f'<div class="cr-card" data-item="{item.showing}">{_head(item)}'
                f"{conversation_html(item.example.prompt)}{_response(item, sides=sides, editing=editing)}</div>"
            )
        with right:
            st.html(
                f'<div class="cr-why">{_why(item)}{score_html(item.score, item.proposal.gamma)}'
                f"{preference_html(item.preference, item.proposal.eta)}</div>"
            )


def _head(item: Item) -> str:
    name = escaped(item.example.id[:80])
    return (
        f'<div class="cr-card-head"><span class="cr-num">Row {item.example.row:,}</span>'
        f'<span class="cr-id">{name}</span>{_said(item)}</div>'
    )


def _said(item: Item) -> str:
    """What people have said about it so far."""
    decision = item.standing
    if decision is None:
        return ""
    who = escaped(decision.reviewer[:60])
    if decision.fate is None:
        return f'<span class="cr-state cr-warn cr-right">Unsure, says {who}</span>'
    look = LOOKS[decision.fate]
    return f'<span class="cr-right">{fate_html(decision.fate, look.done.capitalize())} by {who}</span>'


def _response(item: Item, *, sides: bool, editing: bool) -> str:
    given, decision = item.example.response, item.standing
    new = item.proposal.response
    title = "Candidate"
    if decision is not None and decision.fate == "replace" and decision.action == "edit":
        new, title = decision.response, "Edited"
    if new is None or editing:
        return f'<div class="cr-given"><div class="cr-speaker">Given response</div>{text_html(given)}</div>'
    return diff_html(given, new, sides=sides, old_title="Given response", new_title=title)


def _why(item: Item) -> str:
    proposal = item.proposal
    label = {"drop": "Proposed: drop", "replace": "Proposed: replace", "keep": "Proposed: keep"}
    mark = fate_html(proposal.fate, label.get(proposal.fate, "No proposal"))
    return f'<section class="cr-parts"><h4>Why</h4>{mark}<p>{escaped(proposal.reason)}</p></section>'

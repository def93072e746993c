"""The fold of proposals and decisions: what becomes of each example, with a reason and an author."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clear_core.errors import InputError
from clear_core.types import Decision, Fate, Outcome, Proposal

POLICY_AUTHOR = "policy"

_WORDS: Mapping[Fate, str] = {"keep": "kept", "drop": "dropped", "replace": "replaced"}


def standing(decisions: Iterable[Decision]) -> dict[int, Decision]:
    """The decision in force for each row: undone ones are taken out, then the latest wins.

    Args:
        decisions: every decision in the order it was appended. The same uid twice counts once, and an undo
            takes back the decision it names; an undo can itself be undone, which brings that decision back.

    Returns:
        The standing decision by row, `unsure` ones included: they leave the example open.
    """
    ordered = list({decision.uid: decision for decision in decisions}.values())
    undone: set[str] = set()
    # From the latest back: by the time a decision is met, every undo that could name it has been weighed.
    for decision in reversed(ordered):
        if decision.action == "undo" and decision.undoes and decision.uid not in undone:
            undone.add(decision.undoes)
    return {d.row: d for d in ordered if d.action != "undo" and d.uid not in undone}


def outcome_of(proposal: Proposal, decision: Decision | None) -> Outcome:
    """What becomes of one example: the person's fate if one was decided, else the proposal's.

    Raises:
        InputError: when the decision belongs to another example, or replaces by nothing.
    """
    if decision is not None and decision.id != proposal.id:
        raise InputError(
            f"Row {proposal.row} is {proposal.id!r} in the proposals, but {decision.id!r} in the decisions.",
            "Use decisions made on the same dataset.",
        )
    if decision is None or decision.fate is None:
        return Outcome(proposal.id, proposal.row, proposal.fate, proposal.response, proposal.reason, POLICY_AUTHOR)
    if decision.fate == "replace" and decision.response is None:
        raise InputError(
            f"The decision on row {decision.row} ({decision.id!r}) replaces the response, but has none.",
            "Give the decision a response, or another fate.",
        )
    response = decision.response if decision.fate == "replace" else None
    return Outcome(proposal.id, proposal.row, decision.fate, response, _reason(decision), decision.reviewer)


def _reason(decision: Decision) -> str:
    what = _WORDS[decision.fate] if decision.fate else "left open"
    how = " with an edited response" if decision.action == "edit" else ""
    note = f": {decision.note}" if decision.note else ""
    return f"{what.capitalize()} by {decision.reviewer}{how}{note}."


def apply_decisions(proposals: Iterable[Proposal], decided: Mapping[int, Decision]) -> Iterator[Outcome]:
    """Fold proposals with the standing decisions, in the proposals' order. A person always beats a threshold.

    Args:
        proposals: one proposal per example.
        decided: the standing decision by row, as `standing` gives it.

    Raises:
        InputError: when a decision names a row or an id that the proposals don't have.
    """
    unused = dict(decided)
    for proposal in proposals:
        yield outcome_of(proposal, unused.pop(proposal.row, None))
    if unused:
        row, decision = next(iter(unused.items()))
        raise InputError(
            f"{len(unused)} decisions have no proposal, the first one on row {row} ({decision.id!r}).",
            "Use decisions and proposals of the same dataset.",
        )
